package stack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/parity"
)

// commit is the Git commit of the working folder, with "-dirty" where files differ from it; empty
// outside a repository, or without Git: a program can be deployed without either.
func commit() string {
	ctx, cancel := context.WithTimeout(context.Background(), commitLimit)
	defer cancel()
	git := exec.CommandContext(ctx, "git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*")
	var output child.Tail
	git.Stdout = &output
	if child.Run(git) != nil {
		return ""
	}
	return strings.TrimSpace(output.String())
}

// commitLimit is how long Git may take to compare the files of a large repository with their commit.
const commitLimit = time.Minute

// program is the path of the module that the program is built of: the same for `go run` and for a test of it.
// It is empty for a program of no module, which `go run` makes of single files.
func (a App) program() string {
	build, known := debug.ReadBuildInfo()
	if !known || len(build.Main.Path) > maxTagValue {
		return ""
	}
	return build.Main.Path
}

// maxTagValue is the longest value of a tag.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Tag.html
const maxTagValue = 256

// record has a stage's template name itself by its own digest, and lays the commit beside it as one more file
// that the cdk command uploads, under a name that follows that digest. So the template does not change with the
// commit, and whoever reads the template finds the commit: docs/design.md, "The commit stands beside the template".
func record(outdir string, synthesized synthesizedStage, commit string) error {
	path := filepath.Join(outdir, filepath.FromSlash(synthesized.File))
	template, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// Also what the CDK calls the file in the bucket, which stays.
	sum := sha256.Sum256(template)
	digest := hex.EncodeToString(sum[:])
	if template, err = withMetadata(template, parity.DigestKey, digest); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, template, 0o644); err != nil || commit == "" {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(path), templateSuffix)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), name+commitSuffix), []byte(commit+"\n"), 0o644); err != nil {
		return err
	}
	return addCommitAsset(filepath.Join(filepath.Dir(path), name+".assets.json"), name, assembly.CommitObject(digest, commit))
}

// What the names of a stage's template and of the file with its commit end in.
const (
	templateSuffix = ".template.json"
	commitSuffix   = ".commit"
)

// withMetadata adds a text to a template's Metadata, and leaves all else as the CDK wrote it.
func withMetadata(template []byte, key, value string) ([]byte, error) {
	entry := fmt.Sprintf("\n  %q: %q", key, value)
	decoder := json.NewDecoder(bytes.NewReader(template))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	start := decoder.InputOffset()
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		if name != "Metadata" {
			var skipped json.RawMessage
			if err := decoder.Decode(&skipped); err != nil {
				return nil, err
			}
			continue
		}
		if _, err := decoder.Token(); err != nil {
			return nil, err
		}
		if start = decoder.InputOffset(); decoder.More() {
			entry += ","
		} else {
			entry += "\n "
		}
		return bytes.Join([][]byte{template[:start], template[start:]}, []byte(entry)), nil
	}
	return bytes.Join([][]byte{template[:start], template[start:]}, []byte("\n \"Metadata\": {"+entry+"\n },")), nil
}

// addCommitAsset adds the file with the commit to what the cdk command uploads, where it uploads the template.
// https://docs.aws.amazon.com/cdk/api/v2/docs/cloud-assembly-schema-readme.html
func addCommitAsset(path, name, object string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	type file struct {
		DisplayName  string                    `json:"displayName"`
		Source       map[string]string         `json:"source"`
		Destinations map[string]map[string]any `json:"destinations"`
	}
	var document map[string]json.RawMessage
	var files map[string]json.RawMessage
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := json.Unmarshal(document["files"], &files); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, raw := range files {
		var template file
		// A folder's source has other fields, and is none of the template.
		if json.Unmarshal(raw, &template) != nil || template.Source["path"] != name+templateSuffix {
			continue
		}
		template.DisplayName, template.Source["path"] = name+" Commit", name+commitSuffix
		for _, destination := range template.Destinations {
			destination["objectKey"] = object
		}
		if files[object], err = json.Marshal(template); err != nil {
			return err
		}
		if document["files"], err = json.Marshal(files); err != nil {
			return err
		}
		if text, err = json.MarshalIndent(document, "", "  "); err != nil {
			return err
		}
		return os.WriteFile(path, text, 0o644)
	}
	return fmt.Errorf("%s does not list the template %s%s.\nUse the aws-cdk-lib that go.mod names", path, name, templateSuffix)
}
