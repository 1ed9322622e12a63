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
	"github.com/roadshow-go/roadshow/stages"
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

// assumeRole gives out a session of a role. Whether the caller may have it is decided before, by the
// role's trust policy and the caller's own: see assumeRoleRights.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func assumeRole(r *request) (any, error) {
	arn, name := r.text("RoleArn"), r.text("RoleSessionName")
	if !isRoleARN(arn) {
		return nil, refuse(http.StatusBadRequest, "ValidationError", "%s is invalid", arn)
	}
	if name == "" {
		return nil, refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null")
	}
	if r.form.Has("Policy") || r.form.Has("PolicyArns.member.1.arn") {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know session policies, the parameters Policy and PolicyArns of sts AssumeRole")
	}
	role, _ := r.store.roleNamed(arn) // a role that does not exist was refused before, in authorize
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

func isRoleARN(text string) bool {
	parts := strings.SplitN(text, ":", 6)
	return len(parts) == 6 && parts[2] == "iam" && strings.HasPrefix(parts[5], "role/")
}

// administrator is what callers other than functions may: everything in their own account.
var administrator = func() []policy.Document {
	read, err := policy.Read(`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`)
	if err != nil {
		panic(err)
	}
	return []policy.Document{read}
}()

// issue gives out credentials of a role.
func (s *sessions) issue(role *Resource, name string, lasts time.Duration) (session, string) {
	issued := session{
		secret:  base64.StdEncoding.EncodeToString(randomBytes(30)),
		token:   base64.StdEncoding.EncodeToString(randomBytes(96)),
		expires: time.Now().Add(lasts).UTC().Truncate(time.Second),
		who: caller{
			account: role.Account,
			arn:     "arn:" + stages.Partition(role.Region) + ":sts::" + role.Account + ":assumed-role/" + role.Name + "/" + name,
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
