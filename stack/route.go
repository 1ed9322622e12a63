package stack

import (
	"regexp"
	"slices"
	"strings"
)

// route is a method and a path, as API Gateway's route keys have them: "GET /notes/{id}".
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
type route struct{ method, path string }

// routeMethods are those a route may name; ANY is every method that no other route of the path names.
var routeMethods = []string{"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

// maxRoutePath is what the CDK refuses to go beyond.
const maxRoutePath = 1000

var (
	// routeText is a segment of a path that stands for itself: what RFC 3986 allows in one.
	routeText = regexp.MustCompile(`^[A-Za-z0-9._~:@!$&'()*+,;=%-]+$`)
	// routeVariable is a segment that a request fills: {name}, or {name+} for the rest of the path.
	routeVariable = regexp.MustCompile(`^\{([A-Za-z0-9._:-]+)(\+)?\}$`)
)

// parseRoute reads a route; what is wrong with it is the second result, empty where nothing is.
func parseRoute(text string) (route, string) {
	method, path, _ := strings.Cut(text, " ")
	switch {
	case !slices.Contains(routeMethods, method):
		return route{}, "methods are " + strings.Join(routeMethods, ", ")
	case !strings.HasPrefix(path, "/"):
		return route{}, "a path begins with a slash, one space after the method"
	case len(path) > maxRoutePath:
		return route{}, "a path has at most 1000 characters"
	case path == "/":
		return route{method, path}, ""
	}
	segments := strings.Split(path[1:], "/")
	var variables []string
	for i, segment := range segments {
		variable := routeVariable.FindStringSubmatch(segment)
		switch {
		case segment == "" && i == len(segments)-1:
			return route{}, "a path does not end with a slash"
		case segment == "":
			return route{}, "a path has text or a variable between any two slashes"
		case variable == nil && !routeText.MatchString(segment):
			return route{}, "between two slashes stands text, {name}, or as the last {name+}"
		case variable == nil:
			continue
		case slices.Contains(variables, variable[1]):
			return route{}, "each variable of a path has a name of its own"
		case variable[2] == "+" && i < len(segments)-1:
			return route{}, "{name+} is the rest of the path, so it stands last"
		}
		variables = append(variables, variable[1])
	}
	return route{method, path}, ""
}

// pattern is the route in the ARN of a request, without the API: the method and the path as IAM writes them.
// A variable may hold anything. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func (r route) pattern() string {
	method := r.method
	if method == "ANY" {
		method = "*"
	}
	segments := strings.Split(r.path, "/")
	for i, segment := range segments {
		if routeVariable.MatchString(segment) {
			segments[i] = "*"
		}
	}
	return method + strings.Join(segments, "/")
}

// patternOf is the narrowest single pattern that every one of the routes matches: the method that they share, and
// the segments that their paths begin with.
func patternOf(routes []route) string {
	method, path, _ := strings.Cut(routes[0].pattern(), "/")
	common := strings.Split(path, "/")
	shortest, longest := len(common), len(common)
	for _, one := range routes[1:] {
		otherMethod, path, _ := strings.Cut(one.pattern(), "/")
		if otherMethod != method {
			method = "*"
		}
		other := strings.Split(path, "/")
		shortest, longest = min(shortest, len(other)), max(longest, len(other))
		same := 0
		for same < len(common) && same < len(other) && common[same] == other[same] {
			same++
		}
		common = common[:same]
	}
	if len(common) < longest && len(common) < shortest {
		common = append(common, "*")
	} else if len(common) < longest {
		common[len(common)-1] += "*" // one of the paths ends where they part
	}
	return method + "/" + strings.ReplaceAll(strings.Join(common, "/"), "**", "*")
}
