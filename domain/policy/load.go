package policy

import "imagine.ua/litopys/domain/internal/strictyaml"

// file is a policy as it is written; the embedded one has about 20 KB.
var file = strictyaml.File{
	MaxBytes:   1 << 20,
	Empty:      "begin with the built-in one: litopys policy show",
	Documents:  "keep one version of the policy in a file",
	NotMapping: "begin with: policy: NAME",
	TooDeep:    "keep to the structure of the built-in policy",
}

// Problem is one thing that is wrong in a policy file: its line (0 when the place is not one line), its path as
// "fields[3].purposes[0]", what is wrong and what would help.
type Problem = strictyaml.Problem

// InvalidError lists everything that is wrong in a policy file, in the order of its lines.
type InvalidError struct{ Problems []Problem }

// Error shows one problem a line.
func (e *InvalidError) Error() string { return strictyaml.Report("policy", e.Problems) }

// Load reads one version of a policy. It refuses unknown and repeated keys, anchors and aliases, and
// references to what the file does not define. Its error is an *InvalidError with all problems at once.
func Load(b []byte) (*Policy, error) {
	p, problems := strictyaml.Load(b, file, complete)
	if len(problems) > 0 {
		return nil, &InvalidError{problems}
	}
	return p, nil
}

// complete joins the policy with its rule pack, which validation looks into, and validates it.
func complete(p *Policy, lines map[string]int) []Problem {
	p.join()
	p.buildIndex()
	return validate(p, lines)
}
