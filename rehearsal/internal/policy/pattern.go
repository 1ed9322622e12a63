package policy

import (
	"slices"
	"strings"
)

// pattern is a text of a policy that may have wildcards, and variables where the policy's version
// knows them.
type pattern struct {
	text      string
	variables bool
}

func patterns(texts []scalar, variables bool) []pattern {
	if texts == nil {
		return nil
	}
	out := make([]pattern, 0, len(texts))
	for _, text := range texts {
		out = append(out, pattern{string(text), variables && strings.Contains(string(text), "${")})
	}
	return out
}

// variable says whether one of the patterns has a variable.
func variable(all []pattern) bool {
	return slices.ContainsFunc(all, func(p pattern) bool { return p.variables })
}

// Stand-ins for wildcards that are meant as they stand, which a variable's value may have.
const (
	literalStar     = '\ue000'
	literalQuestion = '\ue001'
)

var (
	literally = strings.NewReplacer("*", string(literalStar), "?", string(literalQuestion))
	asWritten = strings.NewReplacer(string(literalStar), "*", string(literalQuestion), "?")
)

// expand replaces variables by what the context has. One that has no value and no default makes the
// statement match nothing.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func (p pattern) expand(context Context) (text string, known bool) {
	if !p.variables {
		return p.text, true
	}
	var out strings.Builder
	rest := p.text
	for {
		before, after, found := strings.Cut(rest, "${")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			out.WriteString("${" + after)
			return out.String(), true
		}
		rest = tail
		if name == "*" || name == "?" || name == "$" {
			out.WriteString(literally.Replace(name))
			continue
		}
		key, otherwise, hasDefault := strings.Cut(name, ",")
		switch values := context[strings.ToLower(strings.TrimSpace(key))]; {
		case len(values) == 1:
			out.WriteString(literally.Replace(values[0]))
		case hasDefault:
			out.WriteString(literally.Replace(strings.Trim(strings.TrimSpace(otherwise), "'")))
		default:
			return "", false
		}
	}
}

// matchesAny says whether a text is of one of the patterns, as compare compares them.
func matchesAny(all []pattern, text string, context Context, compare func(pattern, text string) bool) bool {
	return slices.ContainsFunc(all, func(p pattern) bool {
		expanded, known := p.expand(context)
		return known && compare(expanded, text)
	})
}

// Matches says whether a text is of a pattern of IAM, in which * is any text and ? any character.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func Matches(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	i, j, star, from := 0, 0, -1, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j] || p[i] == literalStar && t[j] == '*' || p[i] == literalQuestion && t[j] == '?'):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// matchesAction compares without regard to case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
func matchesAction(pattern, action string) bool {
	return Matches(strings.ToLower(pattern), strings.ToLower(action))
}

// matchesARN compares part by part: a wildcard does not reach over a colon, but for those in the
// last part. An ARN that lacks its last parts stands for all that begin so.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func matchesARN(pattern, arn string) bool {
	if pattern == everyone {
		return true
	}
	if !strings.HasPrefix(pattern, "arn:") || !strings.HasPrefix(arn, "arn:") {
		return Matches(pattern, arn)
	}
	want, got := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(got) < len(want) {
		return false
	}
	for i := range want {
		if !Matches(want[i], got[i]) {
			return false
		}
	}
	return true
}
