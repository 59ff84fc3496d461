package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/cmd/internal/outbox"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/subject"
	"imagine.ua/litopys/projections"
	"imagine.ua/litopys/projections/notices"
	"imagine.ua/litopys/projections/profile"
)

// noticeFlags say which notice goes where.
type noticeFlags struct {
	version, channel       string
	smtp, password, folder string
	pending                bool
}

func (p *program) policyNotice() *cobra.Command {
	var f noticeFlags
	cmd := &cobra.Command{
		Use:   "notice",
		Short: "Tell everyone of a version of the policy who was not told yet (clause 6.1)",
		Long: "Tell everyone who has an account, accepted another version and was not told of this one through this channel.\n" +
			"By e-mail, the use of the address is recorded first (DataUsed), the address is opened at the last moment and is\n" +
			"neither printed nor logged; then the notice (NoticeGiven). It may be stopped and run again at any time: a letter\n" +
			"keeps its Message-ID, so that one that was on its way when the program died is known again.\n\n" +
			"--outbox DIR writes one .eml a letter; --smtp URL sends. For the account the app takes letters from the folder;\n" +
			"for the site one text is written for everybody.",
		Example: "  litopys policy notice --pending\n  litopys policy notice --version 2027 --channel email --smtp smtp://litopys@mail.example.org:587 --smtp-password-from ./smtp.txt --actor system:mailer --purpose contact --grounds ua.11.1.5 --service site",
		Args:    cobra.NoArgs,
	}
	addWho(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.version, "version", "", "the version (default: the newest that is published)")
	flags.StringVar(&f.channel, "channel", "", "account, email or site")
	flags.StringVar(&f.smtp, "smtp", "", "mail server, smtp://user@host:587 or smtps://user@host:465")
	flags.StringVar(&f.password, "smtp-password-from", "", "file with the mail server's password, or - for standard input")
	flags.StringVar(&f.folder, "outbox", "", "folder to write letters to")
	flags.BoolVar(&f.pending, "pending", false, "only list who was not told yet, one id a line")
	cmd.MarkFlagsMutuallyExclusive("smtp", "outbox")
	cmd.MarkFlagsMutuallyExclusive("pending", "smtp")
	cmd.MarkFlagsMutuallyExclusive("pending", "outbox")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if f.pending {
			return p.with(cmd.Context(), func(a *app.App) error { return p.pending(cmd.Context(), a, f) })
		}
		if err := f.check(); err != nil {
			return err
		}
		op, err := p.operation(act{key: "policy-notice"}, p.cfg.Act)
		if err != nil {
			return err
		}
		return p.with(cmd.Context(), func(a *app.App) error { return p.notify(cmd.Context(), a, f, op.Spec()) })
	}
	return cmd
}

func (f noticeFlags) check() error {
	switch subject.Channel(f.channel) {
	case subject.ByEmail:
		if f.smtp == "" && f.folder == "" {
			return usage("give --smtp URL or --outbox DIR", "where do the letters go?")
		}
	case subject.ByAccount, subject.BySite:
		if f.folder == "" {
			return usage("give --outbox DIR", "what the app shows goes to a folder")
		}
	default:
		return usage("give --channel account, email or site, or --pending", "how are they told?")
	}
	return nil
}

// edition gives the version that is meant.
func (f noticeFlags) edition(ctx context.Context, a *app.App) (*policy.Policy, error) {
	var published []notices.Version
	err := a.View(ctx, func(s projections.Snapshot) (err error) {
		published, err = notices.Versions(ctx, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := len(published) - 1; i >= 0; i-- {
		if f.version == "" || published[i].Version == f.version {
			if v, ok := a.Policies.ByVersion(published[i].Version); ok {
				return v, nil
			}
		}
	}
	return nil, domain.Refuse("policy.unpublished", "6.1", "publish it first: litopys policy publish FILE", "no such version is published").WithKind(domain.Unknown)
}

// pending lists who was not told yet.
func (p *program) pending(ctx context.Context, a *app.App, f noticeFlags) error {
	v, err := f.edition(ctx, a)
	if err != nil {
		return err
	}
	n := 0
	err = a.View(ctx, func(s projections.Snapshot) error {
		for id, err := range notices.Pending(ctx, s, notices.Awaiting{Version: v.Version, Channel: subject.Channel(f.channel)}) {
			if err != nil {
				return err
			}
			n++
			if p.json {
				if err := p.answer(map[string]any{"subject": id, "version": v.Version}); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintln(p.Out, id)
		}
		return nil
	})
	if err == nil {
		p.say("%d not told yet of version %s", n, v.Version)
	}
	return err
}

// telling is one run of telling people of one version through one channel.
type telling struct {
	app     *app.App
	box     outbox.Outbox
	edition *policy.Policy
	notice  policy.Notice
	channel subject.Channel
	spec    domain.OperationSpec
	field   domain.Field // by which people are written to
	counts  tally
}

// reused is the refusal of a key that another run has used for the same thing.
var reused = &domain.Refusal{Code: "idempotency.reused"}

// tally is what came of it.
type tally struct {
	Told      int `json:"told"`
	NoAddress int `json:"noAddress"` // no e-mail is held
	Forbidden int `json:"forbidden"` // its use is refused by a rule: a restriction, an objection
	Refused   int `json:"refused"`   // malformed, or the mail server will never take it
	Later     int `json:"later"`     // the mail server did not take it now
}

func (p *program) notify(ctx context.Context, a *app.App, f noticeFlags, spec domain.OperationSpec) (err error) {
	v, err := f.edition(ctx, a)
	if err != nil {
		return err
	}
	t := &telling{app: a, edition: v, notice: v.Notice(), channel: subject.Channel(f.channel), spec: spec, field: addressField(a.Policy)}
	if t.box, err = p.outbox(ctx, f); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.box.Close()) }()
	if t.channel == subject.BySite {
		letter := t.letter(domain.SubjectID{}, "")
		letter.ID = "policy." + v.Version + ".site"
		if _, err := t.box.Deliver(ctx, letter); err != nil {
			return err
		}
	}
	err = t.everyone(ctx)
	if errAnswer := p.toldAnswer(v, t.counts); err == nil {
		err = errAnswer
	}
	return err
}

func (p *program) toldAnswer(v *policy.Policy, c tally) error {
	if p.json {
		return p.answer(map[string]any{"version": v.Version, "told": c.Told, "noAddress": c.NoAddress, "forbidden": c.Forbidden, "refused": c.Refused, "later": c.Later})
	}
	pairs(p.Out, [2]string{"version", v.Version}, [2]string{"told", fmt.Sprint(c.Told)}, [2]string{"no address", fmt.Sprint(c.NoAddress)},
		[2]string{"use forbidden", fmt.Sprint(c.Forbidden)}, [2]string{"refused", fmt.Sprint(c.Refused)}, [2]string{"not taken now", fmt.Sprint(c.Later)})
	if c.Later > 0 {
		p.say("run it again for those whose letters were not taken")
	}
	return nil
}

func (p *program) outbox(ctx context.Context, f noticeFlags) (outbox.Outbox, error) {
	if f.folder != "" {
		return outbox.OpenFolder(f.folder)
	}
	password := ""
	if f.password != "" {
		text, err := p.readAll(f.password, 4<<10)
		if err != nil {
			return nil, err
		}
		password = strings.TrimRight(string(text), "\r\n")
	}
	return outbox.OpenServer(ctx, f.smtp, password)
}

// addressField is the field whose values are e-mail addresses.
func addressField(p *policy.Policy) domain.Field {
	for _, f := range p.Fields {
		if f.Form == policy.Email {
			return f.ID
		}
	}
	return ""
}

// atOnce is how many people are told between two records: as many letters may be repeated, under the same
// Message-ID, when the program dies.
const atOnce = 50

// everyone goes through the people by their ids; who cannot be told now is not tried twice in one run.
func (t *telling) everyone(ctx context.Context) error {
	await := notices.Awaiting{Version: t.edition.Version, Channel: t.channel}
	for {
		var some []profile.Profile
		err := t.app.View(ctx, func(s projections.Snapshot) (err error) {
			some, err = next(ctx, s, await)
			return err
		})
		if err != nil || len(some) == 0 {
			return err
		}
		await.After = some[len(some)-1].Subject
		if err := t.tell(ctx, some); err != nil {
			return err
		}
	}
}

// next gives the profiles of the next people, still sealed.
func next(ctx context.Context, s projections.Snapshot, await notices.Awaiting) ([]profile.Profile, error) {
	var ids []domain.SubjectID
	for id, err := range notices.Pending(ctx, s, await) {
		if err != nil {
			return nil, err
		}
		if ids = append(ids, id); len(ids) == atOnce {
			break
		}
	}
	list := make([]profile.Profile, 0, len(ids))
	for _, id := range ids {
		held, found, err := profile.Get(ctx, s, id)
		if err != nil {
			return nil, err
		}
		if !found {
			held = profile.Profile{Subject: id}
		}
		list = append(list, held)
	}
	return list, nil
}

// tell writes to some people and records it. What was handed over is recorded even when the rest fails.
func (t *telling) tell(ctx context.Context, some []profile.Profile) error {
	if t.channel == subject.ByEmail {
		var err error
		if some, err = t.reachable(ctx, some); err != nil {
			return err
		}
	}
	var told []ledger.Command
	var failed error
	for i := range some {
		if failed = t.deliver(ctx, &some[i]); failed == nil {
			told = append(told, t.given(some[i].Subject))
			continue
		}
		if errors.Is(failed, outbox.ErrRefused) {
			t.counts.Refused++
		} else if errors.Is(failed, outbox.ErrLater) {
			t.counts.Later++
		} else {
			break
		}
		failed = nil
	}
	recorded := context.WithoutCancel(ctx) // what is on its way cannot be called back
	for _, out := range t.app.Ledger.HandleAll(recorded, told) {
		if out.Err != nil && !errors.Is(out.Err, reused) {
			failed = errors.Join(failed, out.Err)
			continue
		}
		t.counts.Told++
	}
	return failed
}

// reachable keeps the people whose address is held and may be used, and records its use.
func (t *telling) reachable(ctx context.Context, some []profile.Profile) ([]profile.Profile, error) {
	var held []profile.Profile
	var uses []ledger.Command
	for _, person := range some {
		person.Fields = addresses(person.Fields, t.field)
		if len(person.Fields) == 0 {
			t.counts.NoAddress++
			continue
		}
		held = append(held, person)
		uses = append(uses, subject.Use{About: t.about(person.Subject, "use"), Fields: []domain.Field{t.field}})
	}
	var may []profile.Profile
	for i, out := range t.app.Ledger.HandleAll(ctx, uses) {
		var refusal *domain.Refusal
		switch {
		case errors.Is(out.Err, reused): // a run by somebody else recorded it and came no further
			may = append(may, held[i])
		case errors.As(out.Err, &refusal):
			t.counts.Forbidden++
		case out.Err != nil:
			return nil, out.Err
		default:
			may = append(may, held[i])
		}
	}
	return may, nil
}

func addresses(all []profile.Field, id domain.Field) []profile.Field {
	for _, f := range all {
		if f.Field == id && f.Condition == profile.Held {
			return []profile.Field{f}
		}
	}
	return nil
}

// deliver opens the address and hands the letter over.
func (t *telling) deliver(ctx context.Context, person *profile.Profile) error {
	switch t.channel {
	case subject.BySite:
		return nil // one text for all is there
	case subject.ByEmail:
	default:
		_, err := t.box.Deliver(ctx, t.letter(person.Subject, ""))
		return err
	}
	if err := person.Open(ctx, app.Opener{Journal: t.app.Journal}); err != nil {
		return err
	}
	address, ok := person.Fields[0].Value.Reveal()
	if !ok {
		return fmt.Errorf("%w: the address was erased meanwhile", outbox.ErrRefused)
	}
	_, err := t.box.Deliver(ctx, t.letter(person.Subject, address))
	return err
}

func (t *telling) letter(id domain.SubjectID, address string) outbox.Letter {
	return outbox.Letter{ID: outbox.MessageID(t.edition.Version, string(t.channel), id), From: t.edition.Controller.Contact, To: address,
		Subject: id, Title: t.notice.Title, Body: t.notice.Body, Date: t.spec.At}
}

func (t *telling) given(id domain.SubjectID) subject.GiveNotice {
	return subject.GiveNotice{About: t.about(id, "told"), Duty: string(law.PolicyNotice), Policy: t.edition.Version, Channel: t.channel}
}

// about gives the operation on one person. Its key says what is done, not for whom: keys belong to a stream.
func (t *telling) about(id domain.SubjectID, what string) subject.About {
	spec := t.spec
	spec.Key = strings.Join([]string{"policy-notice", t.edition.Version, string(t.channel), what}, "/")
	op, err := domain.NewOperation(spec)
	if err != nil {
		op = domain.Operation{} // the ledger refuses it, naming what is missing
	}
	return subject.About{Subject: id, Operation: op}
}
