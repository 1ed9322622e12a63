package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/refusals"
)

// trial is what is deployed one after another, in one account.
type trial struct {
	name string
	// steps are deployed in order; all but the last must succeed.
	steps []step
	// words are those of the refusal; empty where nothing is refused.
	words      string
	parameters map[string]string
}

// step is a template for a stack. Two steps of one stack are a stack and its update.
type step struct {
	stack, template, region string
	// uploaded tells that the template is too large to be sent by itself, and that its functions have code.
	uploaded bool
}

// documentedAccount is the account of the templates in the project; the one that was named takes its place.
const documentedAccount = "111111111111"

// cases are the programs of the goldens, as they are in dev, and the rows of the book. A row that a person's hands are
// part of is skipped.
func cases(account, region string) (tried []trial, skipped []string, err error) {
	for _, pattern := range []string{"testdata/*.dev.golden.json", "stack/testdata/*.dev.golden.json", "examples/*/testdata/*.dev.golden.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return nil, nil, err
			}
			one, err := programTrial(filepath.Base(file), string(data), account, region)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", file, err)
			}
			tried = append(tried, one)
		}
	}
	if len(tried) == 0 {
		return nil, nil, fmt.Errorf("the goldens are not here: %w. Run it in the root of the project", fs.ErrNotExist)
	}
	book, err := refusals.Load()
	if err != nil {
		return nil, nil, err
	}
	for _, row := range book {
		if one, is := rowTrial(row, account); is {
			tried = append(tried, one)
		} else {
			skipped = append(skipped, row.ID)
		}
	}
	return tried, skipped, nil
}

// rowTrial is a row of the book, where stacks alone make it.
func rowTrial(row refusals.Refusal, account string) (trial, bool) {
	if row.Moment == refusals.Delete || row.Moment == refusals.Cleanup || row.Uploaded || row.Again > 0 || len(row.Deleted)+len(row.Held)+len(row.Objects)+len(row.Lacks)+len(row.Imports) > 0 || row.Existing || row.Off {
		return trial{}, false
	}
	one := trial{name: "refusal/" + row.ID, words: row.Words, parameters: row.Parameters}
	for _, before := range []step{
		{stack: "elsewhere", template: row.Elsewhere, region: "us-east-1"},
		{stack: "beside", template: row.Beside, region: row.Region},
		{stack: "refused", template: row.Before, region: row.Region},
		{stack: "refused", template: row.Template, region: row.Region},
	} {
		if before.template != "" {
			before.stack = "judge-" + before.stack
			before.template = strings.ReplaceAll(before.template, documentedAccount, account)
			one.steps = append(one.steps, before)
		}
	}
	return one, true
}

var (
	codeBucket = regexp.MustCompile(`cdk-hnb659fds-assets-[0-9]{12}-[a-z0-9-]+`)
	codeKey    = regexp.MustCompile(`"S3Key": *"[^"]+"`)
	importPath = regexp.MustCompile(`"Default": *"(/roadshow/[^"]+)"`)
)

// programTrial is a program's template, with what it imports deployed before it.
func programTrial(name, template, account, region string) (trial, error) {
	template = strings.ReplaceAll(template, documentedAccount, account)
	template = codeBucket.ReplaceAllString(template, bucketOf(account, region))
	template = codeKey.ReplaceAllString(template, `"S3Key": "`+codeObject+`"`)
	one := trial{name: "program/" + strings.TrimSuffix(name, ".dev.golden.json")}
	imports := map[string]any{}
	for i, match := range importPath.FindAllStringSubmatch(template, -1) {
		imports[fmt.Sprintf("Import%d", i)] = map[string]any{
			"Type":       "AWS::SSM::Parameter",
			"Properties": map[string]any{"Name": match[1], "Type": "String", "Value": importValue(match[1], region+":"+account)},
		}
	}
	if len(imports) > 0 {
		imports["News"] = map[string]any{"Type": "AWS::SNS::Topic", "Properties": map[string]any{"TopicName": "news"}}
		imports["Sold"] = map[string]any{"Type": "AWS::Events::EventBus", "Properties": map[string]any{"Name": "sold"}}
		data, err := json.Marshal(map[string]any{"Resources": imports})
		if err != nil {
			return one, err
		}
		one.steps = append(one.steps, step{stack: "judge-imports", template: string(data), region: region})
	}
	var whole map[string]any
	if err := json.Unmarshal([]byte(template), &whole); err != nil {
		return one, err
	}
	// The account needs no bootstrap: its version is not asked for.
	delete(whole, "Rules")
	if parameters, is := whole["Parameters"].(map[string]any); is {
		delete(parameters, "BootstrapVersion")
	}
	data, err := json.Marshal(whole)
	one.steps = append(one.steps, step{stack: "judge-program", template: string(data), region: region, uploaded: true})
	return one, err
}

// importValue is what another service would have exported, by the path that names its kind.
func importValue(path, at string) string {
	for ending, value := range map[string]string{
		".table": "arn:aws:dynamodb:" + at + ":table/notes", "Key": "arn:aws:kms:" + at + ":key/00000000-0000-0000-0000-000000000000", ".bucket": "arn:aws:s3:::papers",
		".queue": "arn:aws:sqs:" + at + ":work", ".topic": "arn:aws:sns:" + at + ":news", ".bus": "arn:aws:events:" + at + ":event-bus/sold",
		".function": "arn:aws:lambda:" + at + ":function:render", ".secret": "arn:aws:secretsmanager:" + at + ":secret:mail-AbCdEf",
		".parameter": "arn:aws:ssm:" + at + ":parameter/rate",
	} {
		if strings.Contains(path, ending) {
			return value
		}
	}
	return "a value"
}
