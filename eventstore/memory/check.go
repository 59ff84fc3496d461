package memory

import "context"

// alive gives the context's error; a nil context is a bug of the caller.
func alive(ctx context.Context) error {
	if ctx == nil {
		panic("memory: nil context")
	}
	return ctx.Err()
}
