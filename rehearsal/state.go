package rehearsal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/spec"
	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
)

// stateVersion counts the forms of the document that Save writes. A field that
// an older version would not understand raises it.
const stateVersion = 1

// state is the document: see Save for its words.
type state struct {
	Version int
	// Digest is the SHA-256 of Accounts, without white space, in hex. Save
	// writes it; who writes or edits a document by hand leaves it out.
	Digest   string `json:",omitempty"`
	Accounts json.RawMessage
}

// accountState is one account. What is nil is not spoken of.
type accountState struct {
	Closed    *bool                              `json:",omitempty"`
	Resources []resourceState                    `json:",omitzero"`
	Buckets   map[string]map[string]*objectState `json:",omitzero"`
	Uploads   map[string]*uploadState            `json:",omitzero"`
	Stacks    []cfn.StackState                   `json:",omitzero"`
	Services  map[string]json.RawMessage         `json:",omitzero"`
}

type resourceState struct {
	Region     string
	Type       string
	PhysicalID string     `json:",omitempty"`
	Name       string     `json:",omitempty"`
	Properties cfn.Values `json:",omitempty"`
	Attributes cfn.Values `json:",omitempty"`
	Stack      string     `json:",omitempty"`
	StackID    string     `json:",omitempty"`
	LogicalID  string     `json:",omitempty"`
	Created    time.Time  `json:",omitzero"`
	Changed    time.Time  `json:",omitzero"`
	Seed       string     `json:",omitempty"`
	Code       *codeState `json:",omitempty"`
	Revision   int64      `json:",omitempty"`
}

type codeState struct {
	SHA256 string
	Size   int
}

type objectState struct {
	Content  []byte
	Header   http.Header `json:",omitempty"`
	ETag     string      `json:",omitempty"`
	Modified time.Time   `json:",omitzero"`
}

type uploadState struct {
	Bucket, Key string
	Header      http.Header    `json:",omitempty"`
	Parts       map[int][]byte `json:",omitempty"`
}

// Save writes everything that the accounts hold: resources of every service,
// objects and uploads of S3, stacks with their events and change sets, and what
// a service keeps besides. What is under way is waited for. Not saved are
// access keys, the credentials that AssumeRole gave out, faults and the record
// of calls. Values that are secret to AWS, such as a SecureString, stand in the
// document as they are.
//
// The document is JSON. Version is 1; Accounts has a member for each account
// with its Closed, Resources, Buckets, Uploads, Stacks and Services, in the
// words of CloudFormation and of each service; Digest guards against damage.
func (s *Server) Save(w io.Writer) error {
	accounts, err := s.state()
	if err != nil {
		return fmt.Errorf("rehearsal: save: %w", err)
	}
	document, err := json.MarshalIndent(state{Version: stateVersion, Digest: hashed(accounts), Accounts: accounts}, "", " ")
	if err != nil {
		return fmt.Errorf("rehearsal: save: %w", err)
	}
	_, err = w.Write(append(document, '\n'))
	return err
}

// state is what all accounts hold at one moment, as JSON.
func (s *Server) state() ([]byte, error) {
	defer s.pause()()
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	accounts := map[string]accountState{}
	for id := range s.store.accounts {
		account, err := s.store.state(id)
		if err != nil {
			return nil, err
		}
		account.Stacks = s.engine.State(id)
		accounts[id] = account
	}
	return json.Marshal(accounts)
}

// Load reads a document that Save wrote, or one by hand that seeds accounts,
// and that may speak of a part only: of some accounts, and of some sections of
// an account. A section that is there replaces what the account holds, one that
// is not leaves it alone. In a document by hand a resource needs no more than
// Region, Type and Properties: it is then made by the rules of its type, as
// Console.Create makes it, in the order of the document; a Created keeps its
// time.
//
// A document that is damaged, cut off, of a newer version, or that speaks of
// an account which the server does not have, is an error and changes nothing.
func (s *Server) Load(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("rehearsal: load: %w", err)
	}
	accounts, err := readState(content)
	if err != nil {
		return fmt.Errorf("rehearsal: load: %w", err)
	}
	defer s.pause()()
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	next, stacks := s.store.copy(), map[string][]cfn.StackState{}
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		if !s.store.accounts[id] {
			return fmt.Errorf("rehearsal: load: the document has account %q, want those of the server; give it to Config.Accounts", id)
		}
		if accounts[id].Resources != nil {
			maps.DeleteFunc(next.resources, func(_ string, r *Resource) bool { return r.Account == id })
		}
		if accounts[id].Stacks != nil {
			stacks[id] = accounts[id].Stacks
		}
	}
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		if err := next.setState(id, accounts[id]); err != nil {
			return fmt.Errorf("rehearsal: load: account %s: %w", id, err)
		}
	}
	if err := s.engine.SetState(stacks); err != nil {
		return fmt.Errorf("rehearsal: load: %w", err)
	}
	s.store.closed, s.store.resources, s.store.objects, s.store.uploads, s.store.kept = next.closed, next.resources, next.objects, next.uploads, next.kept
	s.store.index = index{}
	s.store.changes.Add(1)
	return nil
}

// readState reads the document as far as that needs no server.
func readState(content []byte) (map[string]accountState, error) {
	var version struct{ Version int }
	switch err := json.Unmarshal(content, &version); {
	case err != nil:
		return nil, fmt.Errorf("the document is no JSON, or cut off: %w", err)
	case version.Version > stateVersion:
		return nil, fmt.Errorf("document: Version is %d, want at most %d; a newer Roadshow wrote it, use that one", version.Version, stateVersion)
	case version.Version < 1:
		return nil, fmt.Errorf("document: Version is %d, want %d; this is no state of a rehearsal", version.Version, stateVersion)
	}
	var document state
	if err := decodeStrictly(content, &document); err != nil {
		return nil, err
	}
	var plain bytes.Buffer
	if err := json.Compact(&plain, document.Accounts); err != nil {
		return nil, fmt.Errorf("document: Accounts is missing: %w", err)
	}
	if document.Digest != "" && document.Digest != hashed(plain.Bytes()) {
		return nil, errors.New("document: Digest is not that of Accounts, the document is damaged; leave Digest out of one that was changed by hand")
	}
	accounts := map[string]accountState{}
	return accounts, decodeStrictly(document.Accounts, &accounts)
}

// decodeStrictly refuses fields that nobody reads.
func decodeStrictly(content []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// pause waits until nothing is under way and keeps requests waiting, until the
// returned function is called.
func (s *Server) pause() (resume func()) {
	for {
		_ = s.engine.Wait(context.Background()) // this context has no end
		s.store.working.Lock()
		if s.engine.Idle() {
			return s.store.working.Unlock
		}
		s.store.working.Unlock()
	}
}

// copy is a store whose maps can be changed without changing this one's; what
// they hold is shared. The caller holds the lock.
func (s *store) copy() *store {
	made := &store{
		accounts: s.accounts, closed: maps.Clone(s.closed), resources: maps.Clone(s.resources), objects: maps.Clone(s.objects),
		uploads: maps.Clone(s.uploads), kept: maps.Clone(s.kept),
	}
	made.ahead.Store(s.ahead.Load())
	return made
}

// state is what an account holds, without its stacks; the caller holds the lock.
func (s *store) state(account string) (accountState, error) {
	saved := accountState{
		Closed: new(s.closed[account]), Resources: []resourceState{}, Buckets: map[string]map[string]*objectState{},
		Uploads: map[string]*uploadState{},
	}
	for _, r := range s.held(func(r *Resource) bool { return r.Account == account }) {
		saved.Resources = append(saved.Resources, r.state())
		if r.Type == "AWS::S3::Bucket" {
			saved.Buckets[r.Name] = map[string]*objectState{}
			for name, o := range s.objects[r.Name] {
				saved.Buckets[r.Name][name] = &objectState{Content: o.content, Header: o.header, ETag: o.tag, Modified: o.modified}
			}
		}
	}
	for id, u := range s.uploads {
		if _, ours := saved.Buckets[u.bucket]; ours {
			saved.Uploads[id] = &uploadState{Bucket: u.bucket, Key: u.key, Header: u.header, Parts: u.parts}
		}
	}
	var err error
	saved.Services, err = s.services(account)
	return saved, err
}

// services is what services keep of an account, as JSON.
func (s *store) services(account string) (map[string]json.RawMessage, error) {
	saved := map[string]json.RawMessage{}
	for name, section := range s.kept[account] {
		text, err := json.Marshal(section)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		saved[name] = text
	}
	return saved, nil
}

// setState replaces the sections that are given. The resources that the account
// had are gone already.
func (s *store) setState(account string, given accountState) error {
	if given.Closed != nil {
		s.closed[account] = *given.Closed
	}
	// First what services keep: the quotas hold for the resources.
	if err := s.setServices(account, given.Services); err != nil {
		return err
	}
	for i, saved := range given.Resources {
		if err := s.restore(account, i, saved); err != nil {
			return fmt.Errorf("resource %d, %s %s: %w", i+1, saved.Type, orElse(saved.Name, saved.PhysicalID), err)
		}
	}
	if err := s.checkItems(account, given.Services["dynamodb"] != nil); err != nil {
		return err
	}
	return s.setObjects(account, given)
}

// setServices replaces what services keep of an account. What is not given is copied, since making resources may change
// it.
func (s *store) setServices(account string, given map[string]json.RawMessage) error {
	all, err := s.services(account)
	if err != nil {
		return err
	}
	maps.Copy(all, given)
	s.kept[account] = map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		section, err := readSection(name, all[name])
		if err != nil {
			return fmt.Errorf("services: %w", err)
		}
		s.kept[account][name] = section
	}
	return nil
}

// setObjects replaces what the account's buckets hold, and drops what was in
// buckets that are gone.
func (s *store) setObjects(account string, given accountState) error {
	owner := func(bucket string) string {
		if held := s.get(place{}, "AWS::S3::Bucket", bucket); held != nil {
			return held.Account
		}
		return ""
	}
	maps.DeleteFunc(s.objects, func(bucket string, _ map[string]*storedObject) bool {
		return owner(bucket) == "" || given.Buckets != nil && owner(bucket) == account
	})
	maps.DeleteFunc(s.uploads, func(_ string, u *upload) bool {
		return owner(u.bucket) == "" || given.Uploads != nil && owner(u.bucket) == account
	})
	for _, r := range s.resources {
		if r.Type == "AWS::S3::Bucket" && s.objects[r.Name] == nil {
			s.objects[r.Name] = map[string]*storedObject{}
		}
	}
	for _, bucket := range slices.Sorted(maps.Keys(given.Buckets)) {
		if owner(bucket) != account {
			return fmt.Errorf("buckets: %q is no bucket of the account", bucket)
		}
		for name, saved := range given.Buckets[bucket] {
			stored, err := saved.restore()
			if err != nil {
				return fmt.Errorf("buckets: %s/%s: %w", bucket, name, err)
			}
			s.objects[bucket][name] = stored
		}
	}
	for id, saved := range given.Uploads {
		if saved == nil || owner(saved.Bucket) != account {
			return fmt.Errorf("uploads: %q is to no bucket of the account", id)
		}
		s.uploads[id] = &upload{bucket: saved.Bucket, key: saved.Key, header: saved.Header, parts: saved.Parts}
		if saved.Parts == nil {
			s.uploads[id].parts = map[int][]byte{}
		}
	}
	return nil
}

func (saved *objectState) restore() (*storedObject, error) {
	if saved == nil {
		return nil, errors.New("the object is null")
	}
	stored := newObject(saved.Content, saved.Header)
	switch {
	case saved.ETag == "":
	case strings.Contains(saved.ETag, "-"): // of an upload in parts, which the content does not tell
		stored.tag = saved.ETag
	case saved.ETag != stored.tag:
		return nil, fmt.Errorf("object: ETag is %s, want %s, that of the content", saved.ETag, stored.tag)
	}
	if !saved.Modified.IsZero() {
		stored.modified = saved.Modified
	}
	return stored, nil
}

func (r *Resource) state() resourceState {
	saved := resourceState{
		Region: r.Region, Type: r.Type, PhysicalID: r.PhysicalID, Name: r.Name, Properties: r.Properties, Attributes: r.Attributes,
		Stack: r.Stack, StackID: r.StackID, LogicalID: r.LogicalID, Created: r.Created, Changed: r.Changed, Seed: r.seed, Revision: r.revision,
	}
	if r.code != nil {
		saved.Code = &codeState{SHA256: r.code.sha256, Size: r.code.size}
	}
	return saved
}

// restore adds a saved resource as it was, or makes one that was written by
// hand; the number tells those apart that have no name.
func (s *store) restore(account string, number int, saved resourceState) error {
	t, known := spec.Lookup(saved.Type)
	if !known {
		return errors.New("the type is not known")
	}
	if saved.Region == "" {
		return errors.New("resource: Region is empty, want one")
	}
	r := &Resource{
		Account: account, Region: saved.Region, Type: saved.Type, PhysicalID: saved.PhysicalID, Name: orElse(saved.Name, saved.PhysicalID),
		Properties: saved.Properties, Attributes: saved.Attributes, Stack: saved.Stack, StackID: saved.StackID, LogicalID: saved.LogicalID,
		Created: saved.Created, Changed: saved.Changed, revision: saved.Revision,
		seed: orElse(saved.Seed, fmt.Sprintf("%s|%s|%s|%d", account, saved.Region, saved.Type, number)),
	}
	if r.PhysicalID == "" {
		if err := s.make(r); err != nil || saved.Created.IsZero() {
			return err
		}
		r.Created, r.Changed = saved.Created, saved.Created
		return nil
	}
	if saved.Type == lambdaFunction || saved.Type == lambdaVersion {
		r.code = &codeImage{}
	}
	if saved.Code != nil {
		r.code = &codeImage{sha256: saved.Code.SHA256, size: saved.Code.Size}
	}
	if s.resources[identity(r, t)] != nil {
		return errors.New("it is there twice")
	}
	s.resources[identity(r, t)] = r
	return nil
}
