package cost

import (
	"iter"
	"maps"
	"slices"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/stages"
)

// accountBill is what sources have answered.
type accountBill struct {
	// costs are what each account was charged for, by its id. What did not answer whole is not seen.
	costs map[string]answer.Answer[[]usageEntry]
	tags  []Tag
	notes []string
	gaps  []fleet.Gap
}

// seen are the accounts that have answered, sorted, each with all of its costs.
func (b *accountBill) seen() iter.Seq2[string, []usageEntry] {
	return func(yield func(string, []usageEntry) bool) {
		for _, account := range slices.Sorted(maps.Keys(b.costs)) {
			if entries, is := b.costs[account].Seen(); is && !yield(account, entries) {
				return
			}
		}
	}
}

func (b *accountBill) add(other accountBill) {
	maps.Copy(b.costs, other.costs)
	b.tags, b.gaps = append(b.tags, other.tags...), append(b.gaps, other.gaps...)
	for _, note := range other.notes {
		b.note(note)
	}
}

// note says something once.
func (b *accountBill) note(text string) {
	if !slices.Contains(b.notes, text) {
		b.notes = append(b.notes, text)
	}
}

// crowded tells whether an account has several stages, or may have by a template.
func crowded(f *fleet.Fleet, account string) bool {
	count := 0
	for _, stage := range f.All() {
		if stage.Account == account {
			count++
		}
	}
	return count > 1
}

// stageNames are the names of an account's stages and templates, in the set's order.
func stageNames(f *fleet.Fleet, account string) (names []string) {
	for _, stage := range f.All() {
		if stage.Account == account {
			names = append(names, stage.Name)
		}
	}
	return names
}

// tierOf is the tier of a stage of an account, which a template may have made.
func tierOf(f *fleet.Fleet, name, account string) stages.Tier {
	for _, stage := range f.Stages {
		if stage.Name == name && stage.Account == account {
			return stage.Tier
		}
	}
	for _, template := range f.Templates {
		if template.Account != account {
			continue
		}
		if made, fits := f.TemplateOf(stages.Stage{Name: name, Account: account, Region: template.Region}); fits {
			return made.Tier
		}
	}
	return stages.Standard
}
