package stack

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// URLConfig is an HTTPS address of one function, which the stack's output <Id>URL holds. Its zero value
// admits only callers that IAM allows to. https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
type URLConfig struct {
	// Public admits everybody, without any authorization: the handler must look after itself.
	// Default: only callers with the right to lambda:InvokeFunctionUrl.
	// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
	Public bool

	// Origins are those whose pages a browser lets call the URL, such as "https://example.com", or "*" for
	// all; any method and header then. Default: none but the URL's own.
	Origins []string

	// Stream sends the response while the handler writes it, up to 200 MB. Default: all at once, up to 6 MB.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
	Stream bool
}

func (c URLConfig) validate() *ConfigError {
	for _, origin := range c.Origins {
		if origin != "*" && (!strings.HasPrefix(origin, "https://") && !strings.HasPrefix(origin, "http://") || strings.Count(origin, "/") != 2) {
			return &ConfigError{
				Field: "URL.Origins", Got: fmt.Sprintf("%q", origin), Want: "the scheme and host of a page, or *", Fix: `write Origins: []string{"https://example.com"}`,
			}
		}
	}
	return nil
}

// addURL makes the URL of the function's alias, and the output that says it.
func (fn *Function) addURL(config URLConfig) {
	fn.requireOffered(fn.at, "URL", "AWS::Lambda::Url", "https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html")
	options := &awslambda.FunctionUrlOptions{AuthType: awslambda.FunctionUrlAuthType_AWS_IAM}
	if config.Public {
		options.AuthType = awslambda.FunctionUrlAuthType_NONE
	}
	if config.Stream {
		options.InvokeMode = awslambda.InvokeMode_RESPONSE_STREAM
	}
	if len(config.Origins) > 0 {
		options.Cors = &awslambda.FunctionUrlCorsOptions{
			AllowedOrigins: jsiiconv.Strings(config.Origins...), AllowedHeaders: jsiiconv.Strings("*"),
			AllowedMethods: &[]awslambda.HttpMethod{awslambda.HttpMethod_ALL},
		}
	}
	fn.url = fn.invoked().AddFunctionUrl(options)
	output := awscdk.NewCfnOutput(fn.siblings, jsiiconv.String("URL"), &awscdk.CfnOutputProps{Value: fn.url.Url()})
	output.OverrideLogicalId(jsiiconv.String(outputName(fn.id) + "URL"))
}

// InvokeURL is the right to call the function by its URL, and not otherwise; it brings <ID>_URL. The
// function must have one.
func (fn *Function) InvokeURL() Grant {
	if fn.config.URL == nil {
		fn.fault(stages.Caller(), "InvokeURL", "asked for, while the function has no URL", "a function with a URL", "write URL: &stack.URLConfig{} in its config, or fn.Invoke()")
	}
	return Grant{on: fn, verb: "InvokeURL", apply: func(to *Function, at stages.Position) {
		to.reach(at, fn.component, "the URL")
		to.allow(statement{actions: functionURLInvoke, resources: []*string{fn.arn()}})
		to.allow(statement{actions: functionInvoke, resources: []*string{fn.arn()}, throughURL: true})
		to.setEnvironment(at, fn.String(), fn.id, "_URL", fn.url.Url())
	}}
}
