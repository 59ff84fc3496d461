package projections

import (
	"cmp"
	"context"
	"iter"
	"strings"

	"github.com/google/uuid"
)

// Backend keeps builds of projections. Every method is one transaction: done whole or not at all, also when
// the process dies within it. It is safe for concurrent use; readers and writers do not wait for each other.
type Backend interface {
	Builder
	Viewer
	// Close waits for running calls and releases everything. Closing twice is a no-op.
	Close() error
}

// Builder writes builds.
type Builder interface {
	// Builds lists all builds, by projection and number.
	Builds(ctx context.Context) ([]Build, error)
	// Create makes the tables of the projection's next build, empty. A Live one gets its secondary indexes
	// at once and readers see it; it gives ErrConflict when there is a live build already. A Building one
	// gets them by Index; it gives ErrConflict when one is being built.
	Create(ctx context.Context, p *Projection, log uuid.UUID, state BuildState) (Build, error)
	// Load fills a Building build that stands at the beginning: all its rows at once, in one transaction
	// with its mark. When the mark is at l.To already it is no error; when it is elsewhere, or the build is
	// gone or of another state, it gives ErrConflict and writes nothing. It may ask for the rows again.
	Load(ctx context.Context, l Load) error
	// Rows yields all rows of one table of a build, sorted by key, as they are at one moment. A row is valid
	// until the next one. An error is yielded once and last; a build that is gone gives ErrConflict.
	Rows(ctx context.Context, b Build, t *Table) iter.Seq2[Row, error]
	// Commit writes a batch's rows and moves the build's mark from c.From to c.To and its Failure to
	// c.Failure. When the mark is at c.To already, nothing is written and it is no error: the batch is
	// applied. When the mark is elsewhere, or the build is gone or Old, it gives ErrConflict and writes
	// nothing. A Building build takes rows once it is indexed, and before that only a Failure.
	Commit(ctx context.Context, c Commit) error
	// Index makes the keys, as far as Load did not, and the secondary indexes of a build. Repeating it
	// changes nothing.
	Index(ctx context.Context, p *Projection, b Build) error
	// Switch makes each of these builds the live one of its projection, and what was live Old, all in one
	// transaction. It gives ErrConflict and switches nothing when a build is not Building any more, not
	// indexed, or behind the live build of the same log that it would replace.
	Switch(ctx context.Context, set []Build) error
	// Rollback makes the Old build of each projection the live one again and the live one Old. It gives
	// ErrNoOld when one of them has no Old build.
	Rollback(ctx context.Context, projections []string) error
	// Drop removes builds with their rows. A live one gives ErrConflict. One that is gone is no error.
	Drop(ctx context.Context, set []Build) error
}

// Load is all that a build begins with.
type Load struct {
	Projection *Projection
	Number     int64 // of the build
	To         Mark
	Events     int64
	Tables     []Filling
}

// Filling is the rows of one table, sorted by key without repetition. It may be gone through several times,
// and one row is valid until the next.
type Filling struct {
	Table *Table
	Rows  iter.Seq2[Row, error]
}

// Commit is what a batch does to a build.
type Commit struct {
	Projection *Projection
	Number     int64 // of the build
	From, To   Mark
	Events     int64 // folded in this batch
	Changes    []Changes
	Failure    *Failure // set when the event after To stopped the projection; nil clears it
}

// Viewer reads live builds.
type Viewer interface {
	// View gives do a snapshot of the builds that are live when it begins, whatever is committed, switched or
	// dropped meanwhile: all that it reads of one build belongs to one moment. Builds are committed apart from
	// each other, so each says by itself how far it is. The snapshot must not be used after do returns.
	View(ctx context.Context, do func(Snapshot) error) error
}

// Snapshot is one moment of each live build. It is not safe for concurrent use.
type Snapshot interface {
	// Select yields the rows, sorted as asked. A row is valid until the next one is asked for. An error is
	// yielded once and last; a projection without a live build gives ErrNoBuild.
	Select(ctx context.Context, q Select) iter.Seq2[Row, error]
	// Live gives the live build of a projection, or ErrNoBuild.
	Live(ctx context.Context, projection string) (Build, error)
}

// Select asks for rows of one table.
type Select struct {
	Table *Table
	// Columns wanted, by number, in the order of the answer; nil for all.
	Columns []int
	// Where are conditions, all of which must hold.
	Where []Where
	// By is the order, by columns; nil for the order of the key.
	By []int
	// Reverse turns the order round.
	Reverse bool
	// Limit is the number of rows at most; 0 for all.
	Limit int
}

// Where is one condition: the column compared with a value. A NULL cell meets no condition.
type Where struct {
	Column int
	Op     Op
	Value  Value
}

// holds is the condition on a row in memory; it must agree with every backend's own comparison.
func (w Where) holds(row Row) bool {
	have := row[w.Column]
	if have.IsNull() || w.Value.IsNull() {
		return false
	}
	c := cmp.Or(cmp.Compare(have.n, w.Value.n), strings.Compare(have.s, w.Value.s))
	switch w.Op {
	case Eq:
		return c == 0
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	case Gt:
		return c > 0
	case Ge:
		return c >= 0
	case Ne:
		return c != 0
	}
	return false
}

// Op compares.
type Op uint8

// The comparisons.
const (
	Eq Op = iota
	Lt
	Le
	Gt
	Ge
	Ne
)

// String is the comparison as SQL writes it.
func (o Op) String() string { return [...]string{"=", "<", "<=", ">", ">=", "<>"}[o] }
