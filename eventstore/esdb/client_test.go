package esdb_test

import (
	"testing"

	driver "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"imagine.ua/litopys/eventstore/esdb/esdbtest/testserver"
)

// dial gives the bare client, for what the ledger itself never does.
func dial(t testing.TB, url string) *driver.Client {
	t.Helper()
	conf, err := driver.ParseConnectionString(url)
	if err != nil {
		t.Fatal(err)
	}
	conf.Logger = driver.NoopLogging()
	c, err := driver.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func tombstone(t testing.TB, c *driver.Client, stream string) {
	t.Helper()
	if _, err := c.TombstoneStream(testserver.Bounded(t), stream, driver.TombstoneStreamOptions{ExpectedRevision: driver.Any{}}); err != nil {
		t.Fatal(err)
	}
}

func softDelete(t testing.TB, c *driver.Client, stream string) {
	t.Helper()
	if _, err := c.DeleteStream(testserver.Bounded(t), stream, driver.DeleteStreamOptions{ExpectedRevision: driver.Any{}}); err != nil {
		t.Fatal(err)
	}
}

func truncate(t testing.TB, c *driver.Client, stream string, before uint64) {
	t.Helper()
	var m driver.StreamMetadata
	m.SetTruncateBefore(before)
	if _, err := c.SetStreamMetadata(testserver.Bounded(t), stream, driver.AppendToStreamOptions{ExpectedRevision: driver.Any{}}, m); err != nil {
		t.Fatal(err)
	}
}
