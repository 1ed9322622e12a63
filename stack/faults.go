package stack

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

// faults are the mistakes of one config.
type faults []*ConfigError

// faultsIn is every mistake in a config: each of its texts and numbers is looked at, however deep
// it stands, and problem is what the config's own rules say, which know how its fields go together.
func (s *Stack) faultsIn(config any, problem *ConfigError) faults {
	w := walk{stage: s.stage(), elsewhere: s.choices().ForProof(), seen: map[uintptr]bool{}}
	w.value(reflect.ValueOf(config), "", "", 0)
	known := func(field string) bool {
		for _, fault := range w.faults {
			if fault.Field == field || strings.HasPrefix(fault.Field, field+"[") || strings.HasPrefix(fault.Field, field+".") {
				return true
			}
		}
		return false
	}
	if problem != nil && !known(problem.Field) {
		problem.Docs = cmp.Or(problem.Docs, pageOf(config, problem.Field))
		w.faults = append(w.faults, problem)
	}
	return w.faults
}

// raise panics with the mistakes, of the thing, at the user's line.
func (f faults) raise(thing string, at stages.Position) {
	for _, problem := range f {
		problem.Thing, problem.At = thing, at
	}
	switch len(f) {
	case 0:
	case 1:
		panic(f[0])
	default:
		panic(ConfigErrors(f))
	}
}

// walk goes through every value of a config.
type walk struct {
	stage stages.Stage
	// elsewhere tells that values of another stage's place are right: in a proof, and below a
	// selector that leaves this stage out.
	elsewhere bool
	seen      map[uintptr]bool // pointers: a value of the user's may hold itself
	faults    faults
}

// deepest ends values that hold themselves.
const deepest = 64

var (
	selectorType = reflect.TypeFor[stages.Selector]()
	timeType     = reflect.TypeFor[time.Time]()
	configType   = reflect.TypeFor[FunctionConfig]()
)

// parts are the structs of this package that configs hold, besides those whose names end in Config.
// Every other is a component, or belongs to one, and was looked at where it was made.
var parts = []reflect.Type{
	reflect.TypeFor[EventPattern](), reflect.TypeFor[ExistingNetwork](), reflect.TypeFor[Key](), reflect.TypeFor[Projection](), reflect.TypeFor[Ref](),
}

// holdsValues tells whether a struct has values to look at. One of the user's own, as an Input is,
// has.
func holdsValues(kind reflect.Type) bool {
	return kind != timeType && !kind.Implements(selectorType) &&
		(kind.PkgPath() != configType.PkgPath() || strings.HasSuffix(kind.Name(), "Config") || slices.Contains(parts, kind))
}

// value looks at one value. path is where it stands, as an error says it; row is its field's, as
// the tables say it.
func (w *walk) value(value reflect.Value, path, row string, depth int) {
	if !value.IsValid() || depth > deepest {
		return
	}
	switch value.Kind() {
	case reflect.Pointer:
		if !w.seen[value.Pointer()] {
			w.seen[value.Pointer()] = true
			w.value(value.Elem(), path, row, depth+1)
		}
	case reflect.Interface:
		w.value(value.Elem(), path, row, depth+1)
	case reflect.Struct:
		if !holdsValues(value.Type()) {
			return
		}
		if selector := value.FieldByName("Stages"); selector.IsValid() && selector.Type() == selectorType && !selector.IsNil() && !w.elsewhere {
			w.elsewhere = !stages.Selects(selector.Interface().(stages.Selector), w.stage)
			defer func() { w.elsewhere = false }()
		}
		for i := range value.NumField() {
			field := value.Type().Field(i)
			w.value(value.Field(i), join(path, field), rowOf(value.Type(), field), depth+1)
		}
	case reflect.Slice, reflect.Array:
		for i := range value.Len() {
			w.value(value.Index(i), fmt.Sprintf("%s[%d]", path, i), row, depth+1)
		}
	case reflect.Map:
		for _, key := range sortedValues(value) {
			if key.Kind() != reflect.String {
				continue
			}
			w.text(key.String(), path, row+"{key}")
			w.value(value.MapIndex(key), fmt.Sprintf("%s[%s]", path, quoted(key.String())), row, depth+1)
		}
	case reflect.String:
		w.text(value.String(), path, row)
	case reflect.Int, reflect.Int64:
		if limit, known := numbers[row]; known && !limit.takes(value.Int()) {
			w.faults = append(w.faults, limit.fault(path, row[strings.Index(row, ".")+1:], value.Int()))
		}
	}
}

// rowOf is a field as the tables call it; empty of a struct of the user's own, which may be called
// like one of this package.
func rowOf(of reflect.Type, field reflect.StructField) string {
	if of.PkgPath() != configType.PkgPath() {
		return ""
	}
	return of.Name() + "." + field.Name
}

// join is a field's path. What a struct keeps to itself, such as a key's name, is called as the
// field that holds it.
func join(path string, field reflect.StructField) string {
	switch {
	case !field.IsExported():
		return path
	case path == "":
		return field.Name
	}
	return path + "." + field.Name
}

func (w *walk) text(value, path, row string) {
	limit := textOf(row)
	if limit == nil {
		limit = &whole
	}
	problem := limit.fault(path, value)
	if problem == nil {
		problem = secretFault(path, value)
	}
	if problem == nil {
		if limit := placeOf(row); limit != nil && !w.elsewhere {
			problem = limit.fault(path, value, w.stage)
		}
	}
	if problem != nil {
		w.faults = append(w.faults, problem)
	}
}

// sortedValues are a map's keys, in an order that is the same in every run.
func sortedValues(m reflect.Value) []reflect.Value {
	return slices.SortedFunc(slices.Values(m.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}
