package statistics

import "imagine.ua/litopys/domain"

// Publish is the command that closes a month.
type Publish struct {
	Operation domain.Operation
	Period    domain.Month
	// Plan is the version of the plan by which was counted.
	Plan   string
	Tables []Table
	// Opened names the fields of which personal values were opened for counting.
	Opened []Opened
	// Budget is how much epsilon the noised tables may spend together; zero when none is noised.
	Budget Billionths
}

// By is the operation.
func (p Publish) By() domain.Operation { return p.Operation }

// Size estimates, from above, how many bytes the command takes in the log.
func (p Publish) Size() int {
	n := 256
	for _, t := range p.Tables {
		n += 512 + 2*len(t.Title)
		for _, c := range t.Cells {
			n += 64
			for _, l := range c.Labels {
				n += 3 * len(l)
			}
		}
	}
	return n
}

// Name is the command's name.
func (Publish) Name() string { return "statistics.publish" }
