package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
)

// What is compared before anything is timed stands in the README's text, which report.go writes.

// template is what is compared of a CloudFormation template.
type template struct {
	Resources map[string]struct {
		Type       string
		Properties map[string]any
	}
}

func readTemplate(file string) (template, error) {
	var t template
	data, err := os.ReadFile(file)
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(data, &t)
}

// counts is how many resources of each type there are.
func (t template) counts() map[string]int {
	counts := map[string]int{}
	for _, resource := range t.Resources {
		counts[resource.Type]++
	}
	return counts
}

// properties are those of each resource of a type, sorted, with every reference to a logical id replaced
// by the type that it refers to, and without the digest of code: two programs name and hash differently.
func (t template) properties(cfnType string) []string {
	var all []string
	for _, resource := range t.Resources {
		if resource.Type != cfnType {
			continue
		}
		text, err := json.Marshal(t.withoutIDs(resource.Properties))
		if err != nil {
			panic(err) // it was JSON before
		}
		all = append(all, string(text))
	}
	slices.Sort(all)
	return all
}

func (t template) withoutIDs(node any) any {
	switch node := node.(type) {
	case map[string]any:
		clean := map[string]any{}
		for key, value := range node {
			if key == "S3Key" {
				value = "the code"
			}
			clean[key] = t.withoutIDs(value)
		}
		return clean
	case []any:
		clean := make([]any, len(node))
		for i, value := range node {
			clean[i] = t.withoutIDs(value)
		}
		return clean
	case string:
		if resource, is := t.Resources[node]; is {
			return "the " + resource.Type
		}
		return node
	}
	return node
}

// ownRights are the types whose properties differ on purpose: Roadshow's roles may do less than those
// that the CDK makes by default, and its APIs may call a function on the API's own stage only, while the
// CDK allows every stage. Their number is compared.
var ownRights = []string{"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::Lambda::Permission"}

// sameTemplates compares ours with a peer's: the types and how many of each, and all properties of all
// resources but those of ownRights.
func sameTemplates(ours, theirs string) error {
	a, err := readTemplate(ours)
	if err != nil {
		return err
	}
	b, err := readTemplate(theirs)
	if err != nil {
		return err
	}
	if len(a.Resources) == 0 {
		return fmt.Errorf("%s has no resources", ours)
	}
	if !maps.Equal(a.counts(), b.counts()) {
		return fmt.Errorf("%s and %s have other resources: %v and %v", ours, theirs, a.counts(), b.counts())
	}
	for _, cfnType := range slices.Sorted(maps.Keys(a.counts())) {
		if slices.Contains(ownRights, cfnType) {
			continue
		}
		mine, other := a.properties(cfnType), b.properties(cfnType)
		for i := range mine {
			if mine[i] != other[i] {
				return fmt.Errorf("%s and %s: a resource of type %s differs:\n%s\n%s", ours, theirs, cfnType, mine[i], other[i])
			}
		}
	}
	return nil
}

// sameFunctions compares ours with Serverless's: how many functions, log groups, routes and tables, and
// of each function what its users choose.
func sameFunctions(ours, serverless string) error {
	a, err := readTemplate(ours)
	if err != nil {
		return err
	}
	b, err := readTemplate(serverless)
	if err != nil {
		return err
	}
	for _, cfnType := range []string{"AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::ApiGatewayV2::Route", "AWS::DynamoDB::Table", "AWS::ApiGatewayV2::Api"} {
		if a.counts()[cfnType] != b.counts()[cfnType] {
			return fmt.Errorf("ours has %d of type %s, serverless %d", a.counts()[cfnType], cfnType, b.counts()[cfnType])
		}
	}
	mine, other := a.chosen(), b.chosen()
	if !reflect.DeepEqual(mine, other) {
		return fmt.Errorf("the functions differ:\n%v\n%v", mine, other)
	}
	return nil
}

// chosen is what a user chooses of each function, by its name.
func (t template) chosen() map[string]string {
	chosen := map[string]string{}
	for _, resource := range t.Resources {
		if resource.Type != "AWS::Lambda::Function" {
			continue
		}
		p := resource.Properties
		chosen[fmt.Sprint(p["FunctionName"])] = fmt.Sprint(p["Handler"], p["Runtime"], p["MemorySize"], p["Timeout"], p["Architectures"])
	}
	return chosen
}

// sameBinaries compares two builds of a function: the same bytes but for the two identifiers that Go's
// linker writes into every binary, and that gobuild zeroes.
func sameBinaries(ours, plain string) error {
	a, err := os.ReadFile(ours)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(plain)
	if err != nil {
		return err
	}
	if len(a) != len(b) {
		return fmt.Errorf("%s has %d bytes, %s %d", ours, len(a), plain, len(b))
	}
	different := 0
	for i := range a {
		if a[i] != b[i] {
			different++
			if a[i] != 0 {
				return fmt.Errorf("%s and %s differ at byte %d", ours, plain, i)
			}
		}
	}
	// A Go build id has 83 characters, the GNU one 20 bytes.
	if different > 150 || bytes.Equal(a, nil) {
		return fmt.Errorf("%s and %s differ in %d bytes", ours, plain, different)
	}
	return nil
}

// firstLines keeps an error readable.
func firstLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
