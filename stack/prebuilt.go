package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/gobuild"
)

// PrebuiltConfig is a handler of any runtime, built by whatever builds it before the program runs.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
type PrebuiltConfig struct {
	// Path of a folder, or of a file that ends in ".zip", with all that the handler needs. It starts with
	// "./" and is taken from the module's root, whatever the working directory. At most 250 MB unpacked.
	// Required. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	Path string

	// Runtime is the identifier of Lambda's runtime, such as "nodejs24.x" or "python3.14". Required.
	Runtime string

	// Handler is what the runtime calls, such as "index.handler". At most 128 characters. Required.
	Handler string
}

var (
	runtimePattern = regexp.MustCompile(`^[a-z]+[a-z0-9.]*$`)
	handlerPattern = regexp.MustCompile(`^[^\s]{1,128}$`)
)

func (c PrebuiltConfig) validate() *ConfigError {
	switch {
	case !strings.HasPrefix(c.Path, "./") || slices.Contains(strings.Split(c.Path, "/"), ".."):
		return &ConfigError{
			Field: "Prebuilt.Path", Got: fmt.Sprintf("%q", c.Path), Want: `a folder or a zip file of the module, beginning with "./"`,
			Fix: `write Path: "./functions/resize/dist"`,
		}
	case !runtimePattern.MatchString(c.Runtime):
		return &ConfigError{
			Field: "Prebuilt.Runtime", Got: fmt.Sprintf("%q", c.Runtime), Want: "the identifier of a runtime of Lambda", Fix: `write Runtime: "nodejs24.x"`,
		}
	case !handlerPattern.MatchString(c.Handler):
		return &ConfigError{
			Field: "Prebuilt.Handler", Got: fmt.Sprintf("%q", c.Handler), Want: "what the runtime calls, at most 128 characters",
			Fix: `write Handler: "index.handler"`,
		}
	}
	return nil
}

// isZip tells a zip file from a folder.
func isZip(path string) bool { return strings.HasSuffix(path, ".zip") }

// take finds a prebuilt handler and the digest of its bytes.
func (c *compiler) take(fn *Function) (gobuild.Output, error) {
	path := fn.config.Prebuilt.Path
	if c.stub {
		outputs, err := stubs([]gobuild.Function{{Package: path}})
		if err != nil {
			return gobuild.Output{}, err
		}
		if isZip(path) {
			outputs[0].Dir += ".zip"
		}
		return outputs[0], nil
	}
	root, err := moduleRoot()
	if err != nil {
		return gobuild.Output{}, err
	}
	full := filepath.Join(root, filepath.FromSlash(path))
	info, err := os.Stat(full)
	if err != nil || info.IsDir() == isZip(path) {
		got := "not there"
		if err == nil {
			got = "a " + map[bool]string{true: "folder", false: "file"}[info.IsDir()]
		}
		return gobuild.Output{}, &ConfigError{
			Thing: fn.String(), Field: "Prebuilt.Path", Got: fmt.Sprintf("%q, which is %s", path, got), Want: `a folder, or a file that ends in ".zip"`,
			Fix: "build the handler before the program runs, or correct the path", At: fn.at,
		}
	}
	digest, err := digestOf(full)
	return gobuild.Output{Package: path, Dir: full, Digest: digest}, err
}

// digestOf is over the names, the permission to execute and the bytes of all files of a folder, or of one
// file. Links count as what they lead to, which is what the cdk command uploads.
func digestOf(path string) (string, error) {
	digest := sha256.New()
	err := digestInto(digest, path, "", nil)
	return hex.EncodeToString(digest.Sum(nil)), err
}

// digestInto adds what is below a folder, or one file; above are the folders that lead here.
func digestInto(digest io.Writer, path, name string, above []string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		fmt.Fprintf(digest, "%q %t %d\n", name, info.Mode()&0o111 != 0, info.Size())
		return addTo(digest, path)
	}
	folder, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if slices.Contains(above, folder) {
		return fmt.Errorf("%s: a link leads back to a folder that it is in", path)
	}
	entries, err := os.ReadDir(folder) // sorted
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := digestInto(digest, filepath.Join(folder, entry.Name()), name+"/"+entry.Name(), append(slices.Clip(above), folder)); err != nil {
			return err
		}
	}
	return nil
}

func addTo(digest io.Writer, file string) error {
	content, err := os.Open(file)
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(digest, content)
	return err
}
