package fleet

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Clock is AWS's: the Date of its answers. This machine's may be days off, and then what has been deployed since would
// look expired. The zero value is ready; it may be used by several goroutines at once.
type Clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

// Now is the time by the last answer's Date and what has passed since; by this machine's clock before any answer.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *Clock) hear(date, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = date.Sub(now)
}

// listen has clients of a configuration set the clock.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html
func (c *Clock) listen(config *aws.Config) {
	config.APIOptions = append(config.APIOptions[:len(config.APIOptions):len(config.APIOptions)], func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("RoadshowClock", func(
			ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
		) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			if answer, is := out.RawResponse.(*smithyhttp.Response); is {
				if date, wrong := http.ParseTime(answer.Header.Get("Date")); wrong == nil {
					c.hear(date, time.Now())
				}
			}
			return out, metadata, err
		}), middleware.Before)
	})
}

// Moment is a time in UTC for a report; nil where AWS does not say.
func Moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
