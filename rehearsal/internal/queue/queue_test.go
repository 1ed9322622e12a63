package queue

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	morning  = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)
	standard = Settings{Retention: 4 * 24 * time.Hour}
	fifo     = Settings{Retention: 4 * 24 * time.Hour, FIFO: true, ByContent: true}
)

func bodies(messages []Message) []string {
	texts := []string{}
	for _, m := range messages {
		texts = append(texts, m.Body)
	}
	return texts
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
func TestAMessageIsHiddenUntilItsTimeIsOverOrItIsDeleted(t *testing.T) {
	var q Queue
	q.Send(standard, Message{Body: "a"}, 0, morning)
	q.Send(standard, Message{Body: "later"}, time.Minute, morning)
	got, _ := q.Receive(standard, 10, 30*time.Second, morning)
	require.Equal(t, []string{"a"}, bodies(got))
	visible, inFlight, delayed := q.Counts(standard, morning)
	assert.Equal(t, []int{0, 1, 1}, []int{visible, inFlight, delayed})

	again, _ := q.Receive(standard, 10, 30*time.Second, morning.Add(29*time.Second))
	assert.Empty(t, again)
	require.True(t, q.Hide(got[0].Receipt, 0, morning.Add(29*time.Second)), "it is given back at once")
	again, _ = q.Receive(standard, 10, 30*time.Second, morning.Add(29*time.Second))
	require.Equal(t, []string{"a"}, bodies(again))
	assert.Equal(t, 2, again[0].Received)
	assert.Equal(t, morning, again[0].First)
	q.Delete(got[0].Receipt)
	assert.Len(t, q.Messages, 2, "an old handle deletes nothing")
	q.Delete(again[0].Receipt)
	got, _ = q.Receive(standard, 10, 0, morning.Add(time.Hour))
	assert.Equal(t, []string{"later"}, bodies(got))
	got, _ = q.Receive(standard, 10, 0, morning.Add(standard.Retention))
	assert.Empty(t, got, "it was kept for its time")
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func TestAMessageThatIsReceivedTooOftenIsDead(t *testing.T) {
	var q, dead Queue
	settings := standard
	settings.MostReceives = 2
	sent := q.Send(settings, Message{Body: "a"}, 0, morning)
	for range 2 {
		got, lost := q.Receive(settings, 1, 0, morning)
		require.Len(t, got, 1)
		require.Empty(t, lost)
	}
	got, lost := q.Receive(settings, 1, 0, morning)
	require.Empty(t, got)
	require.Equal(t, []string{"a"}, bodies(lost))
	dead.Bury(lost[0], morning)
	got, _ = dead.Receive(standard, 1, 0, morning)
	require.Equal(t, sent.ID, got[0].ID, "it is the same message")
	assert.Equal(t, sent.Sent, got[0].Sent, "and keeps its time")
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
func TestAGroupOfAFIFOQueueIsReceivedInOrderByOneReceiverAtATime(t *testing.T) {
	var q Queue
	for _, each := range []struct{ group, body string }{{"x", "x1"}, {"y", "y1"}, {"x", "x2"}, {"x", "x2"}} {
		q.Send(fifo, Message{Group: each.group, Body: each.body}, 0, morning)
	}
	got, _ := q.Receive(fifo, 1, time.Minute, morning)
	require.Equal(t, []string{"x1"}, bodies(got))
	other, _ := q.Receive(fifo, 10, time.Minute, morning)
	require.Equal(t, []string{"y1"}, bodies(other), "somebody has one of x")
	q.Delete(got[0].Receipt)
	got, _ = q.Receive(fifo, 10, time.Minute, morning)
	require.Equal(t, []string{"x2"}, bodies(got), "the second one was the same message")
	first, second := q.Send(fifo, Message{Group: "x", Body: "x2"}, 0, morning.Add(deduplicates)), q.Send(fifo, Message{Group: "x", Body: "x3"}, 0, morning)
	assert.NotEqual(t, got[0].ID, first.ID, "after five minutes it is another one")
	assert.Less(t, first.Sequence, second.Sequence)
}

func TestNoMessageIsLostOrGivenTwiceAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		settings := []Settings{standard, fifo}[rapid.IntRange(0, 1).Draw(t, "kind")]
		settings.MostReceives = rapid.IntRange(0, 3).Draw(t, "receives")
		var q Queue
		now, sent, gone := morning, 0, 0
		held := map[string]time.Time{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				q.Send(settings, Message{Body: time.Duration(sent).String(), Group: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "group")}, 0, now)
				sent++
			case 1:
				got, dead := q.Receive(settings, rapid.IntRange(1, 10).Draw(t, "most"), 10*time.Second, now)
				gone += len(dead)
				for _, m := range got {
					if held[m.ID].After(now) {
						t.Fatalf("%s is given to two receivers", m.ID)
					}
					held[m.ID] = now.Add(10 * time.Second)
				}
			case 2:
				if len(q.Messages) > 0 && q.Messages[0].Receipt != "" {
					q.Delete(q.Messages[0].Receipt)
					gone++
				}
			}
			if len(q.Messages)+gone != sent {
				t.Fatalf("%d messages are left, %d are gone, %d were sent", len(q.Messages), gone, sent)
			}
		}
		text, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		var again Queue
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if len(again.Messages) != len(q.Messages) {
			t.Fatal("a saved queue has lost messages")
		}
	})
}
