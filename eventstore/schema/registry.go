package schema

import (
	"fmt"
	"reflect"
	"sync"

	"imagine.ua/litopys/domain"
)

// eventType is one row of the table of types: a stored name and the walk over its document.
type eventType struct {
	name   string
	goType reflect.Type
	number int  // in the table
	fates  bool // events of this type can change the state of keys
	write  func(*coder, domain.Event)
	read   func(c *coder, scratch *any) domain.Event // scratch serves events of this type alone
}

// typeOf makes the row of the event E.
func typeOf[E domain.Event](name string, walk func(*coder, *E)) eventType {
	return eventType{
		name:   name,
		goType: reflect.TypeFor[E](),
		write:  func(c *coder, e domain.Event) { v := e.(E); walk(c, &v) },
		read: func(c *coder, scratch *any) domain.Event {
			v, ok := (*scratch).(*E)
			if !ok {
				v = new(E)
				*scratch = v
			}
			walk(c, v)
			e := *v
			var empty E
			*v = empty
			return e
		},
	}
}

// withFates marks the type as one whose events change the state of keys.
func (t eventType) withFates() eventType { t.fates = true; return t }

// registry finds types by stored name and by Go type, and knows the steps from old names to newer ones.
type registry struct {
	byName map[string]*eventType
	byType map[reflect.Type]*eventType
	steps  map[string]step
	coders sync.Pool // of *coder that read
}

func newRegistry(types []eventType, steps map[string]step) *registry {
	r := &registry{
		byName: make(map[string]*eventType, len(types)),
		byType: make(map[reflect.Type]*eventType, len(types)),
		steps:  steps,
	}
	r.coders.New = func() any { return &coder{memory: &memory{scratch: make([]any, len(types))}} }
	for i := range types {
		types[i].number = i
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
	c := r.reader(data)
	e := t.read(c, &c.memory.scratch[t.number])
	if err := r.finish(c); err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	return e, nil
}

func (r *registry) readMeta(data []byte, m *domain.Meta) error {
	*m = domain.Meta{}
	c := r.reader(data)
	walkMeta(c, m)
	if err := r.finish(c); err != nil {
		*m = domain.Meta{}
		return fmt.Errorf("decode metadata: %w", err)
	}
	return nil
}

// reader gives a coder that reads the document.
func (r *registry) reader(data []byte) *coder {
	c := r.coders.Get().(*coder)
	c.b = data
	return c
}

// finish ends the reading, behind which nothing may follow, and takes the coder back. One in which a walk
// has panicked does not come here: nobody knows what it has left in its memory.
func (r *registry) finish(c *coder) error {
	if c.err == nil && c.pos != len(c.b) {
		c.malformed("the end")
	}
	err := c.err
	c.b, c.pos, c.err = nil, 0, nil
	r.coders.Put(c)
	return err
}

func (r *registry) carriesFates(name string) (bool, error) {
	t, _, err := r.target(name)
	if err != nil {
		return false, err
	}
	return t.fates, nil
}
