package schema

import (
	"fmt"
	"reflect"

	"imagine.ua/litopys/domain"
)

// eventType is one row of the table of types: a stored name and the walk over its document.
type eventType struct {
	name   string
	goType reflect.Type
	fates  bool // events of this type can change the state of keys
	write  func(*coder, domain.Event)
	read   func(*coder) domain.Event
}

// typeOf makes the row of the event E.
func typeOf[E domain.Event](name string, walk func(*coder, *E)) eventType {
	return eventType{
		name:   name,
		goType: reflect.TypeFor[E](),
		write:  func(c *coder, e domain.Event) { v := e.(E); walk(c, &v) },
		read:   func(c *coder) domain.Event { var v E; walk(c, &v); return v },
	}
}

// withFates marks the type as one whose events change the state of keys.
func (t eventType) withFates() eventType { t.fates = true; return t }

// registry finds types by stored name and by Go type, and knows the steps from old names to newer ones.
type registry struct {
	byName map[string]*eventType
	byType map[reflect.Type]*eventType
	steps  map[string]step
}

func newRegistry(types []eventType, steps map[string]step) *registry {
	r := &registry{
		byName: make(map[string]*eventType, len(types)),
		byType: make(map[reflect.Type]*eventType, len(types)),
		steps:  steps,
	}
	for i := range types {
		r.byName[types[i].name] = &types[i]
		r.byType[types[i].goType] = &types[i]
	}
	return r
}

func (r *registry) append(dst []byte, e domain.Event) (string, []byte, error) {
	t, ok := r.byType[reflect.TypeOf(e)]
	if !ok {
		return "", dst, fmt.Errorf("encode %T: %w", e, ErrUnknownEvent)
	}
	c := coder{b: dst, start: len(dst), writing: true}
	t.write(&c, e)
	if c.err != nil {
		return "", dst, fmt.Errorf("encode %s: %w", t.name, c.err)
	}
	return t.name, c.b, nil
}

func (r *registry) decode(name string, data []byte) (domain.Event, error) {
	t, data, err := r.newest(name, data)
	if err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	c := coder{b: data, texts: borrowTexts()}
	e := t.read(&c)
	c.finish()
	if c.err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, c.err)
	}
	return e, nil
}

func (r *registry) carriesFates(name string) (bool, error) {
	t, _, err := r.target(name)
	if err != nil {
		return false, err
	}
	return t.fates, nil
}
