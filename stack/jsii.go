package stack

import (
	"sync"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
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
