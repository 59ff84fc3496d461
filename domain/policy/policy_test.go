package policy_test

import (
	"testing"

	"imagine.ua/litopys/domain/policy"
)

func TestImagine(t *testing.T) {
	t.Parallel()
	if _, err := policy.Load(policy.ImagineYAML()); err != nil {
		t.Fatal(err)
	}
}
