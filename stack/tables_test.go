package stack

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// What the tests of the tables need of this package.

// HoldsValues tells whether a struct has values that are looked at.
func HoldsValues(kind reflect.Type) bool { return holdsValues(kind) }

// FaultsIn is what the tables find in a config.
func FaultsIn(stage stages.Stage, config any) []*ConfigError {
	s := (App{Stages: stages.Set{stage}}).newStack(stage)
	return s.faultsIn(config, nil)
}

// Range is a row of the numbers.
func Range(field string) (least, most, step int64, docs string) {
	row := numbers[field]
	return row.least, row.most, max(int64(row.step), 1), row.docs
}

// Ranges are the fields that have a row.
func Ranges() []string { return slices.Sorted(maps.Keys(numbers)) }

// RequireTexts reports each text of a template's resources that a service refuses, and counts those it looked at.
func RequireTexts(resources map[string]any, report func(problem string)) (count int) {
	for id, one := range resources {
		resource, _ := one.(map[string]any)
		for _, row := range texts {
			if row.resource == resource["Type"] || row.resource == "*" {
				visit(resource["Properties"], strings.Split(row.property, "."), "", func(path, value string) {
					count++
					if problem := row.fault(path, value); problem != nil {
						problem.Thing = id
						report(fmt.Sprint(problem))
					}
				})
			}
		}
	}
	return count
}
