package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

var regexpID = regexp.MustCompile(`%ID%`)

const function = `{"Resources":{
	"%ID%Role":{"Type":"AWS::IAM::Role"},
	"%ID%":{"Type":"AWS::Lambda::Function","Properties":{"MemorySize":256,"Role":{"Fn::GetAtt":["%ID%Role","Arn"]},"Code":{"S3Key":"%ID%.zip"}}}}}`

func named(id string) string {
	return string(regexpID.ReplaceAll([]byte(function), []byte(id)))
}

func TestSameTemplatesIgnoresLogicalIDsAndDigests(t *testing.T) {
	assert.NoError(t, sameTemplates(write(t, "a", named("A")), write(t, "b", named("B"))))
}

func TestSameTemplatesSeesAnotherProperty(t *testing.T) {
	other := write(t, "b", `{"Resources":{"R":{"Type":"AWS::IAM::Role"},"F":{"Type":"AWS::Lambda::Function","Properties":{"MemorySize":512}}}}`)
	assert.ErrorContains(t, sameTemplates(write(t, "a", named("A")), other), "AWS::Lambda::Function differs")
}

func TestSameTemplatesSeesAnotherResource(t *testing.T) {
	other := write(t, "b", `{"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"MemorySize":256}}}}`)
	assert.ErrorContains(t, sameTemplates(write(t, "a", named("A")), other), "other resources")
}

func TestSameBinariesAllowsOnlyWhatIsZeroed(t *testing.T) {
	assert.NoError(t, sameBinaries(write(t, "a", "code\x00\x00"), write(t, "b", "codeid")))
	assert.Error(t, sameBinaries(write(t, "a", "code\x00\x00"), write(t, "b", "cogeid")))
	assert.Error(t, sameBinaries(write(t, "a", "code"), write(t, "b", "code2")))
}
