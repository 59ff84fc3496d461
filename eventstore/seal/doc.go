// Package seal turns one personal value into bytes that only its key opens, and back.
//
// The stored form is for ever:
//
//	 offset  0        1             17          29                                    end-16    end
//	         ┌────────┬─────────────┬───────────┬─────────────────────────────────────┬─────────┐
//	         │ 0x01   │ key id      │ nonce     │ AES-256-GCM of the padded value     │ GCM tag │
//	         │ 1 byte │ 16          │ 12 random │ 32, 64, 128 ... 65536 bytes         │ 16      │
//	         └────────┴─────────────┴───────────┴─────────────────────────────────────┴─────────┘
//	padded value = length u32 ‖ value ‖ zeros up to the next bucket
//
// The version lets a reader of the next form tell this one apart. The key id stands in clear, because an
// event can name several subjects and each value finds its own key. The padding hides the length of a
// value but for its bucket, the power of two from 32 up that holds four bytes more than the value.
//
// The associated data bind a sealed value to its place, so that bytes copied from one event, field or
// person to another do not open there:
//
//	"litopys value v1\n" ‖ len(stream) u32 ‖ stream ‖ event id[16] ‖ subject id[16]
//	  ‖ len(field) u32 ‖ field ‖ len(epoch) u32 ‖ epoch ‖ key id[16]
//
// Numbers are big-endian.
package seal
