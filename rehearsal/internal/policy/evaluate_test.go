package policy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func read(t *testing.T, text string) Document {
	t.Helper()
	document, err := Read(text)
	require.NoError(t, err, text)
	return document
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html
func TestPoliciesAreEvaluatedAsAWSsPagesSay(t *testing.T) {
	const carlos = `{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::carlossalazar", "arn:aws:s3:::carlossalazar/*"]},
		{"Effect": "Deny", "Action": "s3:*", "Resource": ["arn:aws:s3:::carlossalazar/private/*"]}]}`
	for _, test := range []struct {
		name, policy, action, resource string
		want                           Verdict
	}{
		{"nothing is allowed by default", `{"Statement": []}`, "s3:GetObject", "arn:aws:s3:::a/b", ImplicitDeny},
		{"an allow overrides the default", carlos, "s3:GetObject", "arn:aws:s3:::carlossalazar/photo", Allow},
		{"an explicit deny overrides an allow", carlos, "s3:GetObject", "arn:aws:s3:::carlossalazar/private/diary", ExplicitDeny},
		{"another bucket is not spoken of", carlos, "s3:GetObject", "arn:aws:s3:::another/photo", ImplicitDeny},
		{"actions are not case-sensitive", `{"Statement": {"Effect": "Allow", "Action": "S3:getobject", "Resource": "*"}}`, "s3:GetObject", "arn:aws:s3:::a/b", Allow},
		{"resources are", `{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::A/*"}}`, "s3:GetObject", "arn:aws:s3:::a/b", ImplicitDeny},
		{"an action with a wildcard", `{"Statement": {"Effect": "Allow", "Action": "iam:*AccessKey*", "Resource": "*"}}`, "iam:CreateAccessKey", "x", Allow},
		{"NotAction with Allow allows the rest", `{"Statement": {"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": "*"}}`, "s3:GetObject", "x", Allow},
		{"NotAction with Allow does not deny", `{"Statement": {"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": "*"}}`, "s3:DeleteBucket", "x", ImplicitDeny},
		{"NotResource with Deny denies the rest", `{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::hr/*"}]}`, "s3:GetObject", "arn:aws:s3:::other/x", ExplicitDeny},
		{"a question mark is one character", `{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/?"}}`, "s3:GetObject", "arn:aws:s3:::a/bc", ImplicitDeny},
		{"a wildcard in the account does not reach the resource", `{"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:us-east-1:*"}}`, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q", Allow},
		{"an incomplete ARN stands for all that begin so", `{"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs"}}`, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q", Allow},
		{"a wildcard does not reach over the parts of an ARN", `{"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:*:111122223333:q:x:y"}}`, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q", ImplicitDeny},
	} {
		t.Run(test.name, func(t *testing.T) {
			verdict, err := EvaluateIdentity([]Document{read(t, test.policy)}, Request{Action: test.action, Resource: test.resource})
			require.NoError(t, err)
			assert.Equal(t, test.want, verdict)
		})
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
func TestPoliciesOfResourcesNameTheirPrincipals(t *testing.T) {
	const topic = `{"Statement": {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*",
		"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:111122223333:*"}}}}`
	ask := func(service, source string) Verdict {
		verdict, err := EvaluateResource([]Document{read(t, topic)}, Request{
			Action: "sqs:SendMessage", Resource: "q", Principal: Principal{Service: service}, Context: Context{"aws:sourcearn": {source}},
		})
		require.NoError(t, err)
		return verdict
	}
	assert.Equal(t, Allow, ask("sns.amazonaws.com", "arn:aws:sns:us-east-1:111122223333:news"))
	assert.Equal(t, ImplicitDeny, ask("sns.amazonaws.com", "arn:aws:sns:us-east-1:444455556666:news"))
	assert.Equal(t, ImplicitDeny, ask("s3.amazonaws.com", "arn:aws:sns:us-east-1:111122223333:news"))
	root := read(t, `{"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}}`)
	for account, want := range map[string]Verdict{"111122223333": Allow, "444455556666": ImplicitDeny} {
		verdict, err := EvaluateResource([]Document{root}, Request{
			Action: "kms:Decrypt", Principal: Principal{Account: account, ARN: "arn:aws:iam::" + account + ":role/worker"},
		})
		require.NoError(t, err)
		assert.Equal(t, want, verdict, account)
	}
}

// A function's code may not do with its role what Lambda may, which places the function.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
func TestADenialUnderAConditionThatIsNotKnownDeniesNothing(t *testing.T) {
	const (
		allow       = `{"Effect": "Allow", "Action": "ec2:CreateNetworkInterface", "Resource": "*"}`
		conditional = `{"Effect": "Deny", "Action": "ec2:CreateNetworkInterface", "Resource": "*",
			"Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:111111111111:function:get"}}}`
		deny = `{"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}`
	)
	for _, test := range []struct {
		statements string
		want       Verdict
	}{
		{allow + "," + conditional, Allow},
		{conditional, ImplicitDeny},
		{allow + "," + deny, ExplicitDeny},
	} {
		policies := []Document{read(t, `{"Statement": [`+test.statements+`]}`)}
		verdict, err := EvaluateIdentity(policies, Request{Action: "ec2:CreateNetworkInterface", Resource: "*", Partial: true})
		require.NoError(t, err)
		assert.Equal(t, test.want, verdict)
	}
}

func TestAConditionOnAKeyThatIsNotKnownIsAnError(t *testing.T) {
	document := read(t, `{"Statement": {"Sid": "Org", "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}}`)
	_, err := EvaluateIdentity([]Document{document}, Request{Action: "s3:GetObject", Resource: "*"})
	var unknown *UnknownKeyError
	require.ErrorAs(t, err, &unknown)
	assert.Equal(t, "aws:principalorgid", unknown.Key)
	verdict, err := EvaluateIdentity([]Document{document}, Request{Action: "s3:GetObject", Resource: "*", Context: Context{"aws:principalorgid": nil}})
	require.NoError(t, err)
	assert.Equal(t, ImplicitDeny, verdict)
}

func TestAConditionThatIsNotKnownDoesNotMatterWhereAnotherStatementDecides(t *testing.T) {
	const (
		allow   = `{"Effect": "Allow", "Action": "*", "Resource": "*"}`
		deny    = `{"Effect": "Deny", "Action": "*", "Resource": "*"}`
		unknown = `, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}`
	)
	conditional := func(statement string) string { return statement[:len(statement)-1] + unknown }
	for _, test := range []struct {
		statements string
		want       Verdict
		fails      bool
	}{
		{allow + "," + conditional(allow), Allow, false},
		{allow + "," + conditional(deny), ImplicitDeny, true},
		{deny + "," + conditional(deny), ExplicitDeny, false},
		{conditional(allow) + "," + deny, ExplicitDeny, false},
	} {
		verdict, err := EvaluateIdentity([]Document{read(t, `{"Statement": [`+test.statements+`]}`)}, Request{Action: "s3:GetObject", Resource: "*"})
		assert.Equal(t, test.want, verdict, test.statements)
		assert.Equal(t, test.fails, err != nil, test.statements)
	}
}

func TestAnOperatorOrAnEffectThatIAMDoesNotKnowIsRefused(t *testing.T) {
	for _, text := range []string{
		`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringSimilar": {"aws:username": "x"}}}}`,
		`{"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}`,
		`{"Statement": {"Effect": "Allow", "Action": {}, "Resource": "*"}}`,
		`no policy`,
	} {
		_, err := Read(text)
		assert.Error(t, err, text)
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func TestConditionsAreEvaluatedAsAWSsPagesSay(t *testing.T) {
	for _, test := range []struct {
		name, condition string
		values          []string
		want            bool
	}{
		{"a text equals", `{"StringEquals": {"k": ["a", "b"]}}`, []string{"b"}, true},
		{"a text equals in its case", `{"StringEquals": {"k": "A"}}`, []string{"a"}, false},
		{"or in any", `{"StringEqualsIgnoreCase": {"k": "A"}}`, []string{"a"}, true},
		{"a wildcard of StringEquals is a star", `{"StringEquals": {"k": "a*"}}`, []string{"ab"}, false},
		{"a text is like", `{"StringLike": {"k": "a*"}}`, []string{"ab"}, true},
		{"a key that is absent equals nothing", `{"StringEquals": {"k": "a"}}`, nil, false},
		{"a key that is absent is not equal", `{"StringNotEquals": {"k": "a"}}`, nil, true},
		{"none of several may be equal", `{"StringNotEquals": {"k": ["a", "b"]}}`, []string{"b"}, false},
		{"IfExists holds where the key is absent", `{"StringEqualsIfExists": {"k": "a"}}`, nil, true},
		{"IfExists compares where it is not", `{"StringEqualsIfExists": {"k": "a"}}`, []string{"b"}, false},
		{"Null true is for absent keys", `{"Null": {"k": "true"}}`, nil, true},
		{"Null false is for present keys", `{"Null": {"k": false}}`, []string{"a"}, true},
		{"a boolean", `{"Bool": {"k": true}}`, []string{"true"}, true},
		{"a number", `{"NumericLessThanEquals": {"k": 10}}`, []string{"10.0"}, true},
		{"a number that is none", `{"NumericLessThanEquals": {"k": "10"}}`, []string{"x"}, false},
		{"a date", `{"DateGreaterThan": {"k": "2020-01-01T00:00:01Z"}}`, []string{"2020-01-01T00:00:02Z"}, true},
		{"a date as seconds", `{"DateLessThan": {"k": "2020-01-01"}}`, []string{"1577836799"}, true},
		{"bytes", `{"BinaryEquals": {"k": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, []string{"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}, true},
		{"an address in a block", `{"IpAddress": {"k": "203.0.113.0/24"}}`, []string{"203.0.113.7"}, true},
		{"an address outside it", `{"NotIpAddress": {"k": "203.0.113.0/24"}}`, []string{"203.0.113.7"}, false},
		{"an address of version 6", `{"IpAddress": {"k": "2001:DB8:1234:5678::/64"}}`, []string{"2001:db8:1234:5678::1"}, true},
		{"an ARN part by part", `{"ArnLike": {"k": "arn:aws:sns:*:111122223333:*"}}`, []string{"arn:aws:sns:us-east-1:111122223333:a:b"}, true},
		{"ArnEquals is ArnLike", `{"ArnEquals": {"k": "arn:aws:sns:*:111122223333:*"}}`, []string{"arn:aws:sns:us-east-1:111122223333:a"}, true},
		{"all values are among them", `{"ForAllValues:StringEquals": {"k": ["a", "b"]}}`, []string{"a", "b"}, true},
		{"one value is not", `{"ForAllValues:StringEquals": {"k": ["a", "b"]}}`, []string{"a", "c"}, false},
		{"no value at all is all of them", `{"ForAllValues:StringEquals": {"k": ["a", "b"]}}`, nil, true},
		{"any value is among them", `{"ForAnyValue:StringEquals": {"k": ["a", "b"]}}`, []string{"c", "b"}, true},
		{"no value is not any", `{"ForAnyValue:StringEquals": {"k": ["a", "b"]}}`, nil, false},
		{"any value is not among them", `{"ForAnyValue:StringNotEquals": {"k": ["a", "b"]}}`, []string{"a", "c"}, true},
		{"a variable", `{"StringEquals": {"k": "${aws:username}/x"}}`, []string{"johndoe/x"}, true},
		{"a wildcard in a variable is none", `{"StringLike": {"k": "${aws:starred}"}}`, []string{"anything"}, false},
		{"a variable's own wildcard matches itself", `{"StringLike": {"k": "${aws:starred}"}}`, []string{"*"}, true},
		{"a variable with a default", `{"StringEquals": {"k": "${aws:PrincipalTag/team, 'company-wide'}"}}`, []string{"company-wide"}, true},
		{"a variable without a value", `{"StringEquals": {"k": "${aws:PrincipalTag/team}"}}`, []string{"company-wide"}, false},
		{"a star that is written as a variable", `{"StringLike": {"k": "a${*}"}}`, []string{"ab"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			document := read(t, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": `+test.condition+`}}`)
			verdict, err := EvaluateIdentity([]Document{document}, Request{Action: "s3:GetObject", Resource: "*", Context: Context{
				"k": test.values, "aws:username": {"johndoe"}, "aws:starred": {"*"},
			}})
			require.NoError(t, err)
			assert.Equal(t, test.want, verdict == Allow)
		})
	}
}

func FuzzMatchesIsTheSameAsBacktracking(f *testing.F) {
	f.Add("a*b?c", "aXXbYc")
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 12 || len(text) > 24 {
			t.Skip("the model takes exponential time")
		}
		assert.Equal(t, backtrack([]rune(pattern), []rune(text)), Matches(pattern, text))
	})
}

func backtrack(pattern, text []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(text) == 0
	case pattern[0] == '*':
		return backtrack(pattern[1:], text) || len(text) > 0 && backtrack(pattern, text[1:])
	case len(text) == 0:
		return false
	case pattern[0] == literalStar && text[0] == '*', pattern[0] == literalQuestion && text[0] == '?':
		return backtrack(pattern[1:], text[1:])
	}
	return (pattern[0] == '?' || pattern[0] == text[0]) && backtrack(pattern[1:], text[1:])
}
