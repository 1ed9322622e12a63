package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Verdict is what policies come to.
type Verdict int

const (
	// ImplicitDeny is that nothing was said of the request.
	ImplicitDeny Verdict = iota
	// Allow is that a statement allows it, and none denies it.
	Allow
	// ExplicitDeny is that a statement denies it.
	ExplicitDeny
)

// Principal is who asks: an identity of an account, or a service.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
type Principal struct {
	// Account is the identity's, 12 digits; empty for a service.
	Account string
	// ARN is the identity's: a user's, a role's or that of a role's session.
	ARN string
	// Role is the ARN of the role whose session ARN is; else empty.
	Role string
	// Service is such as "lambda.amazonaws.com", for a service that asks itself; else empty.
	Service string
}

// Request is what policies are asked.
type Request struct {
	// Action is such as "dynamodb:PutItem".
	Action string
	// Resource is an ARN, or "*" for an action on none. Empty for a trust policy, which names none.
	Resource  string
	Principal Principal
	Context   Context
	// Partial means that little is known of the context: a statement that allows under a condition on
	// a key that is not known allows, and one that denies under such a condition does not deny.
	// Else such a condition is an error, unless another statement decides the request.
	Partial bool
}

// UnknownKeyError is a condition on a key of which nothing is known, so that the request cannot be
// decided.
type UnknownKeyError struct {
	// Key is the condition key, in lower case.
	Key string
	// Sid is the statement's, empty where it has none.
	Sid string
}

// Error names the key.
func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("a policy has a condition on %s (statement %q), which cannot be evaluated here", e.Key, e.Sid)
}

// EvaluateIdentity evaluates policies that belong to who asks, and so name no principal: an
// explicit deny wins, then an allow, else nothing is allowed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func EvaluateIdentity(policies []Document, r Request) (Verdict, error) {
	return evaluate(policies, r, func(*Statement) bool { return true })
}

// EvaluateResource evaluates policies of a resource, whose statements name principals.
func EvaluateResource(policies []Document, r Request) (Verdict, error) {
	return evaluate(policies, r, r.Principal.named)
}

func evaluate(policies []Document, r Request, concerns func(*Statement) bool) (Verdict, error) {
	result := ImplicitDeny
	var unknown error // of a statement that would allow
	var doubt error   // of one that would deny
	for _, document := range policies {
		for i := range document.Statements {
			statement := &document.Statements[i]
			if !concerns(statement) || !r.meets(statement) {
				continue
			}
			switch holds, err := r.holds(statement); {
			case err != nil && statement.denies:
				doubt = err
			case err != nil:
				unknown = err
			case !holds:
			case statement.denies:
				return ExplicitDeny, nil
			default:
				result = Allow
			}
		}
	}
	switch {
	case doubt != nil:
		return ImplicitDeny, doubt
	case result == ImplicitDeny && unknown != nil:
		return ImplicitDeny, unknown
	}
	return result, nil
}

func (r Request) meets(s *Statement) bool {
	switch {
	case s.action != nil && !matchesAny(s.action, r.Action, r.Context, matchesAction):
		return false
	case s.notAction != nil && matchesAny(s.notAction, r.Action, r.Context, matchesAction):
		return false
	case s.resource != nil && r.Resource != "" && !matchesAny(s.resource, r.Resource, r.Context, matchesARN):
		return false
	case s.notResource != nil && matchesAny(s.notResource, r.Resource, r.Context, matchesARN):
		return false
	}
	return true
}

// holds says whether all conditions of a statement hold. One that is known not to hold settles it,
// whatever the others are.
func (r Request) holds(s *Statement) (bool, error) {
	var unknown error
	for _, c := range s.conditions {
		if r.Context.knows(c.key) {
			if !c.holds(r.Context) {
				return false, nil
			}
		} else {
			unknown = &UnknownKeyError{Key: c.key, Sid: s.Sid}
		}
	}
	if unknown != nil && r.Partial {
		return !s.denies, nil
	}
	return unknown == nil, unknown
}

// named says whether a statement names a principal.
func (p Principal) named(s *Statement) bool { return p.grantee(s) != nobody }

// grantee says how a statement names a principal. One that names whom it does not mean, means everyone
// else. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (p Principal) grantee(s *Statement) grantee {
	switch {
	case s.notPrincipal == nil:
		return p.among(s.principal)
	case p.among(s.notPrincipal) == nobody:
		return entity
	}
	return nobody
}

func (p Principal) among(all principals) grantee {
	if p.Service != "" {
		if slices.Contains(all["Service"], p.Service) || slices.Contains(all["Service"], everyone) || slices.Contains(all["AWS"], everyone) {
			return itself
		}
		return nobody
	}
	closest := nobody
	for _, named := range all["AWS"] {
		switch {
		case named == p.ARN && named != p.accountRoot(named):
			closest = max(closest, itself)
		case named == everyone, named == p.Role && named != "":
			closest = max(closest, entity)
		case named == p.Account, named == p.accountRoot(named):
			closest = max(closest, account)
		}
	}
	return closest
}

// accountRoot is the ARN that stands for the whole account, in the partition of another ARN.
func (p Principal) accountRoot(of string) string {
	partition, _, _ := strings.Cut(strings.TrimPrefix(of, "arn:"), ":")
	return "arn:" + partition + ":iam::" + p.Account + ":root"
}
