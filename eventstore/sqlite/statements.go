package sqlite

import (
	"github.com/ncruces/go-sqlite3"

	"imagine.ua/litopys/eventstore"
)

// maxTexts bounds for how many texts a statement waits to be used again. The texts of a key store, the
// richest in them, are some sixty; what goes beyond are texts made up for one query.
const maxTexts = 128

// statements are those of one connection. Each has one user at a time: a query inside the loop of a query
// with the same text gets a statement of its own, because one for both would put the outer loop back to its
// first row.
type statements struct {
	raw    *sqlite3.Conn
	cached map[string]*statement      // one of each text, in use or not
	extra  map[*statement]struct{}    // in use while another of the same text is cached
	kept   map[string][]*sqlite3.Stmt // of Prepared
	uses   uint64
}

type statement struct {
	*sqlite3.Stmt
	lent bool
	used uint64 // when it was lent last, counted in uses
}

func newStatements(raw *sqlite3.Conn) *statements {
	return &statements{raw: raw, cached: map[string]*statement{}, extra: map[*statement]struct{}{}, kept: map[string][]*sqlite3.Stmt{}}
}

// borrow gives a statement that nobody else uses until it is given back.
func (s *statements) borrow(sql string) (*statement, error) {
	if s == nil {
		return nil, eventstore.ErrClosed
	}
	stmt := s.cached[sql]
	if stmt == nil || stmt.lent {
		fresh, err := s.prepare(sql)
		if err != nil {
			return nil, err
		}
		busy := stmt != nil
		stmt = &statement{Stmt: fresh}
		if busy {
			s.extra[stmt] = struct{}{}
		} else {
			s.cached[sql] = stmt
		}
	}
	s.uses++
	stmt.lent, stmt.used = true, s.uses
	if len(s.cached) > maxTexts {
		s.dropOldest()
	}
	return stmt, nil
}

// giveBack ends a use. Of one text the statement that came back first stays, so that an inner query which
// runs for every row of the outer is prepared once.
func (s *statements) giveBack(sql string, stmt *statement) {
	if s == nil {
		return // the connection was closed inside the loop
	}
	_ = stmt.Reset() // repeats the error of the last step
	_ = stmt.ClearBindings()
	stmt.lent = false
	cached := s.cached[sql]
	switch {
	case cached == stmt:
		return
	case cached != nil && !cached.lent:
		delete(s.extra, stmt)
		_ = stmt.Close()
		return
	case cached != nil:
		s.extra[cached] = struct{}{}
	}
	delete(s.extra, stmt)
	s.cached[sql] = stmt
}

// dropOldest makes room for a text. What is in use stays.
func (s *statements) dropOldest() {
	oldest, at := "", s.uses+1
	for sql, stmt := range s.cached {
		if !stmt.lent && stmt.used < at {
			oldest, at = sql, stmt.used
		}
	}
	if stmt := s.cached[oldest]; stmt != nil {
		_ = stmt.Close()
		delete(s.cached, oldest)
	}
}

// keep gives a statement that is in the middle of nothing, and keeps it for good.
func (s *statements) keep(sql string) (*sqlite3.Stmt, error) {
	if s == nil {
		return nil, eventstore.ErrClosed
	}
	for _, stmt := range s.kept[sql] {
		if !stmt.Busy() {
			_ = stmt.Reset() // repeats the error of the last step
			return stmt, stmt.ClearBindings()
		}
	}
	stmt, err := s.prepare(sql)
	if err == nil {
		s.kept[sql] = append(s.kept[sql], stmt)
	}
	return stmt, err
}

func (s *statements) prepare(sql string) (*sqlite3.Stmt, error) {
	stmt, _, err := s.raw.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err == nil && stmt == nil {
		err = sqlite3.MISUSE // a text without a statement
	}
	return stmt, err
}

// close releases all of them, those in use too.
func (s *statements) close() {
	for _, stmt := range s.cached {
		_ = stmt.Close()
	}
	for stmt := range s.extra {
		_ = stmt.Close()
	}
	for _, kept := range s.kept {
		for _, stmt := range kept {
			_ = stmt.Close()
		}
	}
}
