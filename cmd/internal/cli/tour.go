package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/brianvoe/gofakeit/v7"
	"github.com/google/uuid"
	"github.com/jedib0t/go-pretty/v6/text"

	"imagine.ua/litopys/cmd/internal/app"
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/ledger"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/subject"
)

// tour is the demonstration under way.
type tour struct {
	p      *program
	app    *app.App
	fake   *gofakeit.Faker
	source *rand.ChaCha8
	people []person
	crowd  []person     // visitors of the site without an account
	former person       // who left years ago
	began  time.Time    // the day on which the story begins
	at     time.Time    // the story's clock
	month  domain.Month // the month in which everybody visits; it is over
	tick   time.Duration
	step   int

	partner, post, taxes, counsel domain.RecipientID
	consent                       domain.ConsentID
	order                         domain.OrderID
	hold                          domain.HoldID
	figures                       string // of the month, as they were published
}

// person is one generated person.
type person struct {
	id                                            domain.SubjectID
	account, name, email, phone, city             string
	birth, tax, address, agent, nextmail, nexttax string
}

func newTour(p *program, a *app.App, people int, seed uint64) *tour {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	t := &tour{p: p, app: a, fake: gofakeit.New(seed), source: rand.NewChaCha8(key)}
	now := p.now().UTC()
	t.began = time.Date(now.Year(), now.Month()-3, 1, 9, 0, 0, 0, time.UTC)
	t.at = t.began
	// The story must end before today, however many people there are: each takes part in five operations.
	t.tick = min(time.Hour, 80*24*time.Hour/time.Duration(5*people+60))
	for range people {
		t.people = append(t.people, t.person())
	}
	for range visitors {
		t.crowd = append(t.crowd, t.person())
	}
	t.former = t.person()
	return t
}

// visitors is how many visitors without an account there are: enough for figures that show nobody.
const visitors = 48

// leap moves the story's clock to some days before today, unless it is there already.
func (t *tour) leap(days int) {
	if to := t.p.now().UTC().AddDate(0, 0, -days).Truncate(time.Hour); to.After(t.at) {
		t.at = to
	}
}

// person makes one; the same seed makes the same.
func (t *tour) person() person {
	f := t.fake
	return person{id: domain.SubjectID{UUID: t.id()}, account: fmt.Sprintf("a-%06d", f.IntRange(1, 999_999)), name: f.Name(),
		email: f.Email(), phone: f.Phone(), city: f.City(), birth: f.PastDate().AddDate(-30, 0, 0).Format(time.DateOnly),
		tax: f.DigitN(10), address: f.IPv4Address(), agent: f.FirefoxUserAgent(), nextmail: f.Email(), nexttax: f.DigitN(10)}
}

// id is random by the seed; real ids are not.
func (t *tour) id() uuid.UUID {
	id, err := uuid.NewRandomFromReader(t.source)
	if err != nil {
		panic(err) // ChaCha8 never fails to read
	}
	return id
}

// title begins a chapter: what happens, in one line, and by which clauses.
func (t *tour) title(format string, args ...any) {
	t.step++
	line := fmt.Sprintf("%d. %s", t.step, fmt.Sprintf(format, args...))
	if onTerminal(t.p.Err) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		line = "\x1b[1m" + line + "\x1b[0m"
	}
	t.p.say("\n%s", line)
}

// note is talk inside a chapter.
func (t *tour) note(format string, args ...any) { t.p.say("   "+format, args...) }

// aside is a note that may be longer than a line.
func (t *tour) aside(format string, args ...any) {
	for i, line := range strings.Split(text.WrapSoft(fmt.Sprintf(format, args...), 70), "\n") {
		t.note("%s%s", []string{"  ", "    "}[min(i, 1)], strings.TrimRight(line, " "))
	}
}

// show parts the talk of a chapter from the answer that follows.
func (t *tour) show() { t.p.say("") }

// by is one operation, a tick of the story's clock after the last one.
// The actor is a kind, or an employee's code.
func (t *tour) by(actor string, purpose domain.Purpose, grounds domain.Grounds, service domain.Service) domain.Operation {
	t.at = t.at.Add(t.tick)
	kind, id := actor, "demo"
	switch {
	case actor == "employee":
		id = "e-17"
	case strings.HasPrefix(actor, "e-"):
		kind, id = "employee", actor
	}
	op, err := domain.NewOperation(domain.OperationSpec{Key: "demo-" + t.id().String(), At: t.at, Purpose: purpose, Grounds: grounds,
		Service: service, Actor: domain.Actor{Kind: domain.ActorKind(kind), ID: domain.Reference(id)}})
	if err != nil {
		panic(err) // every part is written down above
	}
	return op
}

// own is what a person does himself, in his account.
func (t *tour) own(who person) subject.About {
	return subject.About{Subject: who.id, Operation: t.by("subject", "service", "ua.11.1.3", "account")}
}

// do records a command and says so in one line.
func (t *tour) do(ctx context.Context, what string, cmd ledger.Command) error {
	got, err := t.app.Ledger.Handle(ctx, cmd)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	t.note("%-53s  %s %d", what, shortStream(got.Stream), got.Revision)
	return nil
}

func shortStream(s domain.Stream) string {
	if len(s) > 16 {
		return string(s)[:len(s.Kind())+9]
	}
	return string(s)
}

// refused hands over a command that must be refused and shows the refusal.
func (t *tour) refused(ctx context.Context, what string, cmd ledger.Command) error {
	_, err := t.app.Ledger.Handle(ctx, cmd)
	var refusal *domain.Refusal
	if !errors.As(err, &refusal) {
		return fmt.Errorf("%s: want a refusal, got %w", what, errors.Join(err, errors.New("the command was recorded")))
	}
	t.note("%s", what)
	t.aside("refused [%s, clause %s]: %s", refusal.Code, refusal.Clause, refusal.Message)
	t.aside("remedy: %s", refusal.Remedy)
	return nil
}

func given(pairs ...string) []subject.Given {
	var out []subject.Given
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, subject.Given{Field: domain.Field(pairs[i]), Value: domain.ClearValue(pairs[i+1])})
	}
	return out
}

// run tells the whole story.
func (t *tour) run(ctx context.Context) error {
	id, err := t.app.Journal.Identity(ctx)
	if err != nil {
		return err
	}
	t.p.say("A new ledger %s in %s,\nunder the policy %s %s. Beside every fact: its stream, its place there.", id.String()[:8], t.p.cfg.Dir, t.app.Policy.Name, t.app.Policy.Version)
	for _, chapter := range []func(context.Context) error{
		t.arrive, t.visit, t.correct, t.thirdParties, t.agree, t.ordered, t.byLaw, t.shown, t.refusals,
		t.newPolicy, t.kept, t.held, t.disclosed, t.released, t.asked, t.owed, t.over,
		t.profile, t.past, t.history, t.transferred, t.counted, t.plannedUA, t.plannedEU, t.erase, t.certified, t.recounted, t.registered, t.end,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

// arrive registers people and takes what they give (preamble, 1.1.1).
func (t *tour) arrive(ctx context.Context) error {
	t.title("%d people register and give their data (preamble, 1.1.1)", len(t.people))
	for i, who := range t.people {
		register := subject.Register{About: t.own(who), Reference: given("account", who.account)[0]}
		collect := subject.Collect{About: t.own(who), Source: subject.BySubject,
			Values: given("name", who.name, "email", who.email, "phone", who.phone, "city", who.city, "birth_date", who.birth, "tax_number", who.tax)}
		if i > 0 {
			for _, out := range t.app.Ledger.HandleAll(ctx, []ledger.Command{register, collect}) {
				if out.Err != nil {
					return out.Err
				}
			}
			continue
		}
		if err := errors.Join(t.do(ctx, "register, found again by a sealed account", register),
			t.do(ctx, "collect name, email, phone, city, birth_date, tax", collect)); err != nil {
			return err
		}
	}
	if len(t.people) > 1 {
		t.note("... and %d more", len(t.people)-1)
	}
	return nil
}

// visit takes what their software sends (1.1.2).
func (t *tour) visit(ctx context.Context) error {
	t.title("Their software sends data by itself (1.1.2)")
	var cmds []ledger.Command
	for _, who := range t.people {
		for _, page := range []string{"/", "/goods", "/cart"} {
			op := t.by("system", "improvement", "ua.11.1.6", "site")
			cmds = append(cmds, subject.Collect{About: subject.About{Subject: who.id, Operation: op}, Source: subject.Automatic,
				Values: given("address", who.address, "access_time", when(t.at), "page", page, "browser", who.agent)})
		}
	}
	cmds = append(cmds, t.crowded()...)
	if err := ledger.Errors(t.app.Ledger.HandleAll(ctx, cmds)); err != nil {
		return err
	}
	t.note("%d visits of %d people with an account and %d without one.", len(cmds)-len(t.crowd), len(t.people), len(t.crowd))
	t.note("Each address, time, page and browser is sealed under the key of its month.")
	return nil
}

// crowded are the visits of those who have no account, all of one month.
func (t *tour) crowded() []ledger.Command {
	t.at = t.at.Add(t.tick)
	t.month = domain.MonthOf(t.at)
	at, tick := t.at, t.tick
	defer func() { t.at, t.tick = at, tick }()
	t.tick = time.Second
	agents := []string{t.fake.FirefoxUserAgent(), t.fake.ChromeUserAgent()}
	var cmds []ledger.Command
	for i, who := range t.crowd {
		about := func() subject.About {
			return subject.About{Subject: who.id, Operation: t.by("system", "improvement", "ua.11.1.6", "site")}
		}
		agent := agents[min(i%5/3, 1)] // three of five have the first
		cmds = append(cmds, subject.Register{About: about(), Reference: subject.Give("visitor", who.address+"\n"+agent)},
			subject.Collect{About: about(), Source: subject.Automatic, Values: given("address", who.address, "access_time", when(t.at),
				"page", []string{"/goods", "/news"}[i%2], "browser", agent)})
	}
	return cmds
}

// correct identifies, disputes, rectifies and edits (1.3-1.5, 4.1).
func (t *tour) correct(ctx context.Context) error {
	who := t.people[0]
	t.title("Values are verified, disputed, corrected, edited (1.3, 1.4-1.5, 4.1)")
	staff := func(purpose domain.Purpose, service domain.Service) subject.About {
		return subject.About{Subject: who.id, Operation: t.by("employee", purpose, "ua.11.1.3", service)}
	}
	return errors.Join(
		t.do(ctx, "identify by a document: name", subject.Identify{About: staff("identification", "account"), Method: "document", Document: "check-8", Fields: fields([]string{"name"})}),
		t.do(ctx, "dispute: the phone is out of date", subject.Dispute{About: t.own(who), Field: "phone", Document: "letter-7"}),
		t.do(ctx, "rectify: the phone is corrected", subject.Rectify{About: staff("contact", "support"), Field: "phone", Document: "call-9", Value: domain.ClearValue(t.fake.Phone())}),
		t.do(ctx, "edit: a new email; the old one's key is destroyed", subject.Edit{About: t.own(who), Values: given("email", who.nextmail)}),
	)
}

// thirdParties makes recipients known.
func (t *tour) thirdParties(ctx context.Context) error {
	t.title("Third parties become known")
	for _, r := range []struct {
		id   *domain.RecipientID
		card recipient.Card
	}{
		{&t.partner, recipient.Card{Name: "Example Letters sp. z o.o.", Kind: "partner", Country: "PL", Contract: "c-11"}},
		{&t.post, recipient.Card{Name: "Example Post", Kind: "delivery", Country: "UA", Contract: "c-12"}},
		{&t.taxes, recipient.Card{Name: "Example Tax Office", Kind: "authority", Country: "UA", Contract: "2755-VI"}},
		{&t.counsel, recipient.Card{Name: "Example Advocates", Kind: "counsel", Country: "UA", Contract: "c-13"}},
	} {
		*r.id = domain.RecipientID{UUID: t.id()}
		add := recipient.Add{About: recipient.About{Recipient: *r.id, Operation: t.by("employee", "service", "ua.11.1.3", "account")}, Card: r.card}
		if err := t.do(ctx, fmt.Sprintf("%s (%s, %s)", r.card.Name, r.card.Kind, r.card.Country), add); err != nil {
			return err
		}
	}
	return nil
}
