package rehearsal

import "strings"

func logsService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"DescribeLogGroups": reading(describeLogGroups),
	}}
}

func describeLogGroups(r *request) (any, error) {
	groups := []object{}
	for _, g := range r.store.list(r.at(), "AWS::Logs::LogGroup") {
		if !strings.HasPrefix(g.Name, r.text("logGroupNamePrefix")) || !strings.Contains(g.Name, r.text("logGroupNamePattern")) {
			continue
		}
		shown := object{
			"logGroupName": g.Name, "arn": g.attribute("Arn"), "logGroupArn": strings.TrimSuffix(g.attribute("Arn"), ":*"),
			"creationTime": g.Created.UnixMilli(), "storedBytes": 0, "logGroupClass": orElse(g.text("LogGroupClass"), "STANDARD"),
		}
		if days, given := g.Properties["RetentionInDays"]; given {
			shown["retentionInDays"] = days
		}
		groups = append(groups, shown)
	}
	return object{"logGroups": groups}, nil
}
