package portable_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/brianvoe/gofakeit/v7"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/cmd/internal/portable"
	"imagine.ua/litopys/config"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
)

var update = flag.Bool("update", false, "rewrite the golden copies in testdata")

var began = time.Date(2025, 3, 11, 10, 0, 0, 0, time.UTC)

// ledgerOf opens a ledger in a folder of its own.
func ledgerOf(t *testing.T) *app.App {
	t.Helper()
	cfg := config.Default()
	cfg.Dir = t.TempDir()
	a, err := app.Open(t.Context(), app.Options{Config: cfg, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// person is a generated one, with what he gave and what his browser said.
type person struct {
	id     domain.SubjectID
	values map[string]string // that are held at the end
	gone   []string          // that are not
}

var web = ledger.Template{Actor: domain.Actor{Kind: domain.ActorSubject, ID: "web"}, Service: "account", Purpose: "service", Grounds: "ua.11.1.3"}

// live makes some people whose names would break a page that does not escape them.
func live(t *testing.T, a *app.App, seed uint64, n int) []person {
	t.Helper()
	fake := gofakeit.New(seed)
	post := domain.RecipientID{UUID: uuid.MustParse("c0000000-0000-4000-8000-000000000001")}
	commands := []ledger.Command{recipient.Add{About: web.Recipient(post, "post", began), Card: recipient.Card{Name: `Post & "Sons"`, Kind: "delivery", Country: "UA", Contract: "c-1"}}}
	people := make([]person, n)
	for i := range people {
		p := person{id: domain.SubjectID{UUID: uuid.MustParse(fmt.Sprintf("a0000000-0000-4000-8000-%012d", i+1))}}
		op := func(what string, hours int) subject.About {
			return web.Subject(p.id, what, began.Add(time.Duration(hours)*time.Hour))
		}
		name, email, phone := `<script>alert("`+fake.Name()+`")</script>`, fmt.Sprint(i, fake.Email()), fake.Phone()
		page, old := "/"+fake.UUID(), "old-"+fake.UUID()
		consent, order := domain.ConsentID{UUID: p.id.UUID}, domain.OrderID{UUID: p.id.UUID}
		commands = append(commands,
			subject.Register{About: op("r", 0)},
			subject.Collect{About: op("c", 1), Source: subject.BySubject, Values: []subject.Given{subject.Give("name", old), subject.Give("email", email), subject.Give("phone", phone), subject.Give("tax_number", "tax-"+phone)}},
			subject.Edit{About: op("e", 2), Values: []subject.Given{subject.Give("name", name)}},
			subject.GrantConsent{About: op("g", 3), Consent: consent, TextHash: policy.Imagine().TextHash, Scope: subject.Scope{Purposes: []domain.Purpose{"service"}, Fields: []domain.Field{"email"}}},
			subject.PlaceOrder{About: web.In("orders").For("orders").Subject(p.id, "o", began.Add(4*time.Hour)), Order: order, Scope: subject.Scope{Purposes: []domain.Purpose{"orders"}, Fields: []domain.Field{"name", "phone"}, Recipients: []domain.RecipientID{post}}},
			subject.Transfer{About: web.In("orders").For("orders").Subject(p.id, "t", began.Add(5*time.Hour)), Recipient: post, Fields: []domain.Field{"name", "phone"}, Basis: subject.ByOrder{Order: order}},
			subject.Delete{About: op("d", 6), Fields: []domain.Field{"phone", "tax_number"}},
		)
		for month := range 2 {
			at := began.AddDate(0, month, 0).Add(7 * time.Hour)
			commands = append(commands, subject.Collect{About: web.In("site").Subject(p.id, "v", at), Source: subject.Automatic, Values: []subject.Given{subject.Give("page", page+fmt.Sprint(month))}})
		}
		p.values = map[string]string{name: "name", email: "email", page + "0": "page", page + "1": "page"}
		p.gone = []string{old, phone}
		people[i] = p
	}
	if err := ledger.Errors(a.Ledger.HandleAll(t.Context(), commands)); err != nil {
		t.Fatal(err)
	}
	return people
}

func copyOf(t *testing.T, a *app.App, id domain.SubjectID) (portable.Copy, []domain.FieldEpoch) {
	t.Helper()
	var draft *portable.Draft
	err := a.View(t.Context(), func(s projections.Snapshot) (err error) {
		var found bool
		draft, found, err = portable.Gather(t.Context(), s, a.Policy, id, began.AddDate(1, 0, 0))
		if err == nil && !found {
			t.Fatal("the person is not found")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := draft.Complete(t.Context(), a.Journal, app.Opener{Journal: a.Journal})
	if err != nil {
		t.Fatal(err)
	}
	return got, draft.Values()
}

// Everybody gets all that is held of him, and nothing of a neighbour or of what he deleted.
func TestCopyIsWholeAndNobodyElses(t *testing.T) {
	t.Parallel()
	a := ledgerOf(t)
	people := live(t, a, 7, 5)
	for i, p := range people {
		got, viewed := copyOf(t, a, p.id)
		have := map[string]string{}
		for _, v := range got.Values {
			have[v.Value] = v.Field
			if v.Source == "" || v.Grounds == "" || v.GroundsTitle == "" || len(v.Purposes) == 0 || len(v.AfterDeletion) == 0 || v.Since.IsZero() {
				t.Errorf("a value lacks its particulars: %+v", v)
			}
		}
		if diff := cmp.Diff(p.values, have); diff != "" {
			t.Errorf("person %d (-held +given):\n%s", i, diff)
		}
		if len(viewed) != len(p.values) {
			t.Errorf("%d values are viewed, %d given", len(viewed), len(p.values))
		}
		var text bytes.Buffer
		if err := got.WriteJSON(&text); err != nil {
			t.Fatal(err)
		}
		for j, other := range people {
			for value := range other.values {
				if quoted, _ := json.Marshal(value); j != i && (strings.Contains(text.String(), value) || bytes.Contains(text.Bytes(), quoted)) {
					t.Errorf("person %d is given a value of person %d", i, j)
				}
			}
			for _, value := range other.gone {
				if strings.Contains(text.String(), value) {
					t.Errorf("person %d is given what person %d deleted", i, j)
				}
			}
		}
		if len(got.Kept) != 1 || got.Kept[0].Field != "tax_number" || got.Kept[0].Until.IsZero() || got.Kept[0].Legal == "" {
			t.Errorf("kept by law: %+v", got.Kept)
		}
		if len(got.Transfers) != 1 || len(got.Transfers[0].Fields) != 2 || got.Transfers[0].Recipient != `Post & "Sons"` || len(got.Consents) != 1 {
			t.Errorf("transfers %+v, consents %+v", got.Transfers, got.Consents)
		}
	}
}

// Both forms are as they were; the page runs and loads nothing.
func TestGolden(t *testing.T) {
	t.Parallel()
	a := ledgerOf(t)
	got, _ := copyOf(t, a, live(t, a, 11, 1)[0].id)
	for name, write := range map[string]func(io.Writer) error{"copy.json": got.WriteJSON, "copy.html": got.WriteHTML} {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text.String()); diff != "" {
			t.Errorf("%s (-golden +now):\n%s", name, diff)
		}
	}
}

func TestPageEscapes(t *testing.T) {
	t.Parallel()
	hostile := `</td><script>alert(1)</script><img src=x onerror=alert(1)>"'&`
	c := portable.Copy{Controller: portable.Controller{Name: hostile, Site: "javascript:alert(1)"}, Values: []portable.Value{{Field: "name", Title: hostile, Value: hostile, Source: hostile}},
		Transfers: []portable.Transfer{{Recipient: hostile, Fields: []string{hostile}}}, Kept: []portable.Kept{{Rule: hostile}}, Requests: []portable.Request{{Kind: hostile}}}
	var text bytes.Buffer
	if err := c.WriteHTML(&text); err != nil {
		t.Fatal(err)
	}
	if bad := regexp.MustCompile(`(?i)<(script|img|iframe|link|a)\b|href=|src="|url\(`).FindString(text.String()); bad != "" {
		t.Errorf("the page holds %q", bad)
	}
	if !strings.Contains(text.String(), "&lt;script&gt;") {
		t.Error("the value is not shown")
	}
}
