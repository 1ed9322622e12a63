package stack

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

func readPattern(t testing.TB, text string) Pattern {
	t.Helper()
	var p Pattern
	require.NoError(t, json.Unmarshal([]byte(text), &p), text)
	return p
}

// The examples of AWS's page. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
func TestThePatternsOfAWSAreTaken(t *testing.T) {
	for _, text := range []string{
		`{"time": [{"prefix": "2017-10-02"}]}`,
		`{"detail": {"service": [{"prefix": {"equals-ignore-case": "EventB"}}]}}`,
		`{"source": [""]}`,
		`{"detail": {"state": [{"anything-but": "initializing"}]}}`,
		`{"detail": {"x-limit": [{"anything-but": 123}]}}`,
		`{"detail": {"state": [{"anything-but": ["stopped", "overloaded"]}]}}`,
		`{"detail": {"x-limit": [{"anything-but": [100, 200, 300]}]}}`,
		`{"detail": {"state": [{"anything-but": {"equals-ignore-case": ["initializing", "stopped"]}}]}}`,
		`{"detail": {"state": [{"anything-but": {"prefix": "init"}}]}}`,
		`{"detail": {"FileName": [{"anything-but": {"suffix": [".txt", ".json"]}}]}}`,
		`{"detail": {"FilePath": [{"anything-but": {"wildcard": "*/lib/*"}}]}}`,
		`{"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}], "d-count": [{"numeric": ["<", 10]}], "x-limit": [{"numeric": ["=", 3.018e2]}]}}`,
		`{"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/24"}]}}`,
		`{"detail": {"state": [{"exists": true}]}}`,
		`{"detail-type": [{"equals-ignore-case": "ec2 instance state-change notification"}]}`,
		`{"FileName": [{"suffix": ".png"}]}`,
		`{"detail": {"FileName": [{"wildcard": "dir/*.png"}, {"wildcard": "a\\*b\\\\"}]}}`,
		`{"detail": {"$or": [{"c-count": [{"numeric": [">", 0, "<=", 5]}]}, {"d-count": [{"numeric": ["<", 10]}]}, {"x-limit": [{"numeric": ["=", 3.018e2]}]}]}}`,
		`{"detail": {"location": [null, true, 3, "x"]}}`,
	} {
		assert.Nil(t, readPattern(t, text).validate("Detail", eventPattern), text)
	}
}

func TestAPatternThatAWSRefusesIsRefusedWithItsRule(t *testing.T) {
	for text, want := range map[string]string{
		`{"x": [{"begins-with": "y"}]}`: `operator "begins-with" at "x"`,
		`{"x": []}`:                     `an empty list at "x"`,
		`{"a": {"x": []}}`:              `an empty list at "a.x"`,
		`{"a": {}}`:                     `no field at "a"`,
		`{"x": "y"}`:                    `no list at "x"`,
		`{"x": {"prefix": "y"}}`:        `no list at "x.prefix"`,
		`{"x": [["y"]]}`:                `a list in the list at "x"`,
		`{"x": [{"prefix": "y", "suffix": "z"}]}`: `2 operators in one at "x"`,
		`{"x": [{}]}`:                                 `0 operators in one at "x"`,
		`{"x": [{"prefix": 3}]}`:                      `prefix of 3 at "x"`,
		`{"x": [{"prefix": ["a", "b"]}]}`:             `prefix of ["a","b"] at "x"`,
		`{"x": [{"exists": "true"}]}`:                 `exists of "true" at "x"`,
		`{"x": [{"cidr": "10.0.0.300/24"}]}`:          `cidr of "10.0.0.300/24" at "x"`,
		`{"x": [{"numeric": 5}]}`:                     `numeric of 5 at "x"`,
		`{"x": [{"numeric": [">"]}]}`:                 `numeric of [">"] at "x"`,
		`{"x": [{"numeric": ["=", 1, "<", 2]}]}`:      `numeric of ["=",1,"<",2] at "x"`,
		`{"x": [{"numeric": ["<", 5, ">", 0]}]}`:      `numeric of ["<",5,">",0] at "x"`,
		`{"x": [{"numeric": [">", 5, "<", 0]}]}`:      `numeric of [">",5,"<",0] at "x"`,
		`{"x": [{"numeric": ["!=", 5]}]}`:             `numeric of ["!=",5] at "x"`,
		`{"x": [{"numeric": ["=", 6000000000]}]}`:     `numeric of ["=",6000000000] at "x"`,
		`{"x": [{"anything-but": []}]}`:               `anything-but of [] at "x"`,
		`{"x": [{"anything-but": ["a", 1]}]}`:         `anything-but of ["a",1] at "x"`,
		`{"x": [{"anything-but": {"exists": true}}]}`: `anything-but of {"exists":true} at "x"`,
		`{"x": [{"wildcard": "a**b"}]}`:               `wildcard of "a**b" at "x"`,
		`{"x": [{"wildcard": "a\\b"}]}`:               `wildcard of "a\\b" at "x"`,
		`{"$or": [{"x": ["y"]}]}`:                     `1 patterns in "$or"`,
		`{"$or": ["a", "b"]}`:                         `"a" in "$or"`,
	} {
		problem := readPattern(t, text).validate("Detail", eventPattern)
		if assert.NotNil(t, problem, text) {
			assert.Equal(t, want, problem.Got, text)
			messages.Provoked(t, problem.Error())
			assert.Equal(t, eventPattern.page, problem.Docs)
		}
	}
}

// combinations is what a filter of so many has; beyond a million they are not counted.
func combinations(count int) string {
	more := ""
	if count == manyCombinations {
		more = " or more"
	}
	return fmt.Sprintf("%d combinations of values%s, the product of the lists' lengths, each times the level of its field", count, more)
}

// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
// https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html
func TestEachServiceReadsItsOwnPatterns(t *testing.T) {
	list := func(length int) string {
		return `["` + strings.Repeat(`x","`, length-1) + `x"]`
	}
	for text, refused := range map[string]map[string]string{
		`{"x": [{"wildcard": "a*"}]}`:              {"lambda": `operator "wildcard" at "x"`},
		`{"x": [{"cidr": "10.0.0.0/8"}]}`:          {"lambda": `operator "cidr" at "x"`},
		`{"a": {"x": ["y"]}}`:                      {"attributes": `fields below "a"`},
		`{"x": [{"numeric": ["<=", 1000000000]}]}`: {},
		`{"x": [{"numeric": [">", 0, "<", 1000000001]}]}`: {
			"attributes": `numeric of [">",0,"<",1000000001] at "x"`, "body": `numeric of [">",0,"<",1000000001] at "x"`,
		},
		`{"a": ["y"], "b": ["y"], "c": ["y"], "d": ["y"], "e": ["y"], "f": ["y"]}`: {"attributes": "6 fields", "body": "6 fields"},
		fmt.Sprintf(`{"a": %s, "b": %s}`, list(15), list(11)):                      {"attributes": combinations(165), "body": combinations(165)},
		fmt.Sprintf(`{"a": %s, "b": %s}`, list(15), list(10)):                      {},
		`{"x": [{"numeric": ["=", 0.12345]}]}`:                                     {},
		`{"x": [{"numeric": ["=", 0.123456]}]}`:                                    {"attributes": `numeric of ["=",0.123456] at "x"`, "body": `numeric of ["=",0.123456] at "x"`},
		// The examples of AWS's pages, of 72, 7 and 32 combinations, and one that SNS was seen to refuse.
		`{"key_a": {"key_b": {"key_c": ["1", "2", "3", "4"]}}, "key_d": {"key_e": ["1", "2", "3"]}}`:                                                {"attributes": `fields below "key_a"`},
		`{"source": ["cw"], "$or": [{"metricName": ["a", "b"]}, {"metricType": ["m"], "$or": [{"metricId": [1, 2]}, {"spaceId": [1, 2, 3]}]}]}`:     {},
		`{"$or": [{"metricName": ["a", "b"]}, {"namespace": ["c", "d"]}], "detail": {"scope": ["s"], "$or": [{"source": ["x"]}, {"type": ["y"]}]}}`: {"attributes": `fields below "detail"`},
		`{"key_a": {"key_b": {"key_c": ["1", "2", "3", "4"]}}, "key_d": {"key_e": ["1", "2", "3"]}, "key_f": ["1", "2", "3"]}`:                      {"attributes": `fields below "key_a"`, "body": combinations(216)},
		fmt.Sprintf(`{"a": %s, "$or": [{"b": %s}, {"c": %s}]}`, list(8), list(10), list(9)):                                                         {"attributes": combinations(152), "body": combinations(152)},
		fmt.Sprintf(`{"a": %[1]s, "b": %[1]s, "c": %[1]s, "d": %[1]s}`, list(40)):                                                                   {"attributes": combinations(1 << 20), "body": combinations(1 << 20)},
		fmt.Sprintf(`{"a": ["%s"]}`, strings.Repeat("x", 4100)):                                                                                     {"lambda": "4110 bytes"},
	} {
		for name, of := range map[string]dialect{"event": eventPattern, "attributes": attributesPolicy, "body": bodyPolicy, "lambda": lambdaFilter} {
			problem := readPattern(t, text).validate("Filter", of)
			if refused[name] == "" {
				assert.Nil(t, problem, "%s: %s", name, text)
			} else if assert.NotNil(t, problem, "%s: %s", name, text) {
				assert.Equal(t, refused[name], problem.Got)
				messages.Provoked(t, problem.Error())
			}
		}
	}
}

func FuzzAPatternIsTakenOrRefused(f *testing.F) {
	for _, seed := range []string{
		`{"x": [{"numeric": [">", 0, "<=", 5]}]}`, `{"$or": [{"x": ["y"]}, {"z": [null]}]}`, `{"x": [{"anything-but": {"prefix": "a"}}]}`, `{"x": [{}]}`, `{}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p Pattern
		if json.Unmarshal([]byte(text), &p) != nil {
			return
		}
		for _, of := range []dialect{eventPattern, attributesPolicy, bodyPolicy, lambdaFilter} {
			if problem := p.validate("Detail", of); problem != nil {
				assert.NotEmpty(t, problem.Got)
				assert.NotEmpty(t, problem.Want)
			}
		}
	})
}
