package stages

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

func TestAWrongSetIsRefused(t *testing.T) {
	changed := func(change func(*Stage)) Set {
		stage := dev
		change(&stage)
		return Set{stage}
	}
	const nameRule = `a lower-case DNS label of at most 32 characters`
	for name, tt := range map[string]struct {
		set  Set
		want string
	}{
		"no stage at all":                 {nil, `set: stages is empty; it must be a list of at least one stage.` + "\n" + `Write stages.Set{Dev, Production}.`},
		"only a template":                 {Set{dev.Template("pr-*")}, `set: stages is empty; it must be a list of at least one stage.` + "\n" + `Write stages.Set{Dev, Production}.`},
		"no name":                         {Set{production, {Account: dev.Account, Region: dev.Region}}, `stage 2 of the set: Name is ""; it must be ` + nameRule + ".\nWrite " + `Name: "dev".`},
		"a name in upper case":            {changed(func(s *Stage) { s.Name = "Dev" }), `stage "Dev": Name is "Dev"; it must be ` + nameRule + ".\nWrite " + `Name: "dev".`},
		"a name that begins with a digit": {changed(func(s *Stage) { s.Name = "1dev" }), `stage "1dev": Name is "1dev"; it must be ` + nameRule + ".\nWrite " + `Name: "dev".`},
		"a name with a doubled hyphen":    {changed(func(s *Stage) { s.Name = "a--b" }), `stage "a--b": Name is "a--b"; it must be ` + nameRule + ".\nWrite " + `Name: "a-b".`},
		"a name with a last hyphen":       {changed(func(s *Stage) { s.Name = "a-" }), `stage "a-": Name is "a-"; it must be ` + nameRule + ".\nWrite " + `Name: "a".`},
		"a name of 33 characters": {
			changed(func(s *Stage) { s.Name = "a23456789012345678901234567890123" }),
			`stage "a23456789012345678901234567890123": Name is "a23456789012345678901234567890123"; it must be ` + nameRule + ".\nWrite " + `Name: "a2345678901234567890123456789012".`,
		},
		"the name all":            {changed(func(s *Stage) { s.Name = All }), `stage "all": Name is "all"; it must be any other name ("-c stage=all" means every stage).` + "\n" + `Choose another name.`},
		"one name twice":          {Set{dev, dev}, `stage 2 of the set: Name is "dev" again; it must be a name of its own.` + "\n" + `Rename or remove one of the two.`},
		"one template twice":      {Set{dev, dev.Template("pr-*"), dev.Template("pr-*")}, `stage 3 of the set: Name is "pr-*" again; it must be a name of its own.` + "\n" + `Rename or remove one of the two.`},
		"no account":              {changed(func(s *Stage) { s.Account = "" }), "stage \"dev\": Account is \"\"; it must be the 12 digits of an AWS account id.\n`aws sts get-caller-identity --profile …` prints it; keep leading zeros."},
		"an account of 11 digits": {changed(func(s *Stage) { s.Account = "11111111111" }), "stage \"dev\": Account is \"11111111111\"; it must be the 12 digits of an AWS account id.\n`aws sts get-caller-identity --profile …` prints it; keep leading zeros."},
		"an account with hyphens": {changed(func(s *Stage) { s.Account = "1111-1111-1111" }), "stage \"dev\": Account is \"1111-1111-1111\"; it must be the 12 digits of an AWS account id.\n`aws sts get-caller-identity --profile …` prints it; keep leading zeros."},
		"no region":               {changed(func(s *Stage) { s.Region = "" }), `stage "dev": Region is ""; it must be the code of an AWS region.` + "\n" + `Write Region: "us-east-1".`},
		"a region misspelt":       {changed(func(s *Stage) { s.Region = "US_East_1" }), `stage "dev": Region is "US_East_1"; it must be the code of an AWS region.` + "\n" + `Write Region: "us-east-1".`},
		"a zone as the region":    {changed(func(s *Stage) { s.Region = "us-east-1a" }), `stage "dev": Region is "us-east-1a"; it must be the code of an AWS region.` + "\n" + `Write Region: "us-east-1".`},
		"a tier that is none":     {changed(func(s *Stage) { s.Tier = 7 }), `stage "dev": Tier is 7; it must be Sandbox, Standard or Protected.` + "\n" + `Write Tier: stages.Standard, or leave it out.`},
		"an ARN as the boundary": {
			changed(func(s *Stage) { s.PermissionsBoundary = "arn:aws:iam::111111111111:policy/limit" }),
			`stage "dev": PermissionsBoundary is "arn:aws:iam::111111111111:policy/limit"; it must be the name of an IAM policy in the stage's account.` + "\n" + `Write what stands after policy/ in its ARN, or leave it out.`,
		},
		"a qualifier of 11 characters": {
			changed(func(s *Stage) { s.Qualifier = "abcdefghijk" }),
			`stage "dev": Qualifier is "abcdefghijk"; it must be 1 to 10 lower-case letters and digits.` + "\n" + `Write what cdk bootstrap --qualifier was given, or leave it out.`,
		},
		"an understudy":                     {Set{production.As(dev)}, `stage "production": role is "dev"; it must be its own: an understudy is not deployed.` + "\n" + `Put the stage itself into the set; As is for proofs.`},
		"a time to live without a template": {Set{dev.ExpiresAfter(time.Hour)}, `stage "dev": ExpiresAfter is 1h0m0s; it must be left out: only ephemeral stages expire.` + "\n" + `Write dev.Template("pr-*").ExpiresAfter(…).`},
		"a negative time to live":           {Set{dev, dev.Template("pr-*").ExpiresAfter(-time.Hour)}, `template "pr-*": ExpiresAfter is -1h0m0s; it must be a duration above zero.` + "\n" + `Write ExpiresAfter(72 * time.Hour), or leave it out.`},
		"a pattern without a star":          {Set{dev, dev.Template("pr-")}, `template "pr-": pattern is "pr-"; it must be a lower-case DNS label of at most 31 characters and one "*".` + "\n" + `Write Template("pr-*").`},
		"a pattern of two stars":            {Set{dev, dev.Template("pr-*-*")}, `template "pr-*-*": pattern is "pr-*-*"; it must be a lower-case DNS label of at most 31 characters and one "*".` + "\n" + `Write Template("pr-*").`},
		"a pattern of only a star":          {Set{dev, dev.Template("*")}, `template "*": pattern is "*"; it must be a lower-case DNS label of at most 31 characters and one "*".` + "\n" + `Write Template("dev-*").`},
		"a pattern in upper case":           {Set{dev, dev.Template("PR-*")}, `template "PR-*": pattern is "PR-*"; it must be a lower-case DNS label of at most 31 characters and one "*".` + "\n" + `Write Template("pr-*").`},
		"a pattern that a misspelt stage matches": {
			Set{dev, production, dev.Template("pr*")},
			`template "pr*": pattern is also the beginning of stage "production"; it must be one that no misspelt stage matches.` + "\n" + `Write Template("pr-*").`,
		},
		"a template of a stage outside the set": {Set{production, dev.Template("pr-*")}, `template "pr-*": stage is "dev"; it must be a stage of the set.` + "\n" + `Add that stage to the set, or make the template from another.`},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.set.Validate()
			messages.EqualError(t, err, tt.want)
			require.ErrorAs(t, err, new(*FieldError))
		})
	}
}

func TestARightSetIsAccepted(t *testing.T) {
	guarded := Stage{
		Name: "a2345678901234567890123456789012", Account: "012345678901", Region: "ap-southeast-7",
		PermissionsBoundary: "team/limit", Qualifier: "team1",
	}
	for name, set := range map[string]Set{
		"three stages":                   three,
		"two stages of one account":      {dev, {Name: "other", Account: dev.Account, Region: dev.Region}},
		"every field at its limit":       {guarded},
		"templates, one shadowing other": {dev, dev.Template("pr-*"), dev.Template("pr-fix-*").ExpiresAfter(time.Hour)},
		"a template like its own stage":  {dev, dev.Template("dev-*")},
	} {
		t.Run(name, func(t *testing.T) { require.NoError(t, set.Validate()) })
	}
}

func TestASetListsItsStages(t *testing.T) {
	set := append(Set{}, append(three, dev.Template("pr-*"))...)
	assert.Equal(t, []string{"dev", "staging", "production", "pr-*"}, set.Names())
	assert.Equal(t, []Stage{dev, staging, production}, set.Stages())
	assert.Equal(t, tableOfThree, three.Table())
}

func TestRegionsAreThoseOfAWS(t *testing.T) {
	for region, zones := range map[string]int{
		"us-east-1": 3, "us-west-1": 2, "eu-central-1": 3, "cn-north-1": 3, "us-gov-west-1": 3, "ap-southeast-7": 3,
		"": 0, "us-east-3": 0, "US-EAST-1": 0, "us-east-1a": 0, "aws-global": 0,
	} {
		assert.Equal(t, zones, Zones(region), region)
	}
	for region, zones := range zonesOf {
		assert.Regexp(t, `^[a-z]{2,4}(-[a-z]{2,3})?-[a-z]+-[1-9]$`, region)
		assert.GreaterOrEqual(t, zones, 2, region)
		assert.LessOrEqual(t, zones, 3, region)
	}
	assert.Equal(t, "eu-west-1", nearestRegion("EU West 1"))
	assert.Empty(t, nearestRegion("mars-north-1"))
}
