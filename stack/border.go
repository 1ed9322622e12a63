package stack

import (
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"

	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// Every value that is asked of the CDK is a message to its process and one back, a tenth of a millisecond
// or more; a function of fifty, in twenty stages, asks a thousand times. What is here is asked once: values
// that never change and belong to no stack. They are asked when they are first wanted, because the CDK's
// runtime is not ready before.

var (
	runtimeProvided = sync.OnceValue(awslambda.Runtime_PROVIDED_AL2023)
	architectureARM = sync.OnceValue(awslambda.Architecture_ARM_64)
	architectureAMD = sync.OnceValue(awslambda.Architecture_X86_64)
	lambdaPrincipal = sync.OnceValue(func() awsiam.ServicePrincipal {
		return awsiam.NewServicePrincipal(jsiiconv.String("lambda.amazonaws.com"), nil)
	})
)

var runtimes = map[string]awslambda.Runtime{}

// runtimeCalled is a runtime as the CDK takes it, by its identifier.
func runtimeCalled(name string) awslambda.Runtime {
	known, asked := runtimes[name]
	if !asked {
		known = awslambda.NewRuntime(jsiiconv.String(name), awslambda.RuntimeFamily_OTHER, nil)
		runtimes[name] = known
	}
	return known
}

var durations = map[time.Duration]awscdk.Duration{}

// seconds is a duration as the CDK takes it.
func seconds(duration time.Duration) awscdk.Duration {
	known, asked := durations[duration]
	if !asked {
		known = awscdk.Duration_Seconds(jsiiconv.Number(int(duration.Seconds())))
		durations[duration] = known
	}
	return known
}

// allow adds to a role's policy. Its answer, which nobody reads, would be two more messages. What allows the
// same to many functions is made once: a policy reads its statements, and does not change them.
func (s *Stack) allow(role awsiam.IRole, st statement) {
	key := st.key()
	made, known := s.statements[key]
	if !known {
		made = st.build()
		s.statements[key] = made
	}
	jsiiconv.Do(role, "addToPrincipalPolicy", made)
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
	return assets{bucket: jsiiconv.String("cdk-" + stage.BootstrapQualifier() + "-assets-" + stage.Account + "-" + stage.Region), suffix: ".zip"}
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
