package law_test

import (
	"testing"

	"imagine.ua/litopys/domain/law"
)

// TestGroundsThatOverruleRetention: an order leaves nothing to a term, nor does what was got against the law; what
// the controller finds by itself does (ua art. 15, GDPR art. 17(1)).
func TestGroundsThatOverruleRetention(t *testing.T) {
	t.Parallel()
	type above struct{ term, restriction bool }
	for pack, want := range map[*law.Pack]map[string]above{
		law.UA(): {"ombudsman": {true, true}, "court": {true, true}, "unlawful": {true, false}},
		law.EU(): {"unlawful": {true, false}, "legal-duty": {true, true}},
	} {
		for _, g := range pack.DeletionGrounds {
			if got := (above{g.Overrule(law.ByTerm), g.Overrule(law.ByRestriction)}); got != want[g.ID] {
				t.Errorf("%s, %s: overrules %+v, want %+v", pack.ID, g.ID, got, want[g.ID])
			}
		}
	}
}

// TestUA_21_3_DestructionIsToldToo: the article names destruction beside deletion; the GDPR's do not.
func TestUA_21_3_DestructionIsToldToo(t *testing.T) {
	t.Parallel()
	for _, id := range law.DeadlineIDs() {
		ua, _ := law.UA().Deadline(id)
		if want := id == law.NoticeChange || id == law.NoticeRecipient; ua.OnDestruction != want {
			t.Errorf("ua, %s: told of a destruction: %v", id, ua.OnDestruction)
		}
		if eu, _ := law.EU().Deadline(id); eu.OnDestruction {
			t.Errorf("eu, %s: told of a destruction", id)
		}
	}
}
