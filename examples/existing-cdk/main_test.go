package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// template is what the test compares.
type template struct {
	Resources map[string]struct {
		Type                                string
		Properties                          map[string]any
		DeletionPolicy, UpdateReplacePolicy string
	}
}

func read(t *testing.T, file string) template {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var parsed template
	if err := json.Unmarshal(data, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// after is the stack's template now.
func after(t *testing.T) template {
	t.Helper()
	outdir := t.TempDir()
	cdkApp := awscdk.NewApp(&awscdk.AppProps{Outdir: &outdir})
	if err := app.AdoptStubbed(Legacy(cdkApp, Live), Live); err != nil {
		t.Fatal(err)
	}
	cdkApp.Synth(nil)
	return read(t, filepath.Join(outdir, "Legacy.template.json"))
}

// What makes CloudFormation replace a table. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
var replacing = []string{"TableName", "KeySchema"}

func TestTheTemplateThatIsDeployedIsThatOfTheProgramBefore(t *testing.T) {
	outdir := t.TempDir()
	before := exec.CommandContext(t.Context(), "go", "run", "./before")
	before.Env = append(os.Environ(), "CDK_OUTDIR="+outdir, "CDK_DEFAULT_ACCOUNT="+Live.Account, "CDK_DEFAULT_REGION="+Live.Region)
	if output, err := before.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	was, is := read(t, filepath.Join(outdir, "Legacy.template.json")), read(t, filepath.Join("testdata", "before.template.json"))
	delete(was.Resources, "CDKMetadata") // of the environment that the program runs in
	if !reflect.DeepEqual(was, is) {
		t.Errorf("the program before makes %v, and what is deployed is %v", was, is)
	}
}

// before.template.json is what is deployed: the stack as it was before it took up Roadshow.
func TestWhatTheStackHasIsKept(t *testing.T) {
	was, is := read(t, filepath.Join("testdata", "before.template.json")), after(t)
	for id, resource := range was.Resources {
		kept, ok := is.Resources[id]
		switch {
		case !ok || kept.Type != resource.Type:
			t.Errorf("%s %s is gone: it would be deleted", resource.Type, id)
		case resource.Type == "AWS::DynamoDB::Table":
			for _, property := range replacing {
				if !reflect.DeepEqual(resource.Properties[property], kept.Properties[property]) {
					t.Errorf("%s: %s is %v, was %v: it would be replaced", id, property, kept.Properties[property], resource.Properties[property])
				}
			}
			if kept.DeletionPolicy == "Delete" || kept.UpdateReplacePolicy == "Delete" {
				t.Errorf("%s would be deleted with the stack", id)
			}
		case !reflect.DeepEqual(resource, kept):
			t.Errorf("%s is %v, was %v: nobody adopted it", id, kept, resource)
		}
	}
}

func TestTheAdoptedTableIsGrantedAndNamedAsEver(t *testing.T) {
	functions := 0
	for _, resource := range after(t).Resources {
		if resource.Type != "AWS::Lambda::Function" {
			continue
		}
		functions++
		variables := resource.Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
		if want := map[string]any{"Ref": "OrdersA9B65338"}; !reflect.DeepEqual(variables["ORDERS_TABLE"], want) {
			t.Errorf("ORDERS_TABLE is %v, want %v", variables["ORDERS_TABLE"], want)
		}
		if resource.Properties["FunctionName"] != "live-shop-get-order" {
			t.Errorf("the function's name is %v", resource.Properties["FunctionName"])
		}
	}
	if functions != 1 {
		t.Errorf("there are %d functions, want 1", functions)
	}
}
