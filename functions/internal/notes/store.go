package notes

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The attributes of an item. The partition key must be called as the stack
// calls it.
const (
	keyAttribute     = "id"
	textAttribute    = "text"
	createdAttribute = "createdAt"
)

// PageSize is how many notes List returns at most.
const PageSize = 25

// maxKey is the longest partition key that DynamoDB takes, in bytes.
const maxKey = 2048

// ErrNotFound says that there is no note with that ID.
var ErrNotFound = errors.New("no such note")

// Table is what the store needs of DynamoDB. The client of DynamoDB has these
// methods, and so has that of DAX: nothing else here knows which one it is.
type Table interface {
	// PutItem writes an item, in place of one with the same key.
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	// GetItem reads an item by its key.
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	// Scan reads a page of all items.
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Store keeps notes in a table. It may be used by several goroutines.
type Store struct {
	table Table
	name  string
}

// NewStore keeps notes in the table of that name. Functions get theirs from Open.
func NewStore(table Table, name string) *Store { return &Store{table: table, name: name} }

// Put writes a note, in place of one with the same ID.
func (s *Store) Put(ctx context.Context, n Note) error {
	_, err := s.table.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.name, Item: toItem(n)})
	if err != nil {
		return fmt.Errorf("put note %s into table %s: %w", n.ID, s.name, err)
	}
	return nil
}

// Get reads a note. It gives ErrNotFound if there is none.
func (s *Store) Get(ctx context.Context, id string) (Note, error) {
	if id == "" || len(id) > maxKey || !utf8.ValidString(id) {
		return Note{}, ErrNotFound // DynamoDB would refuse the key
	}
	// Not ConsistentRead: DAX passes those on to DynamoDB, and would never
	// answer from its memory. What was written through DAX is in it at once.
	out, err := s.table.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.name, Key: key(id)})
	if err != nil {
		return Note{}, fmt.Errorf("get note from table %s: %w", s.name, err)
	}
	if len(out.Item) == 0 {
		return Note{}, ErrNotFound
	}
	return fromItem(out.Item)
}

// List reads up to PageSize notes, in no order that means anything. It starts
// behind the page that returned next, or at the beginning if next is empty, and
// returns the next of this page, empty behind the last one. A page may hold
// fewer notes, or none, and have another one behind it. A next that is none
// gives a *Problem.
func (s *Store) List(ctx context.Context, next string) (page []Note, after string, err error) {
	// ConsistentRead: DAX would answer the same list for five minutes, without
	// the note that was just written.
	in := &dynamodb.ScanInput{TableName: &s.name, Limit: aws.Int32(PageSize), ConsistentRead: aws.Bool(true)}
	if next != "" {
		id, err := base64.RawURLEncoding.DecodeString(next)
		if err != nil || len(id) == 0 || len(id) > maxKey || !utf8.Valid(id) {
			return nil, "", &Problem{Status: 400, Message: "next is not one that a list returned, want that of the page before or none"}
		}
		in.ExclusiveStartKey = key(string(id))
	}
	out, err := s.table.Scan(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("list notes of table %s: %w", s.name, err)
	}
	page = make([]Note, 0, len(out.Items)) // not nil: an empty list is [] in JSON
	for _, item := range out.Items {
		n, err := fromItem(item)
		if err != nil {
			// One item that something else wrote must not hide all the others.
			slog.WarnContext(ctx, "item is not a note", "table", s.name, "error", err)
			continue
		}
		page = append(page, n)
	}
	if last, ok := text(out.LastEvaluatedKey, keyAttribute); ok {
		after = base64.RawURLEncoding.EncodeToString([]byte(last))
	}
	return page, after, nil
}

func key(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{keyAttribute: &types.AttributeValueMemberS{Value: id}}
}

func toItem(n Note) map[string]types.AttributeValue {
	item := key(n.ID)
	item[textAttribute] = &types.AttributeValueMemberS{Value: n.Text}
	item[createdAttribute] = &types.AttributeValueMemberS{Value: n.CreatedAt.UTC().Format(time.RFC3339Nano)}
	return item
}

func fromItem(item map[string]types.AttributeValue) (Note, error) {
	id, ok := text(item, keyAttribute)
	if !ok {
		return Note{}, fmt.Errorf("item without a string %s", keyAttribute)
	}
	body, ok := text(item, textAttribute)
	if !ok {
		return Note{}, fmt.Errorf("item %s: no string %s", id, textAttribute)
	}
	created, _ := text(item, createdAttribute)
	at, err := time.Parse(time.RFC3339Nano, created)
	if err != nil {
		return Note{}, fmt.Errorf("item %s: %s is not a time: %w", id, createdAttribute, err)
	}
	return Note{ID: id, Text: body, CreatedAt: at}, nil
}

func text(item map[string]types.AttributeValue, name string) (string, bool) {
	s, ok := item[name].(*types.AttributeValueMemberS)
	if !ok || s == nil {
		return "", false
	}
	return s.Value, true
}
