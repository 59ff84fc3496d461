package noise_test

import (
	"testing"

	"imagine.ua/litopys/projections/statistics"
	"imagine.ua/litopys/projections/statistics/noise"
)

var _ statistics.Noiser = noise.Laplace{}

// The noise differs from draw to draw, has the size that epsilon says, and leaves the count in the middle. Each bound
// fails by chance less than once in a billion runs.
func TestLaplace(t *testing.T) {
	t.Parallel()
	const draws, epsilon, maxCells = 4000, 0.5, 2 // scale 4
	sum, far, values := 0.0, 0, map[int64]bool{}
	for range draws {
		n, err := noise.Laplace{}.Noise(1000, maxCells, epsilon)
		if err != nil {
			t.Fatal(err)
		}
		values[n] = true
		sum += float64(n - 1000)
		if n < 1000-4 || n > 1000+4 {
			far++
		}
	}
	if mean := sum / draws; mean < -1 || mean > 1 {
		t.Errorf("the mean is off by %f", mean)
	}
	if share := float64(far) / draws; len(values) < 10 || share < 0.2 || share > 0.5 {
		t.Errorf("%d different values, %f of them farther than one scale", len(values), share)
	}
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	low, err := noise.Laplace{}.Threshold(1, 1, 1e-3)
	high, err2 := noise.Laplace{}.Threshold(1, 1, 1e-6)
	if err != nil || err2 != nil || low < 5 || high < low+5 {
		t.Errorf("thresholds %f and %f, %v %v", low, high, err, err2)
	}
	if _, err := (noise.Laplace{}).Noise(1, 1, 0); err == nil {
		t.Error("no epsilon is taken")
	}
	if _, err := (noise.Laplace{}).Threshold(1, 1, 0); err == nil {
		t.Error("no delta is taken")
	}
}
