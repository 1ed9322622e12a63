package dynamo

import (
	"regexp"
	"strings"

	"github.com/shopspring/decimal"
)

// Numbers have up to 38 significant digits, and magnitudes from 1E-130 to below 1E+126.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

// numeral bounds the exponent, so that nobody makes a number of a billion digits.
var numeral = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$`)

// readNumber writes a number in the one way in which it is stored.
func readNumber(text string) (string, error) {
	if !numeral.MatchString(text) {
		if strings.TrimSpace(text) == "" {
			return "", invalid("The parameter cannot be converted to a numeric value")
		}
		return "", invalid("The parameter cannot be converted to a numeric value: " + text)
	}
	number, err := decimal.NewFromString(text)
	if err != nil {
		return "", invalid("The parameter cannot be converted to a numeric value: " + text)
	}
	return storeNumber(number)
}

func storeNumber(number decimal.Decimal) (string, error) {
	_, digits, exponent := scientific(number)
	switch {
	case digits == "":
		return "0", nil
	case len(digits) > maxDigits:
		return "", invalid("Attempting to store more than 38 significant digits in a Number")
	case exponent > maxExponent:
		return "", invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case exponent < minExponent:
		return "", invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	text := number.String()
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text, nil
}

// scientific are the sign, the significant digits and the exponent of the first of them; zero has no digits.
func scientific(number decimal.Decimal) (negative bool, digits string, exponent int) {
	coefficient := number.Coefficient().String()
	negative = strings.HasPrefix(coefficient, "-")
	coefficient = strings.TrimPrefix(coefficient, "-")
	digits = strings.TrimRight(coefficient, "0")
	return negative, digits, len(coefficient) - 1 + int(number.Exponent())
}

// numberSize is a byte for two digits, one more, and one for a sign.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func numberSize(text string) int {
	negative, digits, _ := scientific(decimal.RequireFromString(text))
	size := 1 + (len(digits)+1)/2
	if negative {
		size++
	}
	return size
}

// sortableNumber is a text whose bytes are in the order of the numbers.
func sortableNumber(text string) string {
	negative, digits, exponent := scientific(decimal.RequireFromString(text))
	if digits == "" {
		return "\x80"
	}
	shifted := byte(exponent - minExponent) // 0 to 255
	if !negative {
		return "\x81" + string([]byte{shifted}) + digits
	}
	reversed := []byte{0x7f, 255 - shifted}
	for _, digit := range []byte(digits) {
		reversed = append(reversed, '0'+'9'-digit)
	}
	return string(append(reversed, 0xff))
}
