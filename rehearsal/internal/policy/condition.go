package policy

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Context is what is known of a request, by key in lower case; a key that the request is known not
// to have is there without values. What is not there at all is not known, unless the part up to a slash or a
// colon is: "aws:principaltag/" means that all tags are known, "kms:encryptioncontext:" the whole context.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
type Context map[string][]string

// knows says whether a key's values, or that it has none, are known.
func (c Context) knows(key string) bool {
	if _, known := c[key]; known {
		return true
	}
	for i, character := range key {
		if character == '/' || character == ':' {
			if _, known := c[key[:i+1]]; known {
				return true
			}
		}
	}
	return false
}

// condition is one key under one operator; all of a statement must hold.
type condition struct {
	operator operator
	key      string
	values   []pattern
}

// operator is a condition operator in its parts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type operator struct {
	compare  func(want, got string) bool
	negated  bool
	ifExists bool
	null     bool
	set      string // ForAllValues or ForAnyValue, empty for neither
}

// comparisons are the operators without their negations.
var comparisons = map[string]func(want, got string) bool{
	"StringEquals":             func(want, got string) bool { return asWritten.Replace(want) == got },
	"StringEqualsIgnoreCase":   func(want, got string) bool { return strings.EqualFold(asWritten.Replace(want), got) },
	"StringLike":               Matches,
	"ArnEquals":                matchesARN,
	"ArnLike":                  matchesARN,
	"Bool":                     strings.EqualFold,
	"NumericEquals":            numbers(func(order int) bool { return order == 0 }),
	"NumericLessThan":          numbers(func(order int) bool { return order < 0 }),
	"NumericLessThanEquals":    numbers(func(order int) bool { return order <= 0 }),
	"NumericGreaterThan":       numbers(func(order int) bool { return order > 0 }),
	"NumericGreaterThanEquals": numbers(func(order int) bool { return order >= 0 }),
	"DateEquals":               dates(func(order int) bool { return order == 0 }),
	"DateLessThan":             dates(func(order int) bool { return order < 0 }),
	"DateLessThanEquals":       dates(func(order int) bool { return order <= 0 }),
	"DateGreaterThan":          dates(func(order int) bool { return order > 0 }),
	"DateGreaterThanEquals":    dates(func(order int) bool { return order >= 0 }),
	"BinaryEquals":             sameBytes,
	"IpAddress":                inNetwork,
}

// negations are the operators that hold where the other does not.
var negations = map[string]string{
	"StringNotEquals": "StringEquals", "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase", "StringNotLike": "StringLike",
	"ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike", "NumericNotEquals": "NumericEquals", "DateNotEquals": "DateEquals",
	"NotIpAddress": "IpAddress",
}

func readOperator(name string) (operator, error) {
	var op operator
	base := name
	for _, set := range []string{"ForAllValues", "ForAnyValue"} {
		if rest, found := strings.CutPrefix(base, set+":"); found {
			op.set, base = set, rest
		}
	}
	base, op.ifExists = strings.CutSuffix(base, "IfExists")
	if positive, found := negations[base]; found {
		op.negated, base = true, positive
	}
	if op.null = base == "Null"; op.null && !op.ifExists {
		return op, nil
	}
	compare, known := comparisons[base]
	if !known {
		return op, fmt.Errorf("the condition operator %s is none of IAM's", name)
	}
	op.compare = compare
	return op, nil
}

// holds evaluates a condition. A key that the request does not have holds no condition, but those
// that are negated or end in IfExists.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func (c condition) holds(context Context) bool {
	values := context[c.key]
	if c.operator.null {
		return matchesAny(c.values, strconv.FormatBool(len(values) == 0), context, strings.EqualFold)
	}
	if len(values) == 0 {
		return c.operator.ifExists || c.operator.set == "ForAllValues" || c.operator.negated && c.operator.set == ""
	}
	meets := func(value string) bool {
		return matchesAny(c.values, value, context, c.operator.compare) != c.operator.negated
	}
	if c.operator.set == "ForAllValues" || c.operator.negated && c.operator.set == "" {
		return !slices.ContainsFunc(values, func(value string) bool { return !meets(value) })
	}
	return slices.ContainsFunc(values, meets)
}

func numbers(in func(order int) bool) func(want, got string) bool {
	return func(want, got string) bool {
		w, isNumber := new(big.Rat).SetString(want)
		g, given := new(big.Rat).SetString(got)
		return isNumber && given && in(g.Cmp(w))
	}
}

func dates(in func(order int) bool) func(want, got string) bool {
	return func(want, got string) bool {
		w, isDate := date(want)
		g, given := date(got)
		return isDate && given && in(g.Compare(w))
	}
}

// date reads a date of ISO 8601, or seconds since 1970.
func date(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006"} {
		if read, err := time.Parse(layout, text); err == nil {
			return read, true
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0), err == nil
}

func sameBytes(want, got string) bool {
	w, wErr := base64.StdEncoding.DecodeString(want)
	g, gErr := base64.StdEncoding.DecodeString(got)
	return wErr == nil && gErr == nil && string(w) == string(g)
}

// inNetwork compares with an address or a block of them.
func inNetwork(want, got string) bool {
	address, err := netip.ParseAddr(got)
	if err != nil {
		return false
	}
	if block, err := netip.ParsePrefix(want); err == nil {
		return block.Contains(address)
	}
	single, err := netip.ParseAddr(want)
	return err == nil && single == address
}
