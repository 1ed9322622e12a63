package cfn

import (
	"slices"
)

// rule is a check of the parameters before a stack is made or updated.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
type rule struct {
	condition  any // nil if the rule always applies
	assertions []assertion
}

type assertion struct {
	assert      any
	description string
}

func (t *template) readRules(root map[string]any) error {
	rules, err := members(root, "Rules", 1<<30)
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(rules) {
		object := rules[name]
		if unknown := unknownKeys(object, "RuleCondition", "Assertions"); len(unknown) > 0 {
			return formatError("Invalid rule property '%s'", unknown[0])
		}
		r := &rule{condition: object["RuleCondition"]}
		assertions, ok := object["Assertions"].([]any)
		if !ok || len(assertions) == 0 {
			return formatError("Rule %s must contain a list of Assertions", name)
		}
		for _, one := range assertions {
			members, ok := one.(map[string]any)
			if !ok || members["Assert"] == nil || len(unknownKeys(members, "Assert", "AssertDescription")) > 0 {
				return formatError("Every assertion of rule %s must contain an Assert member", name)
			}
			description, _ := members["AssertDescription"].(string)
			r.assertions = append(r.assertions, assertion{assert: members["Assert"], description: description})
		}
		t.rules[name] = r
	}
	return nil
}

// checkRules evaluates the rules; the first that fails refuses the operation with its description. AWS documents that it
// refuses, not its words.
func (v *evaluator) checkRules() error {
	named := func(name string) (bool, error) {
		return false, templateError("rules cannot use the condition %s", name)
	}
	for _, name := range sortedKeys(v.template.rules) {
		r := v.template.rules[name]
		if r.condition != nil {
			applies, err := v.condition(r.condition, named)
			if err != nil {
				return err
			}
			if !applies {
				continue
			}
		}
		for _, a := range r.assertions {
			holds, err := v.condition(a.assert, named)
			if err != nil {
				return err
			}
			if !holds {
				return validationError("Rule " + name + " failed: " + a.description)
			}
		}
	}
	return nil
}

// ruleFunction computes the functions that stand in rules only. Fn::RefAll, Fn::ValueOf and Fn::ValueOfAll read lists of
// real VPCs and the like, which nobody has asked of the rehearsal.
func (v *evaluator) ruleFunction(name string, arguments []any) (bool, error) {
	if len(arguments) != 2 {
		return false, templateError("every %s object requires two parameters", name)
	}
	var lists [2][]any
	for i, argument := range arguments {
		value, err := v.value(argument)
		if err != nil {
			return false, err
		}
		if list, ok := value.([]any); ok {
			lists[i] = list
		} else {
			lists[i] = []any{value}
		}
	}
	in := func(list []any, wanted any) bool {
		return slices.ContainsFunc(list, func(one any) bool { return equalValues(one, wanted) })
	}
	switch name {
	case "Fn::Contains":
		return len(lists[1]) == 1 && in(lists[0], lists[1][0]), nil
	case "Fn::EachMemberIn":
		for _, member := range lists[0] {
			if !in(lists[1], member) {
				return false, nil
			}
		}
		return true, nil
	default: // Fn::EachMemberEquals
		for _, member := range lists[0] {
			if len(lists[1]) != 1 || !equalValues(member, lists[1][0]) {
				return false, nil
			}
		}
		return true, nil
	}
}
