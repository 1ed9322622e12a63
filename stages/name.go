package stages

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Generated, as a component's Name, leaves the physical name to CloudFormation. The component is then
// not in the ledger, and a change that replaces it needs no [Revision].
const Generated = "roadshow:generated"

// Part is what a physical name is built from, besides its kind.
type Part struct {
	// Stage and Service are the DNS labels that begin the name.
	Stage, Service string
	// Name is the component's own: letters, digits, hyphen, underscore and dot, first a letter.
	// Empty is the service itself, as for its stack.
	Name string
	// Revision, where 2 or more, allows a named resource to be replaced: it enters the name.
	Revision int
}

// componentName is what a component may be called before a kind's own rules are applied.
var componentName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// looksRevised and looksHashed find names that end like the marks that Name adds itself. They take a
// hash too: else a component called "table-r2" would share a name with revision 2 of "table".
var (
	looksRevised = regexp.MustCompile(`-r[0-9]+$`)
	looksHashed  = regexp.MustCompile(`-[` + hashAlphabet + `]{` + strconv.Itoa(hashLength) + `}$`)
)

// hashAlphabet has no vowels, so that a hash is never a word and no word is taken for a hash. Ten of its
// thirty characters are 49 bits.
const (
	hashAlphabet = "0123456789bcdfghjklmnpqrstvwxz"
	hashLength   = 10
)

// Name is the physical name {stage}-{service}-{name} within the kind's rules.
//
// It is injective: two different parts never share a name, not even for a service that takes two cases
// for one. Where the plain form could be read in two ways (the stage or the service holds the
// separator), or loses something (it is cut to the kind's length, folded to its case, or has characters
// the kind refuses), it ends in a hash of the whole, uncut parts. The error is a [*FieldError].
func (k Kind) Name(part Part) (string, error) {
	if err := part.validate(k); err != nil {
		return "", err
	}
	name := part.Name
	hashed := strings.Contains(part.Stage, "-") || strings.Contains(part.Service, "-") || looksRevised.MatchString(name)
	if part.Revision >= 2 {
		name += fmt.Sprintf("-r%d", part.Revision)
	}
	plain := part.Stage + "-" + part.Service
	if name != "" {
		plain += "-" + name
	}
	fitted := k.fit(plain)
	limit := k.Max - len(k.Prefix)
	hashed = hashed || fitted != plain || len(fitted) > limit || len(fitted) < k.Min ||
		looksHashed.MatchString(plain) || (k.FoldsCase && strings.ToLower(plain) != plain)
	if hashed {
		room := limit - hashLength - 1
		fitted = strings.TrimRight(fitted[:min(len(fitted), room)], "-_.") + "-" + part.hash()
	}
	return k.Prefix + fitted, nil
}

func (p Part) validate(k Kind) error {
	thing := fmt.Sprintf("%s %q", k.Title, p.Name)
	for _, field := range []struct{ name, value string }{{"stage", p.Stage}, {"service", p.Service}} {
		if !label.MatchString(field.value) {
			return &FieldError{
				Thing: thing, Field: field.name, Got: fmt.Sprintf("%q", field.value), Want: "a lower-case DNS label",
				Fix: fmt.Sprintf("write %q", suggestLabel(field.value, MaxStageName)),
			}
		}
	}
	if p.Name != "" && !componentName.MatchString(p.Name) {
		return &FieldError{
			Thing: thing, Field: "name", Got: fmt.Sprintf("%q", p.Name),
			Want: "letters, digits, hyphens, underscores and dots, first a letter", Fix: fmt.Sprintf("write %q", suggestLabel(p.Name, 64)),
		}
	}
	if p.Revision < 0 {
		return &FieldError{
			Thing: thing, Field: "Revision", Got: strconv.Itoa(p.Revision), Want: "0, or 2 and above",
			Fix: "leave it out, or count up from the deployed revision",
		}
	}
	return nil
}

// fit folds the case and replaces the characters that the kind refuses.
func (k Kind) fit(plain string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', strings.ContainsRune(k.Extra, r):
			return r
		case r >= 'A' && r <= 'Z' && k.Upper:
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, plain)
}

// hash is over the whole parts, each ended by a byte that none can hold.
func (p Part) hash() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", p.Stage, p.Service, p.Name, max(p.Revision, 1)))
	bits := binary.BigEndian.Uint64(sum[:8])
	text := make([]byte, hashLength)
	for i := range text {
		text[i] = hashAlphabet[bits%uint64(len(hashAlphabet))]
		bits /= uint64(len(hashAlphabet))
	}
	return string(text)
}
