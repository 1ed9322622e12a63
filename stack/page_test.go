package stack

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ours are the refusals of rules that are Roadshow's own, so that no page of AWS's states them: by function and field, as the
// code writes it. Every other refusal has its page.
var ours = map[string][]string{
	"a part of the program is missing, or given twice": {
		`AlarmConfig.validate "On"`, `App.validate "Define"`, `App.validate "DeployFrom"`, `App.validate "Service"`, `DomainConfig.validate "Domain.Name"`,
		`FunctionConfig.validate "Package"`, `Grant.to "Access"`, `HTTPAPI.Route "route"`, `HTTPAPI.special thing`, `LambdaAuthorizerConfig.validate "Function"`,
		`NewSchedule "function"`, `PrebuiltConfig.validate "Prebuilt.Path"`, `compiler.take "Prebuilt.Path"`, `Schedule.Triggers "function"`,
		`TopicDeliveryConfig.deliver "queue"`, `Function.triggeredBy "function"`, `component.export "Export"`, `Stack.imports "Ref"`, `Stack.imports "Key"`,
		`Function.setEnvironment "environment variable"`, `Function.InvokeURL "InvokeURL"`, `Queue.DeadLetters "DeadLetters"`, `Stack.onlyOne "scope"`,
	},
	"names that a program gives its parts": {
		`Stack.begin "id"`, `Ref.validate "Ref.Service"`, `Ref.validate "Ref.ID"`, `DAXConfig.validate "DAX.Revision"`, `App.answerProposal "name"`,
		`readContext "name"`, `readContext "value"`, `App.adopt place.field`,
	},
	"two fields of which one makes the other meaningless": {
		`AsyncConfig.validate "Async.NoRetries"`, `BusConfig.validate field.name`, `NetworkConfig.validateExisting own.field`, `ParameterConfig.validate "Description"`,
		`ParameterConfig.validate "Override"`, `ParameterConfig.validate "Name"`, `QueueConfig.validate "MaxReceives"`, `TopicTriggerConfig.validate "FilterBody"`,
		`ScheduleConfig.validate given[0]`, `NewNetwork "NATGateways"`,
	},
	"a component that some stage does not have": {
		`NewAlarm "Topic"`, `Function.keepFailures "Async.Failures"`, `LambdaAuthorizer.of "route"`, `NewBucket "AccessLog"`, `newDAX "DAX.Network"`, `Table.StreamTo "OnFailure"`,
	},
	"secrets stay out of code and templates": {`ParameterConfig.validate "Value"`, `Parameter.Value "Value"`},
	"values that JSON has":                   {`Pattern.validate field`, `ScheduleConfig.validate "Input"`},
}

// carriers are the configs that hold the one that a function checks, with the field under which it does.
var carriers = map[string]string{
	"BucketCORSConfig": "BucketConfig.", "CORSConfig": "HTTPAPIConfig.", "CapacityConfig": "TableConfig.Provisioned", "DAXConfig": "TableConfig.",
	"DomainConfig": "HTTPAPIConfig.", "EncryptionConfig": "TableConfig.", "GlobalIndexConfig": "TableConfig.GlobalIndexes", "Key": "TableConfig.PartitionKey",
	"LifecycleConfig": "BucketConfig.Lifecycle", "MaxRequestsConfig": "TableConfig.MaxRequests", "PrebuiltConfig": "FunctionConfig.",
	"ThrottleConfig": "HTTPAPIConfig.", "TransitionConfig": "BucketConfig.Lifecycle", "URLConfig": "FunctionConfig.",
}

// computed are the refusals whose field a function is given, or computes: under which it is one of these.
var computed = map[string][]string{
	`Topic.Triggers "topic"`:                         {"TopicTriggerConfig.topic"},
	"validateSource field":                           {"JWTAuthorizerConfig.Source", "LambdaAuthorizerConfig.Sources"},
	"validateEndpoints field":                        {"NetworkConfig.Endpoints", "NetworkConfig.Existing.Endpoints"},
	"CORSConfig.validate list.field":                 {"HTTPAPIConfig.CORS"},
	"TableConfig.validateKinds one.field":            {"TableConfig.GlobalIndexes", "TableConfig.LocalIndexes", "TableConfig.SortKey"},
	`TableConfig.validateIndexes field + ".Name"`:    {"TableConfig.GlobalIndexes", "TableConfig.LocalIndexes"},
	`TableConfig.validateIndexes field + ".Project"`: {"TableConfig.GlobalIndexes", "TableConfig.LocalIndexes"},
	`TableConfig.validateIndexes field + ".SortKey"`: {"TableConfig.LocalIndexes"},
}

// refusalSite is a place in the code that refuses something.
type refusalSite struct {
	function, receiver, field, at string
	parts                         map[string]string // Got, Want, Fix and Docs, as they are written
}

func (s refusalSite) String() string { return s.function + " " + s.field }

// paged tells whether the refusal has a page: its own, or that of its config's field.
func (s refusalSite) paged() bool {
	if s.parts["Docs"] != "" {
		return true
	}
	fields := computed[s.String()]
	if literal, err := strconv.Unquote(s.field); err == nil {
		fields = append(fields, s.receiver+"."+literal, carriers[s.receiver]+literal)
	} else if of := carriers[s.receiver]; of != "" && !strings.HasSuffix(of, ".") {
		fields = append(fields, of)
	}
	return slices.ContainsFunc(fields, func(field string) bool { return pageAt(field) != "" }) &&
		!slices.ContainsFunc(computed[s.String()], func(field string) bool { return pageAt(field) == "" })
}

// refusalSites are all of the package: literals of ConfigError, and calls of fault and refusal.
func refusalSites(t *testing.T) (sites []refusalSite) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, source, parser.SkipObjectResolution)
		require.NoError(t, err)
		written := func(node ast.Node) string {
			var text bytes.Buffer
			require.NoError(t, printer.Fprint(&text, set, node))
			return strings.Join(strings.Fields(text.String()), " ")
		}
		for _, declaration := range parsed.Decls {
			fn, is := declaration.(*ast.FuncDecl)
			if !is {
				continue
			}
			site := refusalSite{function: fn.Name.Name}
			if fn.Recv != nil {
				site.receiver = strings.TrimPrefix(written(fn.Recv.List[0].Type), "*")
				site.function = site.receiver + "." + fn.Name.Name
			}
			ast.Inspect(fn, func(node ast.Node) bool {
				found := site
				found.parts = map[string]string{}
				switch node := node.(type) {
				case *ast.CompositeLit:
					if node.Type == nil || written(node.Type) != "ConfigError" {
						return true
					}
					for _, element := range node.Elts {
						pair := element.(*ast.KeyValueExpr)
						found.parts[written(pair.Key)] = written(pair.Value)
					}
					found.field = found.parts["Field"]
				case *ast.CallExpr:
					called, is := node.Fun.(*ast.SelectorExpr)
					if !is || called.Sel.Name != "fault" && called.Sel.Name != "refusal" || len(node.Args) < 5 {
						return true
					}
					names := []string{"At", "Field", "Got", "Want", "Fix"}
					if called.Sel.Name == "refusal" {
						names = append([]string{"Docs"}, names...)
					}
					for i, name := range names {
						found.parts[name] = written(node.Args[i])
					}
					found.field = found.parts["Field"]
				default:
					return true
				}
				found.at = set.Position(node.Pos()).String()
				sites = append(sites, found)
				return true
			})
		}
	}
	return sites
}

// makers are the functions by which others refuse: their parts are those of their callers.
var makers = []string{"component.refusal", "component.fault", "textRule.fault", "numberRule.fault", "placeRule.fault", "patternCheck.refuse", "count.problem"}

func TestEveryRefusalSaysTheValueTheLimitAndWhatToDoAndHasAWSsPageOrIsOfARuleOfOurs(t *testing.T) {
	left := map[string]string{}
	for reason, sites := range ours {
		for _, site := range sites {
			left[site] = reason
		}
	}
	known, found := maps.Clone(left), 0
	for _, site := range refusalSites(t) {
		if slices.Contains(makers, site.function) {
			continue
		}
		found++
		for _, part := range []string{"Field", "Got", "Want", "Fix"} {
			assert.NotContains(t, []string{"", `""`}, site.parts[part], "%s: %s has no %s", site.at, site, part)
		}
		for _, bare := range []string{`"valid"`, `"a valid one"`, `"something else"`} {
			assert.NotEqual(t, bare, site.parts["Want"], site.at)
		}
		delete(left, site.String())
		if known[site.String()] == "" {
			assert.True(t, site.paged(), "%s: %s has no page of AWS's, and is not among the rules of Roadshow's own", site.at, site)
		}
	}
	assert.Empty(t, left, "rules of our own that nothing refuses")
	assert.Greater(t, found, 140, "the code is not read as it is written")
	for field, page := range pages {
		assert.Regexp(t, `^https://docs\.aws\.amazon\.com/`, page, field)
	}
}
