package parity

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// IdentityError says that the identities of two stages do not pair up, so that their templates
// cannot be compared.
type IdentityError struct {
	// Stage and Other are the two; Reason says what does not fit.
	Stage, Other stages.Stage
	Reason       string
}

func (e *IdentityError) Error() string {
	return fmt.Sprintf("identities of %s and %s: %s; record the same names, in the same order, in every stage", e.Stage, e.Other, e.Reason)
}

// identities is what the compared sides' identities are matched with: one entry a meaning, with the
// value of each side.
type identities struct {
	// tokens has the values of one meaning by side; an empty one is unknown on that side. kinds
	// says what each is.
	tokens [][]string
	kinds  []Kind
	known  map[string]bool
	// loose, above zero, takes a value for identity whatever stands around it.
	loose int
	// byFirst lists, by side and first byte of the side's value, the tokens to try.
	byFirst []*[256][]int
}

// newIdentities pairs up the sides' identities, and the logical ids that hold identity.
func newIdentities(sides []Side) (*identities, error) {
	id := &identities{byFirst: make([]*[256][]int, len(sides)), known: map[string]bool{}}
	add := id.add
	for i, side := range sides {
		if len(side.Identity) != len(sides[0].Identity) {
			return nil, &IdentityError{
				Stage: sides[0].Stage, Other: side.Stage,
				Reason: fmt.Sprintf("the one has %d values and the other %d", len(sides[0].Identity), len(side.Identity)),
			}
		}
		if at := slices.Index(side.Identity, ""); at >= 0 && !side.aligned {
			// It would match nothing with something, anywhere.
			return nil, &IdentityError{Stage: sides[0].Stage, Other: sides[i].Stage, Reason: fmt.Sprintf("value %d of the latter is empty", at)}
		}
	}
	for k := range sides[0].Identity {
		token := make([]string, len(sides))
		for i, side := range sides {
			token[i] = side.Identity[k]
		}
		kind := KindAnywhere
		if k < len(sides[0].kinds) {
			kind = sides[0].kinds[k]
		}
		add(token, kind)
	}
	partitions, suffixes := make([]string, len(sides)), make([]string, len(sides))
	for i, side := range sides {
		partitions[i], suffixes[i] = stages.Partition(side.Stage.Region), stages.Domain(side.Stage.Region)
	}
	add(partitions, kindPartition)
	add(suffixes, kindSuffix)
	folded := map[string][]string{}
	var bases []string
	for i, side := range sides {
		for logicalID, base := range side.Template.folds {
			if folded[base] == nil {
				folded[base] = make([]string, len(sides))
				bases = append(bases, base)
			}
			folded[base][i] = logicalID
		}
	}
	slices.Sort(bases)
	for _, base := range bases {
		add(folded[base], kindLogicalID)
	}
	return id, nil
}

// areNames tells whether each text is the name of its side's stage.
func (id *identities) areNames(indices []int, texts []string) bool {
	for k, kind := range id.kinds {
		if kind == KindName {
			return !slices.ContainsFunc(indices, func(side int) bool { return id.tokens[k][side] != texts[slices.Index(indices, side)] })
		}
	}
	return false
}

// either tells whether the texts are the same but for identity. They are ambiguous where they are
// the same only if an identity may also be a part of a longer word or number.
func (id *identities) either(indices []int, texts []string) (same, ambiguous bool) {
	if id.consumable(indices, texts) {
		return true, false
	}
	id.loose++
	defer func() { id.loose-- }()
	same = id.consumable(indices, texts)
	return same, same
}

// add adds a meaning, unless it is there; before the first text is compared.
func (id *identities) add(token []string, kind Kind) {
	key := string(kind) + "\x00" + strings.Join(token, "\x00")
	if !id.known[key] {
		id.known[key] = true
		id.tokens, id.kinds = append(id.tokens, token), append(id.kinds, kind)
	}
}

// noIdentities is for n sides of which nothing is identity.
func noIdentities(n int) *identities { return &identities{byFirst: make([]*[256][]int, n)} }

// starting lists the tokens whose value on a side begins with a byte.
func (id *identities) starting(side int, first byte) []int {
	index := id.byFirst[side]
	if index == nil {
		index = new([256][]int)
		for k, token := range id.tokens {
			if value := token[side]; value != "" {
				index[value[0]] = append(index[value[0]], k)
			}
		}
		id.byFirst[side] = index
	}
	return index[first]
}

// fits tells whether each text goes on, from its place, with its side's value of a token.
func (id *identities) fits(token int, indices, at []int, texts []string) bool {
	values := id.tokens[token]
	alike := true
	for i, side := range indices {
		value := values[side]
		if value == "" || !strings.HasPrefix(texts[i][at[i]:], value) {
			return false
		}
		if id.loose == 0 && !id.kinds[token].stands(texts[i], at[i], at[i]+len(value)) {
			return false
		}
		alike = alike && value == values[indices[0]]
	}
	// Of values that are the same everywhere the characters match anyway: no second way is needed.
	return !alike
}

// maxStates bounds the search for a skeleton of one string. It is met only by strings made to meet
// it (thousands of one letter, in stages called by that letter); they count as different then,
// never as equal.
const maxStates = 1 << 17

// consumable tells whether one skeleton makes the texts of these sides: from the first character to
// the last, all go on with the same character, or each with its own value of one token. Both may be
// possible at one place, so both are tried; a place that was tried is not tried again.
func (id *identities) consumable(indices []int, texts []string) bool {
	const same = -1 // the move by one character; others are tokens
	at := make([]int, len(texts))
	var waiting [][]int // places to go on from
	var tried map[string]bool
	var moves []int
	for {
		moves = moves[:0]
		ended, char := 0, true
		for i, text := range texts {
			switch {
			case at[i] == len(text):
				ended++
			case at[0] < len(texts[0]) && text[at[i]] != texts[0][at[0]]:
				char = false
			}
		}
		if ended == len(texts) {
			return true
		}
		if ended == 0 {
			for _, token := range id.starting(indices[0], texts[0][at[0]]) {
				if id.fits(token, indices, at, texts) {
					moves = append(moves, token)
				}
			}
			if char {
				moves = append(moves, same)
			}
		}
		if len(moves) > 1 {
			key := placeKey(at)
			switch {
			case tried[key]:
				moves = moves[:0]
			case len(tried) == maxStates:
				return false
			default:
				if tried == nil {
					tried = map[string]bool{}
				}
				tried[key] = true
				for _, move := range moves[1:] {
					next := slices.Clone(at)
					id.advance(next, move, indices)
					waiting = append(waiting, next)
				}
			}
		}
		switch {
		case len(moves) > 0:
			id.advance(at, moves[0], indices)
		case len(waiting) > 0:
			at = waiting[len(waiting)-1]
			waiting = waiting[:len(waiting)-1]
		default:
			return false
		}
	}
}

// advance goes on by one character (a negative move) or by a token.
func (id *identities) advance(at []int, move int, indices []int) {
	for i, side := range indices {
		if move < 0 {
			at[i]++
		} else {
			at[i] += len(id.tokens[move][side])
		}
	}
}

// placeKey is the place as a map key.
func placeKey(at []int) string {
	key := make([]byte, 0, 3*len(at))
	for _, offset := range at {
		key = binary.AppendUvarint(key, uint64(offset))
	}
	return string(key)
}
