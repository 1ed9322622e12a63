package stack

import (
	_ "embed"
	"encoding/json"
	"maps"
	"sync"
)

// flags.json pins every feature flag of the CDK, so that a stack is the same whether the cdk command,
// a test or another program synthesizes it. cdk.json repeats them, because the command reads them there
// to keep quiet about them; a test compares the two.
//
//go:embed flags.json
var flagsJSON []byte

var pinnedFlags = sync.OnceValues(func() (flags map[string]any, err error) {
	err = json.Unmarshal(flagsJSON, &flags)
	return flags, err
})

// settings is the context of every App. It goes through PostCliContext, which the command cannot
// override: what is in a template must not depend on who runs the program.
func settings(qualifier string) (*map[string]any, error) {
	flags, err := pinnedFlags()
	if err != nil {
		return nil, err
	}
	flags = maps.Clone(flags)
	maps.Copy(flags, map[string]any{
		// The functions are built into content-addressed folders already; copying them costs time only.
		"aws:cdk:disable-asset-staging": true,
		// Paths and stack traces of this machine have no place in a template.
		"aws:cdk:enable-path-metadata":  false,
		"aws:cdk:enable-asset-metadata": false,
		"aws:cdk:disable-stack-trace":   true,
		// The CDK would note beside every construct where it was made, which it does not know of Go, and how
		// it was configured, for analytics that are off: a sixth of a synthesis.
		"aws:cdk:disable-creation-stack-traces":            true,
		"@aws-cdk/core:enableAdditionalMetadataCollection": false,
		// Resources are counted with the user's lines, see limitResources.
		"@aws-cdk/core:stackResourceLimit": 0,
		// https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html
		"@aws-cdk/core:bootstrapQualifier": qualifier,
	})
	return &flags, nil
}
