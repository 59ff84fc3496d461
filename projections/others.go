package projections

import (
	"imagine.ua/litopys/domain"
	"imagine.ua/litopys/domain/policy"
	"imagine.ua/litopys/domain/recipient"
	"imagine.ua/litopys/domain/request"
	"imagine.ua/litopys/domain/statistics"
	"imagine.ua/litopys/domain/subject"
)

// Others is what a fold gives for events that it has no case for: nil for those of the ledger, which then do
// not concern it, and UnknownEvent for what no part of this program knows.
func Others(e domain.Event) error {
	switch e.(type) {
	case subject.Event, recipient.Event, request.Event, policy.Event, statistics.Event:
		return nil
	}
	return UnknownEvent(e)
}
