package stages

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

const tableOfThree = `  STAGE       ACCOUNT       REGION     TIER
  dev         111111111111  us-east-1  sandbox
  staging     222222222222  us-east-1  standard
  production  333333333333  us-east-1  protected`

// TestWhichStageIsDeployed is the table "Which stage is deployed" of docs/design.md, a row each.
func TestWhichStageIsDeployed(t *testing.T) {
	west := Stage{Name: "dev-west", Account: dev.Account, Region: "us-west-2", Tier: Sandbox}
	crowded := Set{dev, west, production}
	withTemplates := Set{dev, production, dev.Template("pr-*"), dev.Template("dev-*")}
	tools := []string{"999999999999"}
	for name, tt := range map[string]struct {
		set     Set
		request Request
		want    []string
	}{
		"the account of exactly one stage selects it":         {three, Request{Account: "222222222222"}, []string{"staging"}},
		"templates do not count as stages of their account":   {withTemplates, Request{Account: dev.Account}, []string{"dev"}},
		"a name of the account's stage is that stage":         {three, Request{Account: dev.Account, Name: "dev"}, []string{"dev"}},
		"a name tells the stages of one account apart":        {crowded, Request{Account: dev.Account, Name: "dev-west"}, []string{"dev-west"}},
		"a name may be an ephemeral stage of the account":     {withTemplates, Request{Account: dev.Account, Name: "pr-417"}, []string{"pr-417"}},
		"a branch's name makes a stage of the account":        {withTemplates, Request{Account: dev.Account, Name: "dev-feature/ABC"}, []string{"dev-feature-abc-nmfrbc0mfl"}},
		"a deploying account deploys the stage that is named": {three, Request{Account: "999999999999", Name: "production", DeployFrom: tools}, []string{"production"}},
		"a deploying account may read all":                    {three, Request{Account: "999999999999", Name: All, DeployFrom: tools}, []string{"dev", "staging", "production"}},
		"no account and a name is that stage, for reading":    {three, Request{Name: "production"}, []string{"production"}},
		"no account and all is every stage, for reading":      {withTemplates, Request{Name: All}, []string{"dev", "production"}},
		"no account is never a deploying account":             {three, Request{Name: All, DeployFrom: []string{""}}, []string{"dev", "staging", "production"}},
	} {
		t.Run(name, func(t *testing.T) {
			selected, err := tt.set.Select(tt.request)
			require.NoError(t, err)
			assert.Equal(t, tt.want, Set(selected).Names())
		})
	}
}

func TestWhichStageIsRefused(t *testing.T) {
	west := Stage{Name: "dev-west", Account: dev.Account, Region: "us-west-2", Tier: Sandbox}
	for name, tt := range map[string]struct {
		set     Set
		request Request
		as      any
		want    string
	}{
		"an account of several stages": {
			Set{dev, west, production},
			Request{Account: dev.Account},
			new(*AmbiguousAccountError),
			`account 111111111111 belongs to several stages: dev, dev-west.
Name the one you mean, as in -c stage=dev:

  STAGE     ACCOUNT       REGION     TIER
  dev       111111111111  us-east-1  sandbox
  dev-west  111111111111  us-west-2  sandbox`,
		},
		"an account of no stage": {
			three,
			Request{Account: "444444444444"},
			new(*UnknownAccountError),
			"account 444444444444 belongs to no stage of the set.\nUse a profile of one of these accounts, or add a stage:\n\n" + tableOfThree,
		},
		"a name of another account": {
			three,
			Request{Account: dev.Account, Name: "production"},
			new(*WrongAccountError),
			`stage production belongs to account 333333333333; your credentials are of account 111111111111.` + "\n" + `Use a profile of account 333333333333, as in --profile production.`,
		},
		"an ephemeral stage of another account": {
			Set{dev, production, dev.Template("pr-*")},
			Request{Account: production.Account, Name: "pr-417"},
			new(*WrongAccountError),
			`stage pr-417 belongs to account 111111111111; your credentials are of account 333333333333.` + "\n" + `Use a profile of account 111111111111, as in --profile dev.`,
		},
		"a name that is no stage": {
			three,
			Request{Account: dev.Account, Name: "qa"},
			new(*UnknownStageError),
			"The set has no stage \"qa\" (-c stage=qa).\nWrite -c stage=NAME with one of these:\n\n" + tableOfThree,
		},
		"a template": {
			Set{dev, dev.Template("pr-*")},
			Request{Name: "pr-*"},
			new(*UnknownStageError),
			`The set has no stage "pr-*" (-c stage=pr-*).
A template is no stage; write a name in place of its star, such as pr-1:

  STAGE  ACCOUNT       REGION     TIER
  dev    111111111111  us-east-1  sandbox
  pr-*   111111111111  us-east-1  sandbox`,
		},
		"a branch behind a pattern that leaves no room": {
			Set{dev, dev.Template("a-very-long-pattern-in-*")},
			Request{Name: "a-very-long-pattern-in-feature/ABC"},
			new(*UnknownStageError),
			`The set has no stage "a-very-long-pattern-in-feature/ABC" (-c stage=a-very-long-pattern-in-feature/ABC).
Template "a-very-long-pattern-in-*" leaves no room for it in 32 characters; shorten the name or the pattern:

  STAGE                     ACCOUNT       REGION     TIER
  dev                       111111111111  us-east-1  sandbox
  a-very-long-pattern-in-*  111111111111  us-east-1  sandbox`,
		},
		"a deploying account without a name": {
			three,
			Request{Account: "999999999999", DeployFrom: []string{"999999999999"}},
			new(*DeployFromError),
			"account 999999999999 deploys to other accounts, and no stage is named.\nWrite -c stage=NAME with a name of these:\n\n" + tableOfThree,
		},
		"a deploying account that hosts a stage, without a name": {
			three,
			Request{Account: dev.Account, DeployFrom: []string{dev.Account}},
			new(*DeployFromError),
			"account 111111111111 deploys to other accounts, and no stage is named.\nWrite -c stage=NAME with a name of these:\n\n" + tableOfThree,
		},
		"all, with the credentials of one account": {
			three,
			Request{Account: dev.Account, Name: All},
			new(*AllWithAccountError),
			`-c stage=all only reads, and your credentials are of account 111111111111.` + "\n" + `Run it without credentials, or name the account's stage.`,
		},
		"no account and no name": {
			three,
			Request{},
			new(*NoAccountError),
			"there are no AWS credentials, and no stage is named.\nUse --profile with a profile of one of these accounts " +
				"(is it spelled as in your AWS config?), or only read, without credentials, with -c stage=dev or -c stage=all:\n\n" + tableOfThree,
		},
	} {
		t.Run(name, func(t *testing.T) {
			selected, err := tt.set.Select(tt.request)
			messages.EqualError(t, err, tt.want)
			require.ErrorAs(t, err, tt.as)
			assert.Empty(t, selected)
		})
	}
}
