package rehearsal

import (
	"encoding/json"
	"fmt"
)

// kept is what one service keeps of each account beside resources: quotas that
// were raised, costs that were seeded. It is part of what Save writes and Load
// reads, in the account's Services, and costs its service one line:
//
//	var quotas = keep[quotaState]("servicequotas")
//
// T is a struct of exported fields; its zero value is the state of a new
// account. Regions are a field's keys, where the service has any. What a document
// by hand may get wrong, its check refuses, if it has one.
type kept[T any] struct{ section string }

// sections are all that services keep, by name: each makes a new account's.
var sections = map[string]func() any{}

// keep adds a section. The name is the service's signing name.
func keep[T any](section string) kept[T] {
	if _, taken := sections[section]; taken {
		panic("rehearsal: section " + section + " is kept twice, want one name each")
	}
	sections[section] = func() any { return new(T) }
	return kept[T]{section}
}

// of is the section of an account that the server has. The caller holds the
// store's lock, for writing if it writes.
func (k kept[T]) of(s *store, account string) *T { return s.kept[account][k.section].(*T) }

// newSections is what services keep of a new account.
func newSections() map[string]any {
	made := map[string]any{}
	for name, empty := range sections {
		made[name] = empty()
	}
	return made
}

// readSection reads what was saved of a section.
func readSection(name string, saved json.RawMessage) (any, error) {
	empty, known := sections[name]
	if !known {
		return nil, fmt.Errorf("%q is no service that keeps something", name)
	}
	section := empty()
	if err := decodeStrictly(saved, section); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if checked, is := section.(interface{ check() error }); is {
		if err := checked.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return section, nil
}
