// Package policy is the published policy of the service as data: which services there are, what each field
// of personal data is, for which purposes it may be processed, how long it must be kept and why. Whatever
// the policy does not name is refused, so a new field or purpose begins with a new version of this file.
//
// imagine.yaml is the policy of Imagine, embedded. Load reads one of your own and reports all of its
// problems at once, each with line, path and remedy. A Set holds several versions and knows which was in
// force when. A loaded Policy is never changed, so any number of goroutines may read it.
package policy
