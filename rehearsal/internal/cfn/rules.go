package cfn

import "github.com/roadshow-go/roadshow/internal/intrinsic"

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
			return intrinsic.FormatError("Invalid rule property '%s'", unknown[0])
		}
		r := &rule{condition: object["RuleCondition"]}
		assertions, ok := object["Assertions"].([]any)
		if !ok || len(assertions) == 0 {
			return intrinsic.FormatError("Rule %s must contain a list of Assertions", name)
		}
		for _, one := range assertions {
			members, ok := one.(map[string]any)
			if !ok || members["Assert"] == nil || len(unknownKeys(members, "Assert", "AssertDescription")) > 0 {
				return intrinsic.FormatError("Every assertion of rule %s must contain an Assert member", name)
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
		return false, intrinsic.TemplateError("rules cannot use the condition %s", name)
	}
	for _, name := range sortedKeys(v.template.rules) {
		r := v.template.rules[name]
		if r.condition != nil {
			applies, err := v.Decide(r.condition, named)
			if err != nil {
				return err
			}
			if !applies {
				continue
			}
		}
		for _, a := range r.assertions {
			holds, err := v.Decide(a.assert, named)
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
