package cost

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

// Period is the days that costs are asked for, in UTC as Cost Explorer counts them.
type Period struct {
	// Start is the first day, End the day after the last; that is today at the latest, because today is not over.
	Start, End time.Time
	// Before is the first day of the period before, which has the same length and ends where this one starts; zero
	// where Cost Explorer does not reach back so far.
	Before time.Time
}

// keptMonths is how far back Cost Explorer reaches by days, unless more was asked for in its console.
// https://docs.aws.amazon.com/cost-management/latest/userguide/ce-what-is.html
const keptMonths = 14

// What --since takes: 30d, 12w or 2026-10-01.
var spanForm = regexp.MustCompile(`^([0-9]+)([dw])$`)

// ParsePeriod reads how far back costs are asked for: a number of days (30d) or weeks (12w), or the first day
// (2026-10-01). It ends with yesterday. The limit is 14 months, which is what Cost Explorer keeps by days. The error
// is a [*stages.FieldError].
func ParsePeriod(since string, now time.Time) (Period, error) {
	today := now.UTC().Truncate(24 * time.Hour)
	earliest := today.AddDate(0, -keptMonths, 0)
	start, back, err := readSince(since)
	if start.IsZero() {
		start = today.AddDate(0, 0, -back)
	}
	switch {
	case err != nil:
		return Period{}, err
	case !start.Before(today):
		return Period{}, sinceError(since, "at least one whole day before today in UTC, which is "+today.Format(time.DateOnly), "1d")
	case start.Before(earliest):
		return Period{}, sinceError(since, fmt.Sprintf("%s or later, since Cost Explorer keeps %d months", earliest.Format(time.DateOnly), keptMonths), earliest.Format(time.DateOnly))
	}
	period := Period{Start: start, End: today}
	if before := start.Add(start.Sub(today)); !before.Before(earliest) {
		period.Before = before
	}
	return period, nil
}

// CheckSince tells whether [ParsePeriod] can read a text, without a clock: which day it is, only the accounts can say. The
// error is a [*stages.FieldError].
func CheckSince(since string) error {
	_, _, err := readSince(since)
	return err
}

// readSince reads the first day, or how many days back it is.
func readSince(since string) (start time.Time, back int, err error) {
	if span := spanForm.FindStringSubmatch(since); span != nil {
		count, tooBig := strconv.Atoi(span[1])
		if tooBig != nil || count > 10_000 {
			count = 10_000 // far beyond what is kept
		}
		if span[2] == "w" {
			count *= 7
		}
		return time.Time{}, count, nil
	}
	if start, err = time.Parse(time.DateOnly, since); err != nil {
		return time.Time{}, 0, sinceError(since, "days, weeks or a day, such as 30d, 12w or 2026-10-31", "30d")
	}
	return start, 0, nil
}

func sinceError(since, want, fix string) error {
	return &stages.FieldError{Thing: "roadshow costs", Field: "--since", Got: strconv.Quote(since), Want: want, Fix: "write --since " + fix}
}

// days lists the days from one to another, which is left out.
func days(from, to time.Time) []string {
	var all []string
	for day := from; day.Before(to); day = day.AddDate(0, 0, 1) {
		all = append(all, day.Format(time.DateOnly))
	}
	return all
}

// asked is the first day that Cost Explorer is asked for.
func (p Period) asked() time.Time {
	if p.Before.IsZero() {
		return p.Start
	}
	return p.Before
}
