package httpapi

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func routesOf(keys ...string) []Route {
	var routes []Route
	for _, key := range keys {
		routes = append(routes, Route{Key: key})
	}
	return routes
}

// The first five are the table of AWS's page, which says: first a full match of route and method,
// then one with a greedy variable, then $default; and ANY is for the methods that a path does not
// define.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func TestARequestGoesToTheMostSpecificRoute(t *testing.T) {
	page := routesOf("GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default")
	for name, tt := range map[string]struct {
		routes       []Route
		method, path string
		want         string
		parameters   map[string]string
	}{
		"a static route":                        {page, "GET", "/pets/dog/1", "GET /pets/dog/1", nil},
		"a variable":                            {page, "GET", "/pets/dog/2", "GET /pets/dog/{id}", map[string]string{"id": "2"}},
		"a greedy variable":                     {page, "GET", "/pets/cat/1", "GET /pets/{proxy+}", map[string]string{"proxy": "cat/1"}},
		"another method":                        {page, "POST", "/test/5", "ANY /{proxy+}", map[string]string{"proxy": "test/5"}},
		"nothing else":                          {page, "GET", "/", "$default", nil},
		"a method before ANY":                   {routesOf("ANY /notes", "GET /notes"), "GET", "/notes", "GET /notes", nil},
		"ANY for a method that is not there":    {routesOf("ANY /notes", "GET /notes"), "PUT", "/notes", "ANY /notes", nil},
		"a full match before a greedy one":      {routesOf("GET /a/{rest+}", "GET /{x}/b"), "GET", "/a/b", "GET /{x}/b", map[string]string{"x": "a"}},
		"text before a variable":                {routesOf("GET /{id}", "GET /me"), "GET", "/me", "GET /me", nil},
		"the longer of two greedy ones":         {routesOf("GET /{rest+}", "GET /a/b/{rest+}", "GET /a/{rest+}"), "GET", "/a/b/c", "GET /a/b/{rest+}", map[string]string{"rest": "c"}},
		"two variables":                         {routesOf("GET /{a}/x/{b}"), "GET", "/1/x/2", "GET /{a}/x/{b}", map[string]string{"a": "1", "b": "2"}},
		"the root":                              {routesOf("GET /"), "GET", "/", "GET /", nil},
		"a variable is no empty text":           {routesOf("GET /notes/{id}"), "GET", "/notes/", "", nil},
		"a greedy one is no empty text":         {routesOf("GET /notes/{id+}"), "GET", "/notes/", "", nil},
		"a slash at the end is another path":    {routesOf("GET /notes"), "GET", "/notes/", "", nil},
		"a longer path":                         {routesOf("GET /notes"), "GET", "/notes/1", "", nil},
		"another method of a path that matches": {routesOf("GET /notes"), "DELETE", "/notes", "", nil},
		"paths tell cases apart":                {routesOf("GET /notes"), "GET", "/Notes", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, found := find(tt.routes, tt.method, tt.path)
			require.Equal(t, tt.want != "", found)
			if !found {
				return
			}
			assert.Equal(t, tt.want, got.route.Key)
			if tt.parameters == nil {
				tt.parameters = map[string]string{}
			}
			if tt.want != "$default" {
				assert.Equal(t, tt.parameters, got.parameters)
			}
		})
	}
}

func TestTheOrderOfRoutesHasNoMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segment := rapid.SampledFrom([]string{"a", "b", "{x}"})
		path := rapid.Custom(func(t *rapid.T) string {
			text := ""
			for range rapid.IntRange(0, 3).Draw(t, "segments") {
				text += "/" + segment.Draw(t, "segment")
			}
			if rapid.Bool().Draw(t, "greedy") {
				text += "/{rest+}"
			}
			if text == "" {
				return "/"
			}
			return text
		})
		keys := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom([]string{"GET", "ANY"}).Draw(t, "method") + " " + path.Draw(t, "path")
		}), 1, 8, rapid.ID[string]).Draw(t, "routes")
		asked := rapid.StringMatching(`(/[abc]){0,4}`).Draw(t, "request")
		first, found := find(routesOf(keys...), "GET", asked)
		again, alike := find(routesOf(rapid.Permutation(keys).Draw(t, "in another order")...), "GET", asked)
		require.Equal(t, found, alike)
		if found {
			require.Equal(t, first.route.Key, again.route.Key)
		}
	})
}
