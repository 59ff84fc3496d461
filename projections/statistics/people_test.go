package statistics_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/request"
	counts "imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/projtest"
	"imagine.ua/litopys/projections/statistics"
)

const may domain.Month = "2015-05"

var mayFirst = time.Date(2015, 5, 1, 12, 0, 0, 0, time.UTC)

// town is a log of generated people, and the truth about them that no table may give away.
type town struct {
	log  *projtest.Log
	now  time.Time
	dice func(int) int
	ids  uint64
}

func newTown(dice func(int) int) *town {
	return &town{log: projtest.NewLog(uuid.MustParse("5c4f4f0e-9a3e-4ed2-8c37-8f8b53a4f002")), now: mayFirst, dice: dice}
}

func (w *town) id() (id uuid.UUID) {
	w.ids++
	binary.BigEndian.PutUint64(id[:8], w.ids*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], w.ids)
	return id
}

// tell records that something happened at a time.
func (w *town) tell(stream domain.Stream, at time.Time, e domain.Event) {
	if at.After(w.now) {
		w.now = at
	}
	w.log.Append(domain.Recorded{Stream: stream, Event: e, Meta: domain.Meta{
		Actor: domain.Actor{Kind: domain.ActorSystem, ID: "app"}, OccurredAt: at, RecordedAt: w.now,
		Purpose: "service", Grounds: "ua.11.1.3", Service: "site", Policy: "2014-01", Command: "c", Content: "00"}})
}

func (w *town) file(id domain.SubjectID, day int, e domain.Event) {
	w.tell(domain.SubjectStream(id), mayFirst.AddDate(0, 0, day), e)
}

func (w *town) register(day int, reference domain.Field) domain.SubjectID {
	id := domain.SubjectID{UUID: w.id()}
	w.registerAs(id, day, reference)
	return id
}

func (w *town) registerAs(id domain.SubjectID, day int, reference domain.Field) {
	w.file(id, day, subject.Registered{Subject: id, Policy: "2014-01", Reference: sealed(id, reference, "1", id.String())})
}

// visit is a page view: browser and page come sealed.
func (w *town) visit(id domain.SubjectID, day int, browser, page string) {
	at := mayFirst.AddDate(0, 0, day)
	month := domain.MonthOf(at)
	w.tell(domain.TraceStream(id, month), at, subject.Collected{Subject: id, Source: subject.Automatic, Items: []domain.Item{
		sealed(id, "browser", domain.Epoch(month), browser), sealed(id, "page", domain.Epoch(month), page)}})
}

func (w *town) give(id domain.SubjectID, day int, fields ...domain.Field) {
	var items []domain.Item
	for _, f := range fields {
		items = append(items, sealed(id, f, "1", "x"))
	}
	w.file(id, day, subject.Collected{Subject: id, Source: subject.BySubject, Items: items})
}

func (w *town) consent(id domain.SubjectID, day int, purposes ...domain.Purpose) {
	w.file(id, day, subject.ConsentGranted{Subject: id, Consent: domain.ConsentID{UUID: w.id()}, Scope: subject.Scope{Purposes: purposes}})
}

func (w *town) transfer(id domain.SubjectID, day int, kind domain.RecipientKind, country domain.Country, field domain.Field) {
	w.file(id, day, subject.Transferred{Subject: id, Recipient: subject.Recipient{ID: domain.RecipientID{UUID: w.id()}, Kind: kind, Country: country},
		Values: []domain.FieldEpoch{{Field: field, Epoch: "1"}}, Basis: subject.ByOrder{Order: domain.OrderID{UUID: w.id()}}})
}

func (w *town) ask(id domain.SubjectID, day int, kind request.Kind) {
	r := domain.RequestID{UUID: w.id()}
	w.tell(domain.RequestStream(r), mayFirst.AddDate(0, 0, day), request.Received{Request: r, Kind: kind, Channel: subject.ByEmail, Subject: id})
}

// remove deletes one field, the month's traces of it included.
func (w *town) remove(id domain.SubjectID, day int, field domain.Field) {
	fate := domain.Fate{Subject: id, Field: field, Epoch: "1", Action: domain.Destroy}
	if field == "browser" || field == "page" {
		fate.Epoch, fate.Through = domain.Epoch(domain.MonthOf(mayFirst.AddDate(0, 0, day))), true
	}
	w.file(id, day, subject.Deleted{Subject: id, Deleted: []domain.Fate{fate}})
}

func (w *town) leave(id domain.SubjectID, day int) {
	var fates []domain.Fate
	for _, f := range []domain.Field{"account", "visitor", "name", "email", "phone"} {
		fates = append(fates, domain.Fate{Subject: id, Field: f, Epoch: "1", Action: domain.Destroy})
	}
	for _, f := range []domain.Field{"browser", "page"} {
		fates = append(fates, domain.Fate{Subject: id, Field: f, Epoch: domain.Epoch(domain.MonthOf(mayFirst.AddDate(0, 0, day))), Through: true, Action: domain.Destroy})
	}
	w.file(id, day, subject.Closed{Subject: id, Deleted: fates})
}

func (w *town) certify(id domain.SubjectID, at time.Time) {
	w.tell(domain.CertificateStream(id), at, subject.KeysDestroyed{Subject: id, UnreadableAt: at, UnrecoverableAfter: at})
}

// sealed is a value that the test's opener opens.
func sealed(id domain.SubjectID, f domain.Field, e domain.Epoch, value string) domain.Item {
	return domain.Item{Subject: id, Field: f, Epoch: e, Value: domain.SealedValue([]byte(value))}
}

// opener opens what the towns seal.
type opener struct{}

func (opener) Open(_ context.Context, values []projections.Sealed) ([]domain.Value, error) {
	out := make([]domain.Value, len(values))
	for i, v := range values {
		b, ok := v.Item.Value.SealedBytes()
		if !ok {
			return nil, errors.New("not sealed")
		}
		out[i] = domain.ClearValue(string(b))
	}
	return out, nil
}

// counted counts a month of a log.
func counted(t testing.TB, log iter.Seq2[domain.Recorded, error], adjust ...func(*statistics.Counting)) *statistics.Counter {
	t.Helper()
	cfg := statistics.Counting{Period: may, Plan: counts.Builtin(), Policy: policy.Imagine(), Opener: opener{}}
	for _, f := range adjust {
		f(&cfg)
	}
	c, err := statistics.NewCounter(cfg)
	if err == nil {
		err = c.Count(context.Background(), log)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// exact are rules under which a table shows every count: for comparing, never for publishing.
var exact = counts.Rules{Threshold: 1, Rounding: 1, Primary: true}

// shown lists the cells of tables as "table: labels = persons".
func shown(tables []counts.Table) map[string]int64 {
	out := map[string]int64{}
	for _, t := range tables {
		for _, c := range t.Cells {
			n := c.Persons
			if c.Suppressed {
				n = -1
			}
			out[fmt.Sprint(t.ID, ": ", c.Labels)] = n
		}
	}
	return out
}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"
	chrome  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"
	robot   = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)

func (w *town) all() iter.Seq2[domain.Recorded, error] { return w.log.ReadAll(context.Background(), 0) }
