// Package kms links the drivers of key-management services that kms.url may name. They register themselves,
// which is why they are here and nowhere else: a program that keeps its key in a file needs none of them.
package kms

import (
	"context"
	"fmt"

	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/awskms"        // awskms://
	_ "gocloud.dev/secrets/azurekeyvault" // azurekeyvault://
	_ "gocloud.dev/secrets/gcpkms"        // gcpkms://
	_ "gocloud.dev/secrets/hashivault"    // hashivault://
	_ "gocloud.dev/secrets/localsecrets"  // base64key://, for trials

	"imagine.ua/litopys/eventstore/keys"
)

// Open gives the key-management service at an address of gocloud.dev/secrets. Most drivers connect only when
// they are used. The caller closes it.
func Open(ctx context.Context, url string) (keys.KMS, error) {
	keeper, err := secrets.OpenKeeper(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("key-management service: %w", err)
	}
	return keeper, nil
}
