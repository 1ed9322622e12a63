package e2e

import (
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// World is accounts to deploy to, and the way there; Server is nil where another endpoint was named.
type World = rehearse.World

// Rehearse starts a rehearsal with the accounts of stages, and writes a profile for each stage, named like
// it, that reaches its own account only.
func Rehearse(place awsenv.Place, all ...stages.Stage) (*World, error) {
	return rehearse.Open(place, rehearsal.Config{}, all...)
}
