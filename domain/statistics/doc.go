// Package statistics decides what may be said of a calendar month for ever (clauses 2.2.5, 2.2.8 and 4.2): tables
// of counted persons that no longer speak of any one of them. It has the plan of the tables (data), the protection
// of their small cells, the check of what is published, and the fact Published.
//
//	plan.yaml ──▶ Plan           what is counted, by which dimensions, in how many cells a person counts at most
//	counts ──▶ Protect ──▶ Table  small cells left out, others by a secret chance, every figure rounded by it
//	Publish ──▶ Decide            the month is over, published once, every table passes Check again
//
// A figure is one of the two multiples of the base next to the count, drawn by a secret from who is in the crowd
// (Group): the same persons have the same figure in every table, and a figure of others has a chance of its own. So
// no difference of two figures, in whatever tables and months, proves that somebody is in a small crowd; what many
// figures of one month prove together is for whoever counted to find out before they are published. Check sees
// single tables, without the counts below. Periods are calendar months and nothing else, because two periods that
// overlap can be subtracted from one another.
//
// A published figure is a fact. It is never computed again: the difference of two computations, one before and one
// after an erasure, would be the erased person.
//
// What the protection does not promise: a stranger who knows the data of everybody else can guess the last person
// with more luck than chance. Only noise (differential privacy) bounds him; a plan says how much of it each table gets.
package statistics
