package stack

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestARouteIsAMethodAndAPath(t *testing.T) {
	for text, wrong := range map[string]string{
		"GET /":                             "",
		"GET /notes":                        "",
		"GET /notes/{id}":                   "",
		"ANY /files/{path+}":                "",
		"GET /a~b/c.d/e-f_g":                "",
		"GET":                               "a path begins with a slash",
		"get /notes":                        "methods are ANY",
		"TRACE /notes":                      "methods are ANY",
		"":                                  "methods are ANY",
		"GET notes":                         "a path begins with a slash",
		"GET  /notes":                       "a path begins with a slash",
		"GET /notes/":                       "does not end with a slash",
		"GET //notes":                       "between any two slashes",
		"GET /{path+}/notes":                "stands last",
		"GET /n{id}":                        "between two slashes stands text",
		"GET /{}":                           "between two slashes stands text",
		"GET /no tes":                       "between two slashes stands text",
		"GET /notes?x=1":                    "between two slashes stands text",
		"GET /{id}/of/{id}":                 "a name of its own",
		"GET /{id}/of/{id+}":                "a name of its own",
		"GET /" + strings.Repeat("a", 1000): "at most 1000",
	} {
		_, got := parseRoute(text)
		if wrong == "" {
			assert.Empty(t, got, text)
		} else {
			assert.Contains(t, got, wrong, text)
		}
	}
}

// The ARN of a request holds API, stage, method and path, and * in a function's policy is anything.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html
func TestTheSourceOfRoutesIsTheirMethodAndWhatTheirPathsBeginWith(t *testing.T) {
	for want, routes := range map[string][]string{
		"GET/":        {"GET /"},
		"GET/notes":   {"GET /notes"},
		"GET/notes/*": {"GET /notes/{id}"},
		"GET/a/*/b":   {"GET /a/{x}/b"},
		"*/files/*":   {"ANY /files/{path+}"},
		"*/notes":     {"GET /notes", "POST /notes"},
		"GET/notes*":  {"GET /notes", "GET /notes/{id}"},
		"*/notes*":    {"GET /notes/{id}", "POST /notes"},
		"GET/t/*":     {"GET /t/{tenant}/r-01/{id}", "GET /t/{tenant}/r-02/{id}", "GET /t/{tenant}"},
		"GET/t/*/r/*": {"GET /t/{tenant}/r/a", "GET /t/{tenant}/r/b"},
		"POST/*":      {"POST /a", "POST /b"},
		"*/*":         {"ANY /a", "GET /b", "GET /"},
	} {
		var parsed []route
		for _, text := range routes {
			one, wrong := parseRoute(text)
			assert.Empty(t, wrong)
			parsed = append(parsed, one)
		}
		assert.Equal(t, want, patternOf(parsed), routes)
	}
}

func TestEveryRouteMatchesThePatternOfAll(t *testing.T) {
	segment := rapid.SampledFrom([]string{"a", "b", "{x}", "c"})
	rapid.Check(t, func(t *rapid.T) {
		var routes []route
		for range rapid.IntRange(1, 4).Draw(t, "count") {
			path := "/" + strings.Join(rapid.SliceOfN(segment, 0, 3).Draw(t, "path"), "/")
			routes = append(routes, route{rapid.SampledFrom([]string{"GET", "POST", "ANY"}).Draw(t, "method"), path})
		}
		pattern := patternOf(routes)
		for _, one := range routes {
			method := one.method
			if method == "ANY" {
				method = "PUT"
			}
			if request := method + strings.ReplaceAll(one.path, "{x}", "7"); !matchesWildcard(pattern, request) {
				t.Fatalf("%s does not match %s, the pattern of %v", request, pattern, routes)
			}
		}
	})
}

// matchesWildcard is IAM's *: any number of characters.
func matchesWildcard(pattern, text string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	if !strings.HasPrefix(text, before) {
		return false
	}
	text = text[len(before):]
	for i := range len(text) + 1 {
		if matchesWildcard(after, text[i:]) {
			return true
		}
	}
	return false
}

func FuzzARouteIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{"GET /", "ANY /files/{path+}", "GET /{id}/of/{id}", "PUT //", "GET /{+}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, wrong := parseRoute(text)
		if wrong != "" {
			assert.Equal(t, route{}, parsed)
			return
		}
		assert.Equal(t, text, parsed.method+" "+parsed.path)
		assert.NotContains(t, parsed.pattern(), "{")
		assert.Equal(t, parsed.pattern(), patternOf([]route{parsed}))
	})
}
