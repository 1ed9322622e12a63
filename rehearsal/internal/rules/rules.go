// Package rules is what AWS's services refuse: pure functions over a resource as its service would
// see it and, where two resources do not go together, over the account around it. One file holds
// one service; limits.go has what the schemas of CloudFormation's resource types say of single
// properties. Each rule has the id of its row in rehearsal/refusals, where its source stands.
//
// It shares nothing with the checks that package stack makes at synth, on purpose: two readings of
// AWS's pages check each other.
package rules

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// Resource is a resource as its service sees it.
type Resource struct {
	Type, LogicalID, PhysicalID, Name string
	Account, Region, Partition        string
	Properties, Attributes            map[string]any
	// StackID is that of the stack that made it; empty if none did.
	StackID string
}

// World is the account around a resource.
type World interface {
	// Now is the time of the account's clock.
	Now() time.Time
	// Find finds a resource of a type in the place of another by its id, name or ARN; nil if there is
	// none.
	Find(from *Resource, kind, reference string) *Resource
	// Of gives the resources of a type in the place of another, that one left out.
	Of(from *Resource, kind string) iter.Seq[*Resource]
	// Deleted is when the last resource of this type and name was deleted; zero if never.
	Deleted(from *Resource, kind, name string) time.Time
}

// Refusal is a service's refusal.
type Refusal struct {
	// Rule is the id of the row in the book of refusals.
	Rule string
	// Handler is CloudFormation's code, such as InvalidRequest; empty where CloudFormation itself
	// refuses.
	Handler string
	// Service and Status are the service's name and HTTP status in CloudFormation's words.
	Service string
	Status  int
	// Message are the service's words.
	Message string
}

// Error is the words as a stack's event has them, without the ids of a request.
func (r *Refusal) Error() string { return r.Message }

// moment is when a rule is asked.
type moment int

const (
	put    moment = iota // before a resource is made or changed
	create               // before it is made
	update               // before it is changed
	remove               // before it is deleted
)

// call is a rule's question: the resource as it is to be, and as it was.
type call struct {
	World
	*Resource
	before *Resource // nil unless it exists already
}

// rule is one refusal of a service.
type rule struct {
	id   string
	on   string // type of resource
	when moment
	// handler and status replace InvalidRequest and 400.
	handler string
	status  int
	// says gives the service's words, or none if all is well.
	says func(c *call) string
}

// byType are all rules, by type of resource.
var byType = func() map[string][]rule {
	made := map[string][]rule{}
	for _, list := range [][]rule{
		apiGatewayRules, autoScalingRules, cloudWatchRules, daxRules, dynamoDBRules, ec2Rules, eventsRules, iamRules,
		kmsRules, lambdaRules, logsRules, s3Rules, schedulerRules, secretsRules, snsRules, sqsRules, ssmRules,
	} {
		for _, r := range list {
			made[r.on] = append(made[r.on], r)
		}
	}
	return made
}()

// IDs are the ids of all rules, sorted, without repetition.
func IDs() []string {
	seen := map[string]bool{}
	for _, r := range tagRules {
		seen[r.id] = true
	}
	for _, list := range byType {
		for _, r := range list {
			seen[r.id] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Create is the refusal to make a resource, or nil.
func Create(w World, r *Resource) *Refusal { return ask(w, r, nil, put, create) }

// Update is the refusal to change a resource from what it was, or nil.
func Update(w World, before, after *Resource) *Refusal { return ask(w, after, before, put, update) }

// Delete is the refusal to delete a resource, or nil.
func Delete(w World, r *Resource) *Refusal { return ask(w, r, nil, remove, remove) }

func ask(w World, r, before *Resource, moments ...moment) *Refusal {
	c := &call{World: w, Resource: r, before: before}
	for _, rule := range append(slices.Clip(byType[r.Type]), tagRules...) {
		if !slices.Contains(moments, rule.when) {
			continue
		}
		if words := rule.says(c); words != "" {
			return rule.refusal(r.Type, words)
		}
	}
	return nil
}

func (r rule) refusal(kind, words string) *Refusal {
	made := &Refusal{Rule: r.id, Handler: r.handler, Service: serviceName(kind), Status: r.status, Message: words}
	if made.Handler == "" {
		made.Handler = "InvalidRequest"
	}
	if made.Status == 0 {
		made.Status = 400
	}
	return made
}

// serviceName is a service as CloudFormation's handlers name it: that of the SDK's client.
func serviceName(kind string) string {
	service := strings.Split(kind, "::")[1]
	if name, special := map[string]string{
		"DynamoDB": "DynamoDb", "SQS": "Sqs", "SNS": "Sns", "DAX": "Dax", "IAM": "Iam", "KMS": "Kms", "EC2": "Ec2",
		"ApiGatewayV2": "ApiGatewayV2", "Events": "EventBridge", "Logs": "CloudWatchLogs", "SSM": "Ssm",
	}[service]; special {
		return name
	}
	return service
}

// words formats a message of a service.
func words(format string, args ...any) string { return fmt.Sprintf(format, args...) }
