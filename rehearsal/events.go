package rehearsal

func eventsService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"ListEventBuses": reading(listEventBuses),
		"ListRules":      reading(listRules),
	}}
}

// listEventBuses lists the default bus, which every account has, and those that
// were made.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListEventBuses.html
func listEventBuses(r *request) (any, error) {
	arn := "arn:" + partition(r.region) + ":events:" + r.region + ":" + r.account + ":event-bus/"
	buses := []object{{"Name": "default", "Arn": arn + "default"}}
	for _, bus := range r.store.list(r.at(), "AWS::Events::EventBus") {
		buses = append(buses, object{"Name": bus.Name, "Arn": arn + bus.Name, "Description": orNil(bus.text("Description"))})
	}
	buses, next, err := page(r, buses, 100)
	return object{"EventBuses": buses, "NextToken": orNil(next)}, err
}

// listRules lists the rules of one bus.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html
func listRules(r *request) (any, error) {
	bus := busOf(&Resource{Properties: object{"EventBusName": r.text("EventBusName")}})
	if _, found := r.store.find(r.at(), "AWS::Events::EventBus", bus); !found && bus != "default" {
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
