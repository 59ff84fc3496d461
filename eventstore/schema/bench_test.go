package schema

import (
	"testing"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
)

// benchEvent is the commonest event: one sealed value of the smallest bucket (77 bytes).
func benchEvent() domain.Event {
	return subject.Collected{Subject: oksana, Source: subject.Automatic,
		Items: []domain.Item{item(oksana, "page", "2015-05", string(make([]byte, 77)))}}
}

func BenchmarkEncode(b *testing.B) {
	e, m := benchEvent(), sampleMetas()["Metadata-bare"]
	m.Policy, m.Command, m.Content = "2014-01", "collect", "00112233445566778899aabbccddeeff"
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		_, out, err := AppendEvent(buf, e)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := AppendMeta(out, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	name, data, err := Encode(benchEvent())
	if err != nil {
		b.Fatal(err)
	}
	m := sampleMetas()["Metadata-bare"]
	m.Policy, m.Command, m.Content = "2014-01", "collect", "00112233445566778899aabbccddeeff"
	meta, err := EncodeMeta(m)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(name, data); err != nil {
			b.Fatal(err)
		}
		if _, err := DecodeMeta(meta); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
