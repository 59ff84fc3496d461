package schema

import (
	"maps"
	"time"

	"github.com/google/uuid"

	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
)

var (
	oksana = domain.SubjectID{UUID: uuid.MustParse("0b6f1a52-3c1d-4f7e-9a70-5f1d2c3b4a59")}
	petro  = domain.SubjectID{UUID: uuid.MustParse("7d3e9c04-11aa-4b5c-8d6e-f00000000002")}
	bank   = domain.RecipientID{UUID: uuid.MustParse("c0ffee00-0000-4000-8000-00000000000b")}
	agreed = domain.ConsentID{UUID: uuid.MustParse("c0000000-0000-4000-8000-00000000000c")}
	hold   = domain.HoldID{UUID: uuid.MustParse("60000000-0000-4000-8000-000000000001")}
	asked  = domain.RequestID{UUID: uuid.MustParse("70000000-0000-4000-8000-000000000002")}
	order  = domain.OrderID{UUID: uuid.MustParse("0d000000-0000-4000-8000-00000000000d")}
	day    = time.Date(2015, 5, 17, 10, 5, 3, 0, time.UTC)
	hash   = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

func item(who domain.SubjectID, field domain.Field, epoch domain.Epoch, sealed string) domain.Item {
	return domain.Item{Subject: who, Field: field, Epoch: epoch, Value: domain.SealedValue([]byte(sealed))}
}

func sampleScope() subject.Scope {
	return subject.Scope{
		Purposes:       []domain.Purpose{"service", "contact"},
		Fields:         []domain.Field{"email", "phone"},
		Recipients:     []domain.RecipientID{bank},
		RecipientKinds: []domain.RecipientKind{"processor"},
	}
}

func sampleFates() []domain.Fate {
	return []domain.Fate{
		{Subject: oksana, Field: "email", Epoch: "1", Action: domain.Retain, Until: day.AddDate(0, 0, 1095).Add(7 * time.Microsecond), Rule: "tax"},
		{Subject: oksana, Field: "page", Epoch: "2015-05", Through: true, Action: domain.Destroy},
		{Subject: petro, Field: "phone", Epoch: "2", Action: domain.Destroy},
	}
}

// sampleEvents has one full event of every type, and further ones for the shapes that a type can take.
// The key is the golden file's name.
func sampleEvents() map[string]domain.Event {
	pointers := []domain.FieldEpoch{{Field: "email", Epoch: "1"}, {Field: "page", Epoch: "2015-05"}}
	values := []domain.Item{item(oksana, "email", "2", "sealed-1"), item(petro, "phone", "1", "sealed bytes two")}
	transferred := func(b subject.Basis) subject.Transferred {
		return subject.Transferred{
			Subject: oksana, Recipient: subject.Recipient{ID: bank, Kind: "processor", Country: "UA"},
			Values: pointers, Basis: b, Abroad: "adequate",
		}
	}
	samples := map[string]domain.Event{
		"SubjectRegistered": subject.Registered{Subject: oksana, Policy: "2014-01", TextHash: hash,
			Reference: item(oksana, "account", "1", "sealed-reference")},
		"SubjectRegistered-bare": subject.Registered{Subject: oksana},
		"DataCollected": subject.Collected{Subject: oksana, Source: subject.Automatic,
			Items: []domain.Item{item(oksana, "page", "2015-05", "\x00\x01\xfe\xff")}},
		"DataCollected-request": subject.Collected{Subject: oksana, Source: subject.BySubject, Items: []domain.Item{item(oksana, "request_text", "3", "sealed-text")}, Request: asked},
		"DataCollected-several": subject.Collected{Subject: oksana, Source: subject.BySubject, Items: values},
		"DataDisputed":          subject.Disputed{Subject: oksana, Value: pointers[0], Document: "вх-12/2015"},
		"DataRectified": subject.Rectified{Subject: oksana, Value: pointers[0], Outcome: subject.Corrected,
			Document: "R-1", Items: values[:1], Superseded: sampleFates()[:1]},
		"DataRectified-confirmed": subject.Rectified{Subject: oksana, Value: pointers[0], Outcome: subject.Confirmed},
		"SubjectIdentified": subject.Identified{Subject: oksana, Method: "passport", Document: "doc:1",
			Values: pointers},
		"DataEdited":       subject.Edited{Subject: oksana, Items: values, Superseded: sampleFates()},
		"DataDeleted":      subject.Deleted{Subject: oksana, Deleted: sampleFates(), Services: []domain.Service{"mail", "shop"}},
		"AccountClosed":    subject.Closed{Subject: oksana, Deleted: sampleFates(), Services: []domain.Service{"portal"}},
		"ConsentGranted":   subject.ConsentGranted{Subject: oksana, Consent: agreed, Scope: sampleScope(), TextHash: hash, Until: day},
		"ConsentWithdrawn": subject.ConsentWithdrawn{Subject: oksana, Consent: agreed},
		"OrderPlaced":      subject.OrderPlaced{Subject: oksana, Order: order, Scope: sampleScope(), Document: "O-77"},
		"OrderExecuted":    subject.OrderExecuted{Subject: oksana, Order: order},
		"OrderCancelled":   subject.OrderCancelled{Subject: oksana, Order: order},
		"DataPublished":    subject.Published{Subject: oksana, Values: pointers, Place: "guestbook"},
		"PublicationWithdrawn": subject.PublicationWithdrawn{Subject: oksana,
			Values: pointers},
		"DataUsed":              subject.Used{Subject: oksana, Values: pointers},
		"DataViewed":            subject.Viewed{Subject: oksana, Values: pointers, Role: "support", Document: "T#5"},
		"DataTransferred":       transferred(subject.ByConsent{Consent: agreed}),
		"DataTransferred-order": transferred(subject.ByOrder{Order: order}),
		"DataTransferred-law": transferred(subject.ByLaw{Authority: "police", Act: "act-1", Article: "18",
			Document: "req/9", Dated: day, Approvers: [2]domain.Reference{"emp-1", "emp-2"}}),
		"DataTransferred-defence": transferred(subject.ByDefence{Evidence: "case-4", Approver: "emp-3",
			Statement: item(oksana, "statement", "1", "sealed-grounds")}),
		"RecipientAdded": recipient.Added{Recipient: bank,
			Card: recipient.Card{Name: "ТОВ \"Банк\" <1>", Kind: "processor", Country: "UA", Contract: "D-1/2"}},
		"RecipientChanged": recipient.Changed{Recipient: bank, Card: recipient.Card{Name: "Bank", Kind: "authority"}},
	}
	maps.Copy(samples, sampleDuties())
	maps.Copy(samples, sampleStatistics())
	return samples
}

// sampleDuties has the events of keeping, of rights, of notices and of requests.
func sampleDuties() map[string]domain.Event {
	pointers := []domain.FieldEpoch{{Field: "email", Epoch: "1"}, {Field: "page", Epoch: "2015-05"}}
	tell := []domain.RecipientID{bank}
	warrant := subject.Warrant{Authority: "police", Act: "act-1", Article: "18", Document: "req/9", Dated: day}
	open := []domain.Fate{{Subject: oksana, Field: "email", Epoch: "1", Action: domain.Retain, Rule: subject.HoldRule}}
	return map[string]domain.Event{
		"DataEdited-told":     subject.Edited{Subject: oksana, Superseded: sampleFates(), Tell: tell},
		"DataRectified-told":  subject.Rectified{Subject: oksana, Value: pointers[0], Outcome: subject.Corrected, Tell: tell},
		"DataDeleted-told":    subject.Deleted{Subject: oksana, Deleted: sampleFates(), Ground: "ua.15.1", Tell: tell},
		"DataDeleted-ordered": subject.Deleted{Subject: oksana, Deleted: sampleFates(), Ground: "court", Document: "757/1-k", Tell: tell},
		"AccountClosed-told":  subject.Closed{Subject: oksana, Deleted: sampleFates(), Tell: tell},
		"DataTransferred-retained": subject.Transferred{Subject: oksana, Recipient: subject.Recipient{ID: bank, Kind: "authority", Country: "UA"},
			Values: pointers, Basis: subject.ByLaw{Authority: "police", Act: "act-1", Article: "18", Document: "req/9", Dated: day,
				Approvers: [2]domain.Reference{"emp-1", "emp-2"}}, Retained: true, Exempt: "authority", Request: asked},
		"HoldPlaced":           subject.HoldPlaced{Subject: oksana, Hold: hold, Fields: []domain.Field{"email"}, Warrant: warrant, Held: open, Late: pointers},
		"HoldPlaced-all":       subject.HoldPlaced{Subject: oksana, Hold: hold, Warrant: warrant},
		"HoldReleased":         subject.HoldReleased{Subject: oksana, Hold: hold, Document: "D-9", Freed: sampleFates()},
		"RetentionEnded":       subject.RetentionEnded{Subject: oksana, Ended: sampleFates()[1:]},
		"HoldReleased-told":    subject.HoldReleased{Subject: oksana, Hold: hold, Freed: sampleFates(), Tell: tell},
		"RetentionEnded-told":  subject.RetentionEnded{Subject: oksana, Ended: sampleFates()[1:], Tell: tell},
		"ProcessingRestricted": subject.Restricted{Subject: oksana, Fields: []domain.Field{"email"}, Document: "D-1", Tell: tell},
		"RestrictionLifted":    subject.RestrictionLifted{Subject: oksana, Fields: []domain.Field{"email"}, Document: "D-2"},
		"ObjectionMade":        subject.Objected{Subject: oksana, Purposes: []domain.Purpose{"advertising"}, Document: "D-3"},
		"ObjectionWithdrawn":   subject.ObjectionWithdrawn{Subject: oksana, Purposes: []domain.Purpose{"advertising"}},
		"NoticeGiven":          subject.NoticeGiven{Subject: oksana, Cause: asked.UUID, Duty: "notice.recipient", Recipient: bank, Channel: subject.ByEmail, Document: "L-4"},
		"NoticeGiven-policy":   subject.NoticeGiven{Subject: oksana, Duty: "policy.notice", Policy: "2026-01", Channel: subject.ByAccount},
		"KeysDestroyed": subject.KeysDestroyed{Subject: oksana, Keys: []subject.DestroyedKey{
			{Key: asked.UUID, Field: "email", Epoch: "1", Master: "2015-05"}, {Key: hold.UUID, Field: "page", Epoch: "2015-05"}},
			UnreadableAt: day, UnrecoverableAfter: day.AddDate(0, 0, 35)},
		"RequestReceived": request.Received{Request: asked, Kind: request.Disclosure, Channel: subject.ByPost, Subject: oksana,
			Fields: []domain.Field{"email"}, Recipient: bank, Warrant: warrant, Document: "in-7"},
		"RequestReceived-bare": request.Received{Request: asked, Kind: request.Question, Channel: subject.ByEmail},
		"RequestApproved":      request.Approved{Request: asked, Approver: "emp-1"},
		"RequestExtended":      request.Extended{Request: asked, Reason: "R-1", Document: "out-8"},
		"RequestAnswered":      request.Answered{Request: asked, Outcome: request.PartlyMet, Reason: "R-2", Channel: subject.ByEmail, Document: "out-9"},
		"PolicyPublished": policy.Published{Policy: "imagine", Version: "2026-01", TextHash: hash, EffectiveFrom: day,
			Source: "policy: imagine\nversion: \"2026-01\"\n"},
	}
}

// sampleStatistics has a published month under suppression and one with noise.
func sampleStatistics() map[string]domain.Event {
	head := statistics.Table{ID: "transfers-by-recipient", Title: "Transfers by recipient", MaxCells: 4, Threshold: 10, Rounding: 1,
		By: []statistics.Dimension{statistics.RecipientKind, statistics.Basis}, Class: statistics.Anonymous, Method: statistics.Suppression,
		Tests: []statistics.Test{statistics.Threshold, statistics.Complement, statistics.Differencing}}
	exact, withheld, noised := head, head, head
	exact.Total, exact.Cells = 60, []statistics.Cell{{Labels: []statistics.Label{"delivery", "order"}, Persons: 40},
		{Labels: []statistics.Label{"payment", "order"}, Suppressed: true}, {Labels: []statistics.Label{"processor", "consent"}, Suppressed: true}}
	withheld.ID, withheld.Withheld = "requests-by-kind", true
	noised.Method, noised.Epsilon, noised.Delta, noised.Total = statistics.Noise, 200_000_000, 1000, 41
	noised.Cells = []statistics.Cell{{Labels: []statistics.Label{"delivery", "order"}, Persons: 41}}
	noised.Tests = []statistics.Test{statistics.Threshold, statistics.Private, statistics.Differencing}
	return map[string]domain.Event{
		"StatisticsPublished": statistics.Published{Period: "2015-05", Plan: "2026-1", Counted: 1234, Tables: []statistics.Table{exact, withheld},
			Opened: []statistics.Opened{{Field: "browser", Values: 812}, {Field: "page"}}},
		"StatisticsPublished-noised": statistics.Published{Period: "2015-06", Plan: "2026-1", Tables: []statistics.Table{noised}, Budget: 2_000_000_000},
	}
}

func sampleMetas() map[string]domain.Meta {
	full := domain.Meta{
		Actor:      domain.Actor{Kind: domain.ActorEmployee, ID: "emp-7"},
		OccurredAt: day, RecordedAt: day.Add(1500 * time.Millisecond),
		Purpose: "service", Grounds: "ua.11.1.3", Service: "portal", Policy: "2014-01",
		Command: "collect", Content: "00112233445566778899aabbccddeeff",
		Correlation: uuid.MustParse("aaaaaaaa-0000-4000-8000-000000000001"),
		Causation:   uuid.MustParse("bbbbbbbb-0000-4000-8000-000000000002"),
	}
	bare := domain.Meta{Actor: full.Actor, OccurredAt: day, RecordedAt: day, Purpose: "p", Grounds: "g", Service: "s"}
	return map[string]domain.Meta{"Metadata": full, "Metadata-bare": bare}
}
