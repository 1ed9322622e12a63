package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// fleetStages are those of programs/fleet.
var fleetStages = []stages.Stage{
	{Name: "one", Account: "111111111111", Region: "us-east-1"},
	{Name: "two", Account: "222222222222", Region: "us-east-1"},
	{Name: "three", Account: "333333333333", Region: "us-east-1"},
}

// fleet is `roadshow deploy` to three accounts against one `npx cdk deploy` to one of them, on two cores. The accounts are
// a rehearsal in this process; before each run they are bootstrapped and empty, and the program's folder is, too.
func (b *bench) fleet() error {
	place := awsenv.Place{Checkout: b.root, Folder: filepath.Join(b.temporary(), "accounts")}
	world, err := rehearse.Open(place, rehearsal.Config{}, fleetStages...)
	if err != nil {
		return err
	}
	defer world.Close()
	folder := filepath.Join(b.temporary(), "fleet")
	settings, err := json.Marshal(map[string]string{"app": b.bin("fleet")})
	if err != nil {
		return err
	}
	fresh := func() error {
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, "cdk.json"), settings, 0o644)
	}
	command := func(arguments ...string) func() error {
		arguments, _ = onTwoCores(arguments)
		return b.process(folder, world.Environ("CI=true"), arguments[0], arguments[1:]...)
	}
	ours, theirs := command(b.bin("roadshow"), "deploy", "--yes"), command("npx", "cdk", "deploy", "--profile", "one", "--require-approval", "never")

	b.say("fleet: bootstrapping three accounts")
	for _, run := range []func() error{
		fresh, command(b.bin("roadshow"), "bootstrap"),
	} {
		if err := run(); err != nil {
			return err
		}
	}
	var empty bytes.Buffer
	if err := world.Server.Save(&empty); err != nil {
		return err
	}
	prepare := func() error { return errors.Join(fresh(), world.Server.Load(bytes.NewReader(empty.Bytes()))) }

	// What each of the two deploys, which also fills the caches of both.
	for _, run := range []func() error{prepare, theirs} {
		if err := run(); err != nil {
			return err
		}
	}
	one, err := deployedTemplate(world, "one")
	if err != nil {
		return err
	}
	for _, run := range []func() error{prepare, ours} {
		if err := run(); err != nil {
			return err
		}
	}
	var counted map[string]int
	for _, stage := range fleetStages {
		text, err := deployedTemplate(world, stage.Name)
		if err != nil {
			return err
		}
		var t template
		if err := json.Unmarshal([]byte(text), &t); err != nil {
			return err
		}
		if counted == nil {
			counted = t.counts()
		}
		if stage.Name == "one" && text != one || !maps.Equal(t.counts(), counted) {
			return fmt.Errorf("fleet: stack of stage %s is not the template that cdk deploys", stage.Name)
		}
	}
	b.say("fleet: three stacks are there, and one has the template that cdk deploys")

	name := "deploy to three accounts"
	took, err := b.race(name, b.rounds, contestant{name: "roadshow, 3 accounts", prepare: prepare, run: ours}, contestant{name: "cdk, 1 account", prepare: prepare, run: theirs})
	if err != nil {
		return err
	}
	b.report.goal(name+", `roadshow deploy --yes` / `npx cdk deploy` of one", took["roadshow, 3 accounts"], took["cdk, 1 account"], 1.6)
	if err := b.manyProfiles(world, folder); err != nil {
		return err
	}
	_, cores := onTwoCores(nil)
	b.report.remark("The deploys had %s; the accounts are a rehearsal beside them, which takes no time over a resource. "+
		"Ours is one synthesis, the proof of parity, and three runs of the cdk command side by side (the stages are of one tier); the cdk command's is one synthesis and one stack.", cores)
	return nil
}

// manyProfiles is `roadshow stages`, which finds the way to three accounts, for somebody with three profiles and for somebody
// with 10 000 more.
func (b *bench) manyProfiles(world *rehearse.World, folder string) error {
	var all []awsenv.Profile
	for _, stage := range fleetStages {
		all = append(all, awsenv.Profile{Name: stage.Name, AccessKeyID: "AKIA" + stage.Account + "SHOW", SecretAccessKey: "rehearsal/" + stage.Account, Region: stage.Region})
	}
	for i := range 10_000 {
		all = append(all, awsenv.Profile{Name: fmt.Sprintf("customer-%05d", i), AccessKeyID: fmt.Sprintf("AKIA%016d", i), SecretAccessKey: fmt.Sprintf("secret/%033d", i), Region: "eu-west-1"})
	}
	many, err := awsenv.Write(awsenv.Place{Checkout: b.root, Folder: filepath.Join(b.temporary(), "profiles")}, world.Server.URL(), all...)
	if err != nil {
		return err
	}
	stages := func(environ []string) func() error { return b.process(folder, environ, b.bin("roadshow"), "stages") }
	name := "`roadshow stages`"
	var peak memory
	took, err := b.race(name, b.rounds,
		contestant{name: "3 profiles", run: stages(world.Environ("CI=true"))},
		contestant{name: "10 003 profiles", run: stages(many.Environ("CI=true")), memory: &peak})
	if err != nil {
		return err
	}
	b.report.show(name+" of three accounts, 10 003 profiles / 3 profiles", took["10 003 profiles"], took["3 profiles"])
	b.report.limit(name+" of three accounts with 10 003 profiles", took["10 003 profiles"], 5*time.Second)
	b.report.remark("With 10 003 profiles, `roadshow stages` and the program had %s of memory together at most; a test holds the command itself below 200 MB.", &peak)
	return nil
}

// onTwoCores is a command that gets two cores of this machine, where it has more and taskset can be had; and what it gets.
func onTwoCores(command []string) (limited []string, cores string) {
	taskset, err := exec.LookPath("taskset")
	switch {
	case runtime.NumCPU() <= 2:
		return command, fmt.Sprintf("the %d cores of this machine", runtime.NumCPU())
	case err != nil:
		return command, fmt.Sprintf("all %d cores of this machine, since it has no taskset", runtime.NumCPU())
	}
	return append([]string{taskset, "--cpu-list", "0,1"}, command...), "two cores"
}

// deployedTemplate is what a stage's account has for the service.
func deployedTemplate(world *rehearse.World, stage string) (string, error) {
	config, err := world.Config(context.Background(), stage)
	if err != nil {
		return "", err
	}
	client := cloudformation.NewFromConfig(config)
	stack, err := client.DescribeStacks(context.Background(), &cloudformation.DescribeStacksInput{StackName: aws.String(stage + "-notes")})
	if err != nil {
		return "", err
	}
	if status := stack.Stacks[0].StackStatus; status != "CREATE_COMPLETE" {
		return "", fmt.Errorf("fleet: stack %s-notes is %s, want CREATE_COMPLETE", stage, status)
	}
	template, err := client.GetTemplate(context.Background(), &cloudformation.GetTemplateInput{StackName: aws.String(stage + "-notes")})
	if err != nil {
		return "", err
	}
	return *template.TemplateBody, nil
}
