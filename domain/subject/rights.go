package subject

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/law"
)

// article is what the rule pack rests a duty on; it stands as the clause of refusals.
func (d *decision) article(id law.DeadlineID) string {
	deadline, _ := d.Policy.Pack().Deadline(id)
	return deadline.Article
}

// restrict leaves fields stored and nothing else (ua art. 8, GDPR art. 18). Those restricted already are left out.
func (d *decision) restrict(c Restrict) (Event, error) {
	if err := distinct(c.Fields); err != nil {
		return nil, err
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	e := Restricted{Subject: d.subject, Document: c.Document}
	for _, f := range c.Fields {
		if !d.knownTrace(f) {
			if _, _, err := d.attribute("restrict", f); err != nil {
				return nil, err
			}
		}
		if _, already := limits(d.state.restricted, f); !already {
			e.Fields = append(e.Fields, f)
		}
	}
	if len(e.Fields) == 0 {
		return nil, nil
	}
	e.Tell = d.state.Recipients(e.Fields...)
	return e, nil
}

// lift allows processing again. Fields that are not restricted are left out.
func (d *decision) lift(c LiftRestriction) (Event, error) {
	if err := distinct(c.Fields); err != nil {
		return nil, err
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	e := RestrictionLifted{Subject: d.subject, Document: c.Document}
	for _, f := range c.Fields {
		l, there := limits(d.state.restricted, f)
		if !there {
			continue
		}
		if d.precedes(l.from) {
			return nil, tooEarly("restriction", d.article(law.Restriction), "the field "+string(f)+" was restricted", l.from.on())
		}
		e.Fields = append(e.Fields, f)
	}
	if len(e.Fields) == 0 {
		return nil, nil
	}
	return e, nil
}

// ownAct reports whether the subject himself acts, by his account.
func (d *decision) ownAct() bool { return d.op.Actor.Kind == domain.ActorSubject }

// unrestricted refuses fields that are only stored (ua art. 8, GDPR art. 18). To collect, change, use, publish and
// pass on is more than that, and so is deleting what the subject wants kept. What goes on beside a restriction:
//   - what the subject himself gives, changes or deletes (clause 4.1; art. 18(2): with his consent), but not what
//     his software sends by itself;
//   - what answers his request: viewing and changing for such a purpose, disputes, verification and correction,
//     which are often what the restriction waits for;
//   - withdrawing a publication, which makes values confidential again;
//   - transfers by law and in defence of rights, and deletions that an order demands.
func (d *decision) unrestricted(fields []domain.Field) error {
	for _, f := range fields {
		if _, only := limits(d.state.restricted, f); only {
			return domain.Refuse("data.restricted", d.article(law.Restriction), "lift the restriction first, or leave the field out; the person himself may give, change and delete it",
				"processing of the field %s is restricted to storage", f)
		}
	}
	return nil
}

// object ends processing for purposes (ua art. 8, GDPR art. 21). Those objected to already are left out.
func (d *decision) object(c Object) (Event, error) {
	if err := d.purposes(c.Purposes); err != nil {
		return nil, err
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	e := Objected{Subject: d.subject, Document: c.Document}
	for _, p := range c.Purposes {
		if _, already := limits(d.state.objected, p); !already {
			e.Purposes = append(e.Purposes, p)
		}
	}
	if len(e.Purposes) == 0 {
		return nil, nil
	}
	return e, nil
}

// withdrawObjection takes an objection back. Purposes that nobody objected to are left out.
func (d *decision) withdrawObjection(c WithdrawObjection) (Event, error) {
	if err := d.purposes(c.Purposes); err != nil {
		return nil, err
	}
	e := ObjectionWithdrawn{Subject: d.subject}
	for _, p := range c.Purposes {
		l, there := limits(d.state.objected, p)
		if !there {
			continue
		}
		if d.precedes(l.from) {
			return nil, tooEarly("objection", d.article(law.Objection), "the subject objected to the purpose "+string(p), l.from.on())
		}
		e.Purposes = append(e.Purposes, p)
	}
	if len(e.Purposes) == 0 {
		return nil, nil
	}
	return e, nil
}

func (d *decision) purposes(list []domain.Purpose) error {
	if len(list) == 0 {
		return input("object.purposes", "2.2", "name at least one purpose", "the command names no purpose")
	}
	for i, p := range list {
		if slices.Contains(list[:i], p) {
			return input("object.purposes", "2.2", "name it once", "%s is named twice", called("purpose", p))
		}
		_, objected := limits(d.state.objected, p)
		if _, ok := d.Policy.Purpose(p); !ok && !objected {
			return domain.Refuse("object.purpose", "2.2", "use purposes of the policy", "the policy does not name %s as purpose", shown(p)).WithKind(domain.Unknown)
		}
	}
	return nil
}

// unopposed refuses a purpose that the subject objects to. What a law or the defence of rights demands goes on,
// except direct marketing: that objection is absolute.
func (d *decision) unopposed(demanded bool) error {
	if _, objected := limits(d.state.objected, d.op.Purpose); !objected {
		return nil
	}
	p, _ := d.Policy.Purpose(d.op.Purpose)
	if demanded && !p.DirectMarketing {
		return nil
	}
	return domain.Refuse("purpose.objected", d.article(law.Objection), "leave it, or record that the objection was withdrawn",
		"the subject objects to processing for the purpose %s", d.op.Purpose)
}

// binding reports whether the grounds demand the operation.
func (d *decision) binding() bool {
	g, ok := d.Policy.Ground(d.op.Grounds)
	return ok && g.Binding
}

// exempt checks the exemption by which a subject need not be told of a transfer; none means that he is told.
func (d *decision) exempt(id string) error {
	if id == "" {
		return nil
	}
	if e, ok := d.Policy.Pack().Exemption(id); ok && e.Frees(law.NoticeTransfer) {
		return nil
	}
	var known []string
	for _, e := range d.Policy.Pack().ExemptionsFrom(law.NoticeTransfer) {
		known = append(known, e.ID)
	}
	remedy := "leave it out: the law knows none"
	if len(known) > 0 {
		remedy = "use one of: " + strings.Join(known, ", ")
	}
	return domain.Refuse("transfer.exempt", d.article(law.NoticeTransfer), remedy, "the law does not free from telling the subject by %s", shown(id)).WithKind(domain.Unknown)
}

// ground checks the ground of a deletion that the subject did not ask for (ua art. 15).
func (d *decision) ground(id string) (law.Ground, error) {
	pack := d.Policy.Pack()
	if g, ok := pack.DeletionGround(id); ok || id == "" {
		return g, nil
	}
	var known []string
	for _, g := range pack.DeletionGrounds {
		known = append(known, g.ID)
	}
	return law.Ground{}, domain.Refuse("delete.ground", "4.2", "use one of: "+strings.Join(known, ", "), "the law does not name %s as a ground of deletion", shown(id)).WithKind(domain.Unknown)
}

// giveNotice records that somebody was told (clauses 3.4, 6.1).
func (d *decision) giveNotice(c GiveNotice) (Event, error) {
	deadline, ok := d.Policy.Pack().Deadline(law.DeadlineID(c.Duty))
	ofPolicy := deadline.ID == law.PolicyNotice
	if !ok || !ofPolicy && !strings.HasPrefix(c.Duty, "notice.") {
		return nil, domain.Refuse("notice.duty", "3.4", "name a duty to tell from the rule pack, for example notice.transfer",
			"the law does not name %s as a duty to tell", shown(c.Duty)).WithKind(domain.Unknown)
	}
	if ofPolicy == (c.Cause != uuid.Nil) {
		return nil, input("notice.cause", "3.4", "name the event that had to be told, and none for a new version of the policy", "the notice does not say what it is about")
	}
	if ofPolicy && !domain.Reference(c.Policy).Valid() || !ofPolicy && c.Policy != "" {
		return nil, input("notice.policy", "6.1", "name the version for the duty policy.notice, and for no other", "the version of the policy is missing, or has no place here")
	}
	if err := d.told(c, deadline); err != nil {
		return nil, err
	}
	switch c.Channel {
	case ByAccount, ByEmail, BySite, ByPost:
	default:
		return nil, input("notice.channel", "6.1", "say account, email, site or post", "the channel is not known")
	}
	if err := document(c.Document); err != nil {
		return nil, err
	}
	return NoticeGiven{Subject: d.subject, Cause: c.Cause, Duty: c.Duty, Policy: c.Policy, Recipient: c.Recipient, Channel: c.Channel, Document: c.Document}, nil
}

// told checks who was told: a third party that got data, or the subject.
func (d *decision) told(c GiveNotice, duty law.Deadline) error {
	if duty.Addressee != law.ToRecipient {
		if !c.Recipient.IsZero() {
			return input("notice.recipient", "3.4", "leave the recipient out", "by the duty %s the subject is told, not a third party", duty.ID)
		}
		return nil
	}
	if !d.state.GotData(c.Recipient) {
		return domain.Refuse("notice.recipient", duty.Article, "name a third party that got data of the subject",
			"this third party never got data of the subject").WithKind(domain.Unknown)
	}
	return nil
}
