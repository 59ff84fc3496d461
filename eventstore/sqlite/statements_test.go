package sqlite_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"pgregory.net/rapid"

	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/sqlite"
)

const above = "SELECT a FROM v WHERE a > ? ORDER BY a"

// numbers is a table of 1..n.
func numbers(t testing.TB, n int) *sqlite.Conn {
	t.Helper()
	c := open(t, filepath.Join(t.TempDir(), "x.db"))
	if err := c.Script("CREATE TABLE v(a)"); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := c.Run("INSERT INTO v VALUES (?)", i+1); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// statementsOf counts what the driver holds, whoever forgot it.
func statementsOf(c *sqlite.Conn) (n int) {
	for range c.Stmts() {
		n++
	}
	return n
}

// read gives the rows of a query of its own.
func read(t testing.TB, c *sqlite.Conn, after int) (got []int) {
	t.Helper()
	for s, err := range c.Rows(above, after) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.ColumnInt(0))
	}
	return got
}

func TestLoopsOfOneTextInsideOneAnother(t *testing.T) {
	t.Parallel()
	c := numbers(t, 5)
	before := statementsOf(c)
	var got []string
	for a, err := range c.Rows(above, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for b, err := range c.Rows(above, a.ColumnInt(0)) {
			if err != nil {
				t.Fatal(err)
			}
			if found, err := c.Row(func(z *sqlite3.Stmt) {
				got = append(got, fmt.Sprint(a.ColumnInt(0), b.ColumnInt(0), z.ColumnInt(0)))
			}, above, b.ColumnInt(0)); err != nil || found != (b.ColumnInt(0) < 5) {
				t.Fatal(found, err)
			}
		}
	}
	want := []string{"1 2 3", "1 3 4", "1 4 5", "2 3 4", "2 4 5", "3 4 5"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := statementsOf(c); n != before+1 {
		t.Errorf("%d statements are left, want one of the text beside %d", n, before)
	}
}

func TestBrokenOffLoopsLeaveTheOuterWhereItStands(t *testing.T) {
	t.Parallel()
	c := numbers(t, 4)
	before := statementsOf(c)
	var got []int
outer:
	for a, err := range c.Rows(above, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for b, err := range c.Rows(above, 0) {
			if err != nil {
				t.Fatal(err)
			}
			if b.ColumnInt(0) == 2 {
				break
			}
			if a.ColumnInt(0) == 3 {
				break outer
			}
		}
		got = append(got, a.ColumnInt(0))
	}
	if !slices.Equal(got, []int{1, 2}) {
		t.Errorf("the outer loop came to %v, want 1 and 2", got)
	}
	func() {
		defer func() { _ = recover() }()
		for range c.Rows(above, 0) {
			for range c.Rows(above, 0) {
				panic("in the middle")
			}
		}
	}()
	if all := read(t, c, 0); !slices.Equal(all, []int{1, 2, 3, 4}) {
		t.Errorf("a loop after them gives %v", all)
	}
	if n := statementsOf(c); n != before+1 {
		t.Errorf("%d statements are left, want one of the text beside %d", n, before)
	}
}

// TestOneSequenceRangedOverInsideItself: each pass over the value that Rows gave is a query.
func TestOneSequenceRangedOverInsideItself(t *testing.T) {
	t.Parallel()
	rows, n := numbers(t, 3).Rows(above, 0), 0
	for _, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range rows {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
	}
	if n != 9 {
		t.Errorf("%d turns, want 9", n)
	}
}

// TestAnInnerQueryOfEveryRowIsPreparedOnce: the extra statement is not made anew for each row.
func TestAnInnerQueryOfEveryRowIsPreparedOnce(t *testing.T) {
	t.Parallel()
	c := numbers(t, 20)
	seen := map[*sqlite3.Stmt]bool{}
	for range c.Rows(above, 0) {
		for s := range c.Rows(above, 0) {
			seen[s] = true
		}
	}
	if len(seen) != 1 {
		t.Errorf("%d statements for the inner loop, want 1", len(seen))
	}
}

// TestStatementsAreBounded: texts that are made up leave a bounded number of statements, and the oldest go.
func TestStatementsAreBounded(t *testing.T) {
	t.Parallel()
	c := numbers(t, 1)
	for outer, err := range c.Rows(above, 0) {
		if err != nil || outer.ColumnInt(0) != 1 {
			t.Fatal(outer, err)
		}
		for i := range 1000 {
			if err := c.Run(fmt.Sprint("UPDATE v SET a = a WHERE a = ", -i)); err != nil {
				t.Fatal(err)
			}
			if n := statementsOf(c); n > 129 {
				t.Fatalf("%d statements after %d texts", n, i)
			}
		}
		if outer.ColumnInt(0) != 1 {
			t.Error("the statement of the running loop went")
		}
	}
}

// TestPreparedIsItsOwners: what Run and Rows do never touches a statement that somebody holds on to.
func TestPreparedIsItsOwners(t *testing.T) {
	t.Parallel()
	c := numbers(t, 3)
	s, err := c.Prepared(above)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.BindInt(1, 1); err != nil {
		t.Fatal(err)
	}
	_ = read(t, c, 2)
	if !s.Step() || s.ColumnInt(0) != 2 {
		t.Fatalf("its argument was changed: %v", s.Err())
	}
	other, err := c.Prepared(above)
	if err != nil || other == s {
		t.Fatalf("a statement between two rows was given again (%v)", err)
	}
	if !s.Step() || s.ColumnInt(0) != 3 || s.Step() {
		t.Errorf("it was moved: %v", s.Err())
	}
	if again, err := c.Prepared(above); err != nil || again != s || again.Step() {
		t.Errorf("it is given again reset and unbound (%v)", err)
	}
}

func TestClosedInsideALoop(t *testing.T) {
	t.Parallel()
	c := numbers(t, 3)
	var errs []error
	for _, err := range c.Rows(above, 0) {
		if errs = append(errs, err); err != nil {
			break
		}
		for range c.Rows(above, 0) {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if len(errs) != 2 || errs[0] != nil || !errors.Is(errs[1], eventstore.ErrClosed) {
		t.Errorf("the loop gave %v, want a row and then ErrClosed", errs)
	}
	if _, err := c.Prepared(above); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("Prepared after Close: %v", err)
	}
	if err := c.Run(above, 0); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("Run after Close: %v", err)
	}
}

func TestTextsThatAreNoStatement(t *testing.T) {
	t.Parallel()
	c := numbers(t, 1)
	before := statementsOf(c)
	for _, sql := range []string{"", "-- nothing", "SELEC"} {
		if err := c.Run(sql); err == nil {
			t.Errorf("%q was run", sql)
		}
		if _, err := c.Prepared(sql); err == nil {
			t.Errorf("%q was prepared", sql)
		}
	}
	if err := c.Run(above, struct{}{}); err == nil {
		t.Error("an argument of no kind was bound")
	}
	if n := statementsOf(c); n != before+1 {
		t.Errorf("%d statements are left, want %d", n, before+1)
	}
}

// TestAnyNestOfQueries: whatever stands inside whatever, and wherever it is broken off, each loop gives its
// own rows in order, and no more statements stay than texts.
func TestAnyNestOfQueries(t *testing.T) {
	t.Parallel()
	c := numbers(t, 6)
	texts := []string{above, above + " LIMIT 4", "SELECT a FROM v WHERE a > ?"}
	before := statementsOf(c)
	rapid.Check(t, func(t *rapid.T) {
		var nest func(depth int)
		nest = func(depth int) {
			after := rapid.IntRange(0, 5).Draw(t, "after")
			stop := rapid.IntRange(after+1, 7).Draw(t, "stop")
			next := after + 1
			for s, err := range c.Rows(rapid.SampledFrom(texts).Draw(t, "text"), after) {
				if err != nil {
					t.Fatal(err)
				}
				if depth < 3 && rapid.Bool().Draw(t, "nest") {
					nest(depth + 1)
				}
				if s.ColumnInt(0) != next {
					t.Fatalf("row %d, want %d", s.ColumnInt(0), next)
				}
				if next++; next == stop {
					break
				}
			}
		}
		nest(0)
		if n := statementsOf(c); n > before+len(texts) {
			t.Fatalf("%d statements", n)
		}
	})
}
