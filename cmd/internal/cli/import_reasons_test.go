package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imagine.ua/litopys/config"
)

func TestRejectReasons(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects")
	var text strings.Builder
	for i := range reasonsKept + 10 {
		fmt.Fprintf(&text, `{"line":%d,"offset":0,"reason":"at byte %04d"}`+"\n", i, i)
	}
	text.WriteString(strings.Repeat(`{"line":1,"offset":0,"reason":"at byte 0007"}`+"\n", 2))
	text.WriteString(strings.Repeat(`{"line":1,"offset":0,"reason":"at byte 9999"}`+"\n", 9)) // one more than are counted
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := rejectReasons(path)
	if err != nil || len(got) != reasonsKept {
		t.Fatalf("%d reasons, %v; want %d", len(got), err, reasonsKept)
	}
	want := []rejectReason{{Lines: 3, Reason: "at byte 0007"}, {Lines: 1, Reason: "at byte 0000"}}
	if d := cmp.Diff(want, got[:2]); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got, err := rejectReasons(""); got != nil || err != nil {
		t.Errorf("no rejects give %v, %v", got, err)
	}
	if _, err := rejectReasons(path + ".gone"); err == nil {
		t.Error("a file that is gone gives reasons")
	}
}

func TestReasonIsSaid(t *testing.T) {
	t.Parallel()
	refused := rejectReason{Lines: 3, Code: "field.service", Clause: "1.2", Reason: "no\x1b", Remedy: "do"}
	for _, test := range []struct {
		rejected int64
		reason   rejectReason
		want     string
	}{
		{1, rejectReason{Lines: 1, Reason: "odd"}, "1 line is rejected: odd\n"},
		{3, refused, "3 lines are rejected, all of them: [field.service, clause 1.2] no\\u001b\n  remedy: do\n"},
		{9, refused, "9 lines are rejected, 3 of them: [field.service, clause 1.2] no\\u001b\n  remedy: do\n"},
	} {
		var talk bytes.Buffer
		p := testProgram()
		p.Err = &talk
		p.sayReason(test.rejected, test.reason)
		if d := cmp.Diff(test.want, talk.String()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

func TestNoneTakenSaysWhatMadeItActSo(t *testing.T) {
	t.Parallel()
	p := testProgram()
	if got := p.noneTaken().Error(); got != errNoneTaken.Error() {
		t.Errorf("an import that acts as it does by itself says %s", got)
	}
	setting := func(name, from string) config.Setting {
		return config.Setting{Knob: config.Knob{Name: name}, Value: "x", From: from}
	}
	p.cfg.Settings = []config.Setting{setting("act.actor", "LITOPYS_ACT_ACTOR"), setting("act.purpose", "default"),
		setting("act.service", "file"), setting("act.grounds", "--grounds"), setting("act.role", "file"), setting("dir", "--dir")}
	want := "no line was taken; the import acted by LITOPYS_ACT_ACTOR, act.service of the file, --grounds; without these it acts as " + accessLogActs
	if got := p.noneTaken().Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
