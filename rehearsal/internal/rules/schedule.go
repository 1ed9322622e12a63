package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var rateExpression = regexp.MustCompile(`^rate\((\d+) (minutes?|hours?|days?)\)$`)

// isRate says whether EventBridge takes a rate: a positive number, and a unit in the singular for 1
// and in the plural for more.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rate-expressions.html
func isRate(expression string) bool {
	part := rateExpression.FindStringSubmatch(expression)
	if part == nil {
		return false
	}
	number, err := strconv.Atoi(part[1])
	return err == nil && number > 0 && (number == 1) != strings.HasSuffix(part[2], "s")
}

// cronField is a field of a cron expression.
type cronField struct {
	least, most int
	names       []string // of least and those after it
	marks       string   // what stands in it besides , - * /
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
var cronFields = []cronField{
	{0, 59, nil, ""},
	{0, 23, nil, ""},
	{1, 31, nil, "?LW"},
	{1, 12, []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}, ""},
	{1, 7, []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}, "?L#"},
	{1970, 2199, nil, ""},
}

// isCron says whether EventBridge takes a cron expression: six fields, of which either the day of the
// month or the day of the week is a question mark.
func isCron(expression string) bool {
	inside, found := strings.CutPrefix(expression, "cron(")
	inside, closed := strings.CutSuffix(inside, ")")
	fields := strings.Fields(inside)
	if !found || !closed || len(fields) != len(cronFields) || (fields[2] == "?") == (fields[4] == "?") {
		return false
	}
	for i, field := range fields {
		if !cronFields[i].takes(field) {
			return false
		}
	}
	return true
}

func (f cronField) takes(text string) bool {
	if text == "?" {
		return strings.Contains(f.marks, "?")
	}
	for part := range strings.SplitSeq(text, ",") {
		if !f.takesPart(part) {
			return false
		}
	}
	return true
}

// takesPart reads one part of a list: a value, a range, either with a step, or a value with a mark.
func (f cronField) takesPart(part string) bool {
	if strings.Contains(f.marks, "L") && (part == "L" || strings.HasSuffix(part, "L") && f.value(part[:len(part)-1]) > 0) {
		return true
	}
	if strings.Contains(f.marks, "W") {
		if day, weekday := strings.CutSuffix(part, "W"); weekday {
			return day == "L" || f.value(day) > 0
		}
	}
	if day, which, nth := strings.Cut(part, "#"); nth {
		number, err := strconv.Atoi(which)
		return strings.Contains(f.marks, "#") && f.value(day) > 0 && err == nil && number >= 1 && number <= 5
	}
	span, step, stepped := strings.Cut(part, "/")
	if stepped {
		if number, err := strconv.Atoi(step); err != nil || number < 1 || number > f.most {
			return false
		}
	}
	if span == "*" {
		return true
	}
	from, to, ranged := strings.Cut(span, "-")
	if ranged { // one that ends before it begins goes over midnight, or over the end of the week
		return f.value(from) >= 0 && f.value(to) >= 0
	}
	return f.value(from) >= 0
}

// value is the number of a value, -1 if the field does not take it.
func (f cronField) value(text string) int {
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return f.least + i
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < f.least || number > f.most {
		return -1
	}
	return number
}

// isAt says whether EventBridge Scheduler takes a time for once.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func isAt(expression string) bool {
	inside, found := strings.CutPrefix(expression, "at(")
	inside, closed := strings.CutSuffix(inside, ")")
	_, err := time.Parse("2006-01-02T15:04:05", inside)
	if err != nil {
		_, err = time.Parse("2006-01-02T15:04", inside) // the seconds may be left out
	}
	return found && closed && err == nil
}
