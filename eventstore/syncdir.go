package eventstore

import (
	"errors"
	"os"
)

// SyncDir makes names that were made, changed or removed in a folder durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir) // #nosec G304 -- a folder that the caller writes to
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
