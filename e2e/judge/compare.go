package main

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// difference is one thing that came back otherwise.
type difference struct{ what, ours, theirs string }

// compare lists what the two places answered differently.
func compare(ours, theirs outcome) (found []difference) {
	add := func(what, ours, theirs string) {
		if ours != theirs {
			found = append(found, difference{what, cmp.Or(ours, "none"), cmp.Or(theirs, "none")})
		}
	}
	add("where it ends", ours.moment, theirs.moment)
	if ours.refused != theirs.refused {
		add("the words of the refusal", ours.reasons, theirs.reasons)
	}
	for _, of := range []struct {
		what         string
		ours, theirs map[string]string
	}{
		{"the status of ", ours.statuses, theirs.statuses}, {"the id of ", ours.ids, theirs.ids}, {"output ", ours.outputs, theirs.outputs},
	} {
		keys := map[string]bool{}
		for key := range of.ours {
			keys[key] = true
		}
		for key := range of.theirs {
			keys[key] = true
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			add(of.what+key, of.ours[key], of.theirs[key])
		}
	}
	return found
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

var token = regexp.MustCompile(`[A-Za-z0-9]+`)

// knownTokens are the words of a trial's templates: what stands in an id and not in them was drawn by the endpoint.
func knownTokens(one trial) map[string]bool {
	known := map[string]bool{}
	for _, s := range one.steps {
		for _, word := range token.FindAllString(s.stack+" "+s.region+" "+s.template, -1) {
			known[word] = true
		}
	}
	return known
}

// shortest is the least that an endpoint draws: the id of a route has seven characters.
const shortest = 6

// shaper replaces what an endpoint draws, by what it is made of and how long it is.
type shaper struct {
	account string
	known   map[string]bool
}

func (s shaper) of(text string) string {
	text = uuid.ReplaceAllString(strings.ReplaceAll(text, s.account, "ACCOUNT"), "UUID")
	return token.ReplaceAllStringFunc(text, func(word string) string {
		if word == "ACCOUNT" || word == "UUID" || s.known[word] || len(word) < shortest {
			return word
		}
		class := "letters and digits"
		switch word {
		case strings.ToLower(word):
			class = "small letters and digits"
		case strings.ToUpper(word):
			class = "capital letters and digits"
		}
		return fmt.Sprintf("<%d %s>", len(word), class)
	})
}
