// Package statistics decides what may be said of a calendar month for ever (clauses 2.2.5, 2.2.8 and 4.2): tables
// of counted persons that no longer speak of any one of them. It has the plan of the tables (data), the protection
// of their small cells, the check that a reader's arithmetic finds nothing in them, and the fact Published.
//
//	plan.yaml ──▶ Plan           what is counted, by which dimensions, in how many cells a person counts at most
//	counts ──▶ Protect ──▶ Table  small cells suppressed, then others by a secret chance, until Check holds
//	Publish ──▶ Decide            the month is over, published once, every table passes Check again
//
// Check works on a table as it is published, without the counts below: what it lets through is what a stranger
// can find out; the secret keeps him from working backwards from the method itself. Periods are calendar months and nothing else, because two periods that overlap can be subtracted
// from one another.
//
// A published figure is a fact. It is never computed again: the difference of two computations, one before and one
// after an erasure, would be the erased person.
//
// What the protection does not promise: a stranger who knows the data of everybody else can find the last person in
// an exact count. Only noise (differential privacy) bounds him; a plan says how much of it each table gets.
package statistics
