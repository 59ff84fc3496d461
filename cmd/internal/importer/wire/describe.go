package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	json "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// describe tells where the JSON is wrong without the text that is there: neither values nor names of
// members that nobody knows, since a slip can put anything in either place.
func describe(err error) error {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		what := "a value of the wrong type or form"
		if errors.Is(semantic.Err, json.ErrUnknownName) {
			what = "a member that the command does not know"
		}
		return fmt.Errorf("JSON: at byte %d, %s: %s", semantic.ByteOffset, where(semantic.JSONPointer), what)
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		what := "malformed"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			what = "a name is given twice"
		}
		return fmt.Errorf("JSON: at byte %d, %s: %s", syntactic.ByteOffset, where(syntactic.JSONPointer), what)
	}
	return errors.New("JSON: the line is cut off or empty")
}

// members are the names that may be shown in an error.
var members = []string{
	"command", "key", "subject", "actor", "at", "purpose", "grounds", "service", "correlation", "causation",
	"reference", "field", "value", "source", "values", "fields", "months", "all", "document", "method", "consent",
	"scope", "textHash", "until", "order", "place", "role", "recipient", "basis", "abroad", "card",
	"purposes", "recipients", "recipientKinds", "law", "defence", "authority", "act", "article", "dated",
	"approvers", "approver", "evidence", "statement", "name", "kind", "country", "contract",
	"ground", "retained", "exempt", "request", "hold", "warrant", "epoch", "cause", "duty", "policy", "channel", "reason", "outcome", "text",
}

func where(p jsontext.Pointer) string {
	var known []string
	for token := range p.Tokens() {
		if !slices.Contains(members, token) {
			token = "?"
		}
		known = append(known, token)
	}
	if len(known) == 0 {
		return "the line"
	}
	return strings.Join(known, ".")
}
