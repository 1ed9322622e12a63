package rehearsal

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
	"github.com/roadshow-go/roadshow/rehearsal/internal/rules"
)

// Right is an action on a resource that a call needed.
type Right struct {
	// Action is such as "dynamodb:PutItem", Resource an ARN, or "*" for an action on none.
	Action, Resource string
	// Allowed says whether the policies allow it.
	Allowed bool
}

// subject is whose rights are decided: the session of a role that Lambda may assume.
type subject struct {
	role               Resource
	identity, boundary []policy.Document
	function           string // ARN; empty for a session that is named after no function
	network            string // the function's VPC
	endpoints          map[string]endpoint
	undecided          string // why the role's rights are not known; empty if they are
}

// endpoint is a way out of a network to one service.
type endpoint struct {
	id       string
	policies []policy.Document // nil for full access
}

// authorize decides whether a function may make its call. Other callers administer their account; they
// need the trust policy of a role that they assume, and a policy of the resource for what another
// account has.
//
// The sessions that are decided are those of roles that Lambda may assume. Roles that the cdk command
// assumes are not: their rights come from policies of AWS that are not known here.
func (r *request) authorize() error {
	row, known := rightsOf[r.service][r.operation]
	var who *subject
	if r.caller.role != "" {
		who = r.subject()
	}
	switch {
	case who == nil && (!known || r.service == "s3"): // which sees to other accounts itself
		return nil
	case who == nil:
		// Nobody may use a key that its own policy does not let in, as nobody may assume such a role.
		return r.allow(&subject{identity: administrator}, slices.DeleteFunc(row(r), func(needed right) bool {
			return r.service != "sts" && r.service != "kms" && (needed.owner == "" || needed.owner == r.caller.account)
		}))
	case who.undecided != "":
		return refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal cannot decide what %s may: %s", r.caller.role, who.undecided)
	case !known:
		return refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know which rights a function needs for %s of %s", r.operation, r.service)
	}
	return r.allow(who, row(r))
}

// subject is that of a caller with a role; nil for one that administers its account.
func (r *request) subject() *subject {
	return remember(r.store, "subject|"+r.caller.arn, func() *subject { return r.store.subjectOf(r.caller) })
}

// allow decides each right that is needed, until one is not allowed.
func (r *request) allow(who *subject, rights []right) error {
	for _, needed := range rights {
		decision, err := r.decide(who, needed)
		if err != nil {
			return refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal cannot decide %s on %s: %v", needed.action, needed.resource, err)
		}
		asked := Right{Action: needed.action, Resource: needed.resource, Allowed: decision.Allowed}
		r.rights = append(r.rights, asked)
		if decision.Allowed && who.function != "" {
			r.server.uses.add(who.role.attribute("Arn"), asked)
		}
		if !decision.Allowed {
			if denied := r.server.runner.settings.Denied; denied != nil && who.function != "" {
				denied(Denial{Function: who.function, Right: asked})
			}
			return r.denied(needed, decision)
		}
		// What is there, the operations look for in the caller's own account.
		if needed.owner != "" && needed.owner != r.account && !slices.Contains([]string{"lambda", "s3", "sts", "kms"}, r.service) && !strings.HasPrefix(needed.action, "kms:") {
			return refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know %s across accounts", needed.resource)
		}
	}
	return nil
}

// principal is the caller as policies name it.
func (r *request) principal() policy.Principal {
	return policy.Principal{Account: r.caller.account, ARN: r.caller.arn, Role: r.caller.role}
}

func (r *request) decide(who *subject, needed right) (policy.Decision, error) {
	var documents []policy.Document
	if needed.of != nil {
		var err error
		if documents, err = r.store.policies(orElse(needed.holder, needed.resource), needed.of); err != nil {
			return policy.Decision{}, err
		}
	}
	service, _, _ := strings.Cut(needed.action, ":")
	out, inNetwork := who.endpoints[service]
	policies := policy.Policies{
		Identity: who.identity, Boundary: who.boundary, Endpoint: out.policies, Resource: documents, Owner: needed.owner, ResourceDecides: needed.decides,
	}
	asked := policy.Request{
		Action: needed.action, Resource: needed.resource,
		Principal: r.principal(),
	}
	// Most policies ask for nothing of the context, which takes longer to gather than the decision.
	if policies.Conditional() {
		asked.Context = r.contextOf(who, needed, out.id, inNetwork)
	}
	return policy.Decide(policies, asked)
}

// contextOf are the global condition keys, and those of the service.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (r *request) contextOf(who *subject, needed right, endpointID string, inNetwork bool) policy.Context {
	now, kind := r.store.now(), "AssumedRole"
	if r.caller.role == "" {
		kind = "User"
	}
	context := policy.Context{
		"aws:principalarn": {orElse(r.caller.role, r.caller.arn)}, "aws:principalaccount": {r.caller.account}, "aws:principaltype": {kind},
		"aws:principalisawsservice": {"false"}, "aws:principalservicename": nil, "aws:principalservicenameslist": nil, "aws:userid": {r.caller.userID},
		"aws:username": nil, "aws:multifactorauthpresent": nil, "aws:multifactorauthage": nil, "aws:federatedprovider": nil,
		"aws:sourcearn": nil, "aws:sourceaccount": nil, "aws:sourceidentity": nil, "aws:viaawsservice": {"false"}, "aws:calledvia": nil,
		"aws:calledviafirst": nil, "aws:calledvialast": nil, "aws:requestedregion": {r.region}, "aws:securetransport": {"true"},
		"aws:currenttime": {now.Format(time.RFC3339)}, "aws:epochtime": {strconv.FormatInt(now.Unix(), 10)}, "aws:tagkeys": nil, "aws:requesttag/": nil,
		"aws:principaltag/": nil, "aws:resourcetag/": nil, "aws:resourceaccount": optional(needed.owner), "aws:sourcevpc": nil, "aws:sourcevpce": nil,
		"lambda:sourcefunctionarn": optional(who.function), "aws:useragent": optional(r.http.UserAgent()), "aws:referer": optional(r.http.Referer()),
	}
	if strings.HasPrefix(needed.action, "kms:") && r.service != "kms" {
		context["aws:viaawsservice"] = []string{"true"}
		context["aws:calledvia"] = []string{r.service + ".amazonaws.com"}
	}
	if inNetwork {
		context["aws:sourcevpc"], context["aws:sourcevpce"] = []string{who.network}, []string{endpointID}
	}
	for name, value := range tagMap(&who.role) {
		context["aws:principaltag/"+strings.ToLower(name)] = []string{textOf(value)}
	}
	for name, value := range needed.tags {
		context["aws:resourcetag/"+strings.ToLower(name)] = []string{textOf(value)}
	}
	for name, values := range needed.context {
		context[name] = values
	}
	return context
}

// denied is AWS's refusal.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func (r *request) denied(needed right, decision policy.Decision) error {
	resource, action := needed.resource, needed.action
	switch onKey := strings.HasPrefix(action, "kms:"); {
	case onKey && r.service == "secretsmanager":
		// https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas/issues/53
		return refuse(http.StatusBadRequest, "AccessDeniedException", "Access to KMS is not allowed")
	case onKey:
	case r.service == "s3":
		resource = strconv.Quote(resource)
	case r.service == "sqs": // as people report it
		action = strings.ToLower(action)
	case r.service == "sns":
		action = strings.Replace(action, "sns:", "SNS:", 1)
	}
	reason := fmt.Sprintf(" because no %s allows the %s action", decision.By, action)
	switch {
	case decision.Explicit:
		article := "a"
		if decision.By == policy.Identity {
			article = "an"
		}
		reason = fmt.Sprintf(" with an explicit deny in %s %s", article, decision.By)
	case needed.decides && decision.By == policy.Resource && r.service == "sts":
		// Of a trust policy nothing is told, as in https://github.com/data-dot-all/dataall/issues/140.
		reason = ""
	}
	words := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s%s", r.caller.arn, action, resource, reason)
	if action == "kms:Decrypt" && (r.service == "sqs" || r.service == "sns" || r.service == "kms" && r.text("KeyId") == "") {
		// Who asks for a ciphertext names no key, and is not told which one it is of.
		// https://github.com/opensearch-project/data-prepper/issues/2422
		words = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
	}
	return r.refusal(action, words)
}

// refusal has the code and the status of each service.
func (r *request) refusal(action, words string) error {
	if strings.HasPrefix(action, "kms:") && (r.service == "sqs" || r.service == "sns") {
		words = fmt.Sprintf("%s (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: %s; Proxy: null)", words, requestID())
		if r.service == "sns" { // https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
			return refuse(http.StatusBadRequest, "KMSAccessDenied", "%s", words)
		}
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html#API_SendMessage_Errors
		refused := refuse(http.StatusBadRequest, "com.amazonaws.sqs#KmsAccessDenied", "%s", words)
		refused.queryCode = "KMS.AccessDeniedException"
		return refused
	}
	switch r.service {
	case "s3", "sts":
		return refuse(http.StatusForbidden, "AccessDenied", "%s", words)
	case "lambda":
		return refuse(http.StatusForbidden, "AccessDeniedException", "%s", words)
	case "sns":
		return refuse(http.StatusForbidden, "AuthorizationError", "%s", words)
	case "sqs": // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html
		refused := refuse(http.StatusForbidden, "com.amazon.coral.service#AccessDeniedException", "%s", words)
		refused.queryCode = "AccessDenied"
		return refused
	}
	return refuse(http.StatusBadRequest, "AccessDeniedException", "%s", words)
}

// subjectOf gathers what decides a session's rights; nil for one that administers its account.
func (s *store) subjectOf(who caller) *subject {
	role, found := s.roleNamed(who.role)
	if !found || !trusts(&role, "lambda.amazonaws.com") {
		return nil
	}
	made := &subject{role: role, endpoints: map[string]endpoint{}}
	for _, document := range s.inlinePolicies(&role) {
		made.read(&made.identity, document)
	}
	for _, attached := range s.list(place{role.Account, role.Region}, "AWS::IAM::ManagedPolicy") {
		if slices.Contains(references(&attached, "Roles"), role.Name) {
			made.read(&made.identity, attached.Properties["PolicyDocument"])
		}
	}
	for _, reference := range references(&role, "ManagedPolicyArns") {
		s.attach(made, &made.identity, reference)
	}
	if boundary := role.text("PermissionsBoundary"); boundary != "" {
		s.attach(made, &made.boundary, boundary)
	}
	s.placeInNetwork(made, who.arn[strings.LastIndex(who.arn, "/")+1:])
	return made
}

// roleNamed is the role of an ARN.
func (s *store) roleNamed(arn string) (Resource, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return Resource{}, false
	}
	role, found := s.find(place{account: parts[4]}, "AWS::IAM::Role", arn[strings.LastIndex(arn, "/")+1:])
	return role, found && role.attribute("Arn") == arn
}

// trusts says whether a service of AWS may assume a role.
func trusts(role *Resource, service string) bool {
	trust, err := policy.Read(role.Properties["AssumeRolePolicyDocument"])
	if err != nil {
		return false
	}
	verdict, err := policy.EvaluateResource([]policy.Document{trust}, policy.Request{
		Action: "sts:AssumeRole", Principal: policy.Principal{Service: service}, Partial: true,
	})
	return err == nil && verdict == policy.Allow
}

func (who *subject) read(into *[]policy.Document, document any) {
	read, err := policy.Read(document)
	if err != nil {
		who.undecided = err.Error()
		return
	}
	*into = append(*into, read)
}

// attach adds a managed policy by its ARN. AWS's own for functions have nothing of the services that are
// decided here. https://docs.aws.amazon.com/lambda/latest/dg/permissions-managed-policies.html
func (s *store) attach(who *subject, to *[]policy.Document, reference string) {
	managed, found := s.find(place{who.role.Account, who.role.Region}, "AWS::IAM::ManagedPolicy", reference)
	switch {
	case found:
		who.read(to, managed.Properties["PolicyDocument"])
	case !rules.IsBasicPolicy(reference):
		who.undecided = "it has the policy " + reference + ", whose document is not known"
	}
}

// placeInNetwork finds the session's function, and the endpoints of the network that it is in.
func (s *store) placeInNetwork(who *subject, name string) {
	s.mu.RLock()
	functions := s.held(func(r *Resource) bool {
		return r.Account == who.role.Account && r.Type == lambdaFunction && r.Name == name && r.text("Role") == who.role.attribute("Arn")
	})
	s.mu.RUnlock()
	if len(functions) == 0 {
		return
	}
	f := &functions[0]
	who.function = f.attribute("Arn")
	at := place{f.Account, f.Region}
	for _, subnet := range references(f, "VpcConfig.SubnetIds") {
		if held, found := s.find(at, "AWS::EC2::Subnet", subnet); found {
			who.network = held.text("VpcId")
		}
	}
	if who.network == "" {
		return
	}
	for _, each := range s.list(at, "AWS::EC2::VPCEndpoint") {
		service := each.text("ServiceName")
		if each.text("VpcId") != who.network {
			continue
		}
		made := endpoint{id: each.PhysicalID}
		if document := each.Properties["PolicyDocument"]; document != nil {
			made.policies = []policy.Document{}
			who.read(&made.policies, document)
		}
		who.endpoints[service[strings.LastIndex(service, ".")+1:]] = made
	}
}
