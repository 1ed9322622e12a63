package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/internal/spec"
	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
	"github.com/roadshow-go/roadshow/stages"
)

// provisioner makes CloudFormation's resources in the store.
type provisioner struct {
	store  *store
	fault  func(target) *Fault
	server *Server // of which it needs the functions, for custom resources
}

// struck is the error of a fault that means this step.
func (p provisioner) struck(ctx context.Context, env cfn.Environment, operation, kind string) error {
	fault := p.fault(target{env.Account, env.Region, "", operation, kind})
	if fault == nil {
		return nil
	}
	if refusal := fault.strike(ctx); refusal != nil {
		return handlerError(refusal.Code, "%s", refusal.Message)
	}
	return ctx.Err()
}

// Create makes a resource.
func (p provisioner) Create(ctx context.Context, env cfn.Environment, desired cfn.Request) (cfn.Outcome, error) {
	if err := p.struck(ctx, env, "Create", desired.Type); err != nil {
		return cfn.Outcome{}, err
	}
	if spec.IsCustom(desired.Type) {
		return p.createCustom(ctx, env, desired)
	}
	made := &Resource{
		Account: env.Account, Region: env.Region, Type: desired.Type,
		Properties: desired.Properties,
		Stack:      env.StackName, StackID: env.StackID, LogicalID: desired.LogicalID,
		seed: strings.Join([]string{env.Account, env.Region, env.StackID, desired.LogicalID, desired.Token}, "|"),
	}
	made.Name = physicalName(made)
	if err := p.store.create(made); err != nil {
		return cfn.Outcome{}, err
	}
	return cfn.Outcome{PhysicalID: made.PhysicalID, Attributes: maps.Clone(made.Attributes)}, nil
}

// Update changes a resource in place.
func (p provisioner) Update(ctx context.Context, env cfn.Environment, current cfn.Resource, desired cfn.Request) (cfn.Outcome, error) {
	if err := p.struck(ctx, env, "Update", current.Type); err != nil {
		return cfn.Outcome{}, err
	}
	if spec.IsCustom(current.Type) {
		return p.updateCustom(ctx, env, current, desired)
	}
	changed, err := p.store.change(place{env.Account, env.Region}, current.Type, current.PhysicalID, desired.Properties)
	if err != nil {
		return cfn.Outcome{}, err
	}
	return cfn.Outcome{PhysicalID: changed.PhysicalID, Attributes: changed.Attributes}, nil
}

// Delete deletes a resource; one that is gone is no error.
func (p provisioner) Delete(ctx context.Context, env cfn.Environment, current cfn.Resource) error {
	if err := p.struck(ctx, env, "Delete", current.Type); err != nil {
		return err
	}
	if spec.IsCustom(current.Type) {
		return p.deleteCustom(ctx, env, current)
	}
	return p.store.remove(place{env.Account, env.Region}, current.Type, current.PhysicalID)
}

// Imports tells whether CloudFormation can import resources of a type: a type that its list does not have is likely one
// that Cloud Control does not know.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import-supported-resources.html
func (p provisioner) Imports(kind string) bool { return !slices.Contains(uncontrolled, kind) }

// Find finds a resource by its primary identifier.
func (p provisioner) Find(_ context.Context, env cfn.Environment, kind string, identifier map[string]string) (string, error) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	t, _ := spec.Lookup(kind)
	for r := range p.store.ofKind(env.Account, kind) {
		if !within(place{env.Account, env.Region}, r) || r.Region != env.Region && kind == "AWS::S3::Bucket" {
			continue
		}
		if !slices.ContainsFunc(t.PrimaryIdentifier, func(name string) bool { return identifierPart(r, t, name) != identifier[name] }) {
			return r.PhysicalID, nil
		}
	}
	return "", noneToImport(kind, identifier, t.PrimaryIdentifier)
}

// noneToImport says in AWS's words that nothing has an identifier. Those of the handlers of single types are as the tests
// of another emulator have measured them: https://github.com/ministackorg/ministack
func noneToImport(kind string, identifier map[string]string, names []string) error {
	var values []string
	for _, name := range names {
		values = append(values, identifier[name])
	}
	value := strings.Join(values, "|")
	switch kind {
	case "AWS::DynamoDB::Table":
		return reason("Table: %s does not exist.", value)
	case "AWS::S3::Bucket":
		return reason("Bucket not found")
	}
	return reason("Resource of type '%s' with identifier '%s' was not found.", kind, value)
}

// Import makes a resource that exists one of a stack: the stack's tags are applied to it, and nothing else is changed.
func (p provisioner) Import(ctx context.Context, env cfn.Environment, desired cfn.Request, physicalID string) (cfn.Outcome, error) {
	if err := p.struck(ctx, env, "Import", desired.Type); err != nil {
		return cfn.Outcome{}, err
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	current := p.store.get(place{env.Account, env.Region}, desired.Type, physicalID)
	if current == nil {
		return cfn.Outcome{}, notFound(desired.Type, physicalID)
	}
	next := current.copy()
	next.Stack, next.StackID, next.LogicalID = env.StackName, env.StackID, desired.LogicalID
	t, _ := spec.Lookup(desired.Type)
	if tags, given := desired.Properties[t.TagProperty]; given && t.TagProperty != "" {
		next.Properties[t.TagProperty] = tags
	}
	next.revision++
	*current = next
	p.store.changes.Add(1)
	return cfn.Outcome{PhysicalID: next.PhysicalID, Attributes: maps.Clone(next.Attributes)}, nil
}

// physicalName is the name given in the properties, or one made up.
func physicalName(r *Resource) string {
	if t, known := spec.Lookup(r.Type); known {
		if name, given := t.PhysicalName(r.Properties); given {
			return name
		}
	}
	if prefix := r.text("BucketNamePrefix"); prefix != "" {
		return prefix + "-" + r.Account + "-" + r.Region + "-an"
	}
	name := r.Stack + "-" + r.LogicalID
	if longest := ruleOf(r.Type).longest; longest > 0 {
		name = name[:min(len(name), longest-13)]
	}
	name += "-" + stableID(r.seed, 12)
	if ruleOf(r.Type).lower {
		return strings.ToLower(name)
	}
	return name
}

// create adds a resource that has its name and its properties, unless the
// service behind its type refuses it.
func (s *store) create(made *Resource) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := spec.Lookup(made.Type)
	if !known {
		return handlerError("InvalidRequest", "Resource type '%s' is not known", made.Type)
	}
	if reason := ruleOf(made.Type).unmakeable; reason != "" {
		return handlerError("InvalidRequest", "%s", reason)
	}
	if err := checkName(made, t); err != nil {
		return err
	}
	made.Created = s.now()
	made.Changed = made.Created
	s.describe(made, t)
	if err := s.verify(made, nil); err != nil {
		return err
	}
	if taken := s.resources[identity(made, t)]; taken != nil {
		return alreadyExists(made)
	}
	if err := s.withinQuotas(made, nil); err != nil {
		return err
	}
	s.insert(made, t)
	if made.Type == "AWS::S3::Bucket" {
		s.objects[made.Name] = map[string]*storedObject{}
	}
	return nil
}

// insert adds a resource that is whole.
func (s *store) insert(made *Resource, t *spec.ResourceType) {
	s.resources[identity(made, t)] = made
	s.index.add(made)
	s.changes.Add(1)
}

// change replaces a resource's properties.
func (s *store) change(at place, kind, physicalID string, properties map[string]any) (Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.get(at, kind, physicalID)
	if current == nil {
		return Resource{}, notFound(kind, physicalID)
	}
	t, _ := spec.Lookup(kind)
	next := current.copy()
	next.Properties, next.Changed = properties, s.now()
	next.revision++
	s.describe(&next, t)
	if err := s.verify(&next, current); err != nil {
		return Resource{}, err
	}
	if err := s.withinQuotas(&next, current); err != nil {
		return Resource{}, err
	}
	s.leaveInterfaces(current, &next)
	*current = next
	s.changes.Add(1)
	return next.copy(), nil
}

// remove deletes a resource, unless the service behind its type refuses.
func (s *store) remove(at place, kind, physicalID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.get(at, kind, physicalID)
	if current == nil {
		return nil
	}
	if keep := ruleOf(kind).keep; keep != nil {
		if err := keep(s, current); err != nil {
			return err
		}
	}
	if err := s.deletable(current); err != nil {
		return err
	}
	if err := s.unreferenced(current); err != nil {
		return err
	}
	s.forget(current)
	return nil
}

// forget deletes a resource and what belongs to it: an API's routes, a
// function's permissions.
func (s *store) forget(r *Resource) {
	for _, other := range s.resources {
		if s.belongs(other, r) {
			defer s.forget(other)
		}
	}
	t, _ := spec.Lookup(r.Type)
	delete(s.resources, identity(r, t))
	s.index.drop(r)
	s.changes.Add(1)
	switch r.Type {
	case "AWS::S3::Bucket":
		delete(s.objects, r.Name)
	case queueType:
		s.depart(r, s.now())
		delete(queues.of(s, r.Account).Queues, r.PhysicalID)
	case tableTypes[0], tableTypes[1]:
		s.dropItems(r)
	case secretType:
		delete(secretValues.of(s, r.Account).Versions, r.PhysicalID)
	}
}

// belongs says whether a resource goes when another one goes: it needs that
// one and does not keep it.
func (s *store) belongs(part, whole *Resource) bool {
	for _, n := range ruleOf(part.Type).needs {
		if n.kind != whole.Type || n.blocks != "" {
			continue
		}
		for _, reference := range references(part, n.property) {
			if s.referred(part, n.kind, reference) == whole {
				return true
			}
		}
	}
	return false
}

// identity is the key under which the store keeps a resource: its name, within
// whatever the name is unique in, or its id.
func identity(r *Resource, t *spec.ResourceType) string {
	at := place{r.Account, r.Region}
	if t.NameProperty == "" {
		return key(at, r.Type, r.PhysicalID)
	}
	parts := make([]string, 0, len(t.NameScope)+1)
	for _, property := range t.NameScope {
		parts = append(parts, r.text(property))
	}
	return key(at, r.Type, strings.Join(append(parts, r.Name), "|"))
}

// checkName refuses a name that is too long, too short or not of the type's
// characters, in the words of the type's schema.
func checkName(r *Resource, t *spec.ResourceType) error {
	limits := ruleOf(r.Type)
	fails := func(format string, args ...any) error {
		return reason("Properties validation failed for resource %s with message: #/%s: %s", r.LogicalID, t.NameProperty, fmt.Sprintf(format, args...))
	}
	switch {
	case t.NameProperty == "":
		return nil
	case limits.longest > 0 && len(r.Name) > limits.longest:
		return fails("expected maxLength: %d, actual: %d", limits.longest, len(r.Name))
	case len(r.Name) < limits.shortest:
		return fails("expected minLength: %d, actual: %d", limits.shortest, len(r.Name))
	case limits.charset != nil && !limits.charset.MatchString(r.Name):
		return fails("failed validation constraint for keyword [pattern]")
	}
	return nil
}

// verify asks what the service would ask before it makes or changes a resource.
func (s *store) verify(r, now *Resource) error {
	for _, n := range ruleOf(r.Type).needs {
		for _, reference := range references(r, n.property) {
			if reference != "" && s.referred(r, n.kind, reference) == nil {
				return handlerError("InvalidRequest", "%s", strings.Replace(n.missing, "%s", reference, 1))
			}
		}
	}
	if err := s.permitted(r, now); err != nil {
		return err
	}
	if check := ruleOf(r.Type).check; check != nil {
		return check(s, r)
	}
	return nil
}

// unreferenced refuses the deletion of what others still need.
func (s *store) unreferenced(r *Resource) error {
	for _, other := range s.resources {
		if s.belongs(other, r) {
			continue
		}
		for _, n := range ruleOf(other.Type).needs {
			if n.kind != r.Type || n.blocks == "" || n.blocks == lets {
				continue
			}
			for _, reference := range references(other, n.property) {
				if s.referred(other, n.kind, reference) == r {
					message := n.blocks
					if strings.Contains(message, "%s") {
						message = fmt.Sprintf(message, reference)
					}
					return handlerError("InvalidRequest", "%s", message)
				}
			}
		}
	}
	return nil
}

// referred finds what a property refers to, by its id, its name or its ARN.
func (s *store) referred(from *Resource, kind, reference string) *Resource {
	at := place{from.Account, from.Region}
	if found := s.get(at, kind, reference); found != nil {
		return found
	}
	if !strings.HasPrefix(reference, "arn:") {
		return nil
	}
	for _, r := range s.resources {
		if r.Type == kind && within(at, r) && (r.attribute("Arn") == reference || strings.HasPrefix(reference, r.attribute("Arn")+":") && r.attribute("Arn") != "") {
			return r
		}
	}
	return nil
}

// references are the values of a property, whose path may have dots.
func references(r *Resource, path string) []string {
	var value any = r.Properties
	for name := range strings.SplitSeq(path, ".") {
		members, _ := value.(map[string]any)
		value = members[name]
	}
	switch v := value.(type) {
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, textOf(item))
		}
		return out
	case nil:
		return nil
	default:
		return []string{textOf(v)}
	}
}

// describe sets what Ref and GetAtt give.
func (s *store) describe(r *Resource, t *spec.ResourceType) {
	known := ruleOf(r.Type)
	attributes := map[string]any{}
	for name, kind := range t.Attributes {
		if _, special := known.attributes[name]; !special {
			attributes[name] = s.suggest(r, t, name, kind)
		}
	}
	for name, template := range known.attributes {
		if value := s.expand(r, template); value != "" {
			attributes[name] = value
		}
	}
	r.Attributes = attributes
	if known.ref != "" {
		r.PhysicalID = s.expand(r, known.ref)
		return
	}
	var parts []string
	for _, name := range t.RefIdentifier {
		switch {
		case name == t.NameProperty:
			parts = append(parts, r.Name)
		case attributes[name] != nil:
			parts = append(parts, textOf(attributes[name]))
		case r.text(name) != "":
			parts = append(parts, r.text(name))
		}
	}
	if r.PhysicalID = strings.Join(parts, "|"); r.PhysicalID == "" {
		r.PhysicalID = r.Name
	}
}

// suggest makes up an attribute of which only the table knows.
func (s *store) suggest(r *Resource, t *spec.ResourceType, name string, kind *spec.Type) any {
	switch kind.Kind {
	case spec.Integer, spec.Number:
		return int64(0)
	case spec.Boolean:
		return false
	case spec.List:
		return []any{}
	case spec.Object, spec.Map:
		return map[string]any{}
	}
	switch {
	case name == t.NameProperty:
		return r.Name
	case r.Properties[name] != nil:
		return textOf(r.Properties[name])
	case strings.HasSuffix(name, "Arn") && t.ARNTemplate != "":
		return s.arn(r, t)
	case strings.HasSuffix(name, "Name") && t.NameProperty != "":
		return r.Name
	default:
		return derived(r.seed+name, lowerDigits, 10)
	}
}

var arnPart = regexp.MustCompile(`\$\{(\w+)\}`)

// arn fills in the table's template. Its variables are named after the
// service's documentation, not after properties, so that what is neither place
// nor property stands for the name.
func (s *store) arn(r *Resource, t *spec.ResourceType) string {
	return arnPart.ReplaceAllStringFunc(t.ARNTemplate, func(match string) string {
		switch part := match[2 : len(match)-1]; {
		case part == "Partition":
			return stages.Partition(r.Region)
		case part == "Region":
			return r.Region
		case part == "Account":
			return r.Account
		case strings.HasSuffix(part, "WithoutLeadingSlash"):
			return strings.TrimPrefix(r.Name, "/")
		case part != t.NameProperty && r.text(part) != "":
			return r.text(part)
		case t.NameProperty != "":
			return r.Name
		default:
			return derived(r.seed+part, lowerDigits, 10)
		}
	})
}

var placeholder = regexp.MustCompile(`\{([\w.]+)(?::(\d+))?(?::(\w+))?\}`)

// expand fills in a template of the rules.
func (s *store) expand(r *Resource, template string) string {
	return placeholder.ReplaceAllStringFunc(template, func(match string) string {
		part := placeholder.FindStringSubmatch(match)
		if alphabet, made := map[string]string{"hex": hexDigits, "lower": lowerDigits, "upper": upperDigits, "digits": decimals}[part[1]]; made {
			length, _ := strconv.Atoi(part[2])
			return derived(r.seed+part[3], alphabet, length)
		}
		return s.variable(r, part[1])
	})
}

// variable is one placeholder's value.
func (s *store) variable(r *Resource, name string) string {
	switch name {
	case "name":
		return r.Name
	case "account":
		return r.Account
	case "region":
		return r.Region
	case "partition":
		return stages.Partition(r.Region)
	case "suffix":
		return stages.Domain(r.Region)
	case "uuid":
		h := derived(r.seed, hexDigits, 32)
		return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	case "address":
		// Of the block that nobody may use, 240.0.0.0/4: those for documentation are so few that the addresses of
		// one stack would meet.
		h := derived(r.seed, hexDigits, 6)
		address := []string{"240"}
		for i := 0; i < len(h); i += 2 {
			octet, _ := strconv.ParseUint(h[i:i+2], 16, 8)
			address = append(address, strconv.FormatUint(octet, 10))
		}
		return strings.Join(address, ".")
	}
	if special, found := variables[name]; found {
		return special(s, r)
	}
	return r.text(name)
}

// variables are what single types need.
var variables = map[string]func(*store, *Resource) string{
	"path": func(_ *store, r *Resource) string { return orElse(r.text("Path"), "/") },
	"function": func(_ *store, r *Resource) string {
		return readFunction(place{r.Account, r.Region}, r.text("FunctionName")).name
	},
	// A version keeps its number; the next one is the count of those before it.
	"version": func(s *store, r *Resource) string {
		if number := r.attribute("Version"); number != "" {
			return number
		}
		latest := 0
		for _, other := range s.resources {
			if other.Type == r.Type && within(place{r.Account, r.Region}, other) && other.text("FunctionName") == r.text("FunctionName") {
				number, _ := strconv.Atoi(other.attribute("Version"))
				latest = max(latest, number)
			}
		}
		return strconv.Itoa(latest + 1)
	},
	"arn": func(s *store, r *Resource) string {
		if f := s.referred(r, "AWS::Lambda::Function", r.text("TargetFunctionArn")); f != nil {
			return f.attribute("Arn")
		}
		return r.text("TargetFunctionArn")
	},
	// A stream is named after the time at which it was enabled; one that is disabled and enabled again is another.
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamDescription.html
	"tablestream": func(s *store, r *Resource) string {
		switch enabled := r.attribute("StreamArn"); {
		case r.Properties["StreamSpecification"] == nil:
			return ""
		case enabled != "":
			return enabled
		}
		return fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s/stream/%s", stages.Partition(r.Region), r.Region, r.Account, r.Name, s.now().Format("2006-01-02T15:04:05.000"))
	},
	"daxport": func(_ *store, r *Resource) string {
		if r.text("ClusterEndpointEncryptionType") == "TLS" {
			return "9111"
		}
		return "8111"
	},
	"daxscheme": func(_ *store, r *Resource) string {
		if r.text("ClusterEndpointEncryptionType") == "TLS" {
			return "daxs"
		}
		return "dax"
	},
	"apischeme": func(_ *store, r *Resource) string {
		if r.text("ProtocolType") == "WEBSOCKET" {
			return "wss"
		}
		return "https"
	},
	"destination": func(_ *store, r *Resource) string {
		return orElse(r.text("DestinationCidrBlock"), orElse(r.text("DestinationIpv6CidrBlock"), r.text("DestinationPrefixListId")))
	},
	"zoneid": func(_ *store, r *Resource) string { return zoneID(r.text("AvailabilityZone")) },
	"busname": func(_ *store, r *Resource) string {
		if bus := r.text("EventBusName"); bus != "" && bus != "default" {
			return bus + "|" + r.Name
		}
		return r.Name
	},
	"buspath": func(_ *store, r *Resource) string {
		if bus := r.text("EventBusName"); bus != "" && bus != "default" {
			return bus + "/" + r.Name
		}
		return r.Name
	},
	"request": func(*store, *Resource) string { return requestID() },
}

func orElse(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}

// awsError is an error in AWS's words, which begin and end as AWS likes.
type awsError string

// Error returns the words.
func (e awsError) Error() string { return string(e) }

func reason(format string, args ...any) error { return awsError(fmt.Sprintf(format, args...)) }

// handlerError is a refusal by a resource's handler, as CloudFormation reports
// it in a stack's events; {request} stands for a request id.
func handlerError(code, format string, args ...any) error {
	message := strings.ReplaceAll(fmt.Sprintf(format, args...), "{request}", requestID())
	return reason("Resource handler returned message: \"%s\" (RequestToken: %s, HandlerErrorCode: %s)", message, requestID(), code)
}

// alreadyExists is the refusal of a name that is taken.
func alreadyExists(r *Resource) error {
	if r.Type == "AWS::S3::Bucket" {
		return handlerError("AlreadyExists", "%s already exists (Service: S3, Status Code: 0, Request ID: null)", r.Name)
	}
	return reason("Resource of type '%s' with identifier '%s' already exists. (RequestToken: %s, HandlerErrorCode: AlreadyExists)", r.Type, r.Name, requestID())
}

// serviceFailure is a refusal of a service, as CloudFormation reports it where it asked itself.
func serviceFailure(service string, err error) error {
	var refused *apiError
	if !errors.As(err, &refused) {
		return err
	}
	return reason("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", refused.Message, service, refused.Status, refused.Code, requestID())
}

func notFound(kind, identifier string) error {
	return reason("Resource of type '%s' with identifier '%s' was not found. (RequestToken: %s, HandlerErrorCode: NotFound)", kind, identifier, requestID())
}
