package notes

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-dax-go-v2/dax"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// The environment variables that the stack sets on every function that is
// granted the table.
const (
	// TableVariable holds the table's name. Required.
	TableVariable = "NOTES_TABLE"

	// DAXVariable holds the DAX cluster's discovery endpoint, a whole URL
	// (daxs://…). Where it is unset or empty there is no DAX.
	DAXVariable = "NOTES_DAX_ENDPOINT"
)

var (
	_ Table = (*dynamodb.Client)(nil)
	_ Table = (*dax.Dax)(nil)
)

// Open makes the store that the environment describes: on DAX if DAXVariable is
// set, else on DynamoDB. env is os.Getenv, but for tests. Call it once, before
// the first event: a client is dear to make and its connections are kept.
//
// There is no way back from DAX to DynamoDB while it runs: a stage that pays
// for a cluster wants to know that it is not used.
func Open(ctx context.Context, env func(string) string) (*Store, error) {
	name := env(TableVariable)
	if name == "" {
		return nil, fmt.Errorf("notes: %s is empty, want the name of the table; grant the function access to it in the stack", TableVariable)
	}
	endpoint := env(DAXVariable)
	if endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "daxs" && u.Scheme != "dax" || u.Hostname() == "" {
			return nil, fmt.Errorf("notes: %s is %q, want daxs://HOST; write the cluster's ClusterDiscoveryEndpointURL", DAXVariable, endpoint)
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("notes: the AWS configuration cannot be loaded: %w", err)
	}
	if cfg.Region == "" {
		return nil, fmt.Errorf("notes: AWS_REGION is empty, want the region of table %s; Lambda sets it, set it elsewhere", name)
	}
	table, err := connect(cfg, endpoint)
	if err != nil {
		return nil, err
	}
	return NewStore(table, name), nil
}

// connect picks the client. It is the only place that knows of two.
func connect(cfg aws.Config, daxEndpoint string) (Table, error) {
	if daxEndpoint == "" {
		return dynamodb.NewFromConfig(cfg), nil
	}
	client, err := dax.NewFromConfig(cfg, daxEndpoint)
	if err != nil {
		return nil, fmt.Errorf("notes: %s is %q, and no client can be made for it: %w", DAXVariable, daxEndpoint, err)
	}
	return client, nil
}
