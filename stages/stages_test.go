package stages

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	dev        = Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: Sandbox}
	staging    = Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	production = Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: Protected}
	three      = Set{dev, staging, production}
)

func TestTheAccountSelectsTheStage(t *testing.T) {
	selected, err := three.Select(Request{Account: "222222222222"})
	require.NoError(t, err)
	assert.Equal(t, []Stage{staging}, selected)
}

func TestAnUnderstudyKeepsItsIdentityAndPlaysAnothersChoices(t *testing.T) {
	s := production.As(dev)
	assert.Equal(t, "production", s.Name)
	assert.True(t, dev.Selects(s))
	assert.True(t, Sandbox.Selects(s))
	assert.False(t, production.Selects(s))
}

func TestNames(t *testing.T) {
	for name, tt := range map[string]struct {
		kind Kind
		part Part
		want string
	}{
		"a plain name is stage, service and name":     {LambdaFunction, Part{Stage: "dev", Service: "notes", Name: "create-note"}, "dev-notes-create-note"},
		"a stack is stage and service":                {Stack, Part{Stage: "dev", Service: "notes"}, "dev-notes"},
		"a revision enters the name":                  {DynamoDBTable, Part{Stage: "dev", Service: "notes", Name: "notes", Revision: 2}, "dev-notes-notes-r2"},
		"a log group has its prefix":                  {LambdaLogGroup, Part{Stage: "dev", Service: "notes", Name: "f"}, "/aws/lambda/dev-notes-f"},
		"a separator in the stage brings a hash":      {LambdaFunction, Part{Stage: "dev-alice", Service: "notes", Name: "f"}, "dev-alice-notes-f-8mdd3kqxfb"},
		"a name over the limit is cut, with the hash": {DAXCluster, Part{Stage: "production", Service: "notes", Name: "notes"}, "productio-t64mz9mf6l"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.kind.Name(tt.part)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}
