package cfn_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/spec"
	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
)

var dev = cfn.Place{Account: "111111111111", Region: "us-east-1"}

// fakeProvisioner keeps resources by physical id and writes down what it was asked.
type fakeProvisioner struct {
	mu      sync.Mutex
	exists  map[string]cfn.Request // by place and physical id
	journal []string
	fail    map[string]string // "create Table" → reason
	hide    string            // an attribute that no resource has
}

func (p *fakeProvisioner) note(env cfn.Environment, verb, logicalID, physicalID string) error {
	p.journal = append(p.journal, strings.TrimSpace(verb+" "+logicalID+" "+physicalID))
	if reason, ok := p.fail[verb+" "+logicalID]; ok {
		return errors.New(reason)
	}
	return nil
}

func (p *fakeProvisioner) outcome(env cfn.Environment, r cfn.Request, physicalID string) cfn.Outcome {
	attributes := map[string]any{"Arn": "arn:" + env.Partition + ":fake:" + env.Region + ":" + env.Account + ":" + physicalID}
	if t, ok := spec.Lookup(r.Type); ok {
		for name := range t.Attributes {
			if _, has := attributes[name]; !has && name != p.hide {
				attributes[name] = physicalID + "/" + name
			}
		}
	}
	return cfn.Outcome{PhysicalID: physicalID, Attributes: attributes}
}

func key(env cfn.Environment, typeName, physicalID string) string {
	return strings.Join([]string{env.Account, env.Region, typeName, physicalID}, "|")
}

func (p *fakeProvisioner) Create(_ context.Context, env cfn.Environment, r cfn.Request) (cfn.Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	physicalID := cfn.GeneratedName(env.StackName, r.LogicalID, r.Token, 64)
	if t, ok := spec.Lookup(r.Type); ok {
		if name, named := t.PhysicalName(r.Properties); named {
			physicalID = name
		}
	}
	if err := p.note(env, "create", r.LogicalID, ""); err != nil {
		return cfn.Outcome{}, err
	}
	if _, taken := p.exists[key(env, r.Type, physicalID)]; taken {
		return cfn.Outcome{}, fmt.Errorf("%s already exists", physicalID)
	}
	p.exists[key(env, r.Type, physicalID)] = r
	return p.outcome(env, r, physicalID), nil
}

func (p *fakeProvisioner) Update(_ context.Context, env cfn.Environment, current cfn.Resource, r cfn.Request) (cfn.Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.note(env, "update", r.LogicalID, ""); err != nil {
		return cfn.Outcome{}, err
	}
	if r.Properties["Description"] == "needs another" && current.Properties["Description"] != "needs another" {
		return cfn.Outcome{}, cfn.ErrReplace
	}
	p.exists[key(env, r.Type, current.PhysicalID)] = r
	return p.outcome(env, r, current.PhysicalID), nil
}

func (p *fakeProvisioner) Delete(_ context.Context, env cfn.Environment, current cfn.Resource) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.note(env, "delete", current.LogicalID, ""); err != nil {
		return err
	}
	delete(p.exists, key(env, current.Type, current.PhysicalID))
	return nil
}

// Imports, Find and Import know what is named; a queue is known by what AWS makes up.
func (p *fakeProvisioner) Imports(typeName string) bool { return typeName != "AWS::DAX::Cluster" }

func (p *fakeProvisioner) Find(_ context.Context, env cfn.Environment, typeName string, identifier map[string]string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, value := range identifier {
		if _, exists := p.exists[key(env, typeName, value)]; exists {
			return value, nil
		}
	}
	return "", fmt.Errorf("%s is not there", typeName)
}

func (p *fakeProvisioner) Import(_ context.Context, env cfn.Environment, r cfn.Request, physicalID string) (cfn.Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.note(env, "import", r.LogicalID, ""); err != nil {
		return cfn.Outcome{}, err
	}
	return p.outcome(env, r, physicalID), nil
}

// names lists the physical ids that exist in any place.
func (p *fakeProvisioner) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := []string{}
	for name := range p.exists {
		list = append(list, name[strings.LastIndex(name, "|")+1:])
	}
	slices.Sort(list)
	return list
}

func (p *fakeProvisioner) properties(typeName, physicalID string) map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exists[key(cfn.Environment{Account: dev.Account, Region: dev.Region}, typeName, physicalID)].Properties
}

func (p *fakeProvisioner) takeJournal() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.journal
	p.journal = nil
	return taken
}

func (p *fakeProvisioner) setFailure(what, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if reason == "" {
		delete(p.fail, what)
		return
	}
	p.fail[what] = reason
}

// bench is an engine with its fake.
type bench struct {
	*testing.T
	engine *cfn.Engine
	fake   *fakeProvisioner
	store  map[string]string // SSM
}

func newBench(t *testing.T, edit ...func(*cfn.Options)) *bench {
	t.Helper()
	b := &bench{
		T: t, fake: &fakeProvisioner{exists: map[string]cfn.Request{}, fail: map[string]string{}},
		store: map[string]string{"/cdk-bootstrap/hnb659fds/version": "30"},
	}
	options := cfn.Options{
		Provisioner: b.fake,
		Parameter: func(_ context.Context, _ cfn.Place, name, version string) (string, error) {
			value, ok := b.store[name+strings.TrimPrefix(":"+version, ":")]
			if !ok {
				return "", errors.New("ParameterNotFound")
			}
			return value, nil
		},
		Secret: func(_ context.Context, _ cfn.Place, reference string) (string, error) {
			return "secret of " + reference, nil
		},
	}
	for _, one := range edit {
		one(&options)
	}
	b.engine = cfn.New(options)
	t.Cleanup(b.engine.Close)
	return b
}

func (b *bench) wait() {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	require.NoError(b, b.engine.Wait(ctx))
}

func allCapabilities() []string { return []string{"CAPABILITY_NAMED_IAM"} }

// deploy does what cdk does: the old change set away, a new one, execute, wait.
func (b *bench) deploy(body string, edit ...func(*cfn.CreateChangeSetInput)) cfn.Stack {
	b.Helper()
	in := b.input(body, edit...)
	require.NoError(b, ignoreMissingStack(b.engine.DeleteChangeSet(dev, in.StackName, in.ChangeSetName)))
	made, err := b.engine.CreateChangeSet(context.Background(), dev, in)
	require.NoError(b, err)
	set, err := b.engine.DescribeChangeSet(dev, made.StackID, made.ChangeSetID)
	require.NoError(b, err)
	require.Equal(b, "CREATE_COMPLETE", set.Status, set.StatusReason)
	require.NoError(b, b.engine.ExecuteChangeSet(context.Background(), dev, cfn.ExecuteChangeSetInput{
		StackName: made.StackID, ChangeSetName: made.ChangeSetID,
	}))
	b.wait()
	return b.stack(made.StackID)
}

func ignoreMissingStack(err error) error {
	if err != nil && strings.Contains(err.Error(), "does not exist") {
		return nil
	}
	return err
}

func (b *bench) input(body string, edit ...func(*cfn.CreateChangeSetInput)) cfn.CreateChangeSetInput {
	b.Helper()
	in := cfn.CreateChangeSetInput{
		StackName: "notes", ChangeSetName: "cdk-deploy-change-set", Type: "UPDATE", Template: cfn.TemplateSource{Body: body},
		Capabilities: allCapabilities(),
	}
	for _, one := range edit {
		one(&in)
	}
	stacks, err := b.engine.DescribeStacks(dev, in.StackName)
	if err != nil || stacks[0].Status == "REVIEW_IN_PROGRESS" {
		in.Type = "CREATE"
	}
	return in
}

func (b *bench) changeSet(body string, edit ...func(*cfn.CreateChangeSetInput)) cfn.ChangeSet {
	b.Helper()
	in := b.input(body, edit...)
	in.ChangeSetName = "look"
	_ = b.engine.DeleteChangeSet(dev, in.StackName, in.ChangeSetName)
	made, err := b.engine.CreateChangeSet(context.Background(), dev, in)
	require.NoError(b, err)
	set, err := b.engine.DescribeChangeSet(dev, "", made.ChangeSetID)
	require.NoError(b, err)
	return set
}

func (b *bench) stack(name string) cfn.Stack {
	b.Helper()
	stacks, err := b.engine.DescribeStacks(dev, name)
	require.NoError(b, err)
	require.Len(b, stacks, 1)
	return stacks[0]
}

// story is the events oldest first, as "LogicalID STATUS reason".
func (b *bench) story(name string) []string {
	b.Helper()
	events, err := b.engine.DescribeStackEvents(dev, name)
	require.NoError(b, err)
	var lines []string
	for _, event := range slices.Backward(events) {
		lines = append(lines, strings.TrimSpace(event.LogicalID+" "+event.Status+" "+event.StatusReason))
	}
	return lines
}

func (b *bench) outputs(s cfn.Stack) map[string]string {
	values := map[string]string{}
	for _, output := range s.Outputs {
		values[output.Key] = output.Value
	}
	return values
}

func (b *bench) delete(name string) {
	b.Helper()
	require.NoError(b, b.engine.DeleteStack(context.Background(), dev, cfn.DeleteStackInput{StackName: name}))
	b.wait()
}

// refusal is the message of the error of creating a change set.
func (b *bench) refusal(body string, edit ...func(*cfn.CreateChangeSetInput)) string {
	b.Helper()
	in := b.input(body, edit...)
	in.ChangeSetName = "refused"
	_, err := b.engine.CreateChangeSet(context.Background(), dev, in)
	var refused *cfn.Error
	require.ErrorAs(b, err, &refused)
	assert.Equal(b, 400, refused.Status)
	return refused.Message
}
