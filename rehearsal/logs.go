package rehearsal

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

func logsService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"DescribeLogGroups":  reading(describeLogGroups),
		"DescribeLogStreams": reading(describeLogStreams),
		"FilterLogEvents":    reading(filterLogEvents),
		"GetLogEvents":       reading(getLogEvents),
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
	for _, g := range r.store.list(r.at(), logGroupType) {
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

// logLimit is how many of a group's events are kept: the newest. Nothing is kept beyond the server's life.
const logLimit = 20_000

// logEvents are what the functions and APIs of all accounts have logged.
type logEvents struct {
	mu     sync.Mutex
	count  int64
	groups map[string]*logGroup // by account, region and name
}

// logGroup is one group's.
type logGroup struct {
	// of tells the group from an earlier one of its name, whose events went with it.
	of     string
	events []logEvent
}

type logEvent struct {
	number int64
	stream string
	time   time.Time
	text   string
}

func newLogEvents() *logEvents { return &logEvents{groups: map[string]*logGroup{}} }

func groupKey(at place, name string) string { return at.account + " " + at.region + " " + name }

// add keeps an event. A group that nobody has made is made, as Lambda does with the rights that its managed policy gives.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
func (l *logEvents) add(s *Server, at place, group, stream string, when time.Time, text string) {
	of := s.store.logGroup(at, group)
	if of == "" {
		made, err := s.Account(at.account).Create(at.region, logGroupType, object{"LogGroupName": group})
		if err != nil {
			of = s.store.logGroup(at, group) // somebody else was faster
		} else {
			of = made.seed
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[groupKey(at, group)]
	if g == nil || g.of != of {
		g = &logGroup{of: of}
		l.groups[groupKey(at, group)] = g
	}
	if len(g.events) >= 2*logLimit {
		g.events = append([]logEvent(nil), g.events[len(g.events)-logLimit:]...)
	}
	l.count++
	g.events = append(g.events, logEvent{number: l.count, stream: stream, time: when, text: text})
}

const logGroupType = "AWS::Logs::LogGroup"

// logGroup tells which log group has a name now; empty where none has.
func (s *store) logGroup(at place, name string) string {
	return remember(s, "log group|"+groupKey(at, name), func() string {
		held, _ := s.find(at, logGroupType, name)
		return held.seed
	})
}

// logEventsOf are the events of a group that is there, in their order.
func (r *request) logEventsOf() ([]logEvent, string, error) {
	name := r.text("logGroupName")
	if identifier := r.text("logGroupIdentifier"); name == "" {
		if _, after, isARN := strings.Cut(identifier, ":log-group:"); isARN {
			identifier = after
		}
		name = strings.TrimSuffix(identifier, ":*")
	}
	of := r.store.logGroup(r.at(), name)
	if of == "" {
		return nil, name, refuse(http.StatusBadRequest, "ResourceNotFoundException", "The specified log group does not exist.")
	}
	l := r.server.logs
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[groupKey(r.at(), name)]
	if g == nil || g.of != of {
		return nil, name, nil
	}
	newest := slices.Clone(g.events[max(0, len(g.events)-logLimit):])
	slices.SortStableFunc(newest, func(a, b logEvent) int { return a.time.Compare(b.time) })
	return newest, name, nil
}

// logTimes says whether an event is between the times of a request: from its start, before its end.
func (r *request) logTimes() func(logEvent) bool {
	start, _ := strconv.ParseFloat(r.text("startTime"), 64)
	end, err := strconv.ParseFloat(r.text("endTime"), 64)
	return func(e logEvent) bool {
		at := float64(e.time.UnixMilli())
		return at >= start && (err != nil || at < end)
	}
}

// limitOf reads the limit of a page.
func (r *request) limitOf(most int) (int, error) {
	text := r.text("limit")
	if text == "" {
		return most, nil
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || number < 1 || number > float64(most) {
		return 0, refuse(http.StatusBadRequest, "InvalidParameterException", "1 validation error detected: Value '%s' at 'limit' failed to satisfy constraint: Member must have value less than or equal to %d", text, most)
	}
	return int(number), nil
}

// filterLogEvents searches a group.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
func filterLogEvents(r *request) (any, error) {
	events, _, err := r.logEventsOf()
	if err != nil {
		return nil, err
	}
	matches, err := filterPattern(r.text("filterPattern"))
	if err != nil {
		return nil, err
	}
	most, err := r.limitOf(10_000)
	if err != nil {
		return nil, err
	}
	streams, prefix, inTime := r.texts("logStreamNames"), r.text("logStreamNamePrefix"), r.logTimes()
	found := []object{}
	for _, e := range events {
		if !inTime(e) || !strings.HasPrefix(e.stream, prefix) || len(streams) > 0 && !slices.Contains(streams, e.stream) || !matches(e.text) {
			continue
		}
		found = append(found, object{
			"eventId": fmt.Sprintf("%056d", e.number), "logStreamName": e.stream, "timestamp": e.time.UnixMilli(),
			"ingestionTime": e.time.UnixMilli(), "message": e.text + "\n",
		})
	}
	page, next, err := pageAt(r, found, most, "nextToken")
	return object{"events": page, "searchedLogStreams": []object{}, "nextToken": orNil(next)}, err
}

var patternTerm = regexp.MustCompile(`([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))`)

// filterPattern reads a pattern of terms: all of them must be in a message, one of those with a question mark, and none
// of those with a minus. Patterns of JSON, of columns and of expressions are not known here.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func filterPattern(pattern string) (func(string) bool, error) {
	pattern = strings.TrimSpace(pattern)
	if strings.HasPrefix(pattern, "{") || strings.HasPrefix(pattern, "[") || strings.HasPrefix(pattern, "%") {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal knows filter patterns of terms only, not %s", pattern)
	}
	var all, some, none []string
	for _, term := range patternTerm.FindAllStringSubmatch(pattern, -1) {
		text := strings.ReplaceAll(term[2], `\"`, `"`) + term[3]
		switch term[1] {
		case "?":
			some = append(some, text)
		case "-":
			none = append(none, text)
		default:
			all = append(all, text)
		}
	}
	return func(message string) bool {
		in := func(term string) bool { return strings.Contains(message, term) }
		return !slices.ContainsFunc(all, func(term string) bool { return !in(term) }) &&
			(len(some) == 0 || slices.ContainsFunc(some, in)) && !slices.ContainsFunc(none, in)
	}, nil
}

// getLogEvents reads a stream, the newest page first unless asked otherwise. At its end the token stays the same.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
func getLogEvents(r *request) (any, error) {
	events, _, err := r.logEventsOf()
	if err != nil {
		return nil, err
	}
	most, err := r.limitOf(10_000)
	if err != nil {
		return nil, err
	}
	stream, inTime := r.text("logStreamName"), r.logTimes()
	exists := false
	var found []logEvent
	for _, e := range events {
		if e.stream == stream {
			exists = true
			if inTime(e) {
				found = append(found, e)
			}
		}
	}
	if !exists {
		return nil, refuse(http.StatusBadRequest, "ResourceNotFoundException", "The specified log stream does not exist.")
	}
	// Events go by their numbers, so that a token keeps its place while others arrive.
	start := max(0, len(found)-most)
	if r.flag("startFromHead") {
		start = 0
	}
	end := min(start+most, len(found))
	if token := r.text("nextToken"); token != "" {
		direction, text, _ := strings.Cut(token, "/")
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil || direction != "f" && direction != "b" {
			return nil, refuse(http.StatusBadRequest, "InvalidParameterException", "The specified nextToken is invalid.")
		}
		at, _ := slices.BinarySearchFunc(found, number, func(e logEvent, n int64) int { return cmp.Compare(e.number, n) })
		if direction == "f" {
			start, end = at, min(at+most, len(found))
		} else {
			start, end = max(0, at-most), at
		}
	}
	first, last := int64(0), int64(0)
	if start < end {
		first, last = found[start].number, found[end-1].number+1
	} else if token := r.text("nextToken"); token != "" {
		_, _ = fmt.Sscanf(token[2:], "%d", &first)
		last = first
	}
	shown := []object{}
	for _, e := range found[start:end] {
		shown = append(shown, object{"timestamp": e.time.UnixMilli(), "ingestionTime": e.time.UnixMilli(), "message": e.text + "\n"})
	}
	return object{"events": shown, "nextForwardToken": fmt.Sprintf("f/%056d", last), "nextBackwardToken": fmt.Sprintf("b/%056d", first)}, nil
}

// describeLogStreams lists the streams of a group.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html
func describeLogStreams(r *request) (any, error) {
	events, group, err := r.logEventsOf()
	if err != nil {
		return nil, err
	}
	most, err := r.limitOf(50)
	if err != nil {
		return nil, err
	}
	byTime := r.text("orderBy") == "LastEventTime"
	if byTime && r.text("logStreamNamePrefix") != "" {
		return nil, refuse(http.StatusBadRequest, "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	type span struct{ first, last time.Time }
	spans := map[string]span{}
	for _, e := range events {
		if !strings.HasPrefix(e.stream, r.text("logStreamNamePrefix")) {
			continue
		}
		s, known := spans[e.stream]
		if !known {
			s.first = e.time
		}
		s.last = e.time
		spans[e.stream] = s
	}
	names := slices.Sorted(maps.Keys(spans))
	if byTime {
		slices.SortStableFunc(names, func(a, b string) int { return spans[a].last.Compare(spans[b].last) })
	}
	if r.flag("descending") {
		slices.Reverse(names)
	}
	arn := "arn:" + stages.Partition(r.region) + ":logs:" + r.region + ":" + r.account + ":log-group:" + group + ":log-stream:"
	shown := []object{}
	for _, name := range names {
		s := spans[name]
		shown = append(shown, object{
			"logStreamName": name, "arn": arn + name, "creationTime": s.first.UnixMilli(), "firstEventTimestamp": s.first.UnixMilli(),
			"lastEventTimestamp": s.last.UnixMilli(), "lastIngestionTime": s.last.UnixMilli(), "storedBytes": 0,
		})
	}
	page, next, err := pageAt(r, shown, most, "nextToken")
	return object{"logStreams": page, "nextToken": orNil(next)}, err
}
