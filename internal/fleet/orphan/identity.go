package orphan

import (
	"cmp"
	"strings"

	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// lambdaLogs is what the name of a function's log group begins with.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
const lambdaLogs = "/aws/lambda/"

// readARN fills in what an ARN tells.
func (o *Orphan) readARN(text string) {
	read := arn.Read(text)
	o.ARN, o.Name, o.region = text, read.Name, read.Region
	if read.Kind != nil {
		o.kind, o.Type, o.ids = read.Kind, read.Type, read.IDs
	}
}

// readPhysical fills in what CloudFormation tells: a type and a physical id.
func (o *Orphan) readPhysical(cfn, id string) {
	if cfn == "AWS::DynamoDB::GlobalTable" {
		cfn = arn.TableType // an ARN does not tell them apart, and DynamoDB does not either
	}
	o.Type, o.Name, o.ids, o.region = cfn, id, []string{id}, o.Region
	if strings.HasPrefix(cfn, "AWS::IAM::") {
		o.region = ""
	}
	if strings.HasPrefix(id, "arn:") {
		given := *o
		if o.readARN(id); o.Type != cfn {
			*o = given
		}
	}
	if kind := arn.KindOf(cfn); kind != nil {
		o.kind = kind
	}
	switch {
	case o.kind == nil:
	case o.kind.ID == arn.ByQueueURL:
		o.Name = arn.QueueName(id)
	case o.kind.ID == arn.ByParameter && strings.LastIndex(id, "/") == 0:
		o.Name = id[1:] // as the ARN has it
	case cfn == "AWS::Events::Rule" && o.ARN == "":
		o.ARN = "arn:" + stages.Partition(o.Region) + ":events:" + o.Region + ":" + o.Account + ":rule/" + strings.ReplaceAll(id, "|", "/")
		o.Name, o.ids = strings.ReplaceAll(id, "|", "/"), []string{o.ARN}
	}
	if o.kind != nil && o.ARN == "" && cfn != arn.AddressType { // whose id facts tell
		o.ARN = o.kind.ARN(o.Region, o.Account, o.Name)
	}
}

// physicalIDs are those that CloudFormation may know it by in a stack, or know what uses it by.
func (o *Orphan) physicalIDs() []string {
	ids := append([]string{o.Name}, o.ids...)
	if o.Type == "AWS::Events::Rule" {
		ids = append(ids, strings.ReplaceAll(o.Name, "/", "|"))
	}
	if function, its := strings.CutPrefix(o.Name, lambdaLogs); its && o.Type == arn.LogGroupType {
		ids = append(ids, function) // Lambda writes it for as long as there is the function
	}
	return ids
}

// keys are the ids under which a stack may have the thing, whatever its type is there: one of another type
// that has the name, as a custom resource has, hides an orphan, and that is better than a false one.
func (o *Orphan) keys() []string {
	keys := o.physicalIDs()
	if o.stack != nil {
		keys = append(keys, o.stack.ID)
	}
	if parsed, ok := arn.Parse(o.ARN); ok {
		resource := parsed.Resource
		keys = append(keys, o.ARN, resource, resource[strings.LastIndexAny(resource, ":/")+1:])
		if at := strings.IndexAny(resource, ":/"); at >= 0 {
			keys = append(keys, resource[at+1:], "/"+resource[at+1:])
		}
	}
	return keys
}

// loss is what deleting it would lose, in words.
func (o *Orphan) loss() string {
	if o.kind == nil {
		if stacks.IsStateful(o.Type) {
			return "what it holds"
		}
		return "not known"
	}
	return cmp.Or(o.kind.Loses, "nothing that a deploy would not make again")
}
