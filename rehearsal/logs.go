package rehearsal

import (
	"net/http"
	"strconv"
	"strings"
)

func logsService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"DescribeLogGroups": reading(describeLogGroups),
	}}
}

// describeLogGroups lists log groups, 50 a page.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
func describeLogGroups(r *request) (any, error) {
	of := "logs" + r.account + r.region + r.text("logGroupNamePrefix") + "*" + r.text("logGroupNamePattern")
	most, err := strconv.Atoi(r.text("limit"))
	if err != nil || most > 50 {
		most = 50
	}
	groups := []object{}
	if token := r.text("nextToken"); token != "" {
		var found bool
		if groups, found = r.server.objectLists.rest(of, token); !found {
			return nil, refuse(http.StatusBadRequest, "InvalidParameterException", "The specified nextToken is invalid.")
		}
	} else {
		groups = append(groups, r.logGroups()...)
	}
	page, next := r.server.objectLists.page(of, groups, most)
	return object{"logGroups": page, "nextToken": orNil(next)}, nil
}

func (r *request) logGroups() (groups []object) {
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
	return groups
}
