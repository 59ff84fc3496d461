package law

import "imagine.ua/litopys/domain/internal/strictyaml"

// file is a pack as it is written; those that are built in have about 10 KB.
var file = strictyaml.File{
	MaxBytes:   256 << 10,
	Empty:      "begin with a pack that is built in",
	Documents:  "keep one version of one pack in a file",
	NotMapping: "begin with: pack: ID",
	TooDeep:    "keep to the structure of the packs that are built in",
}

// Problem is one thing that is wrong in a pack: its line (0 when the place is not one line), its path as
// "deadlines[3].term", what is wrong and what would help.
type Problem = strictyaml.Problem

// InvalidError lists everything that is wrong in a pack, in the order of its lines.
type InvalidError struct{ Problems []Problem }

// Error shows one problem a line.
func (e *InvalidError) Error() string { return strictyaml.Report("rule pack", e.Problems) }

// Load reads a pack. It refuses unknown and repeated keys, anchors and aliases, deadlines that the ledger does
// not know, and terms that say not what they count. Its error is an *InvalidError with all problems at once.
func Load(b []byte) (*Pack, error) {
	p, problems := strictyaml.Load(b, file, validate)
	if len(problems) > 0 {
		return nil, &InvalidError{problems}
	}
	return p, nil
}
