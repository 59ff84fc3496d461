package subject_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestDigestsAreForEver: a digest stands beside every recorded event. Should it change for one command, a
// retry of that command over an upgrade would be refused as a reused key.
func TestDigestsAreForEver(t *testing.T) {
	t.Parallel()
	a := about()
	fields := []domain.Field{"name", "page"}
	s := scope()
	s.RecipientKinds = []domain.RecipientKind{"delivery"}
	abroad := transferOf(lawful(), "name", "email")
	abroad.Abroad = "ua.29.3"
	var lines []string
	for _, c := range []subject.Command{
		subject.Register{About: a}, subject.Register{About: a, Reference: given("account", "x")},
		subject.Collect{About: a, Source: "subject", Values: []subject.Given{given("name", "x"), given("email", "y")}},
		subject.Dispute{About: a, Field: "name", Document: "s-1"},
		subject.Rectify{About: a, Field: "name"}, subject.Rectify{About: a, Field: "name", Value: domain.ClearValue("x")},
		subject.Identify{About: a, Method: "bank-id", Document: "d-1", Fields: fields},
		subject.Edit{About: a, Values: []subject.Given{given("name", "x")}},
		subject.Delete{About: a, Fields: fields}, subject.Delete{About: a, All: true}, subject.Close{About: a},
		subject.GrantConsent{About: a, Consent: consent, Scope: s, TextHash: textHash, Until: noon},
		subject.WithdrawConsent{About: a, Consent: consent},
		subject.PlaceOrder{About: a, Order: order, Scope: s, Document: "o-1"},
		subject.ExecuteOrder{About: a, Order: order}, subject.CancelOrder{About: a, Order: order},
		subject.Publish{About: a, Fields: fields, Place: "wall"}, subject.WithdrawPublication{About: a, Fields: fields},
		subject.Use{About: a, Fields: fields, Months: []domain.Month{march}},
		subject.View{About: a, Fields: fields, Role: "officer", Document: "t-1"},
		transferOf(subject.ByConsent{Consent: consent}, "name"), transferOf(subject.ByOrder{Order: order}, "name"),
		transferOf(lawful(), "name"), transferOf(defence(), "name"), abroad,
		subject.Delete{About: a, Fields: fields, Ground: "court"},
		subject.View{About: a, Retained: []domain.FieldEpoch{pointer("name", "1"), pointer("page", "2024-03")}, Role: "officer"},
		subject.Transfer{About: a, Recipient: courier, Fields: fields, Basis: lawful(), Exempt: "research", Request: domain.RequestID(order)},
		subject.PlaceHold{About: a, Hold: hold, Fields: fields, Warrant: paper()}, subject.PlaceHold{About: a, Hold: hold, All: true, Warrant: paper()},
		subject.ReleaseHold{About: a, Hold: hold, Document: "r-1"},
		subject.EndRetention{About: a}, subject.EndRetention{About: a, Values: []domain.FieldEpoch{pointer("name", "1")}},
		subject.Disclose{About: a, Recipient: courier, Values: []domain.FieldEpoch{pointer("name", "1")}, Basis: lawful(), Abroad: "ua.29.3",
			Exempt: "research", Request: domain.RequestID(order)},
		subject.Restrict{About: a, Fields: fields, Document: "s-1"}, subject.LiftRestriction{About: a, Fields: fields, Document: "s-2"},
		subject.Object{About: a, Purposes: []domain.Purpose{"advertising"}, Document: "s-3"},
		subject.WithdrawObjection{About: a, Purposes: []domain.Purpose{"advertising"}},
		subject.GiveNotice{About: a, Cause: hold.UUID, Duty: "notice.recipient", Recipient: courier, Channel: subject.ByPost, Document: "n-1"},
		subject.GiveNotice{About: a, Duty: "policy.notice", Policy: "2026-01", Channel: subject.BySite},
		subject.AddText{About: a, Request: domain.RequestID(order), Text: domain.ClearValue("x")},
		subject.Delete{About: a, Fields: fields, Ground: "court", Document: "757/1-k"},
		subject.View{About: a, Values: []domain.FieldEpoch{pointer("request_text", "1")}, Role: "support"},
	} {
		digest, object := subject.Digest(c, nil)
		lines = append(lines, fmt.Sprintf("%s %s", digest, object))
	}
	got := strings.Join(lines, "\n") + "\n"
	path := filepath.Join("testdata", "digests.golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("digests changed (-want +got):\n%s", diff)
	}
}
