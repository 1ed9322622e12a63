package notes

import (
	"testing"

	"github.com/aws/aws-dax-go-v2/dax"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// alone sets an AWS environment in which nothing can be reached.
func alone(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none",
		"AWS_PROFILE": "", "AWS_CA_BUNDLE": "", "AWS_DEFAULT_REGION": "",
	} {
		t.Setenv(name, value)
	}
}

func TestWithoutADAXEndpointTheStoreIsOnDynamoDB(t *testing.T) {
	alone(t)
	s, err := Open(t.Context(), Place{Table: "dev-notes"})
	require.NoError(t, err)
	assert.IsType(t, (*dynamodb.Client)(nil), s.table)
	assert.Equal(t, "dev-notes", s.name)
}

func TestWithADAXEndpointTheStoreIsOnDAX(t *testing.T) {
	alone(t)
	// Nobody listens there: the client goes on trying, and says so when asked.
	s, err := Open(t.Context(), Place{Table: "production-notes", DAXEndpoint: "daxs://127.0.0.1:1"})
	require.NoError(t, err)
	require.IsType(t, (*dax.Dax)(nil), s.table)
	client := s.table.(*dax.Dax)
	t.Cleanup(func() { _ = client.Close() })
	_, err = s.Get(t.Context(), "x")
	require.Error(t, err)
	assert.NotErrorIs(t, err, ErrNotFound)
}

func TestAnEnvironmentThatDescribesNoStoreIsAClearError(t *testing.T) {
	tests := map[string]struct {
		place  Place
		region string
		want   string
	}{
		"no table": {
			Place{},
			"eu-central-1",
			"notes: NOTES_TABLE is empty, want the name of the table; grant the function access to it in the stack",
		},
		"an endpoint without a scheme": {
			Place{Table: "n", DAXEndpoint: "cluster.dax-clusters.eu-central-1.amazonaws.com"},
			"eu-central-1",
			`notes: NOTES_DAX_ENDPOINT is "cluster.dax-clusters.eu-central-1.amazonaws.com", want daxs://HOST; write the cluster's ClusterDiscoveryEndpointURL`,
		},
		"an endpoint of another kind": {
			Place{Table: "n", DAXEndpoint: "https://x"},
			"eu-central-1",
			`notes: NOTES_DAX_ENDPOINT is "https://x", want daxs://HOST; write the cluster's ClusterDiscoveryEndpointURL`,
		},
		"no region": {
			Place{Table: "n"},
			"",
			"notes: AWS_REGION is empty, want the region of table n; Lambda sets it, set it elsewhere",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			alone(t)
			t.Setenv("AWS_REGION", tt.region)
			_, err := Open(t.Context(), tt.place)
			assert.EqualError(t, err, tt.want)
		})
	}
}
