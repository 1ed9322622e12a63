package stack

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The examples of AWS's pages.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
func TestTheCronExpressionsOfAWSAreTaken(t *testing.T) {
	for _, expression := range []string{
		"0 10 * * ? *", "15 12 * * ? *", "0 18 ? * MON-FRI *", "0 8 1 * ? *", "0/15 * * * ? *", "0/10 * ? * MON-FRI *",
		"0/5 8-17 ? * MON-FRI *", "15 10 ? * 6L 2022-2023", "0 9 L * ? *", "0 9 3W * ? *", "0 9 ? * 3#2 *", "0 9 ? * L *",
		"1/10 * * JAN,FEB,MAR ? *", "0 0 1-15 * ? 1970-2199", "0 8 ? * mon-fri *", "0,30 8,20 * 1-6/2 ? 2030/2",
	} {
		assert.Empty(t, cronFault(expression), expression)
	}
}

func TestACronExpressionThatEventBridgeRefusesIsRefusedWithItsRule(t *testing.T) {
	for expression, want := range map[string]string{
		"61 2 * * * *":                   `minutes is "61": values are 0 to 59`,
		"0 8 1 * MON *":                  "day of month and day of week both say when: one of them is ?",
		"0 8 * * * *":                    "day of month and day of week both say when: one of them is ?",
		"0 8 ? * 0 *":                    `day of week is "0": values are 1 to 7, or SUN to SAT`,
		"0 8 ? * ? *":                    "day of month and day of week are both ?: one of them says when",
		"0 8 ? * MON":                    "it has 5 fields, between single spaces",
		"0  8 ? * MON *":                 "it has 7 fields, between single spaces",
		"0 24 * * ? *":                   `hours is "24": values are 0 to 23`,
		"0 8 0 * ? *":                    `day of month is "0": values are 1 to 31`,
		"0 8 32 * ? *":                   `day of month is "32": values are 1 to 31`,
		"0 8 1 13 ? *":                   `month is "13": values are 1 to 12, or JAN to DEC`,
		"0 8 1 JANUARY ? *":              `month is "JANUARY": values are 1 to 12, or JAN to DEC`,
		"0 8 ? * 8 *":                    `day of week is "8": values are 1 to 7, or SUN to SAT`,
		"0 8 1 * ? 1969":                 `year is "1969": values are 1970 to 2199`,
		"0 8 1 * ? 2200":                 `year is "2200": values are 1970 to 2199`,
		"? 8 1 * ? *":                    `minutes is "?": values are 0 to 59`,
		"0 8 1,? * ? *":                  `day of month is "1,?": ? stands alone`,
		"0 8 ? * 3#1,6#3 *":              `day of week is "3#1,6#3": with # there is one expression, and no list`,
		"0 8 ? * 3#6 *":                  `day of week is "3#6": behind # stands which of the month's weekdays it is, 1 to 5`,
		"0 8 1#1 * ? *":                  `day of month is "1#1": # belongs to the day of week`,
		"0 8 ? * MON/2 *":                `day of week is "MON/2": it takes no increments`,
		"0 8 ? * 3W *":                   `day of week is "3W": values are 1 to 7, or SUN to SAT`,
		"0/0 8 1 * ? *":                  `minutes is "0/0": an increment is 1 to 59`,
		"0/x 8 1 * ? *":                  `minutes is "0/x": an increment is 1 to 59`,
		"1,,2 8 1 * ? *":                 `minutes is "1,,2": an element of the list is missing`,
		"1-60 8 1 * ? *":                 `minutes is "1-60": values are 0 to 59`,
		"-1 8 1 * ? *":                   `minutes is "-1": values are 0 to 59`,
		"+1 8 1 * ? *":                   `minutes is "+1": values are 0 to 59`,
		"0 8 L-3L * ? *":                 `day of month is "L-3L": values are 1 to 31`,
		"cron(0 8 1 * ? *)":              `minutes is "cron(0": values are 0 to 59`,
		"0 8 1 * ? 99999999999999999999": `year is "99999999999999999999": values are 1970 to 2199`,
	} {
		assert.Equal(t, want, cronFault(expression), expression)
	}
}

func FuzzACronExpressionIsTakenOrRefused(f *testing.F) {
	for _, seed := range []string{"0 10 * * ? *", "0 8 ? * 3#2 *", "1/10 8-17 L * ? 2030", "? ? ? ? ? ?", "0 9 3W * ? *"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		if cronFault(expression) != "" {
			return
		}
		assert.Len(t, strings.Fields(expression), 6)
		assert.Equal(t, 1, strings.Count(expression, "?"), "exactly one field says nothing")
		assert.NotContains(t, expression, "(")
	})
}
