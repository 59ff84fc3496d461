// Package noise adds the noise of differential privacy to counts of persons, by Google's library, which draws from
// the operating system's random source. It is apart from package statistics, so that only a program that publishes
// with noise links the library.
package noise

import (
	"fmt"

	"github.com/google/differential-privacy/go/v3/noise"
)

// Laplace is noise of the Laplace distribution, in its discrete form that no floating-point trick can undo. It is
// safe for concurrent use.
type Laplace struct{}

// Noise gives the count with noise. One person adds at most 1 to each of at most maxCells counts.
func (Laplace) Noise(count, maxCells int64, epsilon float64) (int64, error) {
	noised, err := noise.Laplace().AddNoiseInt64(count, maxCells, 1, epsilon, 0)
	if err != nil {
		return 0, fmt.Errorf("laplace noise: %w", err)
	}
	return noised, nil
}

// Threshold gives the count below which a noised cell must be left out, so that the cell's being there at all
// betrays one person with the probability delta at most.
func (Laplace) Threshold(maxCells int64, epsilon, delta float64) (float64, error) {
	t, err := noise.Laplace().Threshold(maxCells, 1, epsilon, 0, delta)
	if err != nil {
		return 0, fmt.Errorf("laplace threshold: %w", err)
	}
	return t, nil
}
