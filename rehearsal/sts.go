package rehearsal

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
)

func stsService() *service {
	return &service{
		protocol:  queryXML,
		namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		operations: map[string]operation{
			"GetCallerIdentity": reading(getCallerIdentity),
			"AssumeRole":        reading(assumeRole),
		},
	}
}

// sessions are the temporary credentials that AssumeRole gave out.
type sessions struct {
	mu    sync.RWMutex
	byKey map[string]session
}

type session struct {
	secret, token string
	expires       time.Time
	who           caller
}

func newSessions() *sessions { return &sessions{byKey: map[string]session{}} }

// credentials checks an access key that no user has.
func (s *sessions) credentials(sig signature) (string, caller, *apiError) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	issued, found := s.byKey[sig.accessKey]
	switch {
	case !found || issued.token != sig.token:
		return "", caller{}, unknownKey()
	case time.Now().After(issued.expires):
		return "", caller{}, refuse(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	return issued.secret, issued.who, nil
}

func getCallerIdentity(r *request) (any, error) {
	return object{"Account": r.caller.account, "Arn": r.caller.arn, "UserId": r.caller.userID}, nil
}

// assumeRole asks the role's trust policy. What the caller itself may do is not
// asked: every caller administers its own account.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func assumeRole(r *request) (any, error) {
	arn, name := r.text("RoleArn"), r.text("RoleSessionName")
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "iam" || !strings.HasPrefix(parts[5], "role/") {
		return nil, refuse(http.StatusBadRequest, "ValidationError", "%s is invalid", arn)
	}
	if name == "" {
		return nil, refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null")
	}
	if r.form.Has("Policy") || r.form.Has("PolicyArns.member.1.arn") {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know session policies, the parameters Policy and PolicyArns of sts AssumeRole")
	}
	actions := []string{"sts:AssumeRole"}
	if len(r.structs("Tags")) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	for _, action := range actions {
		if !r.store.mayAssume(arn, policy.Request{
			Action: action, Principal: r.principal(), Context: policy.Context{
				"sts:externalid": optional(r.text("ExternalId")), "sts:rolesessionname": {name}, "aws:principalaccount": {r.caller.account},
				"aws:principalarn": {orElse(r.caller.role, r.caller.arn)}, "aws:securetransport": {"true"},
			},
		}) {
			return nil, refuse(http.StatusForbidden, "AccessDenied", "User: %s is not authorized to perform: %s on resource: %s", r.caller.arn, action, arn)
		}
	}
	role, _ := r.store.find(place{account: parts[4]}, "AWS::IAM::Role", arn[strings.LastIndex(arn, "/")+1:])
	lasts := 3600
	if asked := r.text("DurationSeconds"); asked != "" {
		lasts, _ = strconv.Atoi(asked)
	}
	if longest, _ := strconv.Atoi(orElse(role.text("MaxSessionDuration"), "3600")); lasts < 900 || lasts > longest {
		return nil, refuse(http.StatusBadRequest, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	issued, key := r.server.sessions.issue(&role, name, time.Duration(lasts)*time.Second)
	return object{
		"AssumedRoleUser": object{"Arn": issued.who.arn, "AssumedRoleId": issued.who.userID},
		"Credentials": object{
			"AccessKeyId": key, "SecretAccessKey": issued.secret, "SessionToken": issued.token, "Expiration": issued.expires,
		},
		"PackedPolicySize": 0,
	}, nil
}

// administrator is what callers other than functions may: everything in their own account.
var administrator = func() []policy.Document {
	read, err := policy.Read(`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`)
	if err != nil {
		panic(err)
	}
	return []policy.Document{read}
}()

// mayAssume asks a role's trust policy; a role that does not exist admits
// nobody, as with AWS, which does not tell the two apart. What cannot be decided
// is not allowed.
func (s *store) mayAssume(arn string, asked policy.Request) bool {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return false
	}
	role, found := s.find(place{account: parts[4]}, "AWS::IAM::Role", arn[strings.LastIndex(arn, "/")+1:])
	if !found || role.attribute("Arn") != arn {
		return false
	}
	trust, err := policy.Read(role.Properties["AssumeRolePolicyDocument"])
	if err != nil {
		return false
	}
	decision, err := policy.Decide(policy.Policies{
		Identity: administrator, Resource: []policy.Document{trust}, Owner: role.Account, ResourceDecides: true,
	}, asked)
	return err == nil && decision.Allowed
}

// issue gives out credentials of a role.
func (s *sessions) issue(role *Resource, name string, lasts time.Duration) (session, string) {
	issued := session{
		secret:  base64.StdEncoding.EncodeToString(randomBytes(30)),
		token:   base64.StdEncoding.EncodeToString(randomBytes(96)),
		expires: time.Now().Add(lasts).UTC().Truncate(time.Second),
		who: caller{
			account: role.Account,
			arn:     "arn:" + partition(role.Region) + ":sts::" + role.Account + ":assumed-role/" + role.Name + "/" + name,
			userID:  role.attribute("RoleId") + ":" + name,
			role:    role.attribute("Arn"),
		},
	}
	key := "ASIA" + stableID(issued.token, 16)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byKey[key] = issued
	return issued, key
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
