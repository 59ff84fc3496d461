package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	json "github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"imagine.ua/litopys/config"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/keys/keydb"
	"imagine.ua/litopys/eventstore/keys/keypg"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/postgres"
	"imagine.ua/litopys/projections/sqlite"
)

// Turn says where the keys go.
type Turn struct {
	Ledger   uuid.UUID
	From, To uint64 // the end of the log, here and in the copy
	Place    string // of the copy: an address or a folder
	Logger   *slog.Logger
}

// TurnKeys lets the keys follow a copy of the log from now on; see keydb.Turn. Answers are emptied, since
// their places are those of the old log; the next question computes them again. Nobody may have the ledger
// open.
func TurnKeys(ctx context.Context, cfg config.Config, t Turn) (err error) {
	lock, err := lockFolder(cfg.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	// First what can be made again: once the keys are turned, none of it can be repeated with the old log.
	if err := sqlite.Remove(filepath.Join(cfg.Dir, readFile)); err != nil {
		return err
	}
	if err := blankAnswers(ctx, cfg, t); err != nil {
		return fmt.Errorf("empty the answers: %w", err)
	}
	if err := writeSignpost(cfg, t); err != nil {
		return fmt.Errorf("signpost: %w", err)
	}
	if cfg.Keys.URL != "" {
		return keypg.Turn(ctx, cfg.Keys.URL, t.Ledger, t.From, t.To)
	}
	return keydb.Turn(ctx, filepath.Join(cfg.Dir, keysFile), t.Ledger, t.From, t.To)
}

// blankVersion is a version that no program has: what bears it is computed again at the next question.
const blankVersion = 1_000_000_000

// blankAnswers puts empty builds in the place of those in PostgreSQL, views and rights staying. A build whose
// positions are those of a longer log could not be replaced by one of the copy: it would seem to be ahead.
func blankAnswers(ctx context.Context, cfg config.Config, t Turn) (err error) {
	if cfg.Answers.URL == "" {
		return nil
	}
	backend, err := postgres.Open(ctx, postgres.Config{URL: cfg.Answers.URL, Logger: t.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backend.Close()) }()
	builds, err := backend.Builds(ctx)
	if err != nil {
		return err
	}
	at := func(name string, state projections.BuildState) (projections.Build, bool) {
		i := slices.IndexFunc(builds, func(b projections.Build) bool { return b.Projection == name && b.State == state && b.Log == t.Ledger })
		if i < 0 {
			return projections.Build{}, false
		}
		return builds[i], true
	}
	var blank []projections.Build
	for _, p := range Projections() {
		if _, stands := at(p.Name, projections.Live); !stands {
			continue
		}
		if half, ok := at(p.Name, projections.Building); ok {
			if err := backend.Drop(ctx, []projections.Build{half}); err != nil {
				return err
			}
		}
		empty := &projections.Projection{Name: p.Name, Version: blankVersion, Tables: p.Tables, Apply: p.Apply}
		b, err := backend.Create(ctx, empty, t.Ledger, projections.Building)
		if err != nil {
			return err
		}
		if err := backend.Index(ctx, empty, b); err != nil {
			return err
		}
		blank = append(blank, b)
	}
	if len(blank) == 0 {
		return nil
	}
	return backend.Switch(ctx, blank)
}

// signpostFile stands in a folder whose keys follow a copy of the log, and tells where that is. It is only
// for people: a move that stopped half way, or a setting that was forgotten, would otherwise look like damage.
const signpostFile = "moved.json"

type signpost struct {
	Ledger uuid.UUID `json:"ledger"`
	From   string    `json:"from"` // without secrets
	To     string    `json:"to"`   // without secrets
	At     time.Time `json:"at"`
}

func writeSignpost(cfg config.Config, t Turn) error {
	to := t.Place
	if IsServer(to) {
		to = config.Redacted(to)
	}
	text, err := json.Marshal(signpost{Ledger: t.Ledger, From: Place(cfg), To: to, At: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(cfg.Dir, signpostFile), append(text, '\n'), 0o600)
}

// explainMove says where the log of a folder went, when it can't be opened for that reason.
func explainMove(cfg config.Config, err error) error {
	if !errors.Is(err, eventstore.ErrCorrupt) && !errors.Is(err, eventstore.ErrForeign) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, readErr := os.ReadFile(filepath.Join(cfg.Dir, signpostFile)) //nolint:gosec // our own folder
	var s signpost
	if readErr != nil || json.Unmarshal(text, &s) != nil || s.From != Place(cfg) {
		return err
	}
	return fmt.Errorf("%w: since %s they follow the copy in %s (%s)", keys.ErrElsewhere, s.At.Format(time.RFC3339), s.To, err.Error())
}
