package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// The accounts that `roadshow orphans` searches: 100 000 resources, of which a few are in no stack.
const (
	orphanAccounts, orphanStacks, orphanResources, orphanLeft = 20, 10, 499, 10
	mostMemory                                                = 150 << 10 // KiB
)

// orphans is `roadshow orphans` against a bare loop over the same pages.
func (b *bench) orphans() error {
	var all []stages.Stage
	for i := range orphanAccounts {
		all = append(all, stages.Stage{Name: fmt.Sprintf("s%02d", i), Account: fmt.Sprintf("%012d", 100000000000+i), Region: "us-east-1", Tier: stages.Sandbox})
	}
	world, err := rehearse.Open(awsenv.Place{Checkout: b.root, Folder: filepath.Join(b.temporary(), "orphans")}, rehearsal.Config{}, all...)
	if err != nil {
		return err
	}
	defer world.Close()
	b.say("orphans: making %d accounts with %d resources", orphanAccounts, orphanAccounts*(orphanStacks*orphanResources+orphanLeft))
	for _, stage := range all {
		if err := world.Server.Load(bytes.NewReader(crowded(stage))); err != nil {
			return err
		}
	}
	folder := filepath.Join(b.temporary(), "orphans", "assembly")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	document := assembly.Document{Service: "service0"}
	var names []string
	for _, stage := range all {
		document.Set = append(document.Set, assembly.Stage{Name: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier})
		names = append(names, stage.Name)
	}
	if err := assembly.Write(folder, document); err != nil {
		return err
	}

	// What the command finds must be what was left, and nothing else. It then ends with 1.
	search := func() (string, error) {
		command := exec.Command(b.bin("roadshow"), "orphans", "--json", "--app", folder)
		command.Dir, command.Env = folder, world.Environ("CI=true")
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		err := command.Run()
		if exit, ended := errors.AsType[*exec.ExitError](err); !ended || exit.ExitCode() != 1 {
			return "", fmt.Errorf("roadshow orphans: %w, want exit code 1\n%s", err, firstLines(stderr.String(), 15))
		}
		return stdout.String(), nil
	}
	output, err := search()
	if err != nil {
		return err
	}
	var found, want []string
	for line := range strings.Lines(output) {
		var read struct {
			Orphan *struct{ Account, Name string }
		}
		if err := json.Unmarshal([]byte(line), &read); err != nil {
			return err
		}
		if read.Orphan != nil {
			found = append(found, read.Orphan.Account+" "+read.Orphan.Name)
		}
	}
	for _, stage := range all {
		for i := range orphanLeft {
			want = append(want, stage.Account+" "+leftName(i))
		}
	}
	slices.Sort(found)
	slices.Sort(want)
	if !slices.Equal(found, want) {
		return fmt.Errorf("orphans: %d found, want the %d that were left", len(found), len(want))
	}
	b.say("orphans: the %d that were left are found, and nothing else", len(want))

	var ours, theirs memory
	name := fmt.Sprintf("orphans among %d resources in %d accounts", orphanAccounts*(orphanStacks*orphanResources+orphanLeft), orphanAccounts)
	// Both wait for throttled answers, for as long as chance has it: more rounds than elsewhere.
	took, err := b.race(name, 3*b.rounds,
		contestant{name: "roadshow orphans", memory: &ours, run: func() error { _, err := search(); return err }},
		contestant{name: "bare paging", memory: &theirs, run: b.process(folder, world.Environ(), b.bin("paging"), names...)},
	)
	if err != nil {
		return err
	}
	b.report.goal(name+", `roadshow orphans` / a bare loop over the pages", took["roadshow orphans"], took["bare paging"], 1.2)
	b.report.remark("Peak memory, %s: %s, the bare loop %s; the goal of 150 MiB is %s. The loop is [programs/paging](programs/paging/main.go), with as many requests at once.",
		name, &ours, &theirs, met(ours.peak > 0 && ours.peak <= mostMemory))
	return nil
}

func leftName(i int) string { return fmt.Sprintf("gone-service0-left-%02d", i) }

// crowded is a document of what an account of the search holds: stacks of ten services with as many resources as
// CloudFormation lets them have, and topics with the tags of a stage that is gone.
func crowded(stage stages.Stage) []byte {
	type object = map[string]any
	tags := func(stage, service string) []object {
		return []object{{"Key": "roadshow:stage", "Value": stage}, {"Key": "roadshow:service", "Value": service}}
	}
	var stacks, resources []object
	for s := range orphanStacks {
		service := fmt.Sprintf("service%d", s)
		name := stage.Name + "-" + service
		id := fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/00000000-0000-0000-0000-%012d", stage.Region, stage.Account, name, s)
		var members []object
		template := object{}
		for i := range orphanResources {
			logical, physical := fmt.Sprintf("R%d", i), fmt.Sprintf("%s-%03d", name, i)
			kind, property := "AWS::SNS::Topic", "TopicName"
			properties := object{}
			if i%5 == 0 {
				kind, property = "AWS::Logs::LogGroup", "LogGroupName"
			}
			properties[property], properties["Tags"] = physical, tags(stage.Name, service)
			ref := physical
			if property == "TopicName" {
				ref = "arn:aws:sns:" + stage.Region + ":" + stage.Account + ":" + physical
			}
			template[logical] = object{"Type": kind, "Properties": object{property: physical}}
			members = append(members, object{
				"LogicalID": logical, "Type": kind, "PhysicalID": ref, "Exists": true, "Status": "CREATE_COMPLETE", "Updated": "2026-01-02T03:04:05Z",
			})
			resources = append(resources, object{
				"Region": stage.Region, "Type": kind, "Properties": properties, "Stack": name, "StackID": id, "LogicalID": logical,
			})
		}
		text, _ := json.Marshal(object{"Resources": template})
		stacks = append(stacks, object{
			"Region": stage.Region, "Name": name, "ID": id, "Status": "CREATE_COMPLETE", "Created": "2026-01-02T03:04:05Z",
			"Settings": object{"Template": string(text), "Tags": tags(stage.Name, service)}, "Resources": members,
		})
	}
	for i := range orphanLeft {
		resources = append(resources, object{
			"Region": stage.Region, "Type": "AWS::SNS::Topic", "Properties": object{"TopicName": leftName(i), "Tags": tags("gone", "service0")},
		})
	}
	document, _ := json.Marshal(object{"Version": 1, "Accounts": object{stage.Account: object{"Stacks": stacks, "Resources": resources}}})
	return document
}
