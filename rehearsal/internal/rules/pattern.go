package rules

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// patternReader is what reads a pattern of EventBridge, or a filter of SNS or Lambda, which are of
// one grammar.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
type patternReader struct {
	problem func(words string)
	// numeric is asked for each number of a comparison; nil where the service says nothing of them.
	numeric func(number float64)
}

// readPattern reads an object of names: below each is another object, or a list of what the value may be.
func readPattern(pattern object, r patternReader) {
	if len(pattern) == 0 {
		r.problem("Empty objects are not allowed")
	}
	for _, name := range slices.Sorted(maps.Keys(pattern)) {
		switch value := pattern[name].(type) {
		case object:
			readPattern(value, r)
		case []any:
			switch {
			case name == "$or":
				readAlternatives(value, r)
			case len(value) == 0:
				r.problem("Empty arrays are not allowed")
			default:
				for _, one := range value {
					readMatch(one, r)
				}
			}
		default:
			r.problem(fmt.Sprintf("%q must be an object or an array", name))
		}
	}
}

// readAlternatives reads $or: two objects or more.
func readAlternatives(list []any, r patternReader) {
	if len(list) < 2 {
		r.problem("$or must be an array of at least two objects")
		return
	}
	for _, each := range list {
		if alternative, is := each.(object); is {
			readPattern(alternative, r)
		} else {
			r.problem("$or must be an array of at least two objects")
		}
	}
}

// readMatch reads one element of a list: a plain value, or an object with one operator.
func readMatch(value any, r patternReader) {
	switch value := value.(type) {
	case []any:
		r.problem("Match value must be String, number, true, false, or null")
	case object:
		if len(value) != 1 {
			r.problem("Only one key allowed in match expression")
			return
		}
		for operator, operand := range value {
			readOperator(operator, operand, r)
		}
	}
}

func readOperator(operator string, operand any, r patternReader) {
	text, isText := operand.(string)
	switch operator {
	case "prefix", "suffix":
		if folded, nested := operand.(object); nested && folded["equals-ignore-case"] != nil {
			return
		}
		if !isText {
			r.problem(operator + " match pattern must be a string")
		}
	case "equals-ignore-case", "wildcard":
		switch {
		case !isText:
			r.problem(operator + " match pattern must be a string")
		case operator == "wildcard" && strings.Contains(text, "**"):
			r.problem(fmt.Sprintf("Consecutive wildcard characters at pos %d", strings.Index(text, "**")))
		}
	case "exists":
		if _, isBool := operand.(bool); !isBool {
			r.problem("exists match pattern must be either true or false.")
		}
	case "cidr":
		if _, err := netip.ParsePrefix(text); err != nil {
			r.problem("Malformed CIDR, one '/' required")
		}
	case "numeric":
		readNumeric(operand, r)
	case "anything-but":
		if list, is := operand.([]any); is && len(list) == 0 {
			r.problem("Empty arrays are not allowed")
		}
		for inner := range document(operand) {
			if !slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, inner) {
				r.problem("Unsupported anything-but pattern: " + inner)
			}
		}
	default:
		r.problem("Unrecognized match type " + operator)
	}
}

// readNumeric reads ["=", 5] and [">", 0, "<=", 5].
func readNumeric(operand any, r patternReader) {
	list, is := operand.([]any)
	if !is || len(list) == 0 || len(list)%2 != 0 || len(list) > 4 {
		r.problem("Bad numeric range operator")
		return
	}
	for i := 0; i < len(list); i += 2 {
		if !slices.Contains([]string{"=", "<", "<=", ">", ">="}, textOf(list[i])) {
			r.problem("Unrecognized numeric range operator: " + textOf(list[i]))
		}
		switch number := list[i+1].(type) {
		case string, bool, nil:
			r.problem(fmt.Sprintf("Bad value for numeric range operator: %v", number))
		default:
			if value, err := strconv.ParseFloat(textOf(number), 64); err == nil && r.numeric != nil {
				r.numeric(value)
			}
		}
	}
}

// eventPattern is what is wrong with an event pattern, in the words of EventBridge; empty if nothing is.
func eventPattern(pattern object) string {
	first := ""
	readPattern(pattern, patternReader{problem: func(words string) {
		if first == "" {
			first = words
		}
	}})
	return first
}
