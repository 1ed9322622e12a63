package stack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Pattern selects events by their JSON: each field holds a list of what it may be, or a pattern of the
// fields below it. What a field may be is text, a number, a bool, nil, or one operator: prefix, suffix,
// equals-ignore-case, anything-but, numeric, exists; cidr and wildcard too where EventBridge or SNS reads the
// pattern. $or holds two or more patterns, of which one must match.
//
//	stack.Pattern{"total": []any{stack.Pattern{"numeric": []any{">", 100}}}, "customer": stack.Pattern{"country": []string{"IT", "FR"}}}
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
type Pattern map[string]any

// dialect is what one service reads in patterns.
type dialect struct {
	// without are operators of the others that it does not know.
	without []string
	// flat tells that it knows no fields below fields.
	flat bool
	// mostFields and mostCombinations limit what a pattern holds: its fields, and the product of the lengths of
	// their lists, each times the level of its field; alternatives are added. mostBytes limits its text. Zero is no limit.
	mostFields, mostCombinations, mostBytes int
	// mostNumeric is how far from zero numbers of comparisons may be; zero is EventBridge's own limit. digits are those
	// behind the point that are compared.
	mostNumeric float64
	digits      int
	// page is AWS's on it.
	page string
}

var (
	eventPattern = dialect{page: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"}
	// SNS counts the fields that hold lists, and how many combinations of values a policy means.
	// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
	// https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html
	bodyPolicy = dialect{
		mostFields: 5, mostCombinations: 150, mostBytes: 256 << 10, mostNumeric: 1e9, digits: 5,
		page: "https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html",
	}
	attributesPolicy = func() dialect {
		flat := bodyPolicy
		flat.flat = true
		return flat
	}()
	lambdaFilter = dialect{
		without: []string{"cidr", "wildcard"}, mostBytes: 4096,
		page: "https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax",
	}
)

// validate checks a pattern as a service does that reads this dialect.
func (p Pattern) validate(field string, of dialect) *ConfigError {
	if len(p) == 0 {
		return nil
	}
	value, err := p.plain()
	if err != nil {
		return &ConfigError{Field: field, Got: err.Error(), Want: "made of values that JSON has", Fix: "write text, numbers, lists and patterns"}
	}
	check := patternCheck{dialect: of}
	combinations := check.fields(value, "", 1)
	if check.problem == nil {
		check.sums(combinations, len(p.String()))
	}
	if problem := check.problem; problem != nil {
		problem.Field = field
		problem.Docs = of.page
		return problem
	}
	return nil
}

// patternCheck walks through a pattern until the first problem.
type patternCheck struct {
	dialect
	found   int
	problem *ConfigError
}

func (c *patternCheck) refuse(got, want, fix string) {
	if c.problem == nil {
		c.problem = &ConfigError{Got: got, Want: want, Fix: fix}
	}
}

// manyCombinations are more than any service takes, so that no product overflows.
const manyCombinations = 1 << 20

// fields checks a pattern, or one below a field, and returns how many combinations of values it means.
func (c *patternCheck) fields(fields map[string]any, below string, level int) (combinations int) {
	combinations = 1
	if len(fields) == 0 {
		c.refuse(fmt.Sprintf("no field at %q", strings.TrimSuffix(below, ".")), "at least one field", "leave the field out, which is any value")
	}
	for _, name := range sortedKeys(fields) {
		path := below + name
		switch value := fields[name].(type) {
		case []any:
			if name == "$or" {
				combinations *= c.anyOf(value, below, level)
			} else {
				combinations *= c.list(value, path) * level
			}
		case map[string]any:
			if c.flat {
				c.refuse(fmt.Sprintf("fields below %q", path), "a list for each attribute: attributes have no fields", "write FilterBody: true to select by the body, or a list here")
			}
			combinations *= c.fields(value, path+".", level+1)
		default:
			c.refuse(fmt.Sprintf("no list at %q", path), "a list of what the field may be", `write stack.Pattern{"kind": []string{"refund"}}`)
		}
		combinations = min(combinations, manyCombinations)
	}
	return combinations
}

// anyOf checks the patterns of which one must match.
func (c *patternCheck) anyOf(patterns []any, below string, level int) (combinations int) {
	if len(patterns) < 2 {
		c.refuse(fmt.Sprintf("%d patterns in %q", len(patterns), below+"$or"), "two or more", "write one pattern without $or")
	}
	for _, one := range patterns {
		fields, is := one.(map[string]any)
		if !is {
			c.refuse(fmt.Sprintf("%s in %q", asJSON(one), below+"$or"), "a pattern", `write "$or": []stack.Pattern{…}`)
			continue
		}
		combinations += c.fields(fields, below, level)
	}
	return min(combinations, manyCombinations)
}

// list checks what a field may be, and returns how many values there are.
func (c *patternCheck) list(values []any, path string) int {
	c.found++
	if len(values) == 0 {
		c.refuse(fmt.Sprintf("an empty list at %q", path), "at least one value", "leave the field out, which is any value")
	}
	for _, value := range values {
		switch value := value.(type) {
		case map[string]any:
			c.operator(value, path)
		case []any:
			c.refuse(fmt.Sprintf("a list in the list at %q", path), "text, numbers, bools, nil or operators", "write the values in one list")
		}
	}
	return max(len(values), 1)
}

// operators are what a list may hold besides values, and what each takes.
var operators = map[string]struct {
	takes string
	is    func(any) bool
}{
	"prefix":             {`text, or {"equals-ignore-case": text}`, isTextOrIgnoringCase},
	"suffix":             {`text, or {"equals-ignore-case": text}`, isTextOrIgnoringCase},
	"equals-ignore-case": {"text", isText},
	"wildcard":           {`text with *, of which no two stand together, and \* for the character`, isWildcard},
	"anything-but":       {"text, a number, a list of either, or prefix, suffix, equals-ignore-case or wildcard of text", isExcluded},
	"numeric":            {`a comparison and a number, such as [">", 0], or a lower and an upper one, such as [">", 0, "<=", 5]`, isNumeric},
	"exists":             {"true or false", func(value any) bool { _, is := value.(bool); return is }},
	"cidr":               {`a range of addresses, such as "10.0.0.0/24"`, isRange},
}

// operator checks one.
func (c *patternCheck) operator(written map[string]any, path string) {
	known := slices.DeleteFunc(slices.Sorted(maps.Keys(operators)), func(name string) bool { return slices.Contains(c.without, name) })
	if len(written) != 1 {
		c.refuse(fmt.Sprintf("%d operators in one at %q", len(written), path), "one in each pair of braces: those of a list are alternatives", "write two of the list, or another field")
		return
	}
	for name, value := range written {
		if !slices.Contains(known, name) {
			c.refuse(fmt.Sprintf("operator %q at %q", name, path), "one of "+strings.Join(known, ", "), `write stack.Pattern{"prefix": "…"} or the like`)
		} else if !operators[name].is(value) {
			c.refuse(fmt.Sprintf("%s of %s at %q", name, asJSON(value), path), operators[name].takes, "write it so")
		} else if name == "numeric" && c.mostNumeric > 0 && slices.ContainsFunc(value.([]any), c.isTooLarge) {
			c.refuse(fmt.Sprintf("numeric of %s at %q", asJSON(value), path), fmt.Sprintf("numbers of -%[1]d to %[1]d", int(c.mostNumeric)), "compare with a number between these")
		} else if name == "numeric" && c.digits > 0 && slices.ContainsFunc(value.([]any), c.isTooFine) {
			c.refuse(fmt.Sprintf("numeric of %s at %q", asJSON(value), path), fmt.Sprintf("numbers of at most %d digits behind the point: no more are compared", c.digits), "round it")
		}
	}
}

// isTooLarge tells whether a part of a comparison is a number that the service does not take.
func (c *patternCheck) isTooLarge(part any) bool {
	number, is := part.(float64)
	return is && (number < -c.mostNumeric || number > c.mostNumeric)
}

// isTooFine tells whether a part of a comparison is a number with more digits behind the point than the service compares.
func (c *patternCheck) isTooFine(part any) bool {
	number, is := part.(float64)
	_, fraction, _ := strings.Cut(strconv.FormatFloat(number, 'f', -1, 64), ".")
	return is && len(fraction) > c.digits
}

// sums checks what the service counts.
func (c *patternCheck) sums(combinations, bytes int) {
	switch {
	case c.mostFields > 0 && c.found > c.mostFields:
		c.refuse(fmt.Sprintf("%d fields", c.found), fmt.Sprintf("at most %d", c.mostFields), "select by fewer, and look at the others in the handler")
	case c.mostCombinations > 0 && combinations > c.mostCombinations:
		got := fmt.Sprintf("%d combinations of values", combinations)
		if combinations >= manyCombinations {
			got = fmt.Sprintf("%d combinations of values or more", manyCombinations)
		}
		c.refuse(got+", the product of the lists' lengths, each times the level of its field", fmt.Sprintf("at most %d", c.mostCombinations), "shorten the lists, or select by fields that are less deep")
	case c.mostBytes > 0 && bytes > c.mostBytes:
		c.refuse(fmt.Sprintf("%d bytes", bytes), fmt.Sprintf("at most %d", c.mostBytes), "shorten it")
	}
}

func isText(value any) bool {
	_, is := value.(string)
	return is
}

func isTextOrIgnoringCase(value any) bool {
	fields, is := value.(map[string]any)
	return isText(value) || is && len(fields) == 1 && isText(fields["equals-ignore-case"])
}

func isWildcard(value any) bool {
	text, is := value.(string)
	if !is {
		return false
	}
	for text != "" {
		switch {
		case strings.HasPrefix(text, `\*`), strings.HasPrefix(text, `\\`):
			text = text[2:]
		case text[0] == '\\', strings.HasPrefix(text, "**"):
			return false
		default:
			text = text[1:]
		}
	}
	return true
}

// isExcluded is what anything-but takes.
func isExcluded(value any) bool {
	switch value := value.(type) {
	case string, float64:
		return true
	case []any:
		return isListOf(value, isText) || isListOf(value, func(one any) bool { _, is := one.(float64); return is })
	case map[string]any:
		for name, of := range value {
			list, several := of.([]any)
			is := isText
			if name == "wildcard" {
				is = isWildcard
			}
			return len(value) == 1 && slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, name) && (is(of) || several && isListOf(list, is))
		}
	}
	return false
}

func isListOf(list []any, is func(any) bool) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(one any) bool { return !is(one) })
}

// mostNumeric is how far from zero numbers of comparisons may be.
const mostNumeric = 5e9

func isNumeric(value any) bool {
	list, _ := value.([]any)
	comparison := func(at int, signs ...string) bool {
		sign, isSign := list[at].(string)
		number, isNumber := list[at+1].(float64)
		return isSign && isNumber && slices.Contains(signs, sign) && number >= -mostNumeric && number <= mostNumeric
	}
	switch len(list) {
	case 2:
		return comparison(0, "=", "<", "<=", ">", ">=")
	case 4:
		return comparison(0, ">", ">=") && comparison(2, "<", "<=") && list[1].(float64) < list[3].(float64)
	}
	return false
}

func isRange(value any) bool {
	text, _ := value.(string)
	_, err := netip.ParsePrefix(text)
	return err == nil
}

// plain is the pattern in the types of JSON, as the CDK takes it.
func (p Pattern) plain() (map[string]any, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	var value map[string]any
	return value, json.Unmarshal(text, &value)
}

// fields is plain of a pattern that was validated.
func (p Pattern) fields() map[string]any {
	value, err := p.plain()
	if err != nil {
		panic(err)
	}
	return value
}

// String is the pattern as JSON.
func (p Pattern) String() string { return asJSON(map[string]any(p)) }

// asJSON writes a value as JSON, or why it is none.
func asJSON(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // > and < are operators
	if err := encoder.Encode(value); err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(text.Bytes()))
}
