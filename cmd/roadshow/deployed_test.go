package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/parity"
)

func TestTheExitCodeOfDeployedParityIsItsWorstAnswer(t *testing.T) {
	proven := fleet.CommitParity{Verdict: &parity.Verdict{}}
	different := fleet.CommitParity{Verdict: &parity.Verdict{Foreign: []parity.ForeignAccount{{}}}}
	for name, tt := range map[string]struct {
		states  []fleet.ParityState
		commits []fleet.CommitParity
		want    int
	}{
		"what its commit makes, or nothing":      {[]fleet.ParityState{fleet.ParityIdentical, fleet.ParityBehind, fleet.ParityAbsent}, []fleet.CommitParity{proven}, exitWell},
		"changed by hand":                        {[]fleet.ParityState{fleet.ParityIdentical, fleet.ParityDrifted}, nil, exitFinding},
		"a dirty tree":                           {[]fleet.ParityState{fleet.ParityDirty}, nil, exitFinding},
		"a commit without parity":                {[]fleet.ParityState{fleet.ParityBehind}, []fleet.CommitParity{proven, different}, exitFinding},
		"a commit that is not here, and no need": {[]fleet.ParityState{fleet.ParityIdentical}, []fleet.CommitParity{{Problem: "it is not here"}}, exitWell},
		"one that cannot be told":                {[]fleet.ParityState{fleet.ParityDrifted, fleet.ParityUnknown}, []fleet.CommitParity{different}, exitUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			found := &deployedParity{Commits: tt.commits}
			for _, state := range tt.states {
				found.Stages = append(found.Stages, fleet.Parity{State: state})
			}
			err := found.judge()
			code := exitUnknown
			switch {
			case err == nil:
				code = exitWell
			case errors.As(err, new(finding)):
				code = exitFinding
			}
			require.Equal(t, tt.want, code)
		})
	}
}

func TestANoteWithLinesIsOneCellOfTheTable(t *testing.T) {
	var out bytes.Buffer
	(&deployedParity{Stages: []fleet.Parity{{State: fleet.ParityIdentical, Note: "S3 does not say.\nAllow s3:GetObject."}}}).write(&out)
	require.Contains(t, out.String(), "S3 does not say. Allow s3:GetObject.\n")
}
