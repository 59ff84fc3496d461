package keytest

import (
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/eventstore/keys"
)

// Made gives n live keys of as many subjects.
func Made(t testing.TB, s keys.Store, n int, field domain.Field, epoch domain.Epoch) []keys.Key {
	t.Helper()
	refs := make([]keys.Ref, n)
	for i := range refs {
		refs[i] = Ref(Subject(), field, epoch)
	}
	return ensure(t, s, refs...)
}

// Tagged gives n live keys of as many subjects, with a tag each.
func Tagged(t testing.TB, s keys.Store, n int) []keys.Key {
	t.Helper()
	wants := make([]keys.Want, n)
	for i := range wants {
		subject := Subject()
		tag := s.Tag("email", taggedValue(subject))
		wants[i] = keys.Want{Ref: Ref(subject, "email", "1"), Tag: &tag}
	}
	got, err := s.Ensure(t.Context(), wants)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// taggedValue is the value whose tag stands beside the key of Tagged.
func taggedValue(subject domain.SubjectID) string { return subject.String() + "@example.com" }

// FiveWants asks for what one line of an access log needs.
func FiveWants(subject domain.SubjectID) []keys.Want {
	wants := make([]keys.Want, 5)
	for i, field := range []domain.Field{"address", "page", "browser", "referrer", "time"} {
		wants[i].Ref = Ref(subject, field, "2015-05")
	}
	return wants
}

// Fates are fates of destruction for the keys.
func Fates(all []keys.Key) []domain.Fate {
	fates := make([]domain.Fate, len(all))
	for i, k := range all {
		fates[i] = Destroy(k.Ref)
	}
	return fates
}
