// Package queue holds the messages of queues of SQS, and knows no server: who is asked, when, and whether
// the caller may, is decided before.
package queue

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Settings are those of a queue that its messages go by.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
type Settings struct {
	FIFO bool
	// ByContent takes two messages with one body for the same message, ByGroup only those of one group.
	ByContent, ByGroup bool
	// Retention is how long a message is kept, from its sending.
	Retention time.Duration
	// MostReceives is how often a message is received before it is dead; 0 for any number of times.
	MostReceives int
}

// Message is a message of a queue.
type Message struct {
	ID, Body string
	// Attributes are the sender's, as they came.
	Attributes map[string]Attribute `json:",omitempty"`
	// Group and Deduplication are of a FIFO queue, Sequence the number that it has given the message.
	Group         string `json:",omitempty"`
	Deduplication string `json:",omitempty"`
	Sequence      string `json:",omitempty"`
	Sender        string
	Sent          time.Time
	// Visible is when the message can be received, next or for the first time.
	Visible time.Time
	// First is when it was received first, zero if never; Received counts how often.
	First    time.Time `json:",omitzero"`
	Received int       `json:",omitempty"`
	// Receipt is the handle of the last receiver; those before it are good for nothing.
	Receipt string `json:",omitempty"`
}

// Attribute is one of a message's own attributes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_MessageAttributeValue.html
type Attribute struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

// inFlight says whether somebody has received a message and may still delete it.
func (m *Message) inFlight(now time.Time) bool { return m.Received > 0 && m.Visible.After(now) }

// Queue holds messages in the order of their sending. The zero value is empty.
type Queue struct {
	Messages []*Message `json:",omitempty"`
	// Sent are the messages of the last minutes, by what deduplicates them.
	Sent map[string]Sent `json:",omitempty"`
	// Count is of the messages that a FIFO queue has taken.
	Count int `json:",omitempty"`
}

// Sent is a message that a FIFO queue does not take twice.
type Sent struct {
	ID, Sequence string
	Until        time.Time
}

// deduplicates is how long a FIFO queue takes a message once.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
const deduplicates = 5 * time.Minute

// Send adds a message, which can be received after a delay, and gives it its id, and its sequence number in
// a FIFO queue. One that was sent already is the same message, and is not added.
func (q *Queue) Send(s Settings, m Message, delay time.Duration, now time.Time) Message {
	m.ID, m.Sent, m.Visible = newID(), now, now.Add(delay)
	if !s.FIFO {
		q.Messages = append(q.Messages, &m)
		return m
	}
	if m.Deduplication == "" && s.ByContent {
		sum := sha256.Sum256([]byte(m.Body))
		m.Deduplication = hex.EncodeToString(sum[:])
	}
	maps.DeleteFunc(q.Sent, func(_ string, sent Sent) bool { return !sent.Until.After(now) })
	key := m.Deduplication
	if s.ByGroup {
		key = m.Group + "\x00" + key
	}
	if sent, known := q.Sent[key]; known {
		m.ID, m.Sequence = sent.ID, sent.Sequence
		return m
	}
	q.Count++
	m.Sequence = fmt.Sprintf("%020d", q.Count)
	if q.Sent == nil {
		q.Sent = map[string]Sent{}
	}
	q.Sent[key] = Sent{m.ID, m.Sequence, now.Add(deduplicates)}
	q.Messages = append(q.Messages, &m)
	return m
}

// Receive gives the messages that can be received, and hides them from other receivers for a while. Those
// that were received too often are dead: they leave the queue, and are given apart. A FIFO queue gives no
// message of a group that somebody has one of.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
func (q *Queue) Receive(s Settings, most int, hidden time.Duration, now time.Time) (got, dead []Message) {
	q.expire(s, now)
	held := map[string]bool{}
	q.Messages = slices.DeleteFunc(q.Messages, func(m *Message) bool {
		switch {
		case s.FIFO && (held[m.Group] || m.Visible.After(now)):
			held[m.Group] = true
			return false
		case m.Visible.After(now) || len(got) == most:
			return false
		case s.MostReceives > 0 && m.Received >= s.MostReceives:
			dead = append(dead, *m)
			return true
		}
		if m.Received++; m.Received == 1 {
			m.First = now
		}
		m.Visible, m.Receipt = now.Add(hidden), newID()
		got = append(got, *m)
		return false
	})
	return got, dead
}

// Bury adds a message that died in another queue: it stays what it was, and keeps its time.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func (q *Queue) Bury(m Message, now time.Time) {
	m.Visible, m.Receipt = now, ""
	q.Messages = append(q.Messages, &m)
}

func (q *Queue) expire(s Settings, now time.Time) {
	q.Messages = slices.DeleteFunc(q.Messages, func(m *Message) bool { return !m.Sent.Add(s.Retention).After(now) })
}

// Delete deletes the message that a handle was given for; of one that is gone, nothing.
func (q *Queue) Delete(receipt string) {
	q.Messages = slices.DeleteFunc(q.Messages, func(m *Message) bool { return receipt != "" && m.Receipt == receipt })
}

// Hide makes a message that was received invisible for a time from now, which may be none. It says whether
// the message is in flight.
func (q *Queue) Hide(receipt string, hidden time.Duration, now time.Time) bool {
	for _, m := range q.Messages {
		if receipt != "" && m.Receipt == receipt && m.inFlight(now) {
			m.Visible = now.Add(hidden)
			return true
		}
	}
	return false
}

// Counts are how many messages can be received, are in flight, and are delayed.
func (q *Queue) Counts(s Settings, now time.Time) (visible, inFlight, delayed int) {
	q.expire(s, now)
	for _, m := range q.Messages {
		switch {
		case m.inFlight(now):
			inFlight++
		case m.Visible.After(now):
			delayed++
		default:
			visible++
		}
	}
	return visible, inFlight, delayed
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
