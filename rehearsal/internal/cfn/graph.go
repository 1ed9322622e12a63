package cfn

import (
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
)

// dependencies are the resources that each live resource waits for: those it depends on by name and those it refers to in
// branches that are taken.
func (v *evaluator) dependencies() (map[string][]string, error) {
	graph := map[string][]string{}
	for id, r := range v.template.resources {
		if !v.Live(r.condition) {
			continue
		}
		needed := map[string]bool{}
		for _, on := range r.dependsOn {
			if v.Live(v.template.resources[on].condition) {
				needed[on] = true // a resource that is not made is not waited for
			}
		}
		v.liveReferences(r.properties, func(ref intrinsic.Reference) {
			if target := v.template.resources[ref.Name]; target != nil && v.template.parameters[ref.Name] == nil {
				needed[ref.Name] = true
			}
		})
		graph[id] = sortedKeys(needed)
	}
	for _, id := range sortedKeys(graph) {
		for _, on := range graph[id] {
			if _, live := graph[on]; !live {
				return nil, intrinsic.FormatError("Unresolved resource dependencies [%s] in the Resources block of the template", on)
			}
		}
	}
	if circle := findCircle(graph); len(circle) > 0 {
		return nil, validationError("Circular dependency between resources: [" + strings.Join(circle, ", ") + "]")
	}
	return graph, v.checkOutputs(graph)
}

// checkOutputs refuses an output of a resource that is not made.
func (v *evaluator) checkOutputs(graph map[string][]string) error {
	missing := map[string]bool{}
	for _, o := range v.template.outputs {
		if !v.Live(o.condition) {
			continue
		}
		v.liveReferences([]any{o.value, o.exportName}, func(ref intrinsic.Reference) {
			if _, live := graph[ref.Name]; !live && v.template.resources[ref.Name] != nil && v.template.parameters[ref.Name] == nil {
				missing[ref.Name] = true
			}
		})
	}
	if len(missing) == 0 {
		return nil
	}
	return intrinsic.FormatError("Unresolved resource dependencies [%s] in the Outputs block of the template", strings.Join(sortedKeys(missing), ", "))
}

// liveReferences finds the references in branches that are taken.
func (v *evaluator) liveReferences(node any, visit func(intrinsic.Reference)) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			v.liveReferences(element, visit)
		}
	case map[string]any:
		name, argument, ok := intrinsic.Function(node)
		if list, isList := argument.([]any); ok && name == "Fn::If" && isList && len(list) == 3 {
			condition, _ := list[0].(string)
			taken := list[2]
			if v.Live(condition) {
				taken = list[1]
			}
			v.liveReferences(taken, visit)
			return
		}
		if ok {
			intrinsic.WalkOwnReferences(name, argument, visit)
		}
		for _, key := range sortedKeys(node) {
			v.liveReferences(node[key], visit)
		}
	}
}

// findCircle returns the resources of one or more circles, sorted; none if there is no circle. It peels off what waits
// for nothing, then what nothing waits for; what is left is circles.
func findCircle(graph map[string][]string) []string {
	left := map[string][]string{}
	for id, needs := range graph {
		left[id] = needs
	}
	for peeled := true; peeled; {
		peeled = false
		wanted := map[string]bool{}
		for _, needs := range left {
			for _, on := range needs {
				wanted[on] = true
			}
		}
		for _, id := range sortedKeys(left) {
			waits := slices.ContainsFunc(left[id], func(on string) bool { _, ok := left[on]; return ok })
			if !waits || !wanted[id] {
				delete(left, id)
				peeled = true
			}
		}
	}
	return sortedKeys(left)
}

// ready lists the ids, sorted, all of whose dependencies are done. It is the next wave of work.
func ready(graph map[string][]string, done map[string]bool) []string {
	var wave []string
	for _, id := range sortedKeys(graph) {
		if done[id] {
			continue
		}
		if !slices.ContainsFunc(graph[id], func(on string) bool { _, known := graph[on]; return known && !done[on] }) {
			wave = append(wave, id)
		}
	}
	return wave
}

// reversed turns what each resource waits for into what waits for it, the order of deletion.
func reversed(graph map[string][]string) map[string][]string {
	result := map[string][]string{}
	for id := range graph {
		result[id] = nil
	}
	for _, id := range sortedKeys(graph) {
		for _, on := range graph[id] {
			if _, known := graph[on]; known {
				result[on] = append(result[on], id)
			}
		}
	}
	return result
}

// undone lists what a walk has not reached. The resources of a failed update come from two templates, whose dependencies
// may together make a circle; then any order will do.
func undone(graph map[string][]string, done map[string]bool) []string {
	return slices.DeleteFunc(sortedKeys(graph), func(id string) bool { return done[id] })
}
