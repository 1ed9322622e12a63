package stack

import (
	"fmt"
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
)

// EncryptionConfig encrypts with a key of the account's own instead of AWS's, so that its use can be
// refused and is logged. Whoever is granted the component may use the key for it, and through its service
// only. A key costs by the month and by the request.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#customer-mgn-key
type EncryptionConfig struct {
	// KeyARN is an existing key of the stage's account and region, whose policy lets the account's roles
	// use it: a pick, since every account has another. Default: a key is made, which AWS rotates yearly.
	KeyARN string
}

var keyARN = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)

func (c EncryptionConfig) validate() *ConfigError {
	if c.KeyARN != "" && !keyARN.MatchString(c.KeyARN) {
		return &ConfigError{
			Field: "Encryption.KeyARN", Got: fmt.Sprintf("%q", c.KeyARN), Want: "the ARN of a KMS key",
			Fix: `write "arn:aws:kms:REGION:ACCOUNT:key/ID", or leave it out`,
		}
	}
	return nil
}

// key is the key to encrypt a component with.
func (c EncryptionConfig) key(of component, scope constructs.Construct) awskms.IKey {
	if c.KeyARN != "" {
		return awskms.Key_FromKeyArn(scope, jsiiconv.String("Key"), jsiiconv.String(c.KeyARN))
	}
	return awskms.NewKey(scope, jsiiconv.String("Key"), &awskms.KeyProps{
		Description: jsiiconv.String(of.String()), EnableKeyRotation: jsiiconv.Bool(true), RemovalPolicy: of.stack.retention().data,
	})
}
