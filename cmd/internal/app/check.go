package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"imagine.ua/litopys/cmd/internal/kms"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/eventstore/esdb"
)

// checkTimeout bounds the questions to one server.
const checkTimeout = 10 * time.Second

// oldestPostgres is the oldest version that the read models and the key store are made for.
const oldestPostgres = 140000

// Finding is what a look at one server gave.
type Finding struct {
	Setting string // "store.url"
	Place   string // without secrets
	OK      bool
	State   string // what was found, or what is wrong
}

// Check asks every configured server whether it can be used. It makes and changes nothing there.
func Check(ctx context.Context, cfg config.Config) []Finding {
	var out []Finding
	var ledger uuid.UUID
	add := func(setting, address string, look func(context.Context) (string, error)) {
		if address == "" {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		f := Finding{Setting: setting, Place: config.Redacted(address)}
		state, err := look(ctx)
		if f.OK, f.State = err == nil, state; err != nil {
			f.State = err.Error()
		}
		out = append(out, f)
	}
	add("store.url", cfg.Store.URL, func(ctx context.Context) (state string, err error) {
		ledger, state, err = lookAtLog(ctx, cfg.Store.URL)
		return state, err
	})
	add("keys.url", cfg.Keys.URL, func(ctx context.Context) (string, error) {
		return lookAtPostgres(ctx, cfg.Keys.URL, func(conn *pgx.Conn) (string, error) { return lookAtKeys(ctx, conn, ledger) })
	})
	add("answers.url", cfg.Answers.URL, func(ctx context.Context) (string, error) {
		return lookAtPostgres(ctx, cfg.Answers.URL, func(*pgx.Conn) (string, error) { return "it answers", nil })
	})
	add("kms.url", cfg.KMS.URL, func(ctx context.Context) (string, error) { return lookAtKMS(ctx, cfg.KMS.URL) })
	return out
}

func lookAtLog(ctx context.Context, address string) (id uuid.UUID, state string, err error) {
	store, err := esdb.Open(ctx, esdb.Config{URL: address, MustExist: true, Attempts: 2, AttemptTimeout: checkTimeout / 3,
		Logger: slog.New(slog.DiscardHandler)})
	if errors.Is(err, fs.ErrNotExist) {
		return uuid.Nil, "it answers and holds no ledger yet", nil
	}
	if err != nil {
		return uuid.Nil, "", err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if id, err = store.Identity(ctx); err != nil {
		return id, "", err
	}
	_, err = store.Head(ctx) // takes the right to read $all
	return id, "it holds ledger " + id.String(), err
}

func lookAtPostgres(ctx context.Context, address string, more func(*pgx.Conn) (string, error)) (string, error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return "", err // the driver blots the password out
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // only asked
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return "", err
	}
	if version < oldestPostgres {
		return "", fmt.Errorf("it is PostgreSQL %d; want 14 or newer", version/10000)
	}
	return more(conn)
}

func lookAtKeys(ctx context.Context, conn *pgx.Conn, ledger uuid.UUID) (string, error) {
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass('litopys_keys.meta') IS NOT NULL").Scan(&exists); err != nil {
		return "", err
	}
	if !exists {
		return "it answers and holds no keys yet", nil
	}
	var of uuid.UUID
	err := conn.QueryRow(ctx, "SELECT ledger FROM litopys_keys.meta").Scan(&of)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "it answers and holds no keys yet", nil
	case err != nil:
		return "", err
	case ledger != uuid.Nil && of != ledger:
		return "", fmt.Errorf("it holds the keys of ledger %s, not of %s", of, ledger)
	}
	return "it holds the keys of ledger " + of.String(), nil
}

func lookAtKMS(ctx context.Context, address string) (state string, err error) {
	service, err := kms.Open(ctx, address)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	probe := []byte("litopys config check")
	wrapped, err := service.Encrypt(ctx, probe)
	if err != nil {
		return "", err
	}
	again, err := service.Decrypt(ctx, wrapped)
	if err == nil && !bytes.Equal(again, probe) {
		err = errors.New("it does not give back what it wrapped")
	}
	return "it wraps and unwraps", err
}
