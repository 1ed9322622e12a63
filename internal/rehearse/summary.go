package rehearse

import (
	"cmp"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// Summary is what a stage has on this machine.
type Summary struct {
	Stage   string `json:"stage"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// APIs are its HTTP APIs and the URLs of its functions.
	APIs []API `json:"apis"`
	// Functions are the ids of its functions, in the order of the definition.
	Functions []string `json:"functions"`
	// Notes are sentences about what is not as at AWS.
	Notes []string `json:"notes,omitempty"`
}

// API is an HTTP API or the URL of a function, by the id of its component.
type API struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

// resource is one of a stack's, with the component that has made it.
type resource struct {
	rehearsal.Resource
	owner assembly.Construct
}

// resources are those of a stage's stack.
func (w *World) resources(one assembly.Synthesized) []resource {
	var all []resource
	for _, found := range w.Server.Resources(one.Account, one.Region) {
		if found.Stack == one.StackName {
			all = append(all, resource{found, one.Owner(found.LogicalID)})
		}
	}
	return all
}

// Summarize says what each stage of an assembly has. A stage that another stage plays is not among them.
func (w *World) Summarize(document assembly.Document) ([]Summary, error) {
	served, err := w.Server.APIs()
	if err != nil {
		return nil, err
	}
	var all []Summary
	for _, one := range document.Stages {
		made := Summary{Stage: one.Name, Account: one.Account, Region: one.Region, APIs: []API{}, Functions: []string{}}
		for _, function := range one.Functions {
			made.Functions = append(made.Functions, function.Construct)
		}
		clusters := false
		for _, each := range w.resources(one) {
			clusters = clusters || each.Type == "AWS::DAX::Cluster"
			for _, api := range served {
				if api.Account != one.Account || api.Region != one.Region {
					continue
				}
				if each.Type == "AWS::ApiGatewayV2::Api" && each.PhysicalID == api.ID || each.Type == "AWS::Lambda::Url" && each.Attributes["FunctionUrl"] == api.Endpoint {
					made.APIs = append(made.APIs, API{ID: each.owner.ID, URL: api.URL})
				}
			}
		}
		if clusters {
			made.Notes = append(made.Notes, "DAX is left out: handlers use DynamoDB.")
		}
		slices.SortFunc(made.APIs, func(a, b API) int { return cmp.Compare(a.ID, b.ID) })
		all = append(all, made)
	}
	return all, nil
}

// Names are the physical names of what a component of a stage has of some types.
func (w *World) Names(one assembly.Synthesized, id string, kinds ...string) []string {
	var names []string
	for _, each := range w.resources(one) {
		if each.owner.ID == id && slices.Contains(kinds, each.Type) {
			names = append(names, each.Name)
		}
	}
	return names
}

// Variables (NAME=value) tell a command where the APIs are: DEV_API_URL for the API "api" of stage dev.
func Variables(all []Summary) []string {
	name := strings.NewReplacer("-", "_", ".", "_")
	var variables []string
	for _, one := range all {
		for _, api := range one.APIs {
			variables = append(variables, strings.ToUpper(name.Replace(one.Stage+"_"+api.ID))+"_URL="+api.URL)
		}
	}
	return variables
}

// Stages are the stages of an assembly.
func Stages(document assembly.Document) []stages.Stage {
	var all []stages.Stage
	for _, one := range document.Stages {
		all = append(all, stages.Stage{Name: one.Name, Account: one.Account, Region: one.Region, Tier: one.Tier})
	}
	return all
}

// Component is a function, or what it uses, as the program knows it.
type Component struct {
	// Stage is the stage's name, ID the component's, At the line that made it.
	Stage, ID string
	At        stages.Position
	// Kind is the CloudFormation type of the resource.
	Kind string

	of assembly.Synthesized
}

// index finds the components of resources by their ARNs.
type index map[string]Component

// index reads what the stages of an assembly have now.
func (w *World) index(document assembly.Document) index {
	made := index{}
	for _, one := range document.Stages {
		for _, each := range w.resources(one) {
			for _, own := range []any{each.PhysicalID, each.Attributes["Arn"], each.Attributes["ExecuteApiArn"]} {
				if arn, _ := own.(string); strings.HasPrefix(arn, "arn:") && each.owner.ID != "" {
					made[strings.TrimSuffix(arn, ":*")] = Component{Stage: one.Name, ID: each.owner.ID, At: each.owner.At, Kind: each.Type, of: one}
				}
			}
		}
	}
	return made
}

// find finds the component of an ARN, or of what an ARN begins with, as that of an object of a bucket.
func (i index) find(arn string) (Component, bool) {
	for arn != "" {
		if found, known := i[arn]; known {
			return found, true
		}
		arn = arn[:max(0, strings.LastIndexAny(arn, ":/-"))]
	}
	return Component{}, false
}
