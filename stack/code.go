package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// source is what a function's code is made from: one of the two.
type source struct {
	compiled gobuild.Function
	prebuilt string // a folder or a zip file, from the module's root
}

// String is the Go package, or the path.
func (s source) String() string { return s.compiled.Package + s.prebuilt }

// compiler makes the functions' code, and remembers it from one synthesis to the next.
type compiler struct {
	code     map[source]gobuild.Output
	stub     bool
	progress io.Writer
}

func newCompiler(stub bool, progress io.Writer) *compiler {
	return &compiler{code: map[source]gobuild.Output{}, stub: stub, progress: progress}
}

// compile makes the code of every function of the stacks that it does not have yet, all in one go.
func (c *compiler) compile(stacks []*Stack) error {
	var wanted []gobuild.Function
	for _, stack := range stacks {
		for _, fn := range stack.functions {
			from := fn.source()
			if _, known := c.code[from]; known {
				continue
			}
			c.code[from] = gobuild.Output{}
			if from.prebuilt == "" {
				wanted = append(wanted, from.compiled)
				continue
			}
			output, err := c.take(fn)
			if err != nil {
				return err
			}
			c.code[from] = output
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	outputs, err := c.build(wanted)
	if err != nil {
		return located(err, stacks)
	}
	for i, fn := range wanted {
		c.code[source{compiled: fn}] = outputs[i]
	}
	return nil
}

// located puts the user's line before each package that is none of a handler. What the compiler refuses has
// lines of its own.
func located(err error, stacks []*Stack) error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, inner := range several.Unwrap() {
			all = append(all, located(inner, stacks))
		}
		return errors.Join(all...)
	}
	problem, ok := errors.AsType[*gobuild.PackageError](err)
	if !ok {
		return err
	}
	for _, stack := range stacks {
		for _, fn := range stack.functions {
			if path.Clean(fn.config.Package) == path.Clean(problem.Package) {
				return fmt.Errorf("%s: %w", fn.at, err)
			}
		}
	}
	return err
}

func (c *compiler) build(wanted []gobuild.Function) ([]gobuild.Output, error) {
	if c.stub {
		return stubs(wanted)
	}
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	return gobuild.Build(context.Background(), root, wanted, gobuild.Options{Progress: c.progress})
}

func moduleRoot() (string, error) {
	working, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return gobuild.ModuleRoot(working)
}

// stubs stand for code that is not compiled. Their digest is of what would be compiled, so that two
// stages with other code have other templates here too.
func stubs(wanted []gobuild.Function) ([]gobuild.Output, error) {
	// The folder is never read where there are only stubs: nothing of such an assembly is deployed.
	dir := filepath.Join(os.TempDir(), "roadshow-stub-function")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	outputs := make([]gobuild.Output, len(wanted))
	for i, fn := range wanted {
		digest := sha256.Sum256([]byte(fn.Package + " for " + fn.Arch))
		outputs[i] = gobuild.Output{Package: fn.Package, Dir: dir, Digest: hex.EncodeToString(digest[:])}
	}
	return outputs, nil
}

// codePlaceholder stands for the code until every function of every stage is known and compiled at once. It
// holds nothing of the stack that it was made in but the text of a name, so that it serves all stacks.
func (s *Stack) codePlaceholder() awslambda.Code {
	if placeholder == nil {
		bucket := awss3.Bucket_FromBucketName(s.CDK, jsiiconv.String("code-placeholder"), jsiiconv.String("placeholder"))
		placeholder = awslambda.Code_FromBucket(bucket, jsiiconv.String("placeholder"), jsiiconv.String("placeholder"))
	}
	return placeholder
}

var placeholder awslambda.Code

// assets knows where a stack's code is uploaded to. In an adopted stack the synthesizer's answer to the first
// asset says it; for the others the answer differs in the digest only, and would be six more messages each.
type assets struct {
	synthesizer    awscdk.IStackSynthesizer
	bucket         *string
	prefix, suffix string
}

// bootstrapped are the assets of a stack of ours: in the bucket of the account's bootstrap.
// https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
func bootstrapped(stage stages.Stage) assets {
	return assets{bucket: jsiiconv.String(assembly.Bucket(stage)), suffix: ".zip"}
}

// add makes code an asset of the stack, and says where it will be. What only stands for code is none.
func (a *assets) add(s *Stack, id string, code gobuild.Output, stub bool) *awslambda.CfnFunction_CodeProperty {
	packaging := awscdk.FileAssetPackaging_ZIP_DIRECTORY
	file := isZip(code.Dir)
	if file {
		packaging = awscdk.FileAssetPackaging_FILE
	}
	known := &awslambda.CfnFunction_CodeProperty{S3Bucket: a.bucket, S3Key: jsiiconv.String(a.prefix + code.Digest + a.suffix)}
	if stub && a.bucket != nil {
		return known
	}
	if a.synthesizer == nil {
		a.synthesizer = s.CDK.Synthesizer()
	}
	asset := &awscdk.FileAssetSource{
		SourceHash: jsiiconv.String(code.Digest), FileName: jsiiconv.String(code.Dir), Packaging: packaging,
		DisplayName: jsiiconv.String(id),
	}
	if a.bucket != nil && !file {
		jsiiconv.Do(a.synthesizer, "addFileAsset", asset)
		return known
	}
	location := a.synthesizer.AddFileAsset(asset)
	if prefix, suffix, found := strings.Cut(*location.ObjectKey, code.Digest); found && !file {
		a.bucket, a.prefix, a.suffix = location.BucketName, prefix, suffix
	}
	return &awslambda.CfnFunction_CodeProperty{S3Bucket: location.BucketName, S3Key: location.ObjectKey}
}
