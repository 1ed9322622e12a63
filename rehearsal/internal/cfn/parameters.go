package cfn

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
)

// parameterDeclaration is a parameter of a template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
type parameterDeclaration struct {
	key           string
	typeName      string
	description   string
	defaultValue  string
	hasDefault    bool
	noEcho        bool
	allowedValues []string
	pattern       string
	constraint    string // ConstraintDescription
	minLength     string
	maxLength     string
	minValue      string
	maxValue      string
}

// parameterValue is what a stack keeps of a parameter.
type parameterValue struct {
	given    string // as submitted; for a parameter of SSM, its name there
	resolved string // what Ref gives, before lists are split
}

const ssmValue = "AWS::SSM::Parameter::Value<"

// innerType is the type of the value that a parameter of SSM holds.
func (p *parameterDeclaration) innerType() (string, bool) {
	inner, ok := strings.CutPrefix(p.typeName, ssmValue)
	return strings.TrimSuffix(inner, ">"), ok
}

func (p *parameterDeclaration) isList() bool {
	name := p.typeName
	if inner, ok := p.innerType(); ok {
		name = inner
	}
	return name == "CommaDelimitedList" || strings.HasPrefix(name, "List<")
}

// awsTypes are the AWS-specific parameter types, whose values exist in the account. That they do is not checked here.
var awsTypes = []string{
	"AWS::EC2::AvailabilityZone::Name", "AWS::EC2::Image::Id", "AWS::EC2::Instance::Id", "AWS::EC2::KeyPair::KeyName",
	"AWS::EC2::SecurityGroup::GroupName", "AWS::EC2::SecurityGroup::Id", "AWS::EC2::Subnet::Id", "AWS::EC2::Volume::Id",
	"AWS::EC2::VPC::Id", "AWS::Route53::HostedZone::Id",
}

func validParameterType(name string) bool {
	if inner, ok := strings.CutPrefix(name, ssmValue); ok && strings.HasSuffix(inner, ">") {
		name = strings.TrimSuffix(inner, ">")
		return name != "Number" && validParameterType(name)
	}
	if inner, ok := strings.CutPrefix(name, "List<"); ok && strings.HasSuffix(inner, ">") {
		name = strings.TrimSuffix(inner, ">")
		return name == "Number" || name == "String" || slices.Contains(awsTypes, name)
	}
	return slices.Contains([]string{"String", "Number", "CommaDelimitedList", "AWS::SSM::Parameter::Name"}, name) || slices.Contains(awsTypes, name)
}

func (t *template) readParameters(root map[string]any) error {
	parameters, err := members(root, "Parameters", maxParameters)
	if err != nil {
		return err
	}
	for _, key := range sortedKeys(parameters) {
		object := parameters[key]
		if !alphanumeric.MatchString(key) {
			return intrinsic.FormatError("Parameter name %s is non alphanumeric.", key)
		}
		unknown := unknownKeys(object, "Type", "Default", "AllowedValues", "AllowedPattern", "ConstraintDescription",
			"Description", "MinLength", "MaxLength", "MinValue", "MaxValue", "NoEcho")
		if len(unknown) > 0 {
			return validationError("Invalid template parameter property '" + unknown[0] + "'")
		}
		p := &parameterDeclaration{key: key}
		p.typeName, _ = object["Type"].(string)
		if p.typeName == "" {
			return intrinsic.FormatError("Every Parameters object must contain a Type member.")
		}
		if !validParameterType(p.typeName) {
			return intrinsic.FormatError("Unrecognized parameter type: %s", p.typeName)
		}
		for name, target := range map[string]*string{
			"Description": &p.description, "AllowedPattern": &p.pattern, "ConstraintDescription": &p.constraint,
			"MinLength": &p.minLength, "MaxLength": &p.maxLength, "MinValue": &p.minValue, "MaxValue": &p.maxValue,
		} {
			if value, given := object[name]; given {
				text, ok := intrinsic.ScalarText(value)
				if !ok {
					return intrinsic.FormatError("Every %s member must be a string.", name)
				}
				*target = text
			}
		}
		if value, given := object["Default"]; given {
			if p.defaultValue, p.hasDefault = intrinsic.ScalarText(value); !p.hasDefault {
				return intrinsic.FormatError("Every Default member must be a string.")
			}
		}
		if value, given := object["NoEcho"]; given {
			text, _ := intrinsic.ScalarText(value)
			p.noEcho = strings.EqualFold(text, "true")
		}
		if values, given := object["AllowedValues"]; given {
			list, ok := values.([]any)
			if !ok {
				return intrinsic.FormatError("AllowedValues must be a list.")
			}
			for _, value := range list {
				text, ok := intrinsic.ScalarText(value)
				if !ok {
					return intrinsic.FormatError("Every AllowedValues value must be a string.")
				}
				p.allowedValues = append(p.allowedValues, text)
			}
		}
		if _, err := regexp.Compile(p.pattern); err != nil {
			return intrinsic.FormatError("AllowedPattern of parameter %s is not a valid pattern", key)
		}
		t.parameters[key] = p
	}
	return nil
}

// check applies the constraints to a value, or to each element of a list.
func (p *parameterDeclaration) check(value string) error {
	values := []string{value}
	number := p.typeName == "Number" || p.typeName == "List<Number>"
	if p.isList() {
		values = splitList(value)
	}
	fail := func(reason string) error {
		if p.constraint != "" {
			return validationError("Parameter " + p.key + " failed to satisfy constraint: " + p.constraint)
		}
		return validationError("Parameter '" + p.key + "' " + reason)
	}
	for _, one := range values {
		amount, err := strconv.ParseFloat(one, 64)
		if number && err != nil {
			return fail("must be a number")
		}
		if len(p.allowedValues) > 0 && !slices.Contains(p.allowedValues, one) {
			return fail("must be one of AllowedValues")
		}
		if p.pattern != "" {
			// The whole value must match.
			if matched, err := regexp.MatchString("^(?:"+p.pattern+")$", one); err != nil || !matched {
				return fail("must match pattern " + p.pattern)
			}
		}
		if limit, err := strconv.Atoi(p.minLength); err == nil && len(one) < limit {
			return fail("must contain at least " + p.minLength + " characters")
		}
		if limit, err := strconv.Atoi(p.maxLength); err == nil && len(one) > limit {
			return fail("must contain at most " + p.maxLength + " characters")
		}
		if limit, err := strconv.ParseFloat(p.minValue, 64); err == nil && number && amount < limit {
			return fail("must be a number not less than " + p.minValue)
		}
		if limit, err := strconv.ParseFloat(p.maxValue, 64); err == nil && number && amount > limit {
			return fail("must be a number not greater than " + p.maxValue)
		}
	}
	return nil
}

func splitList(value string) []string {
	if value == "" {
		return nil
	}
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// resolveParameters gives every parameter its value: the given one, the stack's previous one where asked for, or the
// default; then reads those that SSM holds.
func (e *Engine) resolveParameters(
	ctx context.Context, at Place, t *template, inputs []ParameterInput, previous map[string]parameterValue,
) (map[string]parameterValue, error) {
	values := map[string]parameterValue{}
	var unknown []string
	for _, input := range inputs {
		if t.parameters[input.Key] == nil {
			unknown = append(unknown, input.Key)
			continue
		}
		value := input.Value
		if input.UsePrevious {
			old, ok := previous[input.Key]
			if !ok {
				return nil, validationError("Invalid input for parameter key " + input.Key +
					". Cannot specify usePreviousValue as true for a parameter key not in the previous template")
			}
			value = old.given
		}
		values[input.Key] = parameterValue{given: value}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return nil, validationError("Parameters: [" + strings.Join(unknown, ", ") + "] do not exist in the template")
	}
	var missing []string
	for _, key := range sortedKeys(t.parameters) {
		p := t.parameters[key]
		if _, given := values[key]; given {
			continue
		}
		if !p.hasDefault {
			missing = append(missing, key)
			continue
		}
		values[key] = parameterValue{given: p.defaultValue}
	}
	if len(missing) > 0 {
		return nil, validationError("Parameters: [" + strings.Join(missing, ", ") + "] must have values")
	}
	var unread []string
	for _, key := range sortedKeys(t.parameters) {
		p, value := t.parameters[key], values[key]
		if err := p.check(value.given); err != nil {
			return nil, err
		}
		value.resolved = value.given
		if _, held := p.innerType(); held {
			text, err := e.readParameter(ctx, at, value.given, "")
			if err != nil {
				unread = append(unread, value.given)
				continue
			}
			value.resolved = text
		}
		values[key] = value
	}
	if len(unread) > 0 {
		return nil, validationError("Unable to fetch parameters [" + strings.Join(unread, ",") +
			"] from parameter store for this account.")
	}
	return values, nil
}

// shown is how a stack shows its parameters: a NoEcho parameter as asterisks.
func shownParameters(t *template, values map[string]parameterValue) []Parameter {
	var list []Parameter
	for _, key := range sortedKeys(t.parameters) {
		p, value := t.parameters[key], values[key]
		shown := Parameter{Key: key, Value: value.given}
		if _, held := p.innerType(); held {
			shown.ResolvedValue = value.resolved
		}
		if p.noEcho {
			shown.Value, shown.ResolvedValue = "****", ""
		}
		list = append(list, shown)
	}
	return list
}
