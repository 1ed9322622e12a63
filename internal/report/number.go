package report

import (
	"fmt"
	"strconv"
)

// Bytes is a number of bytes for people, in units of 1000.
func Bytes(bytes int64) string {
	const units = "kMGTP"
	value, at := float64(bytes), -1
	for value >= 1000 && at < len(units)-1 {
		value, at = value/1000, at+1
	}
	if at < 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %cB", value, units[at])
}

// Count is a number of things with a space before every three digits, such as "1 204 items"; one of them has the noun
// without its last letter.
func Count(count int64, nouns string) string {
	if count == 1 {
		return "1 " + nouns[:len(nouns)-1]
	}
	text := strconv.FormatInt(count, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + " " + text[at:]
	}
	return text + " " + nouns
}
