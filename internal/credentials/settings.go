package credentials

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// Attempts is how often a request is tried: an account that throttles is asked again, each time later.
const Attempts = 6

// loadSettings has the SDK read settings, and the variables of this process, but neither of the user's files. Without
// credentials of the caller's it looks for those of a container.
func loadSettings(ctx context.Context, text string, ownCredentials bool) (loaded aws.Config, err error) {
	file, err := os.CreateTemp("", "roadshow-aws-settings-")
	if err != nil {
		return aws.Config{}, err
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(text); err != nil {
		file.Close()
		return aws.Config{}, err
	}
	if err := file.Close(); err != nil {
		return aws.Config{}, err
	}
	options := []func(*config.LoadOptions) error{
		config.WithRetryMaxAttempts(Attempts), config.WithLogger(logging.Nop{}),
		// Named on purpose: an AWS_PROFILE that no file has would fail the load.
		config.WithSharedConfigProfile("default"),
		config.WithSharedConfigFiles([]string{file.Name()}), config.WithSharedCredentialsFiles([]string{}),
	}
	if ownCredentials {
		options = append(options, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	return config.LoadDefaultConfig(ctx, options...)
}
