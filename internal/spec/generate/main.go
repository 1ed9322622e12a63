// Command generate writes types.txt, the table of CloudFormation's resource types, from the database of the npm package
// @aws-cdk/aws-service-spec. Its version is pinned in package.json beside this file; go generate installs it first.
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// services are those a serverless team meets. A type of another service is unknown to the rehearsal and fails as an
// unknown type does: better than half of its truth.
var services = []string{
	"ApiGateway", "ApiGatewayV2", "AppConfig", "AppSync", "ApplicationAutoScaling", "Athena", "Backup", "Budgets",
	"CertificateManager", "CloudFormation", "CloudFront", "CloudTrail", "CloudWatch", "CodeBuild", "CodeDeploy", "Cognito",
	"DAX", "DynamoDB", "EC2", "ECR", "EFS", "ElasticLoadBalancingV2", "Events", "IAM", "KMS", "Kinesis", "KinesisFirehose",
	"Lambda", "Logs", "Pipes", "ResourceGroups", "Route53", "S3", "SES", "SNS", "SQS", "SSM", "Scheduler", "SecretsManager",
	"ServiceDiscovery", "StepFunctions", "WAFv2", "XRay",
}

// notNames are types whose candidate is no name: several resources may share its value.
var notNames = map[string]bool{
	"AWS::ApiGateway::ApiKey":               true,
	"AWS::Athena::NamedQuery":               true,
	"AWS::Route53::HostedZone":              true,
	"AWS::Route53::RecordSet":               true,
	"AWS::Route53::TrafficPolicyInstance":   true,
	"AWS::S3::MultiRegionAccessPointPolicy": true,
}

// scopes are properties that a name is unique within where the primary identifier does not say so, because AWS
// identifies the resource by an ARN or a generated id.
var scopes = map[string][]string{
	"AWS::ApiGateway::Model":                     {"RestApiId"},
	"AWS::ApiGateway::RequestValidator":          {"RestApiId"},
	"AWS::AppSync::DataSource":                   {"ApiId"},
	"AWS::AppSync::ChannelNamespace":             {"ApiId"},
	"AWS::AppSync::FunctionConfiguration":        {"ApiId"},
	"AWS::ApplicationAutoScaling::ScalingPolicy": {"ResourceId", "ScalableDimension", "ServiceNamespace", "ScalingTargetId"},
	"AWS::EC2::SecurityGroup":                    {"VpcId"},
	"AWS::Events::Rule":                          {"EventBusName"},
	"AWS::Kinesis::StreamConsumer":               {"StreamARN"},
	"AWS::Lambda::Alias":                         {"FunctionName"},
	"AWS::Scheduler::Schedule":                   {"GroupName"},
	"AWS::ServiceDiscovery::PrivateDnsNamespace": {"Vpc"},
	"AWS::ServiceDiscovery::Service":             {"NamespaceId"},
}

type database struct {
	Schema struct {
		Resource       table[resource]       `json:"resource"`
		TypeDefinition table[typeDefinition] `json:"typeDefinition"`
	} `json:"schema"`
}

type table[T any] struct {
	Entities []T `json:"entities"`
}

type resource struct {
	Name              string               `json:"name"`
	Type              string               `json:"cloudFormationType"`
	Transform         string               `json:"cloudFormationTransform"`
	PrimaryIdentifier []string             `json:"primaryIdentifier"`
	RefIdentifier     []string             `json:"cfnRefIdentifier"`
	Properties        map[string]*property `json:"properties"`
	Attributes        map[string]*property `json:"attributes"`
	ARNTemplate       string               `json:"arnTemplate"`
	Stateful          bool                 `json:"isStateful"`
	Tags              *struct {
		Property string `json:"tagPropertyName"`
		Variant  string `json:"variant"`
	} `json:"tagInformation"`
	AlsoReplaces [][]string `json:"additionalReplacementProperties"`
}

type typeDefinition struct {
	ID         string               `json:"$id"`
	Name       string               `json:"name"`
	Properties map[string]*property `json:"properties"`
}

type property struct {
	Type       *propertyType `json:"type"`
	Required   bool          `json:"required"`
	Deprecated string        `json:"deprecated"`
	Replaces   string        `json:"causesReplacement"`
}

type propertyType struct {
	Type      string          `json:"type"`
	Element   *propertyType   `json:"element"`
	Types     []*propertyType `json:"types"`
	Reference struct {
		ID string `json:"$ref"`
	} `json:"reference"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run is started by go generate in the folder of the package spec.
func run() (err error) {
	source := filepath.Join("generate", "node_modules", "@aws-cdk", "aws-service-spec")
	version, err := readVersion(filepath.Join(source, "package.json"))
	if err != nil {
		return fmt.Errorf("%w; run `npm ci --prefix generate` first", err)
	}
	packed, err := os.Open(filepath.Join(source, "db.json.gz"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, packed.Close()) }()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	var db database
	if err := json.NewDecoder(unpacked).Decode(&db); err != nil {
		return fmt.Errorf("db.json.gz: %w", err)
	}
	target, err := os.Create("types.txt")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	buffered := bufio.NewWriter(target)
	write(buffered, version, db)
	return buffered.Flush()
}

func readVersion(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var manifest struct {
		Version string `json:"version"`
	}
	return manifest.Version, json.Unmarshal(text, &manifest)
}

const header = `# CloudFormation's resource types, generated by go generate from npm @aws-cdk/aws-service-spec %s
# (Apache-2.0, Amazon.com Inc.). Do not edit.
#
# type NAME [stateful]
#   id P…       the primary identifier       ref P…   what Ref gives, where it is not the primary identifier
#   name P [within P…]  the physical name    tags P STYLE    arn TEMPLATE
#   P TYPE      a property                   @P TYPE  an attribute
#   :NAME       a nested object, its properties follow
#
# After a property: * required, ! replaces the resource, ? may replace it.
# TYPE: string, int, num, bool, json, tag, [list], {map}, either|or, or the name of a nested object.
`

func write(out io.Writer, version string, db database) {
	fmt.Fprintf(out, header, version)
	definitions := map[string]*typeDefinition{}
	for i := range db.Schema.TypeDefinition.Entities {
		definition := &db.Schema.TypeDefinition.Entities[i]
		definitions[definition.ID] = definition
	}
	resources := db.Schema.Resource.Entities
	sort.Slice(resources, func(i, j int) bool { return resources[i].Type < resources[j].Type })
	for _, r := range resources {
		parts := strings.Split(r.Type, "::")
		if len(parts) == 3 && parts[0] == "AWS" && parts[1] == "CDK" {
			panic("the database has learnt of AWS::CDK: take out the type below")
		}
		if r.Transform == "" && len(parts) == 3 && parts[0] == "AWS" && slices.Contains(services, parts[1]) {
			writeResource(out, r, definitions)
		}
	}
	// The CDK's own marker has no schema in AWS's registry, and CloudFormation takes it.
	fmt.Fprint(out, "\ntype AWS::CDK::Metadata\n  Analytics string\n")
}

func writeResource(out io.Writer, r resource, definitions map[string]*typeDefinition) {
	stateful := ""
	if r.Stateful {
		stateful = " stateful"
	}
	fmt.Fprintf(out, "\ntype %s%s\n", r.Type, stateful)
	if len(r.PrimaryIdentifier) > 0 {
		fmt.Fprintf(out, "  id %s\n", strings.Join(r.PrimaryIdentifier, " "))
	}
	if len(r.RefIdentifier) > 0 && !slices.Equal(r.RefIdentifier, r.PrimaryIdentifier) {
		fmt.Fprintf(out, "  ref %s\n", strings.Join(r.RefIdentifier, " "))
	}
	if name := nameProperty(r); name != "" {
		fmt.Fprintf(out, "  name %s", name)
		if scope := nameScope(r, name); len(scope) > 0 {
			fmt.Fprintf(out, " within %s", strings.Join(scope, " "))
		}
		fmt.Fprintln(out)
	}
	if r.Tags != nil {
		style := map[string]string{"standard": "list", "map": "map", "asg": "asg"}[r.Tags.Variant]
		// The variant is what the CDK's own code takes, which for a few types is not what the service takes.
		if p := r.Properties[r.Tags.Property]; p != nil && p.Type.Type == "map" {
			style = "map"
		}
		fmt.Fprintf(out, "  tags %s %s\n", r.Tags.Property, style)
	}
	if r.ARNTemplate != "" {
		fmt.Fprintf(out, "  arn %s\n", r.ARNTemplate)
	}
	nested := &nestedTypes{names: map[string]string{}, ids: map[string]string{}, definitions: definitions}
	also := map[string]bool{}
	for _, path := range r.AlsoReplaces {
		also[path[0]] = true
	}
	for _, name := range sortedKeys(r.Properties) {
		p := *r.Properties[name]
		if also[name] && p.Replaces == "" {
			p.Replaces = "maybe" // a part of it replaces; the table has no finer answer
		}
		writeProperty(out, "  ", name, &p, nested)
	}
	for _, name := range sortedKeys(r.Attributes) {
		fmt.Fprintf(out, "  @%s %s\n", name, nested.render(r.Attributes[name].Type))
	}
	// Rendering a nested object may find further ones, so the list grows while it is walked.
	for i := 0; i < len(nested.queue); i++ {
		definition := definitions[nested.queue[i]]
		fmt.Fprintf(out, "  :%s\n", nested.names[definition.ID])
		for _, name := range sortedKeys(definition.Properties) {
			writeProperty(out, "    ", name, definition.Properties[name], nested)
		}
	}
}

func writeProperty(out io.Writer, indent, name string, p *property, nested *nestedTypes) {
	if p.Deprecated == "IGNORE" {
		return // was never in the service, as the database says itself
	}
	marks := ""
	if p.Required {
		marks += "*"
	}
	switch p.Replaces {
	case "yes":
		marks += "!"
	case "maybe":
		marks += "?"
	}
	fmt.Fprintf(out, "%s%s%s %s\n", indent, name, marks, nested.render(p.Type))
}

// nestedTypes gives nested objects names that are unique within their resource type.
type nestedTypes struct {
	definitions map[string]*typeDefinition
	names       map[string]string // by id
	ids         map[string]string // by name
	queue       []string
}

func (n *nestedTypes) render(t *propertyType) string {
	switch t.Type {
	case "string", "json", "tag":
		return t.Type
	case "date-time":
		return "string"
	case "integer":
		return "int"
	case "number":
		return "num"
	case "boolean":
		return "bool"
	case "array":
		return "[" + n.render(t.Element) + "]"
	case "map":
		return "{" + n.render(t.Element) + "}"
	case "union":
		var alternatives []string
		for _, alternative := range t.Types {
			if text := n.render(alternative); !slices.Contains(alternatives, text) {
				alternatives = append(alternatives, text)
			}
		}
		return strings.Join(alternatives, "|")
	case "ref":
		return n.name(t.Reference.ID)
	}
	panic("unknown type " + t.Type)
}

func (n *nestedTypes) name(id string) string {
	if name, ok := n.names[id]; ok {
		return name
	}
	definition := n.definitions[id]
	// An upper-case first letter tells an object from a built-in type.
	name := strings.ToUpper(definition.Name[:1]) + definition.Name[1:]
	for i := 2; n.ids[name] != ""; i++ {
		name = fmt.Sprintf("%s%d", definition.Name, i)
	}
	n.names[id], n.ids[name] = name, id
	n.queue = append(n.queue, id)
	return name
}

// nameProperty is the property that is the resource's physical name: a string that cannot change in place and is called
// like the type. CloudFormation lists the types that take one:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
func nameProperty(r resource) string {
	if notNames[r.Type] {
		return ""
	}
	is := func(name string) bool {
		p := r.Properties[name]
		return p != nil && p.Type.Type == "string" && p.Replaces == "yes"
	}
	candidates := []string{r.Name + "Name", "Name"}
	if strings.HasSuffix(r.Name, "Name") {
		candidates = append(candidates, r.Name)
	}
	for _, id := range r.PrimaryIdentifier {
		if len(r.PrimaryIdentifier) == 1 && strings.HasSuffix(id, "Name") {
			candidates = append(candidates, id)
		}
	}
	for _, name := range sortedKeys(r.Properties) {
		if stem, ok := strings.CutSuffix(name, "Name"); ok && stem != "" && strings.HasSuffix(r.Name, stem) {
			candidates = append(candidates, name)
		}
	}
	for _, name := range candidates {
		if is(name) {
			return name
		}
	}
	return ""
}

func nameScope(r resource, name string) []string {
	if scope, ok := scopes[r.Type]; ok {
		for _, p := range scope {
			if r.Properties[p] == nil {
				panic(r.Type + " has no property " + p)
			}
		}
		return scope
	}
	var scope []string
	for _, id := range r.PrimaryIdentifier {
		if id != name && slices.Contains(r.PrimaryIdentifier, name) && r.Properties[id] != nil {
			scope = append(scope, id)
		}
	}
	return scope
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
