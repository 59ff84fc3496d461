package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/projections/transfers"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func id(n byte) uuid.UUID { return uuid.UUID{6: 0x40, 8: 0x80, 15: n} }

func sample() []transfers.Transfer {
	at := time.Date(2024, 3, 1, 12, 30, 0, 250_000_000, time.UTC)
	base := transfers.Transfer{
		Position: 70, ID: id(1), Subject: domain.SubjectID{UUID: id(2)}, Field: "email", Epoch: "2",
		Occurred: at, Recorded: at.Add(time.Minute), Recipient: domain.RecipientID{UUID: id(3)}, Kind: "partner", Country: "UA",
		Purpose: "contact", Grounds: "ua.11.1.1", Service: "letters", Policy: "2024-1",
		Actor: domain.Actor{Kind: domain.ActorEmployee, ID: "E-17"},
	}
	consent, order, law, defence := base, base, base, base
	consent.Basis = transfers.Basis{Kind: transfers.Consent, ID: id(4)}
	order.Basis, order.Position, order.Recipient = transfers.Basis{Kind: transfers.Order, ID: id(5)}, 77, domain.RecipientID{UUID: id(6)}
	law.Basis = transfers.Basis{Kind: transfers.Law, Details: []transfers.Detail{{Name: "authority", Value: "A-1"}, {Name: "act", Value: "2297-VI"},
		{Name: "article", Value: "16"}, {Name: "document", Value: "L-9"}, {Name: "dated", Value: "2024-02-28"}, {Name: "approver1", Value: "E-1"}, {Name: "approver2", Value: "E-2"}}}
	defence.Basis = transfers.Basis{Kind: transfers.Defence, Details: []transfers.Detail{{Name: "evidence", Value: "EV-1"}, {Name: "approver1", Value: "E-3"}, {Name: "statement", Value: "defence-statement/1"}}}
	defence.Abroad = "ua.29.3"
	return []transfers.Transfer{consent, order, law, defence}
}

var cards = []transfers.Recipient{
	{ID: domain.RecipientID{UUID: id(3)}, Name: `=HYPERLINK("http://example.org","ТОВ \"Пошта\"")`},
}

func rows(list []transfers.Transfer, last error) iter.Seq2[transfers.Transfer, error] {
	return func(yield func(transfers.Transfer, error) bool) {
		for _, t := range list {
			if !yield(t, nil) {
				return
			}
		}
		if last != nil {
			yield(transfers.Transfer{}, last)
		}
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{CSV, JSONL} {
		var b bytes.Buffer
		n, err := Transfers(&b, f, rows(sample(), nil), cards)
		if err != nil || n != 4 {
			t.Fatalf("%s: %d rows, %v", f, n, err)
		}
		file := filepath.Join("testdata", "transfers."+string(f))
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f, diff)
		}
	}
}

func TestBothFormatsSayTheSame(t *testing.T) {
	t.Parallel()
	var c, j bytes.Buffer
	if _, err := Transfers(&c, CSV, rows(sample(), nil), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := Transfers(&j, JSONL, rows(sample(), nil), nil); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&c).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&j)
	dec.UseNumber()
	for _, record := range records[1:] {
		object := map[string]any{}
		if err := dec.Decode(&object); err != nil {
			t.Fatal(err)
		}
		for i, cell := range record {
			got, there := object[records[0][i]]
			if there != (cell != "") {
				t.Errorf("%s: %q and %v", records[0][i], cell, got)
			}
			if n, ok := got.(json.Number); there && cell != got && (!ok || n.String() != cell) {
				t.Errorf("%s: %q and %v", records[0][i], cell, got)
			}
		}
	}
}

func TestEmptyExport(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	n, err := Transfers(&b, CSV, rows(nil, nil), nil)
	if err != nil || n != 0 || b.String() != strings.Join(Header(), ",")+"\n" {
		t.Errorf("%d, %v, %q", n, err, b.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestErrors(t *testing.T) {
	t.Parallel()
	if _, err := Transfers(io.Discard, "xls", rows(nil, nil), nil); !errors.Is(err, ErrFormat) {
		t.Errorf("unknown format: %v", err)
	}
	cut := errors.New("the log broke off")
	if n, err := Transfers(io.Discard, CSV, rows(sample(), cut), nil); !errors.Is(err, cut) || n != 4 {
		t.Errorf("%d rows before %v", n, err)
	}
	for _, f := range []Format{CSV, JSONL} {
		if _, err := Transfers(full{}, f, rows(sample(), nil), nil); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// FuzzNeutral: no cell that a spreadsheet would run leaves the guard, and the CSV gives back what went in,
// less the guard's mark.
func FuzzNeutral(f *testing.F) {
	for _, s := range []string{"", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "a=1", "'=1", `"=1`, "\uff1d1", "\ufeff=1", "a,\"b\"\nc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		got := Neutral(cell)
		if got != cell && got != "'"+cell {
			t.Fatalf("%q became %q", cell, got)
		}
		if got != "" && strings.ContainsRune("=+-@\t\r", rune(got[0])) {
			t.Fatalf("%q begins a formula", got)
		}
		if trimmed := strings.TrimLeft(got, " \n"); trimmed != "" && strings.ContainsRune("=+-@\t\r", rune(trimmed[0])) {
			t.Fatalf("%q begins a formula behind space", got)
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.Write([]string{got, "x"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		back, err := csv.NewReader(&b).Read()
		// The reader folds CR LF into LF, which is the format's and not ours.
		if err != nil || len(back) != 2 || back[0] != strings.ReplaceAll(got, "\r\n", "\n") {
			t.Fatalf("%q came back as %q, %v", got, back, err)
		}
	})
}
