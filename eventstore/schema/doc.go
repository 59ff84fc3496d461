// Package schema is the stored form of events: names, versions and JSON documents, apart from the Go types
// of the domain. What is written once is read for ever.
//
// Names are strings fixed by hand and end in their version: "DataCollected.v1". A document has exactly one
// form: keys in a fixed order, no white space, the zero value left out where a key is optional, ids in
// lower case, times in UTC with microseconds, sealed values in padded base64. Decode refuses every other
// form (unknown or repeated keys, other order, other escapes, a zero that is written out), so what decodes
// encodes to the same bytes again, and the digest of a record says what the record means.
//
// Each document is described once, by a function that walks its fields in order (subject.go, recipient.go,
// meta.go); a coder runs the same walk to write and to read, so the two cannot disagree.
//
// Personal values only pass sealed. A clear one is refused and nothing is written.
//
// A change of a document makes a new version: the new name goes into the table of types, and one pure step
// from the old document to the new one goes into the steps (upcast.go). Readers only ever see the newest
// shape. testdata holds a frozen document of every version ever written.
package schema
