package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
	"github.com/roadshow-go/roadshow/rehearsal/internal/rules"
)

// newEngine joins CloudFormation to the store that its resources live in.
func newEngine(server *Server, delay time.Duration) *cfn.Engine {
	s := server.store
	return cfn.New(cfn.Options{
		Provisioner: provisioner{s, server.fault, server},
		StepDelay:   delay,
		Parameter: func(_ context.Context, at cfn.Place, name, version string) (string, error) {
			return s.parameter(placeOf(at), name, version)
		},
		Secret: func(_ context.Context, at cfn.Place, reference string) (string, error) {
			return s.secretReference(placeOf(at), reference)
		},
		Fetch: func(_ context.Context, at cfn.Place, url string) (string, error) {
			content, err := s.object(at.Account, url)
			return string(content), err
		},
		Violations: rules.Violations,
		Zones:      func(at cfn.Place) []string { return s.zonesGiven(placeOf(at)) },
		Clock:      risingClock(),
	})
}

// risingClock never tells the same millisecond twice: the cdk command sorts a
// stack's events by time, and what is made in no time would be told backwards.
func risingClock() func() time.Time {
	var mu sync.Mutex
	var last time.Time
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now().UTC().Truncate(time.Millisecond)
		if !now.After(last) {
			now = last.Add(time.Millisecond)
		}
		last = now
		return now
	}
}

func placeOf(at cfn.Place) place { return place{at.Account, at.Region} }

// stackCall is one operation on the engine.
type stackCall func(*request, *cfn.Engine, cfn.Place) (any, error)

func cloudFormationService() *service {
	calls := map[string]stackCall{
		"CreateChangeSet":             createChangeSet,
		"DescribeChangeSet":           describeChangeSet,
		"ListChangeSets":              listChangeSets,
		"ExecuteChangeSet":            executeChangeSet,
		"DeleteChangeSet":             deleteChangeSet,
		"CreateStack":                 createStack,
		"UpdateStack":                 updateStack,
		"DeleteStack":                 deleteStack,
		"DescribeStacks":              describeStacks,
		"ListStacks":                  listStacks,
		"DescribeStackEvents":         describeStackEvents,
		"DescribeEvents":              describeEvents,
		"DescribeStackResources":      describeStackResources,
		"DescribeStackResource":       describeStackResource,
		"ListStackResources":          listStackResources,
		"GetTemplate":                 getTemplate,
		"GetTemplateSummary":          getTemplateSummary,
		"ValidateTemplate":            validateTemplate,
		"UpdateTerminationProtection": updateTerminationProtection,
		"ContinueUpdateRollback":      continueUpdateRollback,
		"RollbackStack":               rollbackStack,
		"ListExports":                 listExports,
		"ListImports":                 listImports,
	}
	svc := &service{
		protocol: queryXML, namespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/", operations: map[string]operation{},
	}
	for name, call := range calls {
		svc.operations[name] = reading(func(r *request) (any, error) {
			result, err := call(r, r.server.engine, cfn.Place{Account: r.account, Region: r.region})
			if refusal, ok := errors.AsType[*cfn.Error](err); ok {
				return nil, refuse(orStatus(refusal.Status), refusal.Code, "%s", refusal.Message)
			}
			return result, err
		})
	}
	return svc
}

func orStatus(status int) int {
	if status == 0 {
		return http.StatusBadRequest
	}
	return status
}

func (r *request) template() cfn.TemplateSource {
	return cfn.TemplateSource{Body: r.text("TemplateBody"), URL: r.text("TemplateURL"), Previous: r.flag("UsePreviousTemplate")}
}

func (r *request) parameters() []cfn.ParameterInput {
	var out []cfn.ParameterInput
	for _, p := range r.structs("Parameters") {
		out = append(out, cfn.ParameterInput{Key: p["ParameterKey"], Value: p["ParameterValue"], UsePrevious: p["UsePreviousValue"] == "true"})
	}
	return out
}

// tags are nil when the request has none, which keeps those of the stack.
func (r *request) tags() []cfn.Tag {
	var out []cfn.Tag
	for _, t := range r.structs("Tags") {
		out = append(out, cfn.Tag{Key: t["Key"], Value: t["Value"]})
	}
	if out == nil && r.form.Has("Tags") {
		// An empty list is sent as an empty parameter: it removes all tags.
		return []cfn.Tag{}
	}
	return out
}

// serviceRole checks the role that CloudFormation is to act with. The words are
// those that users report.
func (r *request) serviceRole() (string, error) {
	arn := r.text("RoleARN")
	if role, found := r.store.roleNamed(arn); arn != "" && (!found || !trusts(&role, "cloudformation.amazonaws.com")) {
		return "", refuse(http.StatusBadRequest, "ValidationError", "Role %s is invalid or cannot be assumed", arn)
	}
	return arn, nil
}

func createChangeSet(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	role, err := r.serviceRole()
	if err != nil {
		return nil, err
	}
	if r.text("ChangeSetType") == "CREATE" {
		if err := r.stackQuota(e, at); err != nil {
			return nil, err
		}
	}
	made, err := e.CreateChangeSet(r.http.Context(), at, cfn.CreateChangeSetInput{
		StackName: r.text("StackName"), ChangeSetName: r.text("ChangeSetName"), Type: r.text("ChangeSetType"),
		Description: r.text("Description"), Template: r.template(), Parameters: r.parameters(), Tags: r.tags(),
		Capabilities: r.texts("Capabilities"), RoleARN: role, NotificationARNs: r.texts("NotificationARNs"),
		OnStackFailure: r.text("OnStackFailure"), IncludeNestedStacks: r.flag("IncludeNestedStacks"), ClientToken: r.text("ClientToken"),
		ImportExistingResources: r.flag("ImportExistingResources"), ResourcesToImport: r.resourcesToImport(),
	})
	return object{"Id": made.ChangeSetID, "StackId": made.StackID}, err
}

// resourcesToImport are the resources of a change set of type IMPORT, whose identifiers are maps.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceToImport.html
func (r *request) resourcesToImport() []cfn.ResourceToImport {
	var out []cfn.ResourceToImport
	for _, member := range r.structs("ResourcesToImport") {
		one := cfn.ResourceToImport{LogicalID: member["LogicalResourceId"], Type: member["ResourceType"], Identifier: map[string]string{}}
		for field, key := range member {
			if entry, is := strings.CutSuffix(field, ".key"); is && strings.HasPrefix(entry, "ResourceIdentifier.") {
				one.Identifier[key] = member[entry+".value"]
			}
		}
		out = append(out, one)
	}
	return out
}

func describeChangeSet(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	set, err := e.DescribeChangeSet(at, r.text("StackName"), r.text("ChangeSetName"))
	if err != nil {
		return nil, err
	}
	values := r.flag("IncludePropertyValues")
	changes := []object{}
	for _, c := range set.Changes {
		changes = append(changes, object{"Type": "Resource", "ResourceChange": changeOf(c, values)})
	}
	result := changeSetSummary(set)
	result["Changes"] = changes
	result["Parameters"] = parametersOf(set.Parameters)
	result["Tags"] = tagsOf(set.Tags)
	result["Capabilities"] = set.Capabilities
	result["NotificationARNs"] = set.NotificationARNs
	result["OnStackFailure"] = orNil(set.OnStackFailure)
	return result, nil
}

func changeOf(c cfn.Change, values bool) object {
	details := []object{}
	for _, d := range c.Details {
		target := object{"Attribute": d.Attribute, "Name": orNil(d.Name), "RequiresRecreation": orNil(d.RequiresRecreation)}
		if values {
			target["Path"], target["BeforeValue"], target["AfterValue"] = orNil(d.Path), orNil(d.Before), orNil(d.After)
		}
		details = append(details, object{
			"Target": target, "Evaluation": orNil(d.Evaluation), "ChangeSource": orNil(d.ChangeSource), "CausingEntity": orNil(d.CausingEntity),
		})
	}
	return object{
		"Action": c.Action, "LogicalResourceId": c.LogicalID, "PhysicalResourceId": orNil(c.PhysicalID), "ResourceType": c.Type,
		"Replacement": orNil(c.Replacement), "PolicyAction": orNil(c.PolicyAction), "Scope": c.Scope, "Details": details,
	}
}

func changeSetSummary(set cfn.ChangeSet) object {
	return object{
		"ChangeSetId": set.ID, "ChangeSetName": set.Name, "StackId": set.StackID, "StackName": set.StackName,
		"Description": orNil(set.Description), "CreationTime": set.Created, "Status": set.Status, "StatusReason": orNil(set.StatusReason),
		"ExecutionStatus": set.ExecutionStatus, "IncludeNestedStacks": set.IncludeNestedStacks, "ImportExistingResources": set.ImportExistingResources,
	}
}

func listChangeSets(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	sets, err := e.ListChangeSets(at, r.text("StackName"))
	if err != nil {
		return nil, err
	}
	summaries := []object{}
	for _, set := range sets {
		summaries = append(summaries, changeSetSummary(set))
	}
	return object{"Summaries": summaries}, nil
}

// settle gives a stack that takes no time the moment to be done. The cdk
// command looks at once, and then again after five seconds only.
func settle(r *request, e *cfn.Engine, err error) error {
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.http.Context(), 300*time.Millisecond)
	defer cancel()
	// Not done by then is no error: the stack's status tells.
	_ = e.Wait(ctx)
	return nil
}

func executeChangeSet(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	err := e.ExecuteChangeSet(r.http.Context(), at, cfn.ExecuteChangeSetInput{
		StackName: r.text("StackName"), ChangeSetName: r.text("ChangeSetName"), DisableRollback: r.flag("DisableRollback"),
		RetainExceptOnCreate: r.flag("RetainExceptOnCreate"), ClientToken: r.text("ClientRequestToken"),
	})
	return object{}, settle(r, e, err)
}

func deleteChangeSet(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	return object{}, e.DeleteChangeSet(at, r.text("StackName"), r.text("ChangeSetName"))
}

func (r *request) stackInput() (cfn.CreateStackInput, error) {
	role, err := r.serviceRole()
	return cfn.CreateStackInput{
		StackName: r.text("StackName"), Template: r.template(), Parameters: r.parameters(), Tags: r.tags(),
		Capabilities: r.texts("Capabilities"), RoleARN: role, NotificationARNs: r.texts("NotificationARNs"),
		OnFailure: r.text("OnFailure"), DisableRollback: r.flag("DisableRollback"), RetainExceptOnCreate: r.flag("RetainExceptOnCreate"),
		EnableTerminationProtection: r.flag("EnableTerminationProtection"), ClientToken: r.text("ClientRequestToken"),
	}, err
}

func createStack(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	in, err := r.stackInput()
	if err != nil {
		return nil, err
	}
	if err := r.stackQuota(e, at); err != nil {
		return nil, err
	}
	id, err := e.CreateStack(r.http.Context(), at, in)
	return object{"StackId": id}, err
}

func updateStack(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	in, err := r.stackInput()
	if err != nil {
		return nil, err
	}
	id, err := e.UpdateStack(r.http.Context(), at, in)
	return object{"StackId": id}, err
}

func deleteStack(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	role, err := r.serviceRole()
	if err != nil {
		return nil, err
	}
	err = e.DeleteStack(r.http.Context(), at, cfn.DeleteStackInput{
		StackName: r.text("StackName"), RetainResources: r.texts("RetainResources"),
		Force: r.text("DeletionMode") == "FORCE_DELETE_STACK", RoleARN: role, ClientToken: r.text("ClientRequestToken"),
	})
	return object{}, settle(r, e, err)
}

func describeStacks(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	stacks, err := e.DescribeStacks(at, r.text("StackName"))
	if err != nil {
		return nil, err
	}
	stacks, next, err := page(r, stacks, 100)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, s := range stacks {
		outputs := []object{}
		for _, o := range s.Outputs {
			outputs = append(outputs, object{
				"OutputKey": o.Key, "OutputValue": o.Value, "Description": orNil(o.Description), "ExportName": orNil(o.ExportName),
			})
		}
		out = append(out, object{
			"StackId": s.ID, "StackName": s.Name, "Description": orNil(s.Description), "StackStatus": s.Status, "StackStatusReason": orNil(s.StatusReason),
			"ChangeSetId": orNil(s.ChangeSetID), "CreationTime": s.Created, "LastUpdatedTime": orNever(s.Updated), "DeletionTime": orNever(s.Deleted),
			"Parameters": parametersOf(s.Parameters), "Outputs": outputs, "Tags": tagsOf(s.Tags), "Capabilities": s.Capabilities,
			"NotificationARNs": s.NotificationARNs, "RoleARN": orNil(s.RoleARN), "DisableRollback": s.DisableRollback,
			"EnableTerminationProtection": s.EnableTerminationProtection, "RetainExceptOnCreate": s.RetainExceptOnCreate,
			"DriftInformation": object{"StackDriftStatus": "NOT_CHECKED"}, "RollbackConfiguration": object{},
		})
	}
	return object{"Stacks": out, "NextToken": orNil(next)}, nil
}

func listStacks(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	stacks, next, err := page(r, e.ListStacks(at, r.texts("StackStatusFilter")...), 100)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, s := range stacks {
		out = append(out, object{
			"StackId": s.ID, "StackName": s.Name, "TemplateDescription": orNil(s.Description), "StackStatus": s.Status,
			"StackStatusReason": orNil(s.StatusReason), "CreationTime": s.Created, "LastUpdatedTime": orNever(s.Updated),
			"DeletionTime": orNever(s.Deleted), "DriftInformation": object{"StackDriftStatus": "NOT_CHECKED"},
		})
	}
	return object{"StackSummaries": out, "NextToken": orNil(next)}, nil
}

func eventOf(event cfn.StackEvent) object {
	return object{
		"EventId": event.ID, "StackId": event.StackID, "StackName": event.StackName, "LogicalResourceId": event.LogicalID,
		"PhysicalResourceId": event.PhysicalID, "ResourceType": event.Type, "Timestamp": event.Time, "ResourceStatus": event.Status,
		"ResourceStatusReason": orNil(event.StatusReason), "ResourceProperties": orNil(event.Properties),
		"ClientRequestToken": orNil(event.ClientToken), "DetailedStatus": orNil(event.DetailedStatus), "OperationId": orNil(event.OperationID),
	}
}

func describeStackEvents(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	events, err := e.DescribeStackEvents(at, r.text("StackName"))
	if err != nil {
		return nil, err
	}
	events, next, err := page(r, events, 100)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, event := range events {
		out = append(out, eventOf(event))
	}
	return object{"StackEvents": out, "NextToken": orNil(next)}, nil
}

// describeEvents is the newer call, which also knows an operation's events and
// can leave out all but the failures.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
func describeEvents(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	stack, set := r.text("StackName"), r.text("ChangeSetName")
	if set != "" {
		found, err := e.DescribeChangeSet(at, stack, set)
		if err != nil {
			return nil, err
		}
		stack = found.StackID
	}
	events, err := e.DescribeStackEvents(at, stack)
	if err != nil {
		return nil, err
	}
	failed, wanted := r.text("Filters.FailedEvents") == "true", r.text("OperationId")
	events = slices.DeleteFunc(events, func(event cfn.StackEvent) bool {
		// What is asked of a change set is how it was made, not what the stack has been through.
		if set != "" && event.OperationType != "CREATE_CHANGESET" {
			return true
		}
		return (failed && !strings.HasSuffix(event.Status, "_FAILED")) || (wanted != "" && event.OperationID != wanted)
	})
	events, next, err := page(r, events, 100)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, event := range events {
		entry := eventOf(event)
		entry["EventType"], entry["OperationType"] = "STACK_EVENT", orNil(event.OperationType)
		out = append(out, entry)
	}
	return object{"OperationEvents": out, "NextToken": orNil(next)}, nil
}

func stackResource(s cfn.StackResource, time string) object {
	return object{
		"StackId": s.StackID, "StackName": s.StackName, "LogicalResourceId": s.LogicalID, "PhysicalResourceId": orNil(s.PhysicalID),
		"ResourceType": s.Type, time: s.Updated, "ResourceStatus": s.Status, "ResourceStatusReason": orNil(s.StatusReason),
		"Description": orNil(s.Description), "Metadata": orNil(s.Metadata), "DriftInformation": object{"StackResourceDriftStatus": "NOT_CHECKED"},
	}
}

func describeStackResources(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	var resources []cfn.StackResource
	var err error
	if id := r.text("PhysicalResourceId"); id != "" {
		resources, err = e.FindStackOf(at, id)
	} else {
		resources, err = e.DescribeStackResources(at, r.text("StackName"), r.text("LogicalResourceId"))
	}
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, s := range resources {
		out = append(out, stackResource(s, "Timestamp"))
	}
	return object{"StackResources": out}, nil
}

func describeStackResource(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	resources, err := e.DescribeStackResources(at, r.text("StackName"), r.text("LogicalResourceId"))
	if err != nil {
		return nil, err
	}
	if len(resources) == 0 {
		return nil, refuse(http.StatusBadRequest, "ValidationError", "Resource %s does not exist for stack %s", r.text("LogicalResourceId"), r.text("StackName"))
	}
	return object{"StackResourceDetail": stackResource(resources[0], "LastUpdatedTimestamp")}, nil
}

func listStackResources(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	resources, err := e.DescribeStackResources(at, r.text("StackName"), "")
	if err != nil {
		return nil, err
	}
	resources, next, err := page(r, resources, 100)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, s := range resources {
		out = append(out, stackResource(s, "LastUpdatedTimestamp"))
	}
	return object{"StackResourceSummaries": out, "NextToken": orNil(next)}, nil
}

func getTemplate(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	body, err := e.GetTemplate(at, r.text("StackName"), r.text("ChangeSetName"))
	return object{"TemplateBody": body, "StagesAvailable": []string{"Original", "Processed"}}, err
}

func getTemplateSummary(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	summary, err := e.GetTemplateSummary(r.http.Context(), at, r.text("StackName"), r.template())
	if err != nil {
		return nil, err
	}
	result := summaryOf(summary)
	result["ResourceIdentifierSummaries"] = identifierSummaries(summary.Resources)
	result["ResourceTypes"] = summary.ResourceTypes
	result["Version"] = orNil(summary.Version)
	result["Metadata"] = orNil(summary.Metadata)
	return result, nil
}

// identifierSummaries are the resources that can be imported, by type, each type with the properties that identify one.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceIdentifierSummary.html
func identifierSummaries(resources []cfn.ResourceDeclaration) []object {
	summaries, ids := []object{}, map[string][]string{}
	for _, declared := range resources {
		ids[declared.Type] = append(ids[declared.Type], declared.LogicalID)
	}
	for _, declared := range resources {
		if len(declared.Identifiers) == 0 || ids[declared.Type][0] != declared.LogicalID {
			continue
		}
		summaries = append(summaries, object{
			"ResourceType": declared.Type, "LogicalResourceIds": ids[declared.Type],
			"ResourceIdentifiers": []string{strings.Join(declared.Identifiers, ",")},
		})
	}
	return summaries
}

func validateTemplate(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	summary, err := e.ValidateTemplate(r.http.Context(), at, r.template())
	if err != nil {
		return nil, err
	}
	return summaryOf(summary), nil
}

func summaryOf(summary cfn.TemplateSummary) object {
	parameters := []object{}
	for _, p := range summary.Parameters {
		declared := object{"ParameterKey": p.Key, "ParameterType": p.Type, "NoEcho": p.NoEcho, "Description": orNil(p.Description)}
		if p.HasDefault {
			declared["DefaultValue"] = p.Default
		}
		if len(p.AllowedValues) > 0 {
			declared["ParameterConstraints"] = object{"AllowedValues": p.AllowedValues}
		}
		parameters = append(parameters, declared)
	}
	return object{
		"Parameters": parameters, "Description": orNil(summary.Description), "Capabilities": summary.Capabilities,
		"CapabilitiesReason": orNil(summary.CapabilitiesReason), "DeclaredTransforms": summary.DeclaredTransforms,
	}
}

func updateTerminationProtection(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	id, err := e.UpdateTerminationProtection(at, r.text("StackName"), r.flag("EnableTerminationProtection"))
	return object{"StackId": id}, err
}

func continueUpdateRollback(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	return object{}, e.ContinueUpdateRollback(r.http.Context(), at, r.text("StackName"), r.texts("ResourcesToSkip"))
}

func rollbackStack(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	id, err := e.RollbackStack(r.http.Context(), at, r.text("StackName"), r.flag("RetainExceptOnCreate"))
	return object{"StackId": id}, err
}

func listExports(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	exports, next, err := page(r, e.ListExports(at), 100)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, x := range exports {
		out = append(out, object{"Name": x.Name, "Value": x.Value, "ExportingStackId": x.StackID})
	}
	return object{"Exports": out, "NextToken": orNil(next)}, nil
}

func listImports(r *request, e *cfn.Engine, at cfn.Place) (any, error) {
	stacks, err := e.ListImports(at, r.text("ExportName"))
	return object{"Imports": stacks}, err
}

func parametersOf(parameters []cfn.Parameter) []object {
	out := []object{}
	for _, p := range parameters {
		out = append(out, object{"ParameterKey": p.Key, "ParameterValue": p.Value, "ResolvedValue": orNil(p.ResolvedValue)})
	}
	return out
}

func tagsOf(tags []cfn.Tag) []object {
	out := []object{}
	for _, t := range tags {
		out = append(out, object{"Key": t.Key, "Value": t.Value})
	}
	return out
}

// orNil leaves an empty element out of the answer.
func orNil(value string) any {
	if value == "" {
		return nil
	}
	return value
}

func orNever(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// page cuts a list for calls whose token is NextToken: the token is the
// position, which clients do not look into.
func page[T any](r *request, all []T, most int) ([]T, string, error) {
	return pageAt(r, all, most, "NextToken")
}

// pageAt is page for calls whose token has another name.
func pageAt[T any](r *request, all []T, most int, parameter string) ([]T, string, error) {
	start := 0
	if token := r.text(parameter); token != "" {
		if _, err := fmt.Sscanf(token, "at-%d", &start); err != nil || start < 0 || start > len(all) {
			return nil, "", refuse(http.StatusBadRequest, "ValidationError", "The provided token is invalid")
		}
	}
	end := min(start+most, len(all))
	if end == len(all) {
		return all[start:end], "", nil
	}
	return all[start:end], fmt.Sprintf("at-%d", end), nil
}
