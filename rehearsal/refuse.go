package rehearsal

import (
	"iter"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/spec"
	"github.com/roadshow-go/roadshow/rehearsal/internal/rules"
	"github.com/roadshow-go/roadshow/stages"
)

// view is a resource as the rules of its service see it.
func (r *Resource) view() *rules.Resource {
	return &rules.Resource{
		Type: r.Type, LogicalID: r.LogicalID, PhysicalID: r.PhysicalID, Name: r.Name,
		Account: r.Account, Region: r.Region, Partition: stages.Partition(r.Region),
		Properties: r.Properties, Attributes: r.Attributes, StackID: r.StackID,
	}
}

// world is the store as rules see it while a resource is made, changed or deleted. Views are made once, so
// that rules may compare them. The caller holds the store's lock.
type world struct {
	*store
	views map[*Resource]*rules.Resource
	// subject is the resource that the rules are asked about, as the store has it; nil if it is new.
	subject *Resource
}

func (w world) view(r *Resource) *rules.Resource {
	if w.views[r] == nil {
		w.views[r] = r.view()
	}
	return w.views[r]
}

// Now is the time of the accounts' clock.
func (w world) Now() time.Time { return w.now() }

// Find finds a resource in the place of another.
func (w world) Find(from *rules.Resource, kind, reference string) *rules.Resource {
	if reference == "" {
		return nil
	}
	found := w.referred(&Resource{Account: from.Account, Region: from.Region}, kind, reference)
	if found == nil {
		return nil
	}
	return w.view(found)
}

// Of gives the resources of a type in the place of another, without it.
func (w world) Of(from *rules.Resource, kind string) iter.Seq[*rules.Resource] {
	return func(yield func(*rules.Resource) bool) {
		for r := range w.ofKind(from.Account, kind) {
			if r == w.subject || w.views[r] == from || !within(place{from.Account, from.Region}, r) {
				continue
			}
			if !yield(w.view(r)) {
				return
			}
		}
	}
}

// Deleted is until or since when a deleted resource's name is taken.
func (w world) Deleted(from *rules.Resource, kind, name string) time.Time {
	return departures.of(w.store, from.Account).Names[departed(from.Region, kind, name)]
}

// departures are the names of what was deleted, for as long as AWS keeps them: of a queue the time of
// its deletion, of a secret the time when it is gone.
var departures = keep[departureState]("departures")

type departureState struct {
	Names map[string]time.Time `json:",omitempty"`
}

func departed(region, kind, name string) string { return region + "|" + kind + "|" + name }

// depart notes that a name was freed, or will be.
func (s *store) depart(r *Resource, when time.Time) {
	state := departures.of(s, r.Account)
	if state.Names == nil {
		state.Names = map[string]time.Time{}
	}
	state.Names[departed(r.Region, r.Type, r.Name)] = when
}

// recovery is how long a secret that a person deletes can be restored. CloudFormation deletes for good.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
const recovery = 30 * 24 * time.Hour

// permitted asks the rules of a resource's service before it is made, or changed from what it is.
func (s *store) permitted(next, now *Resource) error {
	w := world{store: s, views: map[*Resource]*rules.Resource{}, subject: now}
	if now == nil {
		return refusalOf(rules.Create(w, next.view()))
	}
	return refusalOf(rules.Update(w, now.view(), next.view()))
}

// deletable asks the rules of a resource's service before it is deleted.
func (s *store) deletable(r *Resource) error {
	w := world{store: s, views: map[*Resource]*rules.Resource{}, subject: r}
	return refusalOf(rules.Delete(w, w.view(r)))
}

// networkInterfaceType is the type of the interfaces that Lambda leaves behind.
const networkInterfaceType = "AWS::EC2::NetworkInterface"

// leaveInterfaces keeps the network interfaces of a function that leaves its network where its role may not delete them any
// more: no group and no subnet that they are in can be deleted then.
// https://github.com/aws/aws-cdk/issues/34400
func (s *store) leaveInterfaces(before, after *Resource) {
	w := world{store: s, views: map[*Resource]*rules.Resource{}, subject: before}
	if before.Type != lambdaFunction || !rules.LeavesInterfaces(w, before.view(), after.view()) {
		return
	}
	t, _ := spec.Lookup(networkInterfaceType)
	for _, subnet := range references(before, "VpcConfig.SubnetIds") {
		left := &Resource{
			Account: before.Account, Region: before.Region, Type: networkInterfaceType, Created: s.now(), Changed: s.now(),
			Properties: map[string]any{"SubnetId": subnet, "GroupSet": before.member("VpcConfig", "SecurityGroupIds"), "Description": "AWS Lambda VPC ENI-" + before.Name},
			seed:       strings.Join([]string{before.Account, before.Region, before.PhysicalID, subnet}, "|"),
		}
		s.describe(left, t)
		s.insert(left, t)
	}
}

// refusalOf is a refusal as CloudFormation reports it.
func refusalOf(refused *rules.Refusal) error {
	if refused == nil {
		return nil
	}
	return handlerError(refused.Handler, "%s (Service: %s, Status Code: %d, Request ID: {request})", refused.Message, refused.Service, refused.Status)
}

// now is the time of the accounts' clock, which a Console may have moved on.
func (s *store) now() time.Time { return time.Now().UTC().Add(time.Duration(s.ahead.Load())) }

// Advance moves the clock of all accounts on, so that what AWS keeps for a while is over: the name of a
// deleted queue, the window in which a secret can be restored.
func (s *Server) Advance(by time.Duration) {
	s.store.ahead.Add(int64(by))
}

func keepFullBucket(s *store, r *Resource) error {
	if !s.isEmpty(r) {
		return handlerError("GeneralServiceException", "The bucket you tried to delete is not empty (Service: S3, Status Code: 409, Request ID: {request})")
	}
	return nil
}
