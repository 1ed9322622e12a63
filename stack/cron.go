package stack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cronField is one of the six fields of a cron expression of EventBridge.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
type cronField struct {
	name        string
	least, most int
	names       []string // of the values from least on
	signs       string   // besides , - and *
}

var cronFields = []cronField{
	{name: "minutes", most: 59, signs: "/"},
	{name: "hours", most: 23, signs: "/"},
	{name: "day of month", least: 1, most: 31, signs: "?/LW"},
	{name: "month", least: 1, most: 12, signs: "/", names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{name: "day of week", least: 1, most: 7, signs: "?L#", names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
	{name: "year", least: 1970, most: 2199, signs: "/"},
}

// cronFault is what is wrong with a cron expression; empty where nothing is.
func cronFault(expression string) string {
	texts := strings.Split(expression, " ")
	if len(texts) != len(cronFields) {
		return fmt.Sprintf("it has %d fields, between single spaces", len(texts))
	}
	for i, field := range cronFields {
		if fault := field.fault(texts[i]); fault != "" {
			return fmt.Sprintf("%s is %q: %s", field.name, texts[i], fault)
		}
	}
	// Either the day of the month or the weekday says when; the other must say that it does not.
	switch days := texts[2:5]; {
	case days[0] == "?" && days[2] == "?":
		return "day of month and day of week are both ?: one of them says when"
	case days[0] != "?" && days[2] != "?":
		return "day of month and day of week both say when: one of them is ?"
	}
	return ""
}

// fault is what is wrong with the field's text.
func (f cronField) fault(text string) string {
	elements := strings.Split(text, ",")
	for _, element := range elements {
		if fault := f.elementFault(element, len(elements) == 1); fault != "" {
			return fault
		}
	}
	return ""
}

// elementFault is what is wrong with one element of a field's list.
func (f cronField) elementFault(element string, alone bool) string {
	allows := func(sign string) bool { return strings.Contains(f.signs, sign) }
	switch {
	case element == "":
		return "an element of the list is missing"
	case element == "*":
		return ""
	case element == "?" && allows("?"):
		if !alone {
			return "? stands alone"
		}
		return ""
	case element == "L" && allows("L"), element == "LW" && allows("W"):
		return ""
	}
	if day, count, found := strings.Cut(element, "#"); found {
		// The page says that with # there is one expression, and no list.
		number, err := strconv.Atoi(count)
		switch {
		case !allows("#"):
			return "# belongs to the day of week"
		case !alone:
			return "with # there is one expression, and no list"
		case err != nil || number < 1 || number > 5:
			return "behind # stands which of the month's weekdays it is, 1 to 5"
		}
		return f.valueFault(day)
	}
	if value, found := strings.CutSuffix(element, "L"); found && allows("#") { // the last one of a weekday
		return f.valueFault(value)
	}
	if value, found := strings.CutSuffix(element, "W"); found && allows("W") {
		return f.valueFault(value)
	}
	start, step, stepped := strings.Cut(element, "/")
	if stepped {
		number, err := strconv.Atoi(step)
		switch {
		case !allows("/"):
			return "it takes no increments"
		case err != nil || number < 1 || number > f.most:
			return fmt.Sprintf("an increment is 1 to %d", f.most)
		case start == "*":
			return ""
		}
	}
	first, last, ranged := strings.Cut(start, "-")
	if fault := f.valueFault(first); fault != "" || !ranged {
		return fault
	}
	return f.valueFault(last)
}

// valueFault is what is wrong with one value.
func (f cronField) valueFault(text string) string {
	if slices.Contains(f.names, strings.ToUpper(text)) {
		return ""
	}
	number, err := strconv.Atoi(text)
	if err == nil && number >= f.least && number <= f.most && !strings.ContainsAny(text, "+-") {
		return ""
	}
	want := fmt.Sprintf("values are %d to %d", f.least, f.most)
	if len(f.names) > 0 {
		want += ", or " + f.names[0] + " to " + f.names[len(f.names)-1]
	}
	return want
}
