// Package law is what acts of law say about time and duty, as data: a pack a jurisdiction, with its terms, its
// retention rules, the grounds on which data are deleted, the exemptions from notices, and its working-day
// calendar. No term stands in code: a change of law is a new version of a pack.
//
// ua.yaml is the Law of Ukraine on the protection of personal data with the Ombudsman's procedure, eu.yaml the
// GDPR; both are embedded. Load reads a pack of one's own and reports all of its problems at once. Each entry
// carries a Mark that says how far its source was read. This is not legal advice.
//
// Nothing here knows the clock: every moment is passed in. Days are counted in the pack's own zone, from the
// civil date there, so a day of 23 or 25 hours is one day; what comes out is UTC. The day of the event is not
// counted. A term ends with the last moment of its last day, and Due is the first moment after it.
//
// A loaded Pack is never changed, so any number of goroutines may read it.
package law
