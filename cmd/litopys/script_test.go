package main_test

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/rogpeppe/go-internal/testscript"

	"imagine.ua/litopys/eventstore/sqlite"
)

// now sets a variable to the present moment: now NAME. What was so between two commands can then be asked.
func now(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: now NAME")
	}
	ts.Setenv(args[0], time.Now().UTC().Format(time.RFC3339Nano))
}

// alter changes answers as somebody does who has their files: alter FILE PROJECTION SQL, in what readers see of the
// projection.
func alter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: alter FILE PROJECTION SQL")
	}
	catalogue, err := sqlite.Open(context.Background(), sqlite.Config{Path: ts.MkAbs(args[0])})
	ts.Check(err)
	defer func() { ts.Check(catalogue.Close()) }()
	var live int64
	found, err := catalogue.Row(func(s *sqlite3.Stmt) { live = s.ColumnInt64(0) },
		"SELECT number FROM projection_builds WHERE projection = ? AND state = 'live'", args[1])
	ts.Check(err)
	if !found {
		ts.Fatalf("no rows of %s are shown", args[1])
	}
	build, err := sqlite.Open(context.Background(), sqlite.Config{Path: filepath.Join(ts.MkAbs(args[0])+"-builds", fmt.Sprintf("%s.%d.db", args[1], live))})
	ts.Check(err)
	defer func() { ts.Check(build.Close()) }()
	ts.Check(build.Script(args[2]))
	if build.Changes() == 0 {
		ts.Fatalf("no row was changed")
	}
}
