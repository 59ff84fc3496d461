package register

// Measure is one technical or organisational measure of protection (clause 5.1; GDPR art. 30(1)(g), 32).
type Measure struct {
	Title string `json:"title"`
	What  string `json:"what"`
}

// measures are those that this program itself takes, whoever runs it. What the controller adds around it (locks,
// training, backups elsewhere) stands in his own papers.
func measures() []Measure {
	return []Measure{
		{"Values are sealed", "Every personal value is sealed with AES-256-GCM before it leaves the process that collected it, and bound to its place."},
		{"One key for one value", "Each value of a person has a random key of its own, wrapped by a monthly master key under a key-management service; keys lie apart from the log."},
		{"Erasure by destroyed keys", "A deletion destroys the key at once or at the end of a lawful term; a destroyed key cannot come back, and the certificate says when."},
		{"A log that only grows", "Records are appended, never changed or removed; the store refuses updates and deletions."},
		{"Viewing is recorded", "Opening a value needs a role, a purpose and grounds, and the viewing is recorded before anything is shown."},
		{"Closed catalogue", "A field, purpose, service or recipient kind outside the published policy is refused."},
		{"Transfers need a basis", "Nothing goes to a third party without consent, order, law or defence of rights, and abroad without a further ground."},
		{"Anonymous statistics", "Published figures have a smallest cell, cells that cannot be worked out, and are never computed again."},
		{"No values in talk", "Values appear in no error, log line, metric or default export."},
	}
}
