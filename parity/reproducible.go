package parity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Reproducible compares what two runs of the same program synthesized, by stage: the very same
// bytes are expected, and nil means that they are. That catches what both sides of every other
// comparison read alike: the environment, the time, a random value, the order of a map.
//
// What differs is located by its path in the template. Where two templates say the same in another
// order, or another format, the first place that does is the difference.
func Reproducible(first, second map[string][]byte) []Difference {
	return sameBytes(first, second, runLabels{"first run", "second run"})
}

// Alone compares each stage's template beside other stages, in one process, with the one that a
// process makes which begins with that stage: the very same bytes are expected. That catches what a
// program keeps of the first stage that it defined.
func Alone(beside, alone map[string][]byte) []Difference {
	return sameBytes(beside, alone, runLabels{"beside other stages", "by itself"})
}

// runLabels say what the two templates of a stage are.
type runLabels [2]string

func sameBytes(first, second map[string][]byte, labels runLabels) []Difference {
	var differences []Difference
	all := map[string]bool{}
	for _, run := range []map[string][]byte{first, second} {
		for stage := range run {
			all[stage] = true
		}
	}
	for _, stage := range slices.Sorted(maps.Keys(all)) {
		before, inFirst := first[stage]
		after, inSecond := second[stage]
		switch {
		case !inFirst || !inSecond:
			differences = append(differences, labels.of(stage, path{}, presence(inFirst), presence(inSecond)))
		case !bytes.Equal(before, after):
			differences = append(differences, labels.unstable(stage, before, after)...)
		}
	}
	return differences
}

// presence is what a run has of a template that not both have.
func presence(present bool) any {
	if present {
		return "a template"
	}
	return nothing{}
}

// unstable locates the differences between two templates that are not the same bytes.
func (l runLabels) unstable(stage string, before, after []byte) []Difference {
	firstTemplate, err := Parse(before)
	if err != nil {
		return []Difference{l.of(stage, path{}, err.Error(), fmt.Sprintf("%d bytes", len(after)))}
	}
	secondTemplate, err := Parse(after)
	if err != nil {
		return []Difference{l.of(stage, path{}, fmt.Sprintf("%d bytes", len(before)), err.Error())}
	}
	// The hash at the end of a logical id must be the same here too: nothing is identity.
	firstTemplate.folds, secondTemplate.folds = nil, nil
	differences, err := Compare(
		Side{label: stage + ", " + l[0], Template: firstTemplate},
		Side{label: stage + ", " + l[1], Template: secondTemplate},
	)
	if len(differences) == 0 || err != nil {
		return []Difference{l.firstDisorder(stage, before, after)}
	}
	return differences
}

// of is a difference between two runs.
func (l runLabels) of(stage string, at path, before, after any) Difference {
	w := walk{
		sides:    []Side{{label: stage + ", " + l[0], Template: &Template{root: &object{}}}, {label: stage + ", " + l[1], Template: &Template{root: &object{}}}},
		identity: noIdentities(2), path: at,
	}
	w.differ([]int{0, 1}, []any{before, after})
	return w.differences[0]
}

// firstDisorder finds the first place where two texts of the same tree are written differently:
// their tokens are read side by side.
func (l runLabels) firstDisorder(stage string, before, after []byte) Difference {
	left, right := newTokens(before), newTokens(after)
	for {
		a, aErr := left.next()
		b, bErr := right.next()
		if aErr != nil || bErr != nil {
			break
		}
		if a != b {
			return l.of(stage, left.within(), fmt.Sprintf("%v at this place of the file", a), fmt.Sprintf("%v at this place of the file", b))
		}
	}
	at := 0
	for at < min(len(before), len(after)) && before[at] == after[at] {
		at++
	}
	around := func(text []byte) string { return string(text[max(0, at-20):min(len(text), at+20)]) }
	return l.of(stage, path{}, around(before), around(after))
}

// tokens reads JSON token by token, and knows in which objects and lists it is.
type tokens struct {
	decoder *json.Decoder
	open    []opened
}

// opened is an object or a list that is being read.
type opened struct {
	isObject bool
	key      string
	inKey    bool // the next token of the object is a key
	index    int
}

func newTokens(data []byte) *tokens {
	t := &tokens{decoder: json.NewDecoder(bytes.NewReader(data))}
	t.decoder.UseNumber()
	return t
}

func (t *tokens) next() (json.Token, error) {
	token, err := t.decoder.Token()
	if err != nil {
		return nil, err
	}
	if token == json.Delim('}') || token == json.Delim(']') {
		if len(t.open) == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		t.open = t.open[:len(t.open)-1]
		return token, nil
	}
	if len(t.open) > 0 {
		in := &t.open[len(t.open)-1]
		switch {
		case in.isObject && in.inKey:
			in.key, _ = token.(string)
			in.inKey = false
		case in.isObject:
			in.inKey = true
		default:
			in.index++
		}
	}
	if token == json.Delim('{') || token == json.Delim('[') {
		t.open = append(t.open, opened{isObject: token == json.Delim('{'), inKey: true})
	}
	return token, nil
}

// within is the path of the object or list that the last token is in.
func (t *tokens) within() path {
	var p path
	for i, in := range t.open {
		if i == len(t.open)-1 {
			break
		}
		if in.isObject {
			p.down(in.key)
		} else {
			p.downAt(in.index - 1)
		}
	}
	return p
}
