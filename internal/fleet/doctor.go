package fleet

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/stages"
)

// What the tools of this machine must at least be.
const (
	oldestGo   = "1.26"
	oldestNode = "22"
	oldestCDK  = "2.1100"
)

// DoctorMachine looks at the tools of this machine: Go, Node, the cdk command. project is the folder of
// cdk.json.
func DoctorMachine(ctx context.Context, project string) []Finding {
	findings := []Finding{
		tool(ctx, project, "Go", oldestGo, "Install Go "+oldestGo+" or newer from https://go.dev/dl.", "go", "env", "GOVERSION"),
	}
	install := "Run `npm ci` in the folder of cdk.json, which installs what package.json pins."
	command, err := FindCDK(project)
	if err != nil {
		return append(findings,
			Finding{Check: "Node", Detail: "Node was not looked for, because the cdk command is missing.", Fix: install},
			Finding{Check: "cdk", Detail: "The cdk command is not installed.", Fix: install})
	}
	c := CDK{Command: command, Dir: project}
	return append(findings,
		c.tool(ctx, "Node", oldestNode, install, "node", "--version"),
		c.tool(ctx, "cdk", oldestCDK, install, command, "--version"))
}

// toolLimit is how long a tool may take to say its version.
const toolLimit = 30 * time.Second

var versionNumber = regexp.MustCompile(`\d+(\.\d+)*`)

func tool(ctx context.Context, dir, name, oldest, fix string, command ...string) Finding {
	return CDK{Command: command[0], Dir: dir}.tool(ctx, name, oldest, fix, command...)
}

// tool asks a program for its version, with the Node of the cdk command first on the PATH.
func (c CDK) tool(ctx context.Context, name, oldest, fix string, command ...string) Finding {
	ctx, cancel := context.WithTimeout(ctx, toolLimit)
	defer cancel()
	finding := Finding{Check: name, Fix: fix}
	if strings.Contains(c.Command, "node_modules") && command[0] == "node" {
		command = append([]string{"/usr/bin/env"}, command...)
		if _, err := exec.LookPath(command[0]); err != nil {
			command = command[1:]
		}
	}
	process := exec.CommandContext(ctx, command[0], command[1:]...)
	process.Dir, process.Env = c.Dir, c.environ(Profile{})
	process.WaitDelay = time.Second
	var output child.Tail
	process.Stdout = &output
	err := child.Run(process)
	version := versionNumber.FindString(output.String())
	switch {
	case err != nil:
		finding.Detail = fmt.Sprintf("%s does not run: %s.", name, strings.TrimSuffix(firstLine(err.Error()), "."))
	case older(version, oldest):
		finding.Detail = fmt.Sprintf("%s is version %s; version %s or newer is needed.", name, version, oldest)
	default:
		finding.OK, finding.Fix, finding.Detail = true, "", fmt.Sprintf("%s is version %s.", name, version)
	}
	return finding
}

// older compares two versions number by number.
func older(version, oldest string) bool {
	got, want := strings.Split(version, "."), strings.Split(oldest, ".")
	for i := range want {
		if i >= len(got) {
			return true
		}
		a, _ := strconv.Atoi(got[i])
		b, _ := strconv.Atoi(want[i])
		if a != b {
			return a < b
		}
	}
	return false
}

// Doctor looks at the account of each stage: credentials, bootstrap, and whether the profile may do what a deploy does,
// and ask what quotas and orphans ask first. It changes nothing.
func (f *Fleet) Doctor(ctx context.Context, all []stages.Stage) []Finding {
	found := make([][]Finding, len(all))
	parallel.ForEach(ctx, AccountsAtOnce, all, func(ctx context.Context, i int, stage stages.Stage) {
		found[i] = f.doctorOne(ctx, stage)
	})
	var findings []Finding
	for _, some := range found {
		findings = append(findings, some...)
	}
	return findings
}

// deployRoles are the roles of a bootstrap that the cdk command assumes, and what for.
var deployRoles = []struct{ name, purpose string }{
	{deployRole, "deploying"}, {"file-publishing", "uploading"}, {lookupRole, "comparing"},
}

// doctorQuestions are the cheapest of what the verbs ask an account, each for the right that it needs before any other.
// Cost Explorer is not asked: its answers cost money.
var doctorQuestions = []struct {
	purpose, action string
	ask             func(context.Context, aws.Config) error
}{
	{"roadshow quotas", "servicequotas:ListServiceQuotas", func(ctx context.Context, config aws.Config) error {
		_, err := servicequotas.NewFromConfig(config).ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("lambda"), MaxResults: aws.Int32(1)})
		return err
	}},
	{"roadshow orphans", "cloudformation:ListStacks", func(ctx context.Context, config aws.Config) error {
		_, err := cloudformation.NewFromConfig(config).ListStacks(ctx, &cloudformation.ListStacksInput{})
		return err
	}},
	{"roadshow orphans", "tag:GetResources", func(ctx context.Context, config aws.Config) error {
		_, err := resourcegroupstaggingapi.NewFromConfig(config).GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{ResourcesPerPage: aws.Int32(1)})
		return err
	}},
}

func (f *Fleet) doctorOne(ctx context.Context, stage stages.Stage) []Finding {
	finding := func(check string, ok bool, detail, fix string) Finding {
		return Finding{Stage: stage.Name, Check: check, OK: ok, Detail: detail, Fix: fix}
	}
	way, err := f.route(ctx, stage, lookupRole, deployRole)
	profile := way.profile
	if err != nil {
		return []Finding{explained(stage, "credentials", err)}
	}
	findings := []Finding{finding("credentials", true, fmt.Sprintf("Profile %s reaches account %s as %s.", profile, stage.Account, profile.ARN), "")}
	version, err := bootstrapVersion(ctx, cloudformation.NewFromConfig(way.config), stage)
	switch {
	case err != nil:
		one := explained(stage, "permissions", err)
		one.Fix = "Allow cloudformation:DescribeStacks to " + profile.ARN + "."
		return append(findings, one)
	case version == 0:
		return append(findings, unbootstrapped(stage, version, minimumBootstrap))
	case version < minimumBootstrap:
		findings = append(findings, unbootstrapped(stage, version, minimumBootstrap))
	default:
		findings = append(findings, finding("bootstrap", true, fmt.Sprintf("The account is bootstrapped, version %d.", version), ""))
	}
	deployed := f.look(ctx, way, stage)
	findings = append(findings, deployed.findings(stage)...)
	if zones, asked := zonesFinding(ctx, way.config, stage, deployed); asked {
		findings = append(findings, zones)
	}
	client := sts.NewFromConfig(way.base)
	for _, role := range deployRoles {
		arn := roleARN(stage, role.name)
		// The credentials it gives are dropped; that it gives them is the answer.
		_, err := client.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("roadshow-doctor"), DurationSeconds: aws.Int32(900)})
		if err != nil {
			findings = append(findings, finding("permissions", false, fmt.Sprintf("The bootstrap's role for %s refuses the profile: %s", role.purpose, Brief(err)), "Allow sts:AssumeRole of "+arn+" to "+profile.ARN+"."))
			continue
		}
		findings = append(findings, finding("permissions", true, fmt.Sprintf("The profile may act as the bootstrap's role for %s.", role.purpose), ""))
	}
	for _, question := range doctorQuestions {
		detail, fix := fmt.Sprintf("`%s` may ask %s.", question.purpose, question.action), ""
		err := question.ask(ctx, way.config)
		if err != nil {
			detail = fmt.Sprintf("`%s` may not ask %s: %s", question.purpose, question.action, Brief(err))
			fix = "Allow what docs/permissions.md has for `" + question.purpose + "` to " + profile.ARN + "."
		}
		findings = append(findings, finding("permissions", err == nil, detail, fix))
	}
	return findings
}
