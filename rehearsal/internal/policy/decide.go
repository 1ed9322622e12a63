package policy

import "slices"

// Policies are all that decide one request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
type Policies struct {
	// Identity are those attached to who asks.
	Identity []Document
	// Boundary is the permissions boundary, and Session what the session was limited to; nil for
	// none. They allow nothing by themselves.
	Boundary, Session []Document
	// Endpoint is the policy of the VPC endpoint that the request comes through; nil for none.
	Endpoint []Document
	// Resource are the resource's own; nil for none.
	Resource []Document
	// Owner is the account that has the resource; empty for an action on none.
	Owner string
	// ResourceDecides means that nothing is allowed without the resource's policy: a KMS key's, or a
	// role's trust policy. https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
	ResourceDecides bool
}

// Conditional says whether one of the policies asks for something of the context.
func (p Policies) Conditional() bool {
	return slices.ContainsFunc([][]Document{p.Identity, p.Boundary, p.Session, p.Endpoint, p.Resource}, func(kind []Document) bool {
		return slices.ContainsFunc(kind, func(d Document) bool { return d.Conditional })
	})
}

// Kind is a kind of policy, in the words of AWS's refusals.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
type Kind string

const (
	// Identity is a policy of who asks.
	Identity Kind = "identity-based policy"
	// Boundary is a permissions boundary.
	Boundary Kind = "permissions boundary"
	// Session is a policy that limits a session.
	Session Kind = "session policy"
	// Endpoint is a policy of a VPC endpoint.
	Endpoint Kind = "VPC endpoint policy"
	// Resource is a policy of the resource.
	Resource Kind = "resource-based policy"
)

// Decision is what becomes of a request.
type Decision struct {
	Allowed bool
	// Explicit means that a statement denies it. Else, where it is not allowed, none allows it.
	Explicit bool
	// By is the kind of policy that denies it, or in which nothing allows it.
	By Kind
}

// grantee is how a statement of a resource names who asks.
type grantee int

const (
	nobody grantee = iota
	// account names the account, which leaves it to the account's own policies.
	account
	// entity names the role or everyone: boundary and session policy limit that.
	entity
	// itself names the user, the session or the service: nothing else limits that.
	itself
)

// Decide decides a request. A condition on a key of which the context says nothing is an error, unless
// a statement denies the request anyway.
//
// Within one account either side may allow, between accounts both have to.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
func Decide(p Policies, r Request) (Decision, error) {
	sides := []struct {
		kind     Kind
		policies []Document
		evaluate func([]Document, Request) (Verdict, error)
	}{
		{kind: Identity, policies: p.Identity, evaluate: EvaluateIdentity},
		{kind: Boundary, policies: p.Boundary, evaluate: EvaluateIdentity},
		{kind: Session, policies: p.Session, evaluate: EvaluateIdentity},
		{kind: Endpoint, policies: p.Endpoint, evaluate: EvaluateResource},
		{kind: Resource, policies: p.Resource, evaluate: EvaluateResource},
	}
	allows := map[Kind]bool{}
	var unknown error
	for _, side := range sides {
		verdict, err := side.evaluate(side.policies, r)
		if verdict == ExplicitDeny {
			return Decision{Explicit: true, By: side.kind}, nil
		}
		if err != nil {
			unknown = err
		}
		limits := side.kind == Boundary || side.kind == Session || side.kind == Endpoint
		allows[side.kind] = verdict == Allow || limits && side.policies == nil
	}
	if unknown != nil {
		return Decision{}, unknown
	}
	if !allows[Endpoint] {
		return Decision{By: Endpoint}, nil
	}
	// The first kind that does not allow is the one that a refusal names.
	all := func(kinds ...Kind) Decision {
		for _, kind := range kinds {
			if !allows[kind] {
				return Decision{By: kind}
			}
		}
		return Decision{Allowed: true}
	}
	granted, err := grants(p.Resource, r)
	switch {
	case err != nil:
		return Decision{}, err
	case p.Owner != "" && r.Principal.Account != "" && p.Owner != r.Principal.Account:
		return all(Identity, Boundary, Session, Resource), nil
	case granted == itself:
		return Decision{Allowed: true}, nil
	case granted == entity:
		return all(Boundary, Session), nil
	case p.ResourceDecides && granted == nobody:
		return Decision{By: Resource}, nil
	}
	return all(Identity, Boundary, Session), nil
}

// grants is the closest that the statements of a resource which allow a request name who asks.
func grants(policies []Document, r Request) (grantee, error) {
	for _, closest := range []grantee{itself, entity, account} {
		verdict, err := evaluate(policies, r, func(s *Statement) bool { return r.Principal.grantee(s) == closest })
		if verdict == Allow || err != nil {
			return closest, err
		}
	}
	return nobody, nil
}
