package policy

import (
	_ "embed"
	"sync"
)

//go:embed imagine.yaml
var imagineYAML []byte

var imagine = sync.OnceValue(func() *Policy {
	p, err := Load(imagineYAML)
	if err != nil {
		panic(err) // the file is part of the binary and a test loads it
	}
	return p
})

// Imagine is the policy of Imagine (imagine.ua) that is built into Litopys. Every call gives the same one.
func Imagine() *Policy { return imagine() }

// ImagineYAML gives the built-in file, as a beginning for one's own.
func ImagineYAML() []byte { return append([]byte(nil), imagineYAML...) }
