// Package organisation is where the services of one organisation can be deployed: one set of stages, which
// every service imports.
package organisation

import (
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

// The stages, each an AWS account.
var (
	Dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	Staging    = stages.Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	Production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
)

// Stages is the set. Each pull request may have a stage of its own in dev's account, for three days.
var Stages = stages.Set{Dev, Staging, Production, Dev.Template("pr-*").ExpiresAfter(72 * time.Hour)}
