package rehearsal_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// trusting is a trust policy that admits accounts or roles.
func trusting(principals ...any) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": principals},
		"Condition": map[string]any{"Null": map[string]any{"sts:ExternalId": "true"}},
	}}}
}

func TestCallerIdentityTellsTheAccountOfTheAccessKey(t *testing.T) {
	server := start(t)
	who, err := sts.NewFromConfig(as(server, production)).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, production, *who.Account)
	require.Equal(t, "arn:aws:iam::333333333333:user/production", *who.Arn)
}

func TestARoleIsAssumedByTheAccountsItsTrustPolicyAdmits(t *testing.T) {
	server := start(t)
	_, err := server.Account(production).Create(region, "AWS::IAM::Role", map[string]any{
		"RoleName": "deploy", "AssumeRolePolicyDocument": trusting(production),
	})
	require.NoError(t, err)
	asked := &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::333333333333:role/deploy"), RoleSessionName: aws.String("session")}

	_, err = sts.NewFromConfig(as(server, dev)).AssumeRole(t.Context(), asked)
	requireCode(t, err, "AccessDenied")
	require.ErrorContains(t, err, "User: arn:aws:iam::111111111111:user/dev is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::333333333333:role/deploy")

	given, err := sts.NewFromConfig(as(server, production)).AssumeRole(t.Context(), asked)
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::333333333333:assumed-role/deploy/session", *given.AssumedRoleUser.Arn)

	assumed := with(server, credentials.NewStaticCredentialsProvider(*given.Credentials.AccessKeyId, *given.Credentials.SecretAccessKey, *given.Credentials.SessionToken))
	who, err := sts.NewFromConfig(assumed).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sts::333333333333:assumed-role/deploy/session", *who.Arn)

	withoutToken := with(server, credentials.NewStaticCredentialsProvider(*given.Credentials.AccessKeyId, *given.Credentials.SecretAccessKey, ""))
	_, err = sts.NewFromConfig(withoutToken).GetCallerIdentity(t.Context(), nil)
	requireCode(t, err, "InvalidClientTokenId")
}

func TestARoleOfAnotherAccountIsAssumedWhereItTrustsTheCaller(t *testing.T) {
	server := start(t)
	_, err := server.Account(production).Create(region, "AWS::IAM::Role", map[string]any{
		"RoleName": "deploy", "AssumeRolePolicyDocument": trusting("arn:aws:iam::" + dev + ":root"),
	})
	require.NoError(t, err)
	client := sts.NewFromConfig(as(server, dev))
	asked := &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::333333333333:role/deploy"), RoleSessionName: aws.String("session")}
	_, err = client.AssumeRole(t.Context(), asked)
	require.NoError(t, err)

	asked.ExternalId = aws.String("deputy")
	_, err = client.AssumeRole(t.Context(), asked)
	requireCode(t, err, "AccessDenied")
}

func TestARoleThatDoesNotExistIsDeniedLikeOneThatDoesNotTrust(t *testing.T) {
	server := start(t)
	_, err := sts.NewFromConfig(as(server, dev)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::111111111111:role/none"), RoleSessionName: aws.String("session"),
	})
	requireCode(t, err, "AccessDenied")
}

func TestWhoMayAssumeARoleIsDecidedLikeEverythingElse(t *testing.T) {
	server := start(t)
	_, err := server.Account(production).Create(region, "AWS::IAM::Role", map[string]any{
		"RoleName": "deploy", "AssumeRolePolicyDocument": trusting("arn:aws:iam::" + dev + ":root"),
	})
	require.NoError(t, err)
	client := sts.NewFromConfig(as(server, dev))
	arn := "arn:aws:iam::333333333333:role/deploy"
	_, err = client.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &arn, RoleSessionName: aws.String("session"), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
	})
	require.ErrorContains(t, err, "not authorized to perform: sts:TagSession on resource: "+arn)
	calls := server.Calls()
	require.Equal(t, []rehearsal.Right{{Action: "sts:AssumeRole", Resource: arn, Allowed: true}, {Action: "sts:TagSession", Resource: arn}}, calls[len(calls)-1].Rights)
	_, err = client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::333333333333:user/deploy"), RoleSessionName: aws.String("session")})
	requireCode(t, err, "ValidationError")
}
