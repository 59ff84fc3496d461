package subject_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/subject"
)

// One test a clause of the policy that a subject's file carries. The table of clauses is in
// domain/policy/imagine.yaml.

func TestClause_Preamble_AcceptanceIsRecordedAndIsNoConsent(t *testing.T) {
	t.Parallel()
	p := imagine()
	ask(t, nil, subject.Register{About: about(), Reference: given("account", "anna-17")}).Then(subject.Registered{
		Subject: anna, Policy: p.Version, TextHash: p.TextHash, Reference: item("account", "1", "anna-17"),
	})
	ask(t, past(), subject.Use{About: about(grounds("ua.11.1.1")), Fields: []domain.Field{"name"}}).
		Refused("consent.none-recorded", "preamble")
	ask(t, past(granted()), subject.Use{About: about(grounds("ua.11.1.1")), Fields: []domain.Field{"name"}}).
		Then(subject.Used{Subject: anna, Values: []domain.FieldEpoch{pointer("name", "1")}})
}

func TestClause_1_1_1_CollectedFromTheSubject(t *testing.T) {
	t.Parallel()
	ask(t, past(), collect("subject", given("phone", "+380 44 000 00 00"))).Then(subject.Collected{
		Subject: anna, Source: subject.BySubject, Items: []domain.Item{item("phone", "1", "+380 44 000 00 00")},
	})
}

func TestClause_1_1_2_CollectedAutomatically(t *testing.T) {
	t.Parallel()
	ask(t, past(), collect("automatic", given("address", "192.0.2.7"), given("page", "/"), given("browser", "B/1"))).
		Then(subject.Collected{Subject: anna, Source: subject.Automatic, Items: []domain.Item{
			item("address", domain.Epoch(march), "192.0.2.7"), item("page", domain.Epoch(march), "/"), item("browser", domain.Epoch(march), "B/1"),
		}})
}

func TestClause_1_2_OnlyServicesOfThePolicy(t *testing.T) {
	t.Parallel()
	c := collect("subject", given("phone", "1"))
	c.About = about(service("partner-site"))
	ask(t, past(), c).Refused("operation.service", "1.2")
}

func TestClause_1_3_DeclaredUntilIdentified(t *testing.T) {
	t.Parallel()
	identified := subject.Identified{Subject: anna, Method: "bank-id", Document: "B-1", Values: []domain.FieldEpoch{pointer("name", "1")}}
	ask(t, past(), subject.Identify{About: about(), Method: "bank-id", Document: "B-1", Fields: []domain.Field{"name"}}).Then(identified)
	edited := subject.Edited{Subject: anna, Items: []domain.Item{item("name", "2", "B")}}
	for status, events := range map[subject.Status][]subject.Event{
		subject.Declared: past(identified, edited), subject.Verified: past(identified),
	} {
		if h, _ := fold(subject.State{}, events...).Held("name"); h.Status != status {
			t.Errorf("the name is %s, want %s", h.Status, status)
		}
	}
}

func TestClause_1_4_1_5_DisputedAndRectified(t *testing.T) {
	t.Parallel()
	disputed := subject.Disputed{Subject: anna, Value: pointer("name", "1"), Document: "s-1"}
	ask(t, past(), subject.Dispute{About: about(), Field: "name", Document: "s-1"}).Then(disputed)
	ask(t, past(disputed), subject.Rectify{About: about(), Field: "name", Document: "d-1"}).Then(subject.Rectified{
		Subject: anna, Value: pointer("name", "1"), Outcome: subject.Confirmed, Document: "d-1",
	})
	ask(t, past(disputed), subject.Rectify{About: about(), Field: "name", Value: domain.ClearValue("Hanna")}).Then(subject.Rectified{
		Subject: anna, Value: pointer("name", "1"), Outcome: subject.Corrected,
		Items: []domain.Item{item("name", "2", "Hanna")}, Superseded: []domain.Fate{destroyed("name", "1")},
	})
}

func TestClause_2_1_OnlyTheCatalogue(t *testing.T) {
	t.Parallel()
	ask(t, past(), collect("subject", given("shoe_size", "42"))).Refused("field.unknown", "2.1")
}

func TestClause_2_2_1_2_2_8_ClosedListOfPurposes(t *testing.T) {
	t.Parallel()
	use := func(p domain.Purpose) subject.Command {
		return subject.Use{About: about(purpose(p)), Fields: []domain.Field{"name", "page"}, Months: []domain.Month{"2024-02"}}
	}
	ask(t, past(), use("gossip")).Refused("operation.purpose", "2.2")
	ask(t, past(), use("statistics")).Refused("field.purpose", "2.2")
	ask(t, past(), use("identification")).Then(subject.Used{Subject: anna, Values: []domain.FieldEpoch{
		pointer("name", "1"), pointer("page", "2024-02"),
	}})
}

func TestClause_3_1_ServicesHaveTheirOwnConditions(t *testing.T) {
	t.Parallel()
	words := string(make([]byte, 2000))
	c := collect("subject", given("preferences", words))
	ask(t, past(), c).Then(subject.Collected{Subject: anna, Source: "subject", Items: []domain.Item{item("preferences", "1", words)}})
	c.About = about(service("support"))
	ask(t, past(), c).Refused("value.too-long", "2.1")
	c.About = about(service("letters"))
	ask(t, past(), c).Refused("service.purpose", "3.1")
}

func TestClause_3_2_PublicByTheSubjectHimself(t *testing.T) {
	t.Parallel()
	published := subject.Published{Subject: anna, Values: []domain.FieldEpoch{pointer("name", "1")}, Place: "guestbook"}
	publish := subject.Publish{About: about(bySubject), Fields: []domain.Field{"name"}, Place: "guestbook"}
	ask(t, past(), publish).Then(published)
	ask(t, past(published), publish).ThenNothing()
	ask(t, past(), subject.Publish{About: about(), Fields: []domain.Field{"name"}}).Refused("publish.actor", "3.2")
	withdraw := subject.WithdrawPublication{About: about(bySubject), Fields: []domain.Field{"name"}}
	ask(t, past(published), withdraw).Then(subject.PublicationWithdrawn{Subject: anna, Values: published.Values})
	ask(t, past(), withdraw).ThenNothing()
	edited := subject.Edited{Subject: anna, Items: []domain.Item{item("name", "2", "B")}}
	if h, _ := fold(subject.State{}, past(published, edited)...).Held("name"); h.Public {
		t.Error("the new name is public, though only the old one was published")
	}
}

// transferred is what a transfer of the name and the e-mail to the courier records.
func transferred(b subject.Basis) subject.Event {
	return subject.Transferred{
		Subject: anna, Recipient: subject.Recipient{ID: courier, Kind: "delivery", Country: "UA"},
		Values: []domain.FieldEpoch{pointer("name", "1"), pointer("email", "1")}, Basis: b,
	}
}

func TestClause_3_3_1_TransferByConsent(t *testing.T) {
	t.Parallel()
	by := subject.ByConsent{Consent: consent}
	ask(t, past(), grant(func(*subject.GrantConsent) {})).Then(granted())
	ask(t, past(granted()), transferOf(by, "name", "email")).Then(transferred(by))
	ask(t, past(), transferOf(by, "name")).Refused("transfer.no-consent", "3.3.1")
	kind := subject.ConsentGranted{Subject: anna, Consent: consent, TextHash: textHash, Scope: subject.Scope{
		Purposes: []domain.Purpose{"service"}, Fields: []domain.Field{"email", "name"}, RecipientKinds: []domain.RecipientKind{"delivery"},
	}}
	ask(t, past(kind), transferOf(by, "name", "email")).Then(transferred(by))
}

func TestClause_3_3_2_TransferByOrder(t *testing.T) {
	t.Parallel()
	by := subject.ByOrder{Order: order}
	ask(t, past(), subject.PlaceOrder{About: about(), Order: order, Scope: scope()}).Then(placed())
	ask(t, past(placed()), transferOf(by, "name", "email")).Then(transferred(by))
	ask(t, past(placed()), subject.ExecuteOrder{About: about(), Order: order}).Then(subject.OrderExecuted{Subject: anna, Order: order})
	ask(t, past(placed(), subject.OrderExecuted{Subject: anna, Order: order}), transferOf(by, "name")).Refused("transfer.no-order", "3.3.2")
}

func TestClause_3_3_3_TransferByLaw(t *testing.T) {
	t.Parallel()
	ask(t, past(), transferOf(lawful(), "name", "email")).Then(transferred(lawful()))
	alone := lawful()
	alone.Approvers[1] = ""
	ask(t, past(), transferOf(alone, "name")).Refused("transfer.two-approvers", "3.3.3")
}

func TestClause_3_3_4_TransferInDefenceOfRights(t *testing.T) {
	t.Parallel()
	b := defence()
	b.Statement = item(subject.StatementField, "1", "he sells what is not his")
	first := transferred(b)
	ask(t, past(), transferOf(defence(), "name", "email")).Then(first)
	b.Statement.Epoch = "2"
	ask(t, past(first), transferOf(defence(), "name", "email")).Then(transferred(b))
	end := kyiv(2027, 3, 11)
	ask(t, past(first, transferred(b)), subject.Delete{About: about(), Fields: []domain.Field{subject.StatementField}}).Then(subject.Deleted{
		Subject: anna, Deleted: []domain.Fate{
			retained(subject.StatementField, "1", "limitation", end), retained(subject.StatementField, "2", "limitation", end),
		},
	})
}

func TestClause_3_4_ViewingIsRecordedWithRoleAndGrounds(t *testing.T) {
	t.Parallel()
	ask(t, past(), subject.View{About: about(), Fields: []domain.Field{"name", "address"}, Role: "officer", Document: "t-1"}).Then(subject.Viewed{
		Subject: anna, Values: []domain.FieldEpoch{pointer("name", "1"), pointer("address", "2024-03")}, Role: "officer", Document: "t-1",
	})
	ask(t, past(), subject.View{About: subject.About{Subject: anna}, Fields: []domain.Field{"name"}, Role: "officer"}).Refused("operation.incomplete", "3.4")
}

func TestClause_4_1_ChangeAndDelete(t *testing.T) {
	t.Parallel()
	ask(t, past(), subject.Edit{About: about(bySubject), Values: []subject.Given{given("email", "b@example.com")}}).Then(subject.Edited{
		Subject: anna, Items: []domain.Item{item("email", "2", "b@example.com")}, Superseded: []domain.Fate{destroyed("email", "1")},
	})
	ask(t, past(), subject.Delete{About: about(bySubject), Fields: []domain.Field{"name"}}).Then(subject.Deleted{
		Subject: anna, Deleted: []domain.Fate{destroyed("name", "1")}, Services: []domain.Service{"orders"},
	})
	ask(t, past(granted(), placed()), subject.Close{About: about(bySubject)}).Then(subject.Closed{
		Subject: anna, Services: []domain.Service{"orders", "letters"},
		Deleted: append([]domain.Fate{
			destroyed("name", "1"), destroyed("email", "1"), retained("tax_number", "1", "tax-documents", kyiv(2027, 3, 11)),
		}, allTraces("2024-03")...),
	})
	closed := past(granted(), subject.Closed{Subject: anna})
	ask(t, closed, transferOf(subject.ByConsent{Consent: consent}, "name")).Refused("account.closed", "4.1")
}

func TestClause_4_2_DeletionNamesTheServicesThatStop(t *testing.T) {
	t.Parallel()
	ask(t, past(), subject.Delete{About: about(), Fields: []domain.Field{"email", "page"}}).Then(subject.Deleted{
		Subject: anna, Services: []domain.Service{"letters"},
		Deleted: []domain.Fate{destroyed("email", "1"), through(destroyed("page", "2024-03"))[0]},
	})
}

func TestClause_4_3_TheLawRetainsWhatIsChangedOrDeleted(t *testing.T) {
	t.Parallel()
	tax := kyiv(2027, 3, 11)
	ask(t, past(), subject.Delete{About: about(), Fields: []domain.Field{"tax_number"}}).Then(subject.Deleted{
		Subject: anna, Deleted: []domain.Fate{retained("tax_number", "1", "tax-documents", tax)},
	})
	ask(t, past(), subject.Edit{About: about(), Values: []subject.Given{given("tax_number", "2")}}).Then(subject.Edited{
		Subject: anna, Items: []domain.Item{item("tax_number", "2", "2")},
		Superseded: []domain.Fate{retained("tax_number", "1", "tax-documents", tax)},
	})
	// Three years from March 2025 hold a 29 February: they are longer than 1095 days.
	later := time.Date(2025, 3, 10, 12, 0, 0, 0, time.UTC)
	ask(t, past(collected("agreement")), subject.Delete{About: about(at(later)), Fields: []domain.Field{"agreement"}}).Then(subject.Deleted{
		Subject: anna, Deleted: []domain.Fate{retained("agreement", "1", "limitation", kyiv(2028, 3, 11))},
	})
}

// Given a deleted value that is kept for its term; when a hold comes, the term ends, the hold is released and an
// authority asks; then it is held, disclosed to the authority as asked, and destroyed when nothing keeps it.
func TestClause_4_3_HeldDisclosedAndDestroyedAtItsEnd(t *testing.T) {
	t.Parallel()
	tax, end := pointer("tax_number", "1"), kyiv(2027, 3, 11)
	deleted := past(taxDeleted())
	over := about(at(end))
	ask(t, deleted, holdAll()).Then(placedHold([]domain.Fate{kept("tax_number", "1")}))
	held := append(deleted, placedHold([]domain.Fate{kept("tax_number", "1")}))
	ask(t, held, subject.EndRetention{About: over, Values: []domain.FieldEpoch{tax}}).Refused("retention.held", "4.3")
	askWith(t, held, disclose(tax), office).Then(subject.Transferred{Subject: anna, Values: []domain.FieldEpoch{tax}, Basis: lawful(),
		Recipient: subject.Recipient{ID: courier, Kind: "authority", Country: "UA"}, Retained: true})
	ask(t, held, subject.ReleaseHold{About: over, Hold: hold}).Then(subject.HoldReleased{Subject: anna, Hold: hold,
		Freed: []domain.Fate{destroyed("tax_number", "1")}})
	ask(t, deleted, subject.EndRetention{About: over}).Then(subject.RetentionEnded{Subject: anna, Ended: []domain.Fate{destroyed("tax_number", "1")}})
}

// Given values that went to a third party; when they are edited, restricted or deleted; then the record says who
// must be told, and the notice is recorded.
func TestClause_3_4_WhoGotDataIsTold(t *testing.T) {
	t.Parallel()
	got := past(transferred(lawful()))
	tell := []domain.RecipientID{courier}
	ask(t, got, subject.Edit{About: about(), Values: []subject.Given{given("name", "B")}}).Then(subject.Edited{Subject: anna,
		Items: []domain.Item{item("name", "2", "B")}, Superseded: []domain.Fate{destroyed("name", "1")}, Tell: tell})
	ask(t, got, subject.Restrict{About: about(), Fields: []domain.Field{"name"}}).Then(subject.Restricted{Subject: anna, Fields: []domain.Field{"name"}, Tell: tell})
	ask(t, got, subject.Delete{About: about(), Fields: []domain.Field{"name"}}).Then(subject.Deleted{Subject: anna,
		Deleted: []domain.Fate{destroyed("name", "1")}, Services: []domain.Service{"orders"}, Tell: tell})
	ask(t, got, notice("notice.recipient", courier)).Then(subject.NoticeGiven{Subject: anna, Cause: cause, Duty: "notice.recipient",
		Recipient: courier, Channel: subject.ByPost, Document: "n-1"})
}

// Given the same file; when a value is deleted under the law of Ukraine and under another; then each keeps it by
// its own rule, and grounds of deletion are those of the law.
func TestClause_6_2_TheLawOfUkraineDecides(t *testing.T) {
	t.Parallel()
	delete := subject.Delete{About: about(), Fields: []domain.Field{"tax_number"}, Ground: "relation-over"}
	ask(t, past(), delete).Then(subject.Deleted{Subject: anna, Ground: "relation-over",
		Deleted: []domain.Fate{retained("tax_number", "1", "tax-documents", kyiv(2027, 3, 11))}})
	eu := imagine().Under(law.EU())
	when(t, eu, past(), delete).Refused("delete.ground", "4.2")
	delete.Ground = "objection"
	brussels := law.Date{Year: 2027, Month: time.March, Day: 11}.Begins(law.EU().Location())
	when(t, eu, past(), delete).Then(subject.Deleted{Subject: anna, Ground: "objection",
		Deleted: []domain.Fate{retained("tax_number", "1", "legal-duty", brussels)}})
}

func TestClause_5_1_RolesLimitWhoSees(t *testing.T) {
	t.Parallel()
	view := subject.View{About: about(), Fields: []domain.Field{"tax_number"}, Role: "support"}
	ask(t, past(), view).Refused("view.category", "5.1")
	view.Role = "intern"
	ask(t, past(), view).Refused("view.role", "5.1")
}

func TestDeletingEverythingTakesAttributesAndTracesAndLeavesTheFileOpen(t *testing.T) {
	t.Parallel()
	events := ask(t, past(), subject.Delete{About: about(), All: true}).Events()
	state := fold(subject.State{}, past(events...)...)
	if left := state.Attributes(); len(left) > 0 {
		t.Errorf("attributes left: %v", left)
	}
	if e, live := state.TraceEpoch("page", march); !live || e != "2024-03.1" {
		t.Errorf("the next page goes to epoch %q (live %v), want 2024-03.1", e, live)
	}
	ask(t, past(events...), collect("subject", given("email", "new"))).Then(subject.Collected{
		Subject: anna, Source: "subject", Items: []domain.Item{item("email", "2", "new")},
	})
	if diff := cmp.Diff(len(imagine().Traces())+3, len(events[0].Fates())); diff != "" {
		t.Errorf("fates: %s", diff)
	}
}
