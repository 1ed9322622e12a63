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

// Place is where the notes are, as each function's own links say. They say so
// as long as the stack grants the function the table.
type Place struct {
	// Table is the table's name. Required.
	Table string

	// DAXEndpoint is the DAX cluster's discovery endpoint, a whole URL
	// (daxs://…). Where it is empty there is no DAX.
	DAXEndpoint string
}

// The variables behind a Place, as the stack names them.
const (
	tableVariable = "NOTES_TABLE"
	daxVariable   = "NOTES_DAX_ENDPOINT"
)

var (
	_ Table = (*dynamodb.Client)(nil)
	_ Table = (*dax.Dax)(nil)
)

// Open makes the store of a place: on DAX if it has an endpoint, else on
// DynamoDB. Call it once, before the first event: a client is dear to make and
// its connections are kept.
//
// There is no way back from DAX to DynamoDB while it runs: a stage that pays
// for a cluster wants to know that it is not used.
func Open(ctx context.Context, place Place) (*Store, error) {
	name, endpoint := place.Table, place.DAXEndpoint
	if name == "" {
		return nil, fmt.Errorf("notes: %s is empty, want the name of the table; grant the function access to it in the stack", tableVariable)
	}
	if endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "daxs" && u.Scheme != "dax" || u.Hostname() == "" {
			return nil, fmt.Errorf("notes: %s is %q, want daxs://HOST; write the cluster's ClusterDiscoveryEndpointURL", daxVariable, endpoint)
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
		return nil, fmt.Errorf("notes: %s is %q, and no client can be made for it: %w", daxVariable, daxEndpoint, err)
	}
	return client, nil
}
