package httpapi

import (
	"strings"
)

// match is a route that a request has come to.
type match struct {
	route      *Route
	parameters map[string]string
}

// fit is how well a route's path fits a request's, segment by segment: the text itself before a
// variable, a variable before a greedy one.
type fit []int

const (
	fitText = iota
	fitVariable
	fitGreedy
)

// find selects the route of a request, the path without the stage: the route and method that match
// fully before those with a greedy variable, and these before $default. Where several match, the
// more specific one wins, the first segment that differs decides, and a method before ANY.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func find(routes []Route, method, path string) (match, bool) {
	var best match
	var bestFit fit
	for i := range routes {
		route := &routes[i]
		if route.Key == "$default" {
			continue
		}
		wanted, pattern, _ := strings.Cut(route.Key, " ")
		if wanted != method && wanted != "ANY" {
			continue
		}
		parameters, how, matches := compare(pattern, path)
		if !matches {
			continue
		}
		if best.route == nil || how.before(bestFit) || !bestFit.before(how) && wanted != "ANY" {
			best, bestFit = match{route, parameters}, how
		}
	}
	if best.route != nil {
		return best, true
	}
	for i := range routes {
		if routes[i].Key == "$default" {
			return match{route: &routes[i]}, true
		}
	}
	return match{}, false
}

// before says whether a fit is better: any full match is better than a greedy one.
func (f fit) before(other fit) bool {
	if greedy, otherGreedy := f.greedy(), other.greedy(); greedy != otherGreedy {
		return otherGreedy
	}
	for i := range min(len(f), len(other)) {
		if f[i] != other[i] {
			return f[i] < other[i]
		}
	}
	return len(f) > len(other)
}

func (f fit) greedy() bool { return len(f) > 0 && f[len(f)-1] == fitGreedy }

// compare matches a path with the path of a route, and gives the values of its variables.
func compare(pattern, path string) (map[string]string, fit, bool) {
	want, got := segments(pattern), segments(path)
	parameters, how := map[string]string{}, fit{}
	for i, segment := range want {
		name, isVariable := strings.CutPrefix(segment, "{")
		name = strings.TrimSuffix(name, "}")
		if greedy, isGreedy := strings.CutSuffix(name, "+"); isVariable && isGreedy {
			rest := strings.Join(got[min(i, len(got)):], "/")
			if rest == "" {
				return nil, nil, false // it catches child resources, not the route itself
			}
			parameters[greedy] = rest
			return parameters, append(how, fitGreedy), true
		}
		if i >= len(got) {
			return nil, nil, false
		}
		switch {
		case isVariable && got[i] != "":
			parameters[name] = got[i]
			how = append(how, fitVariable)
		case !isVariable && segment == got[i]:
			how = append(how, fitText)
		default:
			return nil, nil, false
		}
	}
	return parameters, how, len(want) == len(got)
}

// segments are the parts of a path, of which "/" has none.
func segments(path string) []string {
	path = strings.TrimPrefix(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}
