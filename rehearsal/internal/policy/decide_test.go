package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const (
	everything = `{"Effect": "Allow", "Action": "*", "Resource": "*"}`
	bucketOf   = "arn:aws:s3:::amzn-s3-demo-bucket"
)

// session is what the role worker of an account does.
func session(account string) Principal {
	return Principal{Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/worker/run", Role: "arn:aws:iam::" + account + ":role/worker"}
}

func documents(t require.TestingT, statements ...string) []Document {
	if len(statements) == 0 {
		return nil
	}
	document, err := Read(`{"Version": "2012-10-17", "Statement": [` + strings.Join(statements, ",") + `]}`)
	require.NoError(t, err)
	return []Document{document}
}

// The example of Carlos, who has his bucket and must not write logs.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
func TestTheExampleOfCarlosIsDecidedAsAWSsPageSays(t *testing.T) {
	carlos := Principal{Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/carlossalazar"}
	identity := documents(t,
		`{"Sid": "AllowS3ListRead", "Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:GetAccountPublicAccessBlock", "s3:ListAccessPoints", "s3:ListAllMyBuckets"], "Resource": "arn:aws:s3:::*"}`,
		`{"Sid": "AllowS3Self", "Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar/*", "arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar"]}`,
		`{"Sid": "DenyS3Logs", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::*log*"}`,
	)
	own := documents(t, `{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/carlossalazar"}, "Action": "s3:*", "Resource": ["arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar-logs/*"]}`)
	for _, test := range []struct {
		resource string
		of       []Document
		want     Decision
	}{
		{"arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar/photo", nil, Decision{Allowed: true}},
		{"arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar-logs/file", own, Decision{Explicit: true, By: Identity}},
		{"arn:aws:s3:::amzn-s3-demo-bucket-shared/file", nil, Decision{By: Identity}},
	} {
		decision, err := Decide(Policies{Identity: identity, Resource: test.of, Owner: "123456789012"}, Request{Action: "s3:PutObject", Resource: test.resource, Principal: carlos})
		require.NoError(t, err)
		assert.Equal(t, test.want, decision, test.resource)
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func TestTheKindsOfPoliciesDecideTogetherAsAWSsPagesSay(t *testing.T) {
	const (
		home, other = "111111111111", "222222222222"
		allow       = `{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}`
		deny        = `{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}`
		unrelated   = `{"Effect": "Allow", "Action": "cloudwatch:*", "Resource": "*"}`
	)
	names := func(principal string) string {
		return `{"Effect": "Allow", "Principal": ` + principal + `, "Action": "s3:GetObject", "Resource": "*"}`
	}
	role, itsSession := names(`{"AWS": "arn:aws:iam::111111111111:role/worker"}`), names(`{"AWS": "arn:aws:sts::111111111111:assumed-role/worker/run"}`)
	root := names(`{"AWS": "arn:aws:iam::111111111111:root"}`)
	for _, test := range []struct {
		name                                          string
		identity, boundary, session, resource, endpnt string
		owner                                         string
		decides                                       bool
		want                                          Decision
	}{
		{name: "nothing allows", want: Decision{By: Identity}},
		{name: "the identity's policy allows", identity: allow, want: Decision{Allowed: true}},
		{name: "the resource's policy alone allows the role", resource: role, want: Decision{Allowed: true}},
		{name: "the resource's policy alone allows everyone", resource: names(`"*"`), want: Decision{Allowed: true}},
		{name: "the account's name leaves it to the identity's policy", resource: root, want: Decision{By: Identity}},
		{name: "the account's name and the identity's policy", resource: root, identity: allow, want: Decision{Allowed: true}},
		{name: "an explicit denial of the identity", identity: allow + "," + deny, resource: role, want: Decision{Explicit: true, By: Identity}},
		{name: "an explicit denial of the resource", identity: allow, resource: `{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}`, want: Decision{Explicit: true, By: Resource}},
		{name: "the boundary limits the identity's policy", identity: everything, boundary: unrelated, want: Decision{By: Boundary}},
		{name: "the boundary allows nothing by itself", boundary: everything, want: Decision{By: Identity}},
		{name: "the boundary limits what is granted to the role", resource: role, boundary: unrelated, want: Decision{By: Boundary}},
		{name: "the boundary does not limit what is granted to the session", resource: itsSession, boundary: unrelated, want: Decision{Allowed: true}},
		{name: "an explicit denial of the boundary limits even that", resource: itsSession, boundary: deny, want: Decision{Explicit: true, By: Boundary}},
		{name: "the session's policy limits the identity's", identity: everything, session: unrelated, want: Decision{By: Session}},
		{name: "the endpoint's policy limits all", identity: everything, resource: itsSession, endpnt: names(`"*"`)[:len(names(`"*"`))-1] + `, "Condition": {"StringEquals": {"aws:username": "x"}}}`, want: Decision{By: Endpoint}},
		{name: "the endpoint's policy allows", identity: allow, endpnt: names(`"*"`), want: Decision{Allowed: true}},
		{name: "another account's resource needs both", identity: allow, owner: other, want: Decision{By: Resource}},
		{name: "another account's resource, whose policy alone allows", resource: role, owner: other, want: Decision{By: Identity}},
		{name: "another account's resource, and both allow", resource: root, identity: allow, owner: other, want: Decision{Allowed: true}},
		{name: "a key whose policy says nothing", identity: everything, decides: true, want: Decision{By: Resource}},
		{name: "a key whose policy leaves it to the account", identity: allow, resource: root, decides: true, want: Decision{Allowed: true}},
		{name: "a key whose policy leaves it to the account, which allows nothing", resource: root, decides: true, want: Decision{By: Identity}},
		{name: "a key whose policy names the role", resource: role, decides: true, want: Decision{Allowed: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			of := func(statements string) []Document {
				if statements == "" {
					return nil
				}
				return documents(t, statements)
			}
			if test.owner == "" {
				test.owner = home
			}
			decision, err := Decide(Policies{
				Identity: of(test.identity), Boundary: of(test.boundary), Session: of(test.session), Resource: of(test.resource), Endpoint: of(test.endpnt),
				Owner: test.owner, ResourceDecides: test.decides,
			}, Request{Action: "s3:GetObject", Resource: bucketOf + "/x", Principal: session(home), Context: Context{"aws:username": nil}})
			require.NoError(t, err)
			assert.Equal(t, test.want, decision)
		})
	}
}

func TestATagThatIsNotThereIsKnownNotToBe(t *testing.T) {
	identity := documents(t, `{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}}`)
	ask := func(context Context) (Decision, error) {
		return Decide(Policies{Identity: identity}, Request{Action: "s3:GetObject", Resource: bucketOf, Principal: session("111111111111"), Context: context})
	}
	decision, err := ask(Context{"aws:resourcetag/": nil, "aws:principaltag/": nil})
	require.NoError(t, err)
	assert.False(t, decision.Allowed)
	decision, err = ask(Context{"aws:resourcetag/team": {"a"}, "aws:principaltag/team": {"a"}})
	require.NoError(t, err)
	assert.True(t, decision.Allowed)
	_, err = ask(Context{"aws:principaltag/": nil})
	assert.Error(t, err)
}

// Whatever the policies are: a denial wins, and what is taken away allows nothing more.
func TestADenialWinsAndATakenGrantAllowsNothingMore(t *testing.T) {
	statement := rapid.Custom(func(r *rapid.T) string {
		return fmt.Sprintf(`{"Effect": %q, "Principal": %s, "Action": %q, "Resource": %q}`,
			rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(r, "effect"),
			rapid.SampledFrom([]string{`"*"`, `{"AWS": "111111111111"}`, `{"AWS": "arn:aws:iam::111111111111:role/worker"}`, `{"AWS": "222222222222"}`}).Draw(r, "principal"),
			rapid.SampledFrom([]string{"s3:*", "s3:GetObject", "sqs:*"}).Draw(r, "action"), rapid.SampledFrom([]string{"*", bucketOf + "/*", "arn:aws:s3:::other/*"}).Draw(r, "resource"))
	})
	rapid.Check(t, func(r *rapid.T) {
		some := rapid.SliceOfN(statement, 0, 3)
		identity, boundary, resource := some.Draw(r, "identity"), some.Draw(r, "boundary"), some.Draw(r, "resource")
		request := Request{Action: "s3:GetObject", Resource: bucketOf + "/x", Principal: session("111111111111")}
		owner := rapid.SampledFrom([]string{"111111111111", "222222222222"}).Draw(r, "owner")
		decide := func(identity, boundary, resource []string) Decision {
			decision, err := Decide(Policies{
				Identity: documents(r, identity...), Boundary: documents(r, boundary...), Resource: documents(r, resource...), Owner: owner,
			}, request)
			require.NoError(r, err)
			return decision
		}
		before := decide(identity, boundary, resource)
		denied := decide(append([]string{`{"Effect": "Deny", "Action": "*", "Resource": "*"}`}, identity...), boundary, resource)
		assert.True(r, denied.Explicit)
		for i, taken := range identity {
			left := append(append([]string{}, identity[:i]...), identity[i+1:]...)
			if strings.Contains(taken, `"Allow"`) && !before.Allowed {
				assert.False(r, decide(left, boundary, resource).Allowed)
			}
		}
	})
}
