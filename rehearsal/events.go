package rehearsal

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
	"github.com/roadshow-go/roadshow/stages"
)

const busType = "AWS::Events::EventBus"

// eventsService takes events, and hands them to nobody yet.
func eventsService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"ListEventBuses": reading(listEventBuses),
		"ListRules":      reading(listRules),
		"PutEvents":      reading(putEvents),
	}}
}

// listEventBuses lists the default bus, which every account has, and those that
// were made.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListEventBuses.html
func listEventBuses(r *request) (any, error) {
	arn := "arn:" + stages.Partition(r.region) + ":events:" + r.region + ":" + r.account + ":event-bus/"
	buses := []object{{"Name": "default", "Arn": arn + "default"}}
	for _, bus := range r.store.list(r.at(), busType) {
		buses = append(buses, object{"Name": bus.Name, "Arn": arn + bus.Name, "Description": orNil(bus.text("Description"))})
	}
	buses, next, err := page(r, buses, 100)
	return object{"EventBuses": buses, "NextToken": orNil(next)}, err
}

// listRules lists the rules of one bus.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html
func listRules(r *request) (any, error) {
	bus := busOf(&Resource{Properties: object{"EventBusName": r.text("EventBusName")}})
	if _, found := r.store.find(r.at(), busType, bus); !found && bus != "default" {
		return nil, refuse(400, "ResourceNotFoundException", "Event bus %s does not exist.", bus)
	}
	rules := []object{}
	for _, rule := range r.store.list(r.at(), "AWS::Events::Rule") {
		if busOf(&rule) != bus {
			continue
		}
		rules = append(rules, object{
			"Name": rule.Name, "Arn": rule.attribute("Arn"), "EventBusName": bus, "State": orElse(rule.text("State"), "ENABLED"),
			"Description": orNil(rule.text("Description")), "ScheduleExpression": orNil(rule.text("ScheduleExpression")),
		})
	}
	rules, next, err := page(r, rules, 100)
	return object{"Rules": rules, "NextToken": orNil(next)}, err
}

// largestEvents is the most that one request puts, in bytes.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const largestEvents = 1 << 20

// putEvents answers each event by itself.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func putEvents(r *request) (any, error) {
	entries := listOf(r.input["Entries"])
	switch {
	case len(entries) == 0 || len(entries) > 10:
		return nil, refuse(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10, inclusive")
	case len(r.body) > largestEvents:
		return nil, refuse(http.StatusBadRequest, "ValidationException", "Total size of the entries in the request is over the limit.")
	}
	results, failed := []object{}, 0
	for _, each := range entries {
		entry, _ := each.(object)
		if wrong := wrongEvent(entry); wrong != "" {
			results, failed = append(results, object{"ErrorCode": "InvalidArgument", "ErrorMessage": wrong}), failed+1
			continue
		}
		if strings.HasPrefix(textOf(entry["Source"]), "aws.") {
			results, failed = append(results, object{"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}), failed+1
			continue
		}
		results = append(results, object{"EventId": requestID()})
	}
	return object{"Entries": results, "FailedEntryCount": failed}, nil
}

// wrongEvent says what is wrong with an event, or nothing.
func wrongEvent(entry object) string {
	for _, name := range []string{"Source", "DetailType", "Detail"} {
		if textOf(entry[name]) == "" {
			return "Parameter " + name + " is not valid. Reason: " + name + " is a required argument."
		}
	}
	var detail map[string]any
	if json.Unmarshal([]byte(textOf(entry["Detail"])), &detail) != nil {
		return "Parameter Detail is not valid. Reason: Detail is malformed."
	}
	return ""
}

// busNamed is the name and the place of a bus, which an entry may name by its ARN.
func (r *request) busNamed(reference string) (at place, name string) {
	if _, name, isARN := strings.Cut(reference, ":event-bus/"); isARN {
		return r.homeOf(reference), name
	}
	return r.at(), orElse(reference, "default")
}

// busRights are those on each bus that events are put on.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
func busRights() map[string]func(*request) []right {
	return map[string]func(*request) []right{
		"ListEventBuses": onNothing("events:ListEventBuses"),
		"ListRules":      onNothing("events:ListRules"),
		"PutEvents": func(r *request) []right {
			var needed []right
			for _, each := range listOf(r.input["Entries"]) {
				entry, _ := each.(object)
				at, name := r.busNamed(textOf(entry["EventBusName"]))
				one := right{action: "events:PutEvents", resource: arnOf(at, "events", "event-bus/"+name), owner: at.account, tags: object{}, context: policy.Context{
					"events:source": optional(textOf(entry["Source"])), "events:detail-type": optional(textOf(entry["DetailType"])),
					"events:eventbusinvocation": nil,
				}}
				if bus, found := r.store.find(at, busType, name); found {
					one.tags, one.of = tagMap(&bus), r.store.busPolicies(&bus)
				}
				if !slices.ContainsFunc(needed, func(known right) bool {
					return known.resource == one.resource && slices.Equal(known.context["events:source"], one.context["events:source"]) && slices.Equal(known.context["events:detail-type"], one.context["events:detail-type"])
				}) {
					needed = append(needed, one)
				}
			}
			return needed
		},
	}
}

// busPolicies are the statements that others have made of a bus's policy.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbuspolicy.html
func (s *store) busPolicies(bus *Resource) func() []any {
	return func() []any {
		var documents []any
		for _, attached := range s.list(place{bus.Account, bus.Region}, "AWS::Events::EventBusPolicy") {
			if statement := attached.Properties["Statement"]; statement != nil && attached.text("EventBusName") == bus.Name {
				documents = append(documents, object{"Version": "2012-10-17", "Statement": statement})
			}
		}
		return documents
	}
}
