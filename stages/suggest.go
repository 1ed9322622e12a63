package stages

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Suggest is the known name that a misspelt one most likely means: the only one that begins like it or has it inside, as
// production for prod, else the nearest by at most two letters that are wrong, missing or too many. Empty where none is
// near enough.
func Suggest(name string, known []string) string {
	name = strings.ToLower(name)
	if name == "" {
		return ""
	}
	for _, fits := range []func(text, part string) bool{strings.HasPrefix, strings.Contains} {
		var found []string
		for _, one := range known {
			if one != name && fits(one, name) {
				found = append(found, one)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	best, nearest := "", min(2, utf8.RuneCountInString(name)/2)+1
	for _, one := range known {
		if far := distance(name, one); far < nearest {
			best, nearest = one, far
		}
	}
	return best
}

// distance is how many letters have to be added, left out or changed to make one text of another.
func distance(from, to string) int {
	target := []rune(to)
	row := make([]int, len(target)+1)
	for i := range row {
		row[i] = i
	}
	for i, letter := range []rune(from) {
		before := slices.Clone(row)
		row[0] = i + 1
		for j, wanted := range target {
			change := before[j]
			if letter != wanted {
				change++
			}
			row[j+1] = min(change, before[j+1]+1, row[j]+1)
		}
	}
	return row[len(target)]
}

// didYouMean is a suggestion as a sentence; empty where there is none.
func didYouMean(name string, known []string) string {
	if near := Suggest(name, known); near != "" {
		return "Did you mean \"" + near + "\"? "
	}
	return ""
}
