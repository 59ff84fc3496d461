// Litopys is a ledger of personal-data processing: see "litopys --help".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"imagine.ua/litopys/cmd/internal/cli"
)

func main() { os.Exit(run()) }

// run ends cleanly on an interrupt: the command stops between two steps and closes the ledger. A second
// interrupt ends the process at once, which loses nothing that was acknowledged. A closed pipe ends no process: it
// is an error of writing, after which the ledger is closed as always.
func run() int {
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}
