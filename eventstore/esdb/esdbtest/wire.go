package esdbtest

import (
	"encoding/binary"
	"strconv"

	"github.com/google/uuid"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

const (
	contentJSON   = "application/json"
	contentBinary = "application/octet-stream"
)

// wireEvent builds a record's message once; every reader then sends the same one.
func wireEvent(e *entry) *streams.ReadResp_ReadEvent_RecordedEvent {
	content := contentBinary
	if e.json {
		content = contentJSON
	}
	return &streams.ReadResp_ReadEvent_RecordedEvent{
		Id:               wireID(e.id),
		StreamIdentifier: streamID(e.stream),
		StreamRevision:   uint64(e.revision),
		PreparePosition:  e.pos,
		CommitPosition:   e.pos,
		Metadata: map[string]string{
			"type":         e.typ,
			"content-type": content,
			// 100 ns ticks since the UNIX epoch; the client ends the process when they are missing.
			"created": strconv.FormatInt(e.created.UnixNano()/100, 10),
		},
		CustomMetadata: e.meta,
		Data:           e.data,
	}
}

func streamID(name string) *shared.StreamIdentifier {
	return &shared.StreamIdentifier{StreamName: []byte(name)}
}

func wireID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

// parseID accepts both spellings of an id.
func parseID(wire *shared.UUID) (uuid.UUID, error) {
	if s := wire.GetStructured(); s != nil {
		var id uuid.UUID
		binary.BigEndian.PutUint64(id[:8], uint64(s.GetMostSignificantBits()))
		binary.BigEndian.PutUint64(id[8:], uint64(s.GetLeastSignificantBits()))
		return id, nil
	}
	return uuid.Parse(wire.GetString_())
}

// readEvent wraps a record, with the target of a link when links are to be resolved. A link whose target is
// gone comes alone.
func (l *Log) readEvent(e *entry, resolve bool, textIDs bool) *streams.ReadResp {
	event := &streams.ReadResp_ReadEvent{
		Event:    recorded(e, textIDs),
		Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: e.pos},
	}
	if resolve && e.typ == typeLink {
		event.Link, event.Event = event.Event, nil
		if target := l.target(e); target != nil {
			event.Event = recorded(target, textIDs)
		}
	}
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: event}}
}

func recorded(e *entry, textIDs bool) *streams.ReadResp_ReadEvent_RecordedEvent {
	if !textIDs {
		return e.wire
	}
	w := wireEvent(e)
	w.Id = &shared.UUID{Value: &shared.UUID_String_{String_: e.id.String()}}
	return w
}
