package stack

import "github.com/roadshow-go/roadshow/internal/assembly"

// Findings is what AWS's validator says of a template in a file, for a test: each as
// "<logical id>: <what> [<rule>]".
func Findings(file, account, region string) (refused, warnings []string) {
	return runValidator(template{
		path: file, stage: synthesizedStage{Stage: assembly.Stage{Account: account, Region: region}, StackName: "golden"},
	})
}
