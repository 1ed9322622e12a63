package stack

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
)

// LifecycleConfig is what becomes of objects by their age.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
type LifecycleConfig struct {
	// Prefix begins the keys that it is for. Default: every object.
	Prefix string

	// Expire is the age at which an object is deleted, in whole days. Default: never.
	Expire time.Duration

	// Transitions move objects, each at a greater age than the one before, and to a class that S3 moves objects to
	// from the one before. From [InfrequentAccess] and [OneZone] they move 30 days later at the earliest.
	// Default: none.
	Transitions []TransitionConfig
}

// TransitionConfig moves objects to another storage class.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
type TransitionConfig struct {
	// To is the storage class. Required.
	To StorageClass

	// After is the age, in whole days; at least 30 days to [InfrequentAccess] and [OneZone]. Required.
	After time.Duration
}

// StorageClass is where S3 keeps objects, at which price and with which access.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
type StorageClass string

// The storage classes that objects move to.
const (
	IntelligentTiering StorageClass = "INTELLIGENT_TIERING" // S3 chooses, by use
	InfrequentAccess   StorageClass = "STANDARD_IA"         // paid by access
	OneZone            StorageClass = "ONEZONE_IA"          // lost with its zone
	GlacierInstant     StorageClass = "GLACIER_IR"          // an archive that answers at once
	Glacier            StorageClass = "GLACIER"             // an archive that answers in hours
	DeepArchive        StorageClass = "DEEP_ARCHIVE"        // an archive that answers in a day
)

func (c LifecycleConfig) validate(field string) *ConfigError {
	if c.Expire == 0 && len(c.Transitions) == 0 {
		return &ConfigError{Field: field, Got: "without Expire and Transitions", Want: "given one of the two at least", Fix: "write Expire: 365 * 24 * time.Hour, or leave it out"}
	}
	var before TransitionConfig
	for i, transition := range c.Transitions {
		if problem := transition.validate(fmt.Sprintf("%s.Transitions[%d]", field, i), before); problem != nil {
			return problem
		}
		before = transition
	}
	if c.Expire != 0 && c.Expire <= before.After {
		return &ConfigError{Field: field + ".Expire", Got: days(c.Expire), Want: "more than " + days(before.After) + ", the last of Transitions", Fix: "raise it, or leave the last out"}
	}
	return nil
}

// onward are the classes that S3 moves objects to from a class; from the standard one, which objects are in at
// first, to each. https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
var onward = map[StorageClass][]StorageClass{
	"":                 {IntelligentTiering, InfrequentAccess, OneZone, GlacierInstant, Glacier, DeepArchive},
	InfrequentAccess:   {IntelligentTiering, OneZone, GlacierInstant, Glacier, DeepArchive},
	IntelligentTiering: {OneZone, GlacierInstant, Glacier, DeepArchive},
	OneZone:            {Glacier, DeepArchive},
	GlacierInstant:     {Glacier, DeepArchive},
	Glacier:            {DeepArchive},
}

const lifecyclePage = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html"

// stays is how long objects are in a class of infrequent access before they move, and in the standard one before they
// move there.
const stays = 30 * day

// validate checks a transition, behind the one before; before the first there is none.
func (c TransitionConfig) validate(field string, before TransitionConfig) *ConfigError {
	infrequent := func(class StorageClass) bool { return class == InfrequentAccess || class == OneZone }
	least := day
	if infrequent(c.To) {
		least = stays
	}
	switch {
	case !slices.Contains(onward[""], c.To):
		return &ConfigError{Field: field + ".To", Got: fmt.Sprintf("%q", c.To), Want: "a storage class, such as stack.IntelligentTiering", Fix: "write To: stack.IntelligentTiering"}
	case !slices.Contains(onward[before.To], c.To):
		return &ConfigError{
			Field: field + ".To", Got: fmt.Sprintf("%s, behind %s", c.To, before.To), Want: "a class that S3 moves objects to from there: " + classes(onward[before.To]),
			Fix: "leave one of the two out", Docs: lifecyclePage,
		}
	case c.After < least:
		return &ConfigError{Field: field + ".After", Got: days(c.After), Want: "at least " + days(least), Fix: "write After: 30 * 24 * time.Hour"}
	case c.After <= before.After:
		return &ConfigError{Field: field + ".After", Got: days(c.After), Want: "more than " + days(before.After) + ", that of the one before", Fix: "order them by age"}
	case infrequent(before.To) && c.After < before.After+stays:
		return &ConfigError{
			Field: field + ".After", Got: fmt.Sprintf("%s, behind %s after %s", days(c.After), before.To, days(before.After)), Want: "at least " + days(before.After+stays) + ", since objects stay there for 30 days",
			Fix: "raise it", Docs: lifecyclePage,
		}
	}
	return nil
}

func classes(all []StorageClass) string {
	if len(all) == 0 {
		return "none"
	}
	words := make([]string, len(all))
	for i, class := range all {
		words[i] = string(class)
	}
	return strings.Join(words, ", ")
}

// days is an age in words.
func days(age time.Duration) string {
	return fmt.Sprintf("%d days", age/day)
}

func inDays(age time.Duration) awscdk.Duration {
	return awscdk.Duration_Days(jsiiconv.Number(int(age / day)))
}

func (c LifecycleConfig) props(id string) *awss3.LifecycleRule {
	rule := &awss3.LifecycleRule{Id: jsiiconv.String(id), Prefix: jsiiconv.String(c.Prefix)}
	if c.Expire != 0 {
		rule.Expiration = inDays(c.Expire)
	}
	if len(c.Transitions) > 0 {
		transitions := make([]*awss3.Transition, len(c.Transitions))
		for i, transition := range c.Transitions {
			transitions[i] = &awss3.Transition{
				StorageClass: awss3.NewStorageClass(jsiiconv.String(string(transition.To))), TransitionAfter: inDays(transition.After),
			}
		}
		rule.Transitions = &transitions
	}
	return rule
}
