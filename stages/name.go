package stages

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Generated, as a component's Name, leaves the physical name to CloudFormation. The component is then
// not in the ledger, and a change that replaces it needs no [Part.Revision]. It holds a character that no
// component's name may, so it is never a name itself.
const Generated = "roadshow:generated"

// Part is what a physical name is built from, besides its kind. [Stage.Part] makes one.
type Part struct {
	// Stage and Service are the DNS labels that begin the name: lower-case letters, digits and single
	// hyphens, first a letter.
	Stage, Service string
	// Name is the component's own: letters, digits, hyphen, underscore and dot, first a letter.
	// Empty is the service itself, as for its stack.
	Name string
	// Revision, where 2 or more, allows a named resource to be replaced: it enters the name. 0 and 1 are
	// both the first revision.
	Revision int
	// Account and Region are the stage's. Only kinds whose names carry them need them, such as
	// [S3Bucket].
	Account, Region string
}

// Part is what the name of one of the stage's components is built from.
func (s Stage) Part(service, name string, revision int) Part {
	return Part{Stage: s.Name, Service: service, Name: name, Revision: revision, Account: s.Account, Region: s.Region}
}

// isComponentName tells whether a component may be called so, before a kind's own rules are applied.
func isComponentName(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'):
		default:
			return false
		}
	}
	return text != ""
}

// looksRevised and looksHashed find names that end like the marks that Name adds itself. They take a
// hash too: else a component called "table-r2" would share a name with revision 2 of "table".
func looksRevised(name string) bool {
	rest := strings.TrimRight(name, "0123456789")
	return len(rest) < len(name) && (rest == "r" || strings.HasSuffix(rest, "-r"))
}

func looksHashed(name string) bool {
	hyphen := len(name) - hashLength - 1
	return hyphen >= 0 && name[hyphen] == '-' && strings.Trim(name[hyphen+1:], hashAlphabet) == ""
}

// hashAlphabet has no vowels, so that a hash is never a word and no word is taken for a hash. Ten of its
// thirty characters are 49 bits.
const (
	hashAlphabet = "0123456789bcdfghjklmnpqrstvwxz"
	hashLength   = 10
)

// Name is the physical name {stage}-{service}-{name} within the kind's rules. Where the stage's or the
// service's own name holds a hyphen, two hyphens part the three: {stage}--{service}--{name}.
//
// It is injective: two different parts never share a name, not even for a service that takes two cases
// for one. Where the plain form could be read in two ways (a label holds the separator, and the kind takes
// no second one), or loses something (it is cut to the kind's length, folded to its case, or has characters
// the kind refuses), it ends in a hash of the whole, uncut parts. The error is a [*FieldError].
//
// Why it is injective: a plain name is read back in one way. One with two hyphens in a row is parted by
// these, because no label holds them, nor begins or ends with one, and a component whose name holds them has
// a hash. One without has no hyphen in stage and service, so the first two separators end them. A component
// that is called like a revision has a hash. A name with a hash ends in a hyphen and ten characters of the
// hash's alphabet, and a plain name that ends so has a hash too. So two parts can only meet in the 49 bits
// of their hashes, and then [Ledger.Check] says so.
func (k Kind) Name(part Part) (string, error) {
	if err := part.validate(k); err != nil {
		return "", err
	}
	separator := cmp.Or(k.Separator, "-")
	mark := separator
	hashed := looksRevised(part.Name)
	if strings.Contains(part.Stage, separator) || strings.Contains(part.Service, separator) {
		if k.SingleHyphens || separator != "-" {
			hashed = true
		} else {
			mark = "--"
		}
	}
	plain, readable := part.join(mark), part.join(separator)
	suffix := strings.ReplaceAll(strings.ReplaceAll(k.Suffix, "{account}", part.Account), "{region}", part.Region)
	limit := k.Max - len(k.Prefix) - len(suffix)
	fitted := k.fit(readable)
	hashed = hashed || fitted != readable || len(plain) > limit || len(plain) < k.Min-(k.Max-limit) || looksHashed(plain) ||
		(k.FoldsCase && strings.ToLower(plain) != plain) || k.refuses(k.Prefix+plain+suffix)
	if !hashed {
		return k.Prefix + plain + suffix, nil
	}
	room := limit - hashLength - 1
	if room < 1 {
		return "", &FieldError{
			Thing: fmt.Sprintf("kind %q", k.Title), Field: "Max", Got: strconv.Itoa(k.Max),
			Want: fmt.Sprintf("at least %d", len(k.Prefix)+len(suffix)+hashLength+2), Fix: "give a hash room in the kind's length",
		}
	}
	physical := k.Prefix + strings.TrimRight(fitted[:min(len(fitted), room)], "-_./") + "-" + part.hash() + suffix
	if k.refuses(physical) {
		return "", &FieldError{
			Thing: part.thing(k), Field: "name", Got: quote(physical), Want: k.Allowed, Fix: "rename the stage or the service that begins it", Docs: k.Docs,
		}
	}
	return physical, nil
}

// join puts the part together, with its revision.
func (p Part) join(mark string) string {
	name := p.Name
	if p.Revision >= 2 {
		if name != "" {
			name += "-"
		}
		name += "r" + strconv.Itoa(p.Revision)
	}
	if name != "" {
		name = mark + name
	}
	return p.Stage + mark + p.Service + name
}

func (k Kind) refuses(physical string) bool {
	return k.Refused != nil && k.Refused.MatchString(physical)
}

func (p Part) thing(k Kind) string { return fmt.Sprintf("%s %q", k.Title, p.Name) }

func (p Part) validate(k Kind) error {
	for _, field := range []struct{ name, value string }{{"stage", p.Stage}, {"service", p.Service}} {
		if !isLabel(field.value) {
			return &FieldError{
				Thing: p.thing(k), Field: field.name, Got: quote(field.value), Want: "a lower-case DNS label",
				Fix: fmt.Sprintf("write %q", suggestLabel(field.value, MaxStageName)),
			}
		}
	}
	if p.Name != "" && !isComponentName(p.Name) {
		return &FieldError{
			Thing: p.thing(k), Field: "name", Got: quote(p.Name),
			Want: "letters, digits, hyphens, underscores and dots, first a letter", Fix: fmt.Sprintf("write %q", suggestLabel(p.Name, 64)), Docs: k.Docs,
		}
	}
	if p.Revision < 0 {
		return &FieldError{
			Thing: p.thing(k), Field: "Revision", Got: strconv.Itoa(p.Revision), Want: "0, or 2 and above",
			Fix: "leave it out, or count up from the deployed revision",
		}
	}
	if strings.Contains(k.Suffix, "{account}") && !accountID.MatchString(p.Account) {
		return &FieldError{
			Thing: p.thing(k), Field: "account", Got: quote(p.Account), Want: "the stage's 12 digits, which the name carries",
			Fix: "build the part with Stage.Part",
		}
	}
	if strings.Contains(k.Suffix, "{region}") && Zones(p.Region) == 0 {
		return &FieldError{
			Thing: p.thing(k), Field: "region", Got: quote(p.Region), Want: "the stage's region, which the name carries",
			Fix: "build the part with Stage.Part",
		}
	}
	return nil
}

// fit folds the case and replaces the characters that the kind refuses. Doubled hyphens and a last
// character that is no letter or digit go too: several kinds refuse them, and none needs them.
func (k Kind) fit(plain string) string {
	fitted := make([]byte, 0, len(plain))
	for i := range len(plain) {
		c := plain[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte(k.Extra, c) >= 0:
		case c >= 'A' && c <= 'Z':
			if !k.Upper {
				c += 'a' - 'A'
			}
		default:
			c = '-'
		}
		if c == '-' && len(fitted) > 0 && fitted[len(fitted)-1] == '-' {
			continue
		}
		fitted = append(fitted, c)
	}
	return strings.TrimRight(string(fitted), "-_.")
}

// hash is over the whole parts, each ended by a byte that none can hold.
func (p Part) hash() string {
	text := make([]byte, 0, 128)
	text = append(append(text, p.Stage...), 0)
	text = append(append(text, p.Service...), 0)
	text = append(append(text, p.Name...), 0)
	return shortHash(strconv.AppendInt(text, int64(max(p.Revision, 1)), 10))
}

// shortHash is the first bits of a SHA-256 in the hash's alphabet.
func shortHash(text []byte) string {
	sum := sha256.Sum256(text)
	bits := binary.BigEndian.Uint64(sum[:8])
	var hash [hashLength]byte
	for i := range hash {
		hash[i] = hashAlphabet[bits%uint64(len(hashAlphabet))]
		bits /= uint64(len(hashAlphabet))
	}
	return string(hash[:])
}
