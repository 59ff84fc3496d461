// Package register answers: what is processed here, why, of whom, how long, and who else has it now? It is the record
// of processing activities (GDPR art. 30; order 1/02-14 of the Ombudsman) as a document, made of the policy, which
// says what is meant, and of the log, which says what is done.
//
// For recipients the rows say what each of them holds of whom at this moment, value by value: a transfer brings it
// there, an edit makes it out of date, a deletion or the end of a term or of a hold obliges to tell the recipient, and
// from the notice on he holds it no more as far as the controller knows. Whether a notice is owed is for the law to
// say, and that answer is read from the projection obligations instead of being worked out a second time, so that the
// two cannot contradict each other.
package register
