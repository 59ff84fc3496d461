// Package journal is where facts become records and records become facts again. It joins a store (the log),
// a key store and the schema:
//
//	Append    ensure keys ▸ seal each value to its place ▸ encode ▸ append, durable ▸ carry out fates
//	read      decode; values stay sealed, with the address that they were sealed for
//	Open      open sealed values at the last moment: clear, or erased, which is an answer and no error
//
// Facts come first, then keys. An event that decides the fate of values is durable before a key changes;
// one goroutine, the follower, then carries fates out in the order of the log, and remembers in the key
// store how far it came. Append returns when the fates of its events are carried out. After a crash
// between the two, opening the journal carries out what is missing before the first read.
//
//	crash after            left behind                        on the next open
//	keys are made          keys without a value               nothing: the first value that comes uses them
//	the append             facts whose fates are not done     the follower carries them out
//	the fates              the follower's position is old     fates are repeated, which changes nothing
//
// Open makes a Journal in a data folder; New joins parts that stand elsewhere. Programs outside this module
// use these two and the package ledger, and nothing internal.
package journal
