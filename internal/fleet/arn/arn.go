// Package arn tells from an Amazon Resource Name what it names: the CloudFormation type, the name that people
// know, and the ids by which services know it.
package arn

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/roadshow-go/roadshow/stages"
)

// Parse splits an ARN; false means that the text is none.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func Parse(text string) (arn.ARN, bool) {
	parsed, err := arn.Parse(text)
	return parsed, err == nil
}

// Resource is what an ARN names.
type Resource struct {
	// ARN is the text that was read, Region its region; empty for what belongs to the whole account.
	ARN, Region string
	// Kind is its row in the table of kinds; nil where the table has none, or the text is no ARN.
	Kind *Kind
	// Type is its CloudFormation type; empty without a Kind. Name is its physical name; the ARN without a Kind.
	Type, Name string
	// IDs are those by which Cloud Control may know it, the likeliest first; none without a Kind.
	IDs []string
}

// Read tells what an ARN names.
func Read(text string) Resource {
	read := Resource{ARN: text, Name: text}
	parsed, ok := Parse(text)
	if !ok {
		return read
	}
	read.Region = parsed.Region
	for i := range kinds {
		k := &kinds[i]
		name, fits := strings.CutPrefix(parsed.Resource, k.prefix)
		if k.service != parsed.Service || !fits || name == "" || !k.paths && strings.ContainsAny(name, "/:") && k.Type != roleType {
			continue
		}
		read.Kind, read.Type, read.Name, read.IDs = k, k.Type, name, []string{name}
		switch k.ID {
		case ByARN:
			read.IDs = []string{text}
		case ByQueueURL:
			read.IDs = []string{"https://sqs." + parsed.Region + "." + stages.Domain(parsed.Region) + "/" + parsed.AccountID + "/" + name}
		case ByParameter: // the ARN of /a is that of a
			read.IDs = []string{name, "/" + name}
			if strings.Contains(name, "/") {
				read.IDs = []string{"/" + name}
			}
			read.Name = read.IDs[0] // which of the two it is, Cloud Control tells
		}
		switch k.Type {
		case secretType: // six characters follow the name
			read.Name = name[:max(0, strings.LastIndex(name, "-"))]
		case roleType: // a path goes before the name
			read.Name = name[strings.LastIndex(name, "/")+1:]
			read.IDs = []string{read.Name}
		}
		return read
	}
	return read
}

// PartOfAnother tells whether an ARN's resource is deleted with the thing that it is a part of.
func PartOfAnother(service, resource string) bool {
	switch service {
	case "apigateway":
		return strings.Count(resource, "/") > 2
	case "cloudformation": // a stack is seen among the stacks
		return true
	}
	return false
}

// QueueName is the name of a queue by its URL, as SQS and CloudFormation know it.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
func QueueName(url string) string { return url[strings.LastIndex(url, "/")+1:] }
