package subject_test

import (
	"strings"
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// A refusal says what was wrong and what would help, and never repeats what may be a person's data.
func TestRefusalsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	law := func(change func(*subject.ByLaw)) subject.Command {
		b := lawful()
		change(&b)
		return transferOf(b, "name")
	}
	name := []domain.Field{"name"}
	for what, c := range map[string]struct {
		command subject.Command
		code    string
		kind    domain.RefusalKind
		says    string
		remedy  string
	}{
		"delete what is not held": {subject.Delete{About: about(), Fields: []domain.Field{"phone"}}, "delete.not-held", domain.Unknown, "no live value of the field phone", "nothing of it is left"},
		"edit what is not held":   {subject.Edit{About: about(), Values: []subject.Given{given("phone", "1")}}, "edit.not-held", domain.Unknown, "no live value", "collect it first"},
		"no role":                 {subject.View{About: about(), Fields: name}, "view.role", domain.Input, "no role is given", "role of the policy"},
		"an unknown role":         {subject.View{About: about(), Fields: name, Role: "king"}, "view.role", domain.Unknown, "does not name king as a role", "role of the policy"},
		"a field that is no name": {collect("subject", given("A B", "1")), "field.unknown", domain.Unknown, "does not know the field that was given", "catalogue"},
		"an unknown field":        {collect("subject", given("shoe", "1")), "field.unknown", domain.Unknown, "does not know the field shoe", "catalogue"},
		"no name twice":           {subject.Use{About: about(), Fields: []domain.Field{"A B", "A B"}}, "fields.repeated", domain.Input, "the field that was given is named twice", "once"},
		"an act with a space":     {law(func(b *subject.ByLaw) { b.Act = "Tax Code" }), "transfer.law-incomplete", domain.Input, "not documented: the act is malformed", "no spaces"},
		"no authority, no paper":  {law(func(b *subject.ByLaw) { b.Authority, b.Document = "", "" }), "transfer.law-incomplete", domain.Input, "the authority is missing, the document is missing", "codes and numbers"},
		"a hold on half a paper":  {subject.PlaceHold{About: about(), Hold: hold, All: true, Warrant: subject.Warrant{Authority: "c-7", Act: "CPC", Article: "art. 1", Document: "d-1"}}, "hold.warrant", domain.Input, "the article is malformed", "no spaces"},
	} {
		r := why(t, past(), c.command)
		if r.Code != c.code || r.Kind != c.kind || !strings.Contains(r.Message, c.says) || !strings.Contains(r.Remedy, c.remedy) {
			t.Errorf("%s: %s, %v: %s; %s", what, r.Code, r.Kind, r.Message, r.Remedy)
		}
	}
}
