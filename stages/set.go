package stages

import (
	"fmt"
	"slices"
	"strings"
)

// Set is the stages of an organisation or a service, with the templates of its ephemeral stages. One
// set can serve many services: it is an ordinary Go value in an ordinary package.
type Set []Stage

// Validate checks every stage, and that no two have one name. The error is a [*FieldError].
func (set Set) Validate() error {
	if len(set.deployable()) == 0 {
		return &FieldError{
			Thing: "set", Field: "stages", Got: "empty", Want: "a list of at least one stage",
			Fix: "write stages.Set{Dev, Production}",
		}
	}
	seen := map[string]bool{}
	for i, stage := range set {
		if err := stage.validate(i); err != nil {
			return err
		}
		if seen[stage.Name] {
			return &FieldError{
				Thing: fmt.Sprintf("stage %d of the set", i+1), Field: "Name", Got: fmt.Sprintf("%q again", stage.Name),
				Want: "a name of its own", Fix: "rename or remove one of the two",
			}
		}
		seen[stage.Name] = true
		if err := set.validateMatches(stage); err != nil {
			return err
		}
		if stage.template != "" && !slices.ContainsFunc(set, func(s Stage) bool { return s.Name == stage.role && s.template == "" }) {
			return &FieldError{
				Thing: fmt.Sprintf("template %q", stage.template), Field: "stage", Got: fmt.Sprintf("%q", stage.role),
				Want: "a stage of the set", Fix: "add that stage to the set, or make the template from another",
			}
		}
	}
	return nil
}

// validateMatches refuses a template that a misspelt stage would match: with "pr*", "-c stage=prodution"
// would make a stage of its own. Behind a hyphen the explicit stage wins, and nobody misspells into it.
func (set Set) validateMatches(template Stage) error {
	if !template.IsTemplate() || strings.HasSuffix(template.prefix(), "-") {
		return nil
	}
	for _, stage := range set {
		if !stage.IsTemplate() && strings.HasPrefix(stage.Name, template.prefix()) {
			return &FieldError{
				Thing: fmt.Sprintf("template %q", template.template), Field: "pattern", Got: fmt.Sprintf("also the beginning of stage %q", stage.Name),
				Want: "one that no misspelt stage matches", Fix: fmt.Sprintf(`write Template("%s-*")`, template.prefix()),
			}
		}
	}
	return nil
}

// Names lists the names of the set's stages and templates, in its order.
func (set Set) Names() []string {
	names := make([]string, len(set))
	for i, stage := range set {
		names[i] = stage.Name
	}
	return names
}

// Stages lists the stages without the templates.
func (set Set) Stages() []Stage { return set.deployable() }

// deployable is the set without its templates.
func (set Set) deployable() Set {
	return slices.DeleteFunc(slices.Clone(set), Stage.IsTemplate)
}

func (set Set) has(stage Stage) bool {
	return slices.ContainsFunc(set, func(one Stage) bool { return one.Name == stage.Name })
}

// Find is [Set.Resolve] without its note.
func (set Set) Find(name string) (Stage, error) {
	stage, _, err := set.Resolve(name)
	return stage, err
}

// Resolve is the stage that a name means: the one of the set that is called so, or else one that a
// template of the set makes. Where two templates match, the longer pattern wins.
//
// For a template the name may be any text behind the template's prefix, such as a branch's name: it
// becomes a stage's name by [Label]. note says so in one line, for people; it is empty where the name
// stayed as it was. Resolving the stage's own name gives the same stage.
func (set Set) Resolve(name string) (stage Stage, note string, err error) {
	var found Stage
	room := true
	for _, one := range set {
		if !one.IsTemplate() {
			if one.Name == name {
				return one, "", nil
			}
			continue
		}
		if name == one.Name {
			return Stage{}, "", &UnknownStageError{
				Name: name, Set: set, Reason: fmt.Sprintf("A template is no stage; write a name in place of its star, such as %s1", one.prefix()),
			}
		}
		if made, matches, fits := one.instance(name); matches && len(made.template) > len(found.template) {
			found, room = made, fits
		}
	}
	if found.Name == "" {
		return Stage{}, "", &UnknownStageError{Name: name, Set: set}
	}
	if !room {
		return Stage{}, "", &UnknownStageError{
			Name: name, Set: set, Reason: fmt.Sprintf("Template %q leaves no room for it in %d characters; shorten the name or the pattern", found.template, MaxStageName),
		}
	}
	if found.Name != name {
		note = fmt.Sprintf("stage %s: made of %q, which is no lower-case DNS label of at most %d characters", found.Name, name, MaxStageName)
	}
	return found, note, nil
}

// Table is the set for people: one line a stage, with account, region and tier.
func (set Set) Table() string {
	rows := [][]string{{"STAGE", "ACCOUNT", "REGION", "TIER"}}
	for _, stage := range set {
		rows = append(rows, []string{stage.Name, stage.Account, stage.Region, stage.Tier.String()})
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	var table strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("  %-*s", width[i], cell)
		}
		table.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return strings.TrimRight(table.String(), "\n")
}
