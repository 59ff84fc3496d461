package law

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	_ "time/tzdata" // a static binary on a bare machine must know the zones
)

//go:embed ua.yaml
var uaYAML []byte

//go:embed eu.yaml
var euYAML []byte

var (
	ua = builtin(uaYAML)
	eu = builtin(euYAML)
)

func builtin(src []byte) func() *Pack {
	return sync.OnceValue(func() *Pack {
		p, err := Load(src)
		if err != nil {
			panic(err) // the file is part of the binary and a test loads it
		}
		return p
	})
}

// UA is the pack of Ukraine: Law 2297-VI and the Ombudsman's procedure. Every call gives the same one.
func UA() *Pack { return ua() }

// EU is the pack of the GDPR. Every call gives the same one.
func EU() *Pack { return eu() }

// Names lists the packs that are built in.
func Names() []string { return []string{"ua", "eu"} }

// Named gives a pack that is built in.
func Named(id string) (*Pack, error) {
	switch id {
	case "ua":
		return UA(), nil
	case "eu":
		return EU(), nil
	}
	return nil, unknownPack(id)
}

// YAML gives the file of a pack that is built in, as a beginning for one's own.
func YAML(id string) ([]byte, error) {
	switch id {
	case "ua":
		return append([]byte(nil), uaYAML...), nil
	case "eu":
		return append([]byte(nil), euYAML...), nil
	}
	return nil, unknownPack(id)
}

func unknownPack(id string) error {
	return fmt.Errorf("law: no pack %q is built in; there are %s", id, strings.Join(Names(), ", "))
}
