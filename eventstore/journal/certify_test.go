package journal_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/eventstore"
	"imagine.ua/litopys/eventstore/faulty"
	"imagine.ua/litopys/eventstore/journal"
	"imagine.ua/litopys/eventstore/keys"
	"imagine.ua/litopys/eventstore/memory"
)

// certificates gives a subject's certificates, all that are owed included.
func certificates(t testing.TB, j *journal.Journal, who domain.SubjectID) (list []domain.Recorded) {
	t.Helper()
	if err := j.Certified(t.Context()); err != nil {
		t.Fatal(err)
	}
	return events(t, j, domain.CertificateStream(who))
}

// requireCertified wants exactly one certificate for each of the subject's values, in whatever order, and for
// nothing else; each names the very key that is destroyed.
func requireCertified(t testing.TB, j *journal.Journal, who domain.SubjectID, want ...string) {
	t.Helper()
	destroyed := map[uuid.UUID]bool{}
	list, err := j.Keys().Of(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		destroyed[k.ID] = k.State == keys.Destroyed
	}
	var got []string
	for _, r := range certificates(t, j, who) {
		c := r.Event.(subject.KeysDestroyed)
		for _, k := range c.Keys {
			got = append(got, string(k.Field)+" "+string(k.Epoch))
			if !destroyed[k.Key] {
				t.Errorf("the certificate of %s %s names key %s, which is not destroyed", k.Field, k.Epoch, k.Key)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("certificates: %s", diff)
	}
	if gone, err := j.Keys().Uncertified(t.Context(), 10); err != nil || len(gone) > 0 {
		t.Errorf("still owed: %v, %v", gone, err)
	}
}

// A certificate says which keys, since when, until when backups may hold them, and by which fact.
func TestACertificateSaysWhatIsGone(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	p.BackupLife = 90 * 24 * time.Hour
	j := open(t, p)
	who := newSubject()
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream, fact(collected(clearItem(who, "email", "1", "x"), clearItem(who, "page", "2015-05", "/"), clearItem(who, "name", "1", "n"))))
	gone := fact(deleted(who, destroy(who, "email", "1"), domain.Fate{Subject: who, Field: "page", Epoch: "2015-06", Through: true, Action: domain.Destroy},
		domain.Fate{Subject: who, Field: "name", Epoch: "1", Action: domain.Retain, Until: noon.AddDate(1, 0, 0), Rule: "tax"}))
	gone.Meta.Service, gone.Meta.Correlation = "support", uuid.New()
	before := time.Now().Add(-time.Microsecond)
	mustAppend(t, j, stream, 0, gone)
	all := certificates(t, j, who)
	if len(all) != 1 {
		t.Fatalf("%d certificates", len(all))
	}
	c, meta := all[0].Event.(subject.KeysDestroyed), all[0].Meta
	if len(c.Keys) != 2 || c.Subject != who || c.UnreadableAt.Before(before) || c.UnreadableAt.After(time.Now()) ||
		!c.UnrecoverableAfter.Equal(c.UnreadableAt.Add(p.BackupLife)) || c.Keys[0].Master < string(domain.MonthOf(before)) || c.Keys[0].Master > string(domain.MonthOf(time.Now())) {
		t.Errorf("the certificate says %+v", c)
	}
	meta.RecordedAt = time.Time{}
	want := domain.Meta{Actor: domain.Actor{Kind: domain.ActorSystem, ID: "keys"}, OccurredAt: c.UnreadableAt, Purpose: "service",
		Grounds: "ua.11.1.5", Service: "support", Policy: meta.Policy, Command: "key.destroy", Content: meta.Content,
		Correlation: gone.Meta.Correlation, Causation: gone.ID}
	if diff := cmp.Diff(want, meta); diff != "" || len(meta.Content) != 32 {
		t.Error(diff)
	}
	requireCertified(t, j, who, "email 1", "page 2015-05")
}

// Who deletes does not wait for the certificate: it may not be written at all for now.
func TestDeletionDoesNotWaitForItsCertificate(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	in := faulty.New(faulty.Plan{At: 1, Flavour: faulty.Before, Sticky: true, Err: errors.New("no way"), Only: isCertificate})
	p.Store = faulty.NewStore(p.Store, in)
	j := open(t, p)
	who := newSubject()
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream, fact(collected(clearItem(who, "email", "1", "x"))), fact(deleted(who, destroy(who, "email", "1"))))
	if got := shown(t, j, journal.WithRetained, stream); got[0] != "- destroyed" {
		t.Errorf("the value is %v", got)
	}
	if err := j.Certified(t.Context()); err == nil {
		t.Error("a certificate that cannot be written is said to stand")
	}
	in.Disarm()
	requireCertified(t, j, who, "email 1")
}

func isCertificate(op faulty.Op) bool { return domain.Stream(op.Name).Kind() == domain.KindCertificate }

// A crash between any two steps of a certificate, in any flavour: after reopening there is exactly one.
func TestOneCertificateWhateverCrashes(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(*journal.Parts){
		"before it is written": func(p *journal.Parts) {
			p.Store = faulty.NewStore(p.Store, faulty.New(faulty.Plan{At: 1, Flavour: faulty.Before, Sticky: true, Only: isCertificate}))
		},
		"after it is written": func(p *journal.Parts) {
			p.Store = faulty.NewStore(p.Store, faulty.New(faulty.Plan{At: 2, Flavour: faulty.After, Sticky: true, Err: eventstore.ErrClosed, Only: isCertificate}))
		},
		"before the key is taken off the list": func(p *journal.Parts) {
			p.Keys = keysWith{Store: p.Keys, certified: func() error { return errCrash }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, memory.Config{})
			who := newSubject()
			stream := domain.SubjectStream(who)
			p := b.parts(t)
			broken(&p)
			j := open(t, p)
			mustAppend(t, j, stream, domain.NoStream, fact(collected(clearItem(who, "email", "1", "x"), clearItem(who, "name", "1", "n"))),
				fact(deleted(who, destroy(who, "email", "1"))))
			if err := j.Certified(t.Context()); err == nil {
				t.Error("nothing was broken")
			}
			// More is destroyed before the crash: the next look finds another list than the one that was written.
			mustAppend(t, j, stream, 1, fact(deleted(who, destroy(who, "name", "1"))))
			_ = j.Close()
			j = b.reopen(t)
			requireCertified(t, j, who, "email 1", "name 1")
			for _, r := range events(t, j, domain.CertificateStream(who)) {
				if r.Meta.Causation == uuid.Nil || r.Meta.Service != "portal" {
					t.Errorf("after the crash nobody knows by which fact: %+v", r.Meta)
				}
			}
		})
	}
}

// Two journals on one log and one key store, as two processes of a cluster: each key gets one certificate.
func TestTwoCertifiersAgree(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	j := open(t, p)
	other, err := journal.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	who := newSubject()
	stream := domain.SubjectStream(who)
	var want []string
	for n := range 20 {
		epoch := domain.AttributeEpoch(n + 1)
		mustAppend(t, j, stream, int64(2*n-1), fact(collected(clearItem(who, "email", epoch, "x"))), fact(deleted(who, destroy(who, "email", epoch))))
		want = append(want, "email "+string(epoch))
		if err := other.Certified(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	requireCertified(t, j, who, want...)
}

// Many keys of one subject, and many subjects with a page that ends among them.
func TestCertificatesOfManyKeys(t *testing.T) {
	t.Parallel()
	j := newBench(t, memory.Config{}).open(t)
	who := newSubject()
	var items []domain.Item
	var fates []domain.Fate
	for n := range 2300 {
		items = append(items, clearItem(who, "note", domain.AttributeEpoch(n+1), "x"))
		fates = append(fates, destroy(who, "note", items[n].Epoch))
	}
	stream := domain.SubjectStream(who)
	mustAppend(t, j, stream, domain.NoStream, fact(collected(items...)))
	mustAppend(t, j, stream, 0, fact(deleted(who, fates...)))
	seen := map[domain.Epoch]bool{}
	list := certificates(t, j, who)
	for _, r := range list {
		for _, k := range r.Event.(subject.KeysDestroyed).Keys {
			if seen[k.Epoch] {
				t.Errorf("%s is certified twice", k.Epoch)
			}
			seen[k.Epoch] = true
		}
	}
	if len(seen) != len(fates) || len(list) != 3 {
		t.Errorf("%d certificates of %d keys", len(list), len(seen))
	}
}

// A hold makes a term endless, so what it keeps stays readable for its reader beyond the old end.
func TestWhatAHoldKeepsStaysReadable(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	j := b.open(t)
	who := newSubject()
	stream := domain.SubjectStream(who)
	kept := domain.Fate{Subject: who, Field: "name", Epoch: "1", Action: domain.Retain, Until: noon.AddDate(1, 0, 0), Rule: "tax"}
	held := domain.Fate{Subject: who, Field: "name", Epoch: "1", Action: domain.Retain, Rule: subject.HoldRule}
	mustAppend(t, j, stream, domain.NoStream, fact(collected(clearItem(who, "name", "1", "n"))), fact(deleted(who, kept)),
		fact(subject.HoldPlaced{Subject: who, Hold: domain.HoldID{UUID: uuid.New()}, Warrant: subject.Warrant{Authority: "court"}, Held: []domain.Fate{held}}))
	b.set(noon.AddDate(50, 0, 0))
	if got := shown(t, j, journal.WithRetained, stream); got[0] != "n retained" {
		t.Errorf("under the hold the value is %v", got)
	}
}

// isRetried counts how often the list is looked at: a failure is tried again without anybody asking.
func TestAFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.Config{})
	p := b.parts(t)
	var calls atomic.Int32
	again := make(chan struct{})
	p.Keys = keysWith{Store: p.Keys, certified: func() error {
		if calls.Add(1) == 1 {
			return errCrash
		}
		close(again)
		return nil
	}}
	j := open(t, p)
	who := newSubject()
	mustAppend(t, j, domain.SubjectStream(who), domain.NoStream, fact(collected(clearItem(who, "email", "1", "x"))), fact(deleted(who, destroy(who, "email", "1"))))
	<-again // the test's deadline ends a wait in vain
	requireCertified(t, j, who, "email 1")
}
