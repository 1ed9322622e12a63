package spec_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/spec"
)

// untaggedByTheCDK are types that take tags by AWS's schema, but not in this version of the CDK. They get the
// stack's own, which CloudFormation puts on whatever takes tags.
var untaggedByTheCDK = map[string]bool{"AWS::ApplicationAutoScaling::ScalableTarget": true}

// The goldens hold every noun; AWS's schema, and no list of ours, says which of their resources take tags.
func TestEveryResourceOfTheGoldensThatTakesTagsCarriesServiceAndStage(t *testing.T) {
	var goldens []string
	for _, folder := range []string{".", "stack", "examples/*"} {
		found, err := filepath.Glob(filepath.Join("..", "..", folder, "testdata", "*.golden.json"))
		require.NoError(t, err)
		require.NotEmpty(t, found, folder)
		goldens = append(goldens, found...)
	}
	tagged := map[string]bool{}
	for _, path := range goldens {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var template struct {
			Resources map[string]struct {
				Type       string
				Properties map[string]any
			}
		}
		require.NoError(t, json.Unmarshal(text, &template))
		for id, resource := range template.Resources {
			kind := lookup(t, resource.Type)
			if kind.TagStyle == spec.NoTags || untaggedByTheCDK[resource.Type] {
				continue
			}
			tagged[resource.Type] = true
			tags := fmt.Sprint(resource.Properties[kind.TagProperty])
			assert.Contains(t, tags, "roadshow:service", "%s of %s (%s)", id, filepath.Base(path), resource.Type)
			assert.Contains(t, tags, "roadshow:stage", "%s of %s (%s)", id, filepath.Base(path), resource.Type)
		}
	}
	assert.Greater(t, len(tagged), 20, "types with tags")
}
