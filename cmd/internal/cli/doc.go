// Package cli is the command line of Litopys.
//
// Every command parses, checks, acts and prints, in that order. Standard output holds the answer and
// nothing else; everything said about it goes to standard error. With --json the answer is JSON, one
// object or one object a line, whose members are only ever added to.
//
// Personal values show as [sealed] or [erased]. They open only with --open, a role, a purpose and grounds,
// and the viewing is recorded before the first value is shown.
package cli
