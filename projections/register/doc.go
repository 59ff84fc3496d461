// Package register answers: what is processed here, why, of whom, how long, and who else has it now? It is the record
// of processing activities (GDPR art. 30; order 1/02-14 of the Ombudsman) as a document, made of the policy, which
// says what is meant, and of the log, which says what is done.
//
// For recipients the rows say what each of them holds of whom at this moment: a transfer brings a value there, an edit
// makes it out of date, a deletion obliges to tell the recipient, and from the notice on he holds it no more as far as
// the controller knows. Of one field of one person the row knows the newest epoch that was passed on.
package register
