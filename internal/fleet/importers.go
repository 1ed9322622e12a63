package fleet

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
)

// Importer is a stack that reads what a removal would delete. It goes on running with what it read,
// and its next deploy fails, or its functions do as soon as they use what is gone.
type Importer struct {
	// Stack is its name. Service and Stage are whose it is, as its tags say; empty where they do
	// not.
	Stack   string `json:"stack"`
	Service string `json:"service,omitempty"`
	Stage   string `json:"stage,omitempty"`
	// Reads is what it reads, by its name: parameters of the Systems Manager, exports of
	// CloudFormation, or the thing.
	Reads []string `json:"reads"`
}

// String names it, for people.
func (i Importer) String() string {
	if i.Service == "" {
		return "stack " + i.Stack
	}
	return "service " + i.Service + " of stage " + i.Stage
}

func importerNames(all []Importer) string {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = one.String()
	}
	return strings.Join(names, ", ")
}

// findImporters finds the stacks of the same place that read what would go. By its parameters each
// stack tells what it reads from the Systems Manager, and CloudFormation who imports an export.
// Nobody tells what a stack reads by a dynamic reference ({{resolve:ssm:…}}), or a function at run
// time. What could not be asked is a block.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html
func (p *RemovalPlan) findImporters(ctx context.Context, client *cloudformation.Client) {
	exported := p.findExports(ctx, client)
	reads := map[string]Importer{}
	gone := p.goneNames()
	for stack, err := range stacks.All(ctx, client) {
		if err != nil {
			p.unasked("importers", "the stacks that may import what it has", err)
			return
		}
		name := aws.ToString(stack.StackName)
		if aws.ToString(stack.StackId) == p.Identity.ID {
			continue
		}
		said := owner.MakerOf(stacks.Tags(stack.Tags))
		one := Importer{Stack: name, Service: said.Service, Stage: said.Stage, Reads: exported[name]}
		for _, parameter := range stack.Parameters {
			if read := gone.readBy(parameter); read != "" && !slices.Contains(one.Reads, read) {
				one.Reads = append(one.Reads, read)
			}
		}
		if len(one.Reads) > 0 {
			slices.Sort(one.Reads)
			reads[name] = one
		}
	}
	for _, one := range reads {
		p.Importers = append(p.Importers, one)
	}
	slices.SortFunc(p.Importers, func(a, b Importer) int { return cmp.Compare(a.Stack, b.Stack) })
}

// findExports finds who imports an export of the stack, which CloudFormation does not delete as
// long as anybody does.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
func (p *RemovalPlan) findExports(ctx context.Context, client *cloudformation.Client) (byStack map[string][]string) {
	byStack = map[string][]string{}
	for pages := cloudformation.NewListExportsPaginator(client, nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			p.unasked("export", "the exports of "+p.Stack, err)
			return byStack
		}
		for _, export := range page.Exports {
			if aws.ToString(export.ExportingStackId) != p.Identity.ID {
				continue
			}
			name := aws.ToString(export.Name)
			users, err := importsOf(ctx, client, name)
			switch {
			case notImported(err):
			case err != nil:
				p.unasked("export", "who imports "+name, err)
			case len(users) > 0:
				p.block("export", "Export "+name+" is imported by "+strings.Join(users, ", ")+".", "Remove those stacks first.")
			}
			for _, user := range users {
				byStack[user] = append(byStack[user], "export "+name)
			}
		}
	}
	return byStack
}

func importsOf(ctx context.Context, client *cloudformation.Client, export string) (users []string, err error) {
	for pages := cloudformation.NewListImportsPaginator(client, &cloudformation.ListImportsInput{ExportName: &export}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return users, err
		}
		users = append(users, page.Imports...)
	}
	return users, nil
}

// goneNames are the things that a removal deletes, as others may know them: by their physical ids,
// and by type and name.
type goneNames map[string]string

const parameterType = "AWS::SSM::Parameter"

func (p *RemovalPlan) goneNames() goneNames {
	gone := goneNames{}
	for _, one := range p.Deletes {
		name := one.PhysicalID
		if read := arn.Read(name); read.Kind != nil {
			name = read.Name
		}
		if one.Type == "AWS::SQS::Queue" { // known by its URL
			name = arn.QueueName(name)
		}
		gone[one.Type+" "+name] = name
	}
	return gone
}

// parameterVersion is what may stand behind the name of a parameter.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
var parameterVersion = regexp.MustCompile(`:[0-9]+$`)

// readBy is which of them a parameter of a stack reads; empty where none.
func (g goneNames) readBy(parameter types.Parameter) string {
	value := aws.ToString(parameter.ParameterValue)
	path := parameterVersion.ReplaceAllString(value, "")
	if read := arn.Read(path); read.Type == parameterType {
		path = read.Name
	}
	for _, name := range []string{path, strings.TrimPrefix(path, "/")} {
		if found, is := g[parameterType+" "+name]; is {
			return found
		}
	}
	for _, text := range []string{value, aws.ToString(parameter.ResolvedValue)} {
		if read := arn.Read(text); read.Kind != nil {
			if found, is := g[read.Type+" "+read.Name]; is {
				return found
			}
		}
	}
	return ""
}
