package cfn

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
	"github.com/roadshow-go/roadshow/internal/spec"
)

// checker checks a resource's properties against the table and gives scalars their kinds. It collects all that is wrong,
// because CloudFormation reports the violations of one resource together.
type checker struct {
	unsupported []string
	violations  []string
}

// checkProperties returns the properties with their kinds, or an error in CloudFormation's words. Values that are unknown
// yet pass.
func checkProperties(logicalID string, t *spec.ResourceType, properties map[string]any) (map[string]any, error) {
	c := &checker{}
	result := c.object("#", t.Properties, properties)
	slices.Sort(c.unsupported)
	slices.Sort(c.violations)
	switch {
	case len(c.unsupported) == 1:
		return nil, reasonError("Encountered unsupported property " + c.unsupported[0])
	case len(c.unsupported) > 1:
		return nil, reasonError("Encountered unsupported properties in " + strings.Join(c.unsupported, ", "))
	case len(c.violations) > 0:
		return nil, validationFailed(logicalID, c.violations...)
	}
	return result, nil
}

func (c *checker) object(path string, known map[string]*spec.Property, given map[string]any) map[string]any {
	result := make(map[string]any, len(given))
	for _, name := range sortedKeys(given) {
		property := known[name]
		if property == nil {
			c.unsupported = append(c.unsupported, name)
			continue
		}
		result[name] = c.value(path+"/"+name, property.Type, given[name])
	}
	for _, name := range sortedKeys(known) {
		if _, ok := given[name]; !ok && known[name].Required {
			c.violations = append(c.violations, fmt.Sprintf("%s: required key [%s] not found", path, name))
		}
	}
	return result
}

func (c *checker) value(path string, t *spec.Type, value any) any {
	if _, pending := value.(intrinsic.Unknown); pending {
		return value
	}
	switch t.Kind {
	case spec.Any:
		return plainNumbers(intrinsic.Clone(value))
	case spec.String, spec.Integer, spec.Number, spec.Boolean:
		return c.scalar(path, t.Kind, value)
	case spec.List:
		list, ok := value.([]any)
		if !ok {
			return c.mismatch(path, "JSONArray", value)
		}
		result := make([]any, len(list))
		for i, element := range list {
			result[i] = c.value(fmt.Sprintf("%s/%d", path, i), t.Element, element)
		}
		return result
	case spec.Map:
		object, ok := value.(map[string]any)
		if !ok {
			return c.mismatch(path, "JSONObject", value)
		}
		result := make(map[string]any, len(object))
		for _, key := range sortedKeys(object) {
			result[key] = c.value(path+"/"+key, t.Element, object[key])
		}
		return result
	case spec.Object:
		object, ok := value.(map[string]any)
		if !ok {
			return c.mismatch(path, "JSONObject", value)
		}
		return c.object(path, t.Definition.Properties, object)
	case spec.Tag:
		object, ok := value.(map[string]any)
		if !ok {
			return c.mismatch(path, "JSONObject", value)
		}
		return c.object(path, tagProperties, object)
	case spec.Union:
		return c.union(path, t, value)
	}
	panic(fmt.Sprintf("kind %d of %s", t.Kind, path))
}

var tagProperties = map[string]*spec.Property{
	"Key":               {Name: "Key", Type: &spec.Type{Kind: spec.String}, Required: true},
	"Value":             {Name: "Value", Type: &spec.Type{Kind: spec.String}},
	"PropagateAtLaunch": {Name: "PropagateAtLaunch", Type: &spec.Type{Kind: spec.Boolean}},
}

// union takes the first alternative that the value fits; if it fits none, the complaint is about the first.
func (c *checker) union(path string, t *spec.Type, value any) any {
	var first *checker
	for _, alternative := range t.Alternatives {
		attempt := &checker{}
		result := attempt.value(path, alternative, value)
		if len(attempt.unsupported)+len(attempt.violations) == 0 {
			return result
		}
		if first == nil {
			first = attempt
		}
	}
	c.unsupported = append(c.unsupported, first.unsupported...)
	c.violations = append(c.violations, first.violations...)
	return value
}

// scalar converts as CloudFormation does: "256" is a number where one is wanted, and 256 a string.
func (c *checker) scalar(path string, kind spec.Kind, value any) any {
	text, ok := intrinsic.ScalarText(value)
	if !ok {
		return c.mismatch(path, kindName(kind), value)
	}
	if kind == spec.String || hasDynamicReference(text) {
		return text
	}
	switch kind {
	case spec.Integer:
		if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
			return whole
		}
		if fraction, err := strconv.ParseFloat(text, 64); err == nil && fraction == math.Trunc(fraction) && math.Abs(fraction) < 1<<53 {
			return int64(fraction)
		}
	case spec.Number:
		if fraction, err := strconv.ParseFloat(text, 64); err == nil {
			return fraction
		}
	case spec.Boolean:
		switch strings.ToLower(text) {
		case "true":
			return true
		case "false":
			return false
		}
	}
	return c.mismatch(path, kindName(kind), value)
}

func (c *checker) mismatch(path, wanted string, value any) any {
	found := "Null"
	switch value := value.(type) {
	case string:
		found = "String"
	case bool:
		found = "Boolean"
	case json.Number:
		found = "Integer"
		if strings.ContainsAny(value.String(), ".eE") {
			found = "Double"
		}
	case int64:
		found = "Integer"
	case float64:
		found = "Double"
	case []any:
		found = "JSONArray"
	case map[string]any:
		found = "JSONObject"
	}
	c.violations = append(c.violations, fmt.Sprintf("%s: expected type: %s, found: %s", path, wanted, found))
	return value
}

func kindName(kind spec.Kind) string {
	switch kind {
	case spec.Integer:
		return "Integer"
	case spec.Number:
		return "Number"
	case spec.Boolean:
		return "Boolean"
	}
	return "String"
}

// declaredProperties gives a resource its final properties: the stack's tags merged in, the kinds of the table. A custom
// resource is taken as it is, but it must name its service.
func declaredProperties(logicalID, typeName string, properties map[string]any, tags []Tag) (map[string]any, error) {
	if spec.IsCustom(typeName) {
		if _, named := properties["ServiceToken"]; !named {
			return nil, validationFailed(logicalID, "#: required key [ServiceToken] not found")
		}
		return plainNumbers(cloneMap(properties)).(map[string]any), nil
	}
	t, known := spec.Lookup(typeName)
	if !known {
		return nil, reasonError("Template format error: Unrecognized resource types: [" + typeName + "]")
	}
	return checkProperties(logicalID, t, withStackTags(t, properties, tags))
}

func validationFailed(logicalID string, violations ...string) error {
	return reasonError("Properties validation failed for resource " + logicalID + " with message:\n" + strings.Join(violations, "\n"))
}

// withStackTags adds the stack's tags to the resource's own, which win.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resource-tags.html
func withStackTags(t *spec.ResourceType, properties map[string]any, tags []Tag) map[string]any {
	if len(tags) == 0 || t.TagStyle == spec.NoTags {
		return properties
	}
	result := make(map[string]any, len(properties)+1)
	for key, value := range properties {
		result[key] = value
	}
	own := properties[t.TagProperty]
	if t.TagStyle == spec.TagMap {
		merged := map[string]any{}
		for _, tag := range tags {
			merged[tag.Key] = tag.Value
		}
		switch own := own.(type) {
		case nil:
		case map[string]any:
			for key, value := range own {
				merged[key] = value
			}
		default:
			return properties // of the wrong kind: the check says so
		}
		result[t.TagProperty] = merged
		return result
	}
	list, ok := own.([]any)
	if own != nil && !ok {
		return properties
	}
	taken := map[string]bool{}
	for _, one := range list {
		if object, ok := one.(map[string]any); ok {
			key, _ := object["Key"].(string)
			taken[key] = true
		}
	}
	merged := slices.Clone(list)
	for _, tag := range tags {
		if taken[tag.Key] {
			continue
		}
		one := map[string]any{"Key": tag.Key, "Value": tag.Value}
		if t.TagStyle == spec.TagGroup {
			one["PropagateAtLaunch"] = true
		}
		merged = append(merged, one)
	}
	result[t.TagProperty] = merged
	return result
}
