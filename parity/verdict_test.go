package parity

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stages"
)

func TestAVerdictHasThreeOutcomes(t *testing.T) {
	read := DeployRead{
		Kind: "dynamic reference", What: "{{resolve:ssm:/limit}}", Stages: []string{"dev"}, Path: "Resources.fn.Properties.MemorySize",
		LogicalID: "fn", Type: "AWS::Lambda::Function", At: stages.Position{File: "app.go", Line: 7},
	}
	acknowledged := read
	acknowledged.Acknowledged = "the limit is the account's own"
	for name, tt := range map[string]struct {
		verdict Verdict
		want    Outcome
		exit    int
	}{
		"nothing was found":                                {Verdict{}, Identical, ExitIdentical},
		"a text has two readings":                          {Verdict{Ambiguous: []Difference{{}}}, CouldNotTell, ExitUnknown},
		"a value is read at deploy time":                   {Verdict{DeployReads: []DeployRead{read, acknowledged}}, CouldNotTell, ExitUnknown},
		"a value is read at deploy time, and acknowledged": {Verdict{DeployReads: []DeployRead{acknowledged}}, Identical, ExitIdentical},
		"a difference counts before what cannot be told":   {Verdict{Differences: []Difference{{}}, Ambiguous: []Difference{{}}}, Different, ExitDifferent},
		"two runs differ":                                  {Verdict{Unstable: []Difference{{}}}, Different, ExitDifferent},
		"the account of another stage":                     {Verdict{Foreign: []ForeignAccount{{}}}, Different, ExitDifferent},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, tt.verdict.Outcome())
			assert.Equal(t, tt.exit, tt.verdict.ExitCode())
			assert.Equal(t, tt.want == Identical, tt.verdict.Identical())
		})
	}
	text := (&Verdict{Stages: []string{"dev"}, Groups: [][]string{{"dev"}}, DeployReads: []DeployRead{read, acknowledged}}).String()
	assert.Equal(t, `could not tell: 1 stage, 1 group, 0 resources, 0 functions

1 value read at deploy time that no template tells and nobody has acknowledged:
  dynamic reference {{resolve:ssm:/limit}}, read by dev at Resources.fn.Properties.MemorySize
    AWS::Lambda::Function, made at app.go:7

1 value read at deploy time that the program acknowledges:
  dynamic reference {{resolve:ssm:/limit}}, read by dev at Resources.fn.Properties.MemorySize
    AWS::Lambda::Function, made at app.go:7
    acknowledged: the limit is the account's own`, text)
}
