package stack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func moves(steps ...any) LifecycleConfig {
	var c LifecycleConfig
	for i := 0; i < len(steps); i += 2 {
		c.Transitions = append(c.Transitions, TransitionConfig{To: steps[i].(StorageClass), After: time.Duration(steps[i+1].(int)) * day})
	}
	return c
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
func TestTheTransitionsOfAWSAreTakenInTheirOrderOnly(t *testing.T) {
	for _, taken := range []LifecycleConfig{
		moves(InfrequentAccess, 30, Glacier, 60, DeepArchive, 90),
		moves(IntelligentTiering, 1, DeepArchive, 2),
		moves(InfrequentAccess, 30, OneZone, 60, Glacier, 90),
		moves(GlacierInstant, 1, Glacier, 2),
		moves(DeepArchive, 1),
	} {
		assert.Nil(t, taken.validate("Lifecycle[0]"), taken)
	}
	for _, tt := range []struct {
		config      LifecycleConfig
		field, want string
	}{
		{moves(DeepArchive, 30, InfrequentAccess, 31), "Lifecycle[0].Transitions[1].To", "a class that S3 moves objects to from there: none"},
		{moves(IntelligentTiering, 1, InfrequentAccess, 60), "Lifecycle[0].Transitions[1].To", "a class that S3 moves objects to from there: ONEZONE_IA, GLACIER_IR, GLACIER, DEEP_ARCHIVE"},
		{moves(OneZone, 30, GlacierInstant, 90), "Lifecycle[0].Transitions[1].To", "a class that S3 moves objects to from there: GLACIER, DEEP_ARCHIVE"},
		{moves(Glacier, 1, Glacier, 2), "Lifecycle[0].Transitions[1].To", "a class that S3 moves objects to from there: DEEP_ARCHIVE"},
		{moves(InfrequentAccess, 30, Glacier, 59), "Lifecycle[0].Transitions[1].After", "at least 60 days, since objects stay there for 30 days"},
		{moves(OneZone, 40, DeepArchive, 69), "Lifecycle[0].Transitions[1].After", "at least 70 days, since objects stay there for 30 days"},
		{moves(InfrequentAccess, 29), "Lifecycle[0].Transitions[0].After", "at least 30 days"},
		{moves(Glacier, 0), "Lifecycle[0].Transitions[0].After", "at least 1 days"},
		{moves(StorageClass("STANDARD"), 10), "Lifecycle[0].Transitions[0].To", "a storage class, such as stack.IntelligentTiering"},
	} {
		problem := tt.config.validate("Lifecycle[0]")
		if assert.NotNil(t, problem, tt.config) {
			assert.Equal(t, tt.field, problem.Field)
			assert.Equal(t, tt.want, problem.Want)
		}
	}
}
