package refusals

import (
	"fmt"
	"strings"
)

// Markdown writes the book as a page of the documentation: what AWS refuses, by service, each with
// its source and what Roadshow does about it.
func Markdown(book []Refusal) string {
	var page strings.Builder
	page.WriteString("# What AWS refuses\n\n" +
		"Made from `rehearsal/refusals/table`; change it there and run `go test ./rehearsal/refusals -update`.\n\n")
	fmt.Fprintf(&page, "Each of these %d refusals was met by somebody, or stands on a page of AWS. Roadshow's answer is one of:\n\n"+
		"- **config**: a config with the mistake is refused at synth, with the line of your program.\n"+
		"- **construct**: the constructs are built so that it cannot arise.\n"+
		"- **escape hatch**: only `Override`, `With` or a construct of the CDK can make it.\n"+
		"- **preflight**: `roadshow deploy` finds it in the account before anything is changed, and `roadshow diff STAGE` finds\n"+
		"  [steps](#steps-and-plain-cdk-deploy).\n"+
		"- **documented**: nothing can be done at synth; the sentence says what to do.\n\n"+
		"The rehearsal refuses them all, in the same words and at the same moment. Where a check is named, it finds the mistake\n"+
		"too, without an account: rules of AWS's own validator (the one inside aws-cdk-lib), such as F0007, or AWS's schema of\n"+
		"resource types (aws-service-spec).\n", len(book))
	page.WriteString(steps(book))
	service := ""
	for _, r := range book {
		if r.Service != service {
			service = r.Service
			fmt.Fprintf(&page, "\n## %s\n\n| when | AWS's words | Roadshow | source |\n|---|---|---|---|\n", service)
		}
		found := ""
		if len(r.Validator) > 0 {
			found = "; found by " + strings.Join(r.Validator, ", ")
		}
		fmt.Fprintf(&page, "| %s | <a id=\"%s\"></a>%s | **%s**: %s | [%s](%s)%s |\n",
			r.Moment, r.ID, cell(r.Words), r.Roadshow, cell(r.How), publisher(r.Source), r.Source, found)
	}
	return page.String()
}

// steps says what happens to a step by plain cdk deploy, and lists those that Roadshow finds.
func steps(book []Refusal) string {
	var section strings.Builder
	section.WriteString("\n## Steps, and plain `cdk deploy`\n\n" +
		"A step is the way from the deployed template to the new one. AWS may refuse it although both templates are valid, so\n" +
		"that nothing shows it at synth, and a stage that is several commits behind meets it though each commit was fine in dev.\n" +
		"`roadshow deploy` and [`roadshow diff STAGE`](fleet.md#diff) read the deployed template, find these steps, and say what to\n" +
		"deploy first; a deploy that has one is not begun.\n\n" +
		"Plain `cdk deploy` does not look for them, and `cdk diff` shows the change without a word. CloudFormation takes the change\n" +
		"set, updates resources until it comes to the step, fails there in AWS's words, and rolls back: the stack is\n" +
		"`UPDATE_ROLLBACK_COMPLETE`, it is what it was before, and takes the next deploy. Where the rollback fails too, it is\n" +
		"`UPDATE_ROLLBACK_FAILED`, and takes no update until `aws cloudformation continue-update-rollback` has succeeded\n" +
		"([AWS](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html)).\n" +
		"\n| step | what to do, or why the constructs have none |\n|---|---|\n")
	for _, r := range book {
		if r.Kind == Step && (r.Moment == Update || r.Moment == Cleanup) {
			fmt.Fprintf(&section, "| [%s](#%s) | %s |\n", r.ID, r.ID, cell(r.How))
		}
	}
	return section.String()
}

// cell is a text that stands in a table.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;", "*", "\\*", "_", "\\_", "`", "\\`").Replace(text)
}

// publisher is who tells of a refusal.
func publisher(source string) string {
	host := strings.TrimPrefix(source, "https://")
	host, path, _ := strings.Cut(host, "/")
	if host == "github.com" {
		part := strings.Split(path, "/")
		if len(part) == 4 {
			return part[1] + "#" + part[3]
		}
		return part[1]
	}
	if strings.HasSuffix(host, "aws.amazon.com") || strings.HasSuffix(host, "amazonaws.com") {
		return "AWS"
	}
	return host
}
