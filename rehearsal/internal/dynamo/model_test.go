package dynamo

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// modelled is an item of the model: a counter below a partition and a number.
type modelled struct {
	id     string
	nr     int
	n      int
	author string
}

// The model is a slice of structs. What it cannot do, the room is not asked.
func TestAnyOrderOfOperationsLeavesWhatASimpleModelHolds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d, now := &Database{}, time.Unix(1700000000, 0)
		ask := func(operation, request string) (output, error) {
			out, err := d.Do(operation, []byte(request), now, schemas)
			if err != nil {
				return nil, err
			}
			return out.(output), nil
		}
		var model []modelled
		at := func(id string, nr int) int {
			return slices.IndexFunc(model, func(m modelled) bool { return m.id == id && m.nr == nr })
		}
		ids := rapid.SampledFrom([]string{"a", "b", "c"})
		numbers := rapid.IntRange(-12, 12)
		key := func(id string, nr int) string { return fmt.Sprintf(`"id": {"S": %q}, "nr": {"N": "%d"}`, id, nr) }
		r.Repeat(map[string]func(*rapid.T){
			"put": func(r *rapid.T) {
				m := modelled{ids.Draw(r, "id"), numbers.Draw(r, "nr"), numbers.Draw(r, "n"), rapid.SampledFrom([]string{"x", "y"}).Draw(r, "author")}
				_, err := ask("PutItem", fmt.Sprintf(`{"TableName": "notes", "Item": {%s, "n": {"N": "%d"}, "author": {"S": %q}}}`, key(m.id, m.nr), m.n, m.author))
				require.NoError(r, err)
				if i := at(m.id, m.nr); i >= 0 {
					model[i] = m
				} else {
					model = append(model, m)
				}
			},
			"put once": func(r *rapid.T) {
				m := modelled{ids.Draw(r, "id"), numbers.Draw(r, "nr"), 0, "x"}
				_, err := ask("PutItem", fmt.Sprintf(`{"TableName": "notes", "ConditionExpression": "attribute_not_exists(id)", "Item": {%s, "n": {"N": "0"}, "author": {"S": "x"}}}`, key(m.id, m.nr)))
				if at(m.id, m.nr) >= 0 {
					require.ErrorContains(r, err, "ConditionalCheckFailedException")
				} else {
					require.NoError(r, err)
					model = append(model, m)
				}
			},
			"count": func(r *rapid.T) {
				id, nr, n := ids.Draw(r, "id"), numbers.Draw(r, "nr"), numbers.Draw(r, "n")
				i := at(id, nr)
				_, err := ask("UpdateItem", fmt.Sprintf(`{"TableName": "notes", "Key": {%s}, "UpdateExpression": "SET n = n + :n", "ConditionExpression": "n < :max", "ExpressionAttributeValues": {":n": {"N": "%d"}, ":max": {"N": "20"}}}`, key(id, nr), n))
				if i < 0 || model[i].n >= 20 {
					require.ErrorContains(r, err, "ConditionalCheckFailedException")
				} else {
					require.NoError(r, err)
					model[i].n += n
				}
			},
			"delete": func(r *rapid.T) {
				id, nr := ids.Draw(r, "id"), numbers.Draw(r, "nr")
				_, err := ask("DeleteItem", fmt.Sprintf(`{"TableName": "notes", "Key": {%s}}`, key(id, nr)))
				require.NoError(r, err)
				model = slices.DeleteFunc(model, func(m modelled) bool { return m.id == id && m.nr == nr })
			},
			"move": func(r *rapid.T) {
				// A transaction that moves an item to another number, where none is.
				id, from, to := ids.Draw(r, "id"), numbers.Draw(r, "from"), numbers.Draw(r, "to")
				i := at(id, from)
				_, err := ask("TransactWriteItems", fmt.Sprintf(`{"TransactItems": [
					{"Delete": {"TableName": "notes", "Key": {%s}, "ConditionExpression": "attribute_exists(id)"}},
					{"Put": {"TableName": "notes", "Item": {%s, "n": {"N": "0"}, "author": {"S": "x"}}, "ConditionExpression": "attribute_not_exists(id)"}}]}`, key(id, from), key(id, to)))
				if from == to || i < 0 || at(id, to) >= 0 {
					require.Error(r, err)
				} else {
					require.NoError(r, err)
					model[i] = modelled{id, to, 0, "x"}
				}
			},
			"query": func(r *rapid.T) {
				id, low, high := ids.Draw(r, "id"), numbers.Draw(r, "low"), numbers.Draw(r, "high")
				if low > high {
					low, high = high, low
				}
				forward, limit := rapid.Bool().Draw(r, "forward"), rapid.IntRange(1, 4).Draw(r, "limit")
				var want []int
				for _, m := range model {
					if m.id == id && m.nr >= low && m.nr <= high && m.n > 0 {
						want = append(want, m.nr)
					}
				}
				slices.Sort(want)
				if !forward {
					slices.Reverse(want)
				}
				request := fmt.Sprintf(`{"TableName": "notes", "KeyConditionExpression": "id = :id AND nr BETWEEN :low AND :high", "FilterExpression": "n > :zero", "ScanIndexForward": %t, "Limit": %d,
					"ExpressionAttributeValues": {":id": {"S": %q}, ":low": {"N": "%d"}, ":high": {"N": "%d"}, ":zero": {"N": "0"}}`, forward, limit, id, low, high)
				assert.Equal(r, want, allPages(r, ask, "Query", request))
			},
			"query the index": func(r *rapid.T) {
				author := rapid.SampledFrom([]string{"x", "y"}).Draw(r, "author")
				var want []int
				for _, m := range model {
					if m.author == author {
						want = append(want, m.nr)
					}
				}
				slices.Sort(want)
				assert.Equal(r, want, allPages(r, ask, "Query", fmt.Sprintf(`{"TableName": "notes", "IndexName": "byAuthor", "KeyConditionExpression": "author = :a", "Limit": 3, "ExpressionAttributeValues": {":a": {"S": %q}}`, author)))
			},
			"scan in segments": func(r *rapid.T) {
				segments, found := rapid.IntRange(1, 3).Draw(r, "segments"), 0
				for segment := range segments {
					found += len(allPages(r, ask, "Scan", fmt.Sprintf(`{"TableName": "notes", "Segment": %d, "TotalSegments": %d, "Limit": 2`, segment, segments)))
				}
				assert.Equal(r, len(model), found)
			},
			"": func(r *rapid.T) {
				bytes := 0
				if notes := d.tables["notes"]; notes != nil {
					for _, e := range notes.primary.entries {
						bytes += e.item.size()
					}
					assert.Equal(r, bytes, notes.bytes)
					assert.Len(r, notes.primary.entries, len(model))
					assert.Len(r, notes.indexes[0].entries, len(model))
				}
			},
		})
	})
}

// allPages are the numbers of all pages that a request gives; it is open at its end.
func allPages(r *rapid.T, ask func(operation, request string) (output, error), operation, request string) []int {
	var all []int
	for start := ""; ; {
		out, err := ask(operation, request+start+"}")
		require.NoError(r, err)
		for _, item := range out["Items"].([]Item) {
			all = append(all, int(decimal.RequireFromString(item["nr"].text).IntPart()))
		}
		last, more := out["LastEvaluatedKey"]
		if !more {
			return all
		}
		text, err := json.Marshal(last)
		require.NoError(r, err)
		start = `, "ExclusiveStartKey": ` + string(text)
	}
}

func TestSortableNumbersAreInTheOrderOfTheNumbers(t *testing.T) {
	number := rapid.Custom(func(r *rapid.T) string {
		digits := rapid.StringMatching(`[1-9][0-9]{0,10}`).Draw(r, "digits")
		text, err := readNumber(fmt.Sprintf("%s%sE%d", rapid.SampledFrom([]string{"", "-"}).Draw(r, "sign"), digits, rapid.IntRange(-20, 20).Draw(r, "exponent")))
		require.NoError(r, err)
		return text
	})
	rapid.Check(t, func(r *rapid.T) {
		a, b := number.Draw(r, "a"), number.Draw(r, "b")
		assert.Equal(r, compareScalars(kindNumber, a, b), strings.Compare(sortableNumber(a), sortableNumber(b)), "%s and %s", a, b)
	})
}

// A sum that is taken back leaves the number, as long as it has its 38 digits.
func TestASumThatIsTakenBackLeavesTheNumber(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		number := rapid.StringMatching(`-?[0-9]{1,18}(\.[0-9]{1,18})?`)
		a, err := readNumber(number.Draw(r, "a"))
		require.NoError(r, err)
		b, err := readNumber(number.Draw(r, "b"))
		require.NoError(r, err)
		total, err := sum(Value{kind: kindNumber, text: a}, Value{kind: kindNumber, text: b}, false)
		require.NoError(r, err)
		back, err := sum(total, Value{kind: kindNumber, text: b}, true)
		require.NoError(r, err)
		assert.Equal(r, a, back.text)
	})
}

// What a parser takes can be evaluated, and what an update makes can be stored and read again.
func FuzzExpressionsAreReadOrRefused(f *testing.F) {
	for _, seed := range []string{
		"SET a.b[1] = if_not_exists(a, :v) + :v, c = list_append(:l, d) REMOVE x[0], y ADD n :v DELETE s :s",
		"(a = :v OR NOT b <> c) AND size(#n) BETWEEN :v AND :v AND contains(l, :v) AND x IN (:v, y)",
		"a, b.c[0].#n, d[2]", "((a = b))", "a[", ":", "#", "<>", "é = :v", "SET a = (b + :v)", "NOT NOT a = b",
	} {
		f.Add(seed)
	}
	item, err := readItem([]byte(`{"a": {"M": {"b": {"L": [{"N": "1"}, {"S": "x"}]}}}, "n": {"N": "2"}, "s": {"SS": ["p"]}, "l": {"L": []}, "d": {"L": []}}`))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, source string) {
		given := func() *placeholders {
			return &placeholders{
				names: map[string]string{"#n": "n"}, usedNames: map[string]bool{}, usedValues: map[string]bool{},
				values: map[string]Value{":v": {kind: kindNumber, text: "1"}, ":l": {kind: kindList}, ":s": {kind: kindStrings, set: []string{"p"}}},
			}
		}
		if c, err := parse("ConditionExpression", source, given(), (*parser).conditionExpression); err == nil {
			assert.NotEqual(t, c.holds(item), (&condition{op: "NOT", below: []*condition{c}}).holds(item))
		}
		if paths, err := parse("ProjectionExpression", source, given(), (*parser).projection); err == nil {
			assert.LessOrEqual(t, item.project(paths).size(), item.size())
		}
		if actions, err := parse("UpdateExpression", source, given(), (*parser).update); err == nil {
			before := item.copied()
			after, err := apply(actions, item)
			assert.True(t, equal(Value{kind: kindMap, item: before}, Value{kind: kindMap, item: item}), "the item before stays as it was")
			if err == nil {
				text, err := json.Marshal(after)
				require.NoError(t, err)
				again, err := readItem(text)
				require.NoError(t, err, string(text))
				assert.True(t, equal(Value{kind: kindMap, item: after}, Value{kind: kindMap, item: again}))
			}
		}
	})
}
