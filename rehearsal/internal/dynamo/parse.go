package dynamo

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxExpression is the length of an expression, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
const maxExpression = 4096

// reservedWords cannot be attribute names in expressions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
//
//go:embed reserved.txt
var reservedText string

var reservedWords = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(reservedText) {
		words[word] = true
	}
	return words
}()

// path leads to an attribute, or into one.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html
type path []step

// step is the name of an attribute, or the index of a list's element.
type step struct {
	name  string
	index int // -1 for a name
}

func (p path) String() string {
	texts := make([]string, 0, len(p))
	for _, s := range p {
		if s.index >= 0 {
			texts = append(texts, "["+strconv.Itoa(s.index)+"]")
		} else {
			texts = append(texts, s.name)
		}
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// operand is a path, a value of the request, or what an operation makes of others.
type operand struct {
	// op is "path", "value", "+", "-" or a function.
	op    string
	path  path
	value Value
	args  []operand
}

// condition is a node of a condition: AND, OR and NOT have conditions below them, all others have
// operands.
type condition struct {
	op       string
	below    []*condition
	operands []operand
}

// action is one change of an update expression.
type action struct {
	section string // SET, REMOVE, ADD or DELETE
	path    path
	value   operand
}

// placeholders are a request's names and values for its expressions, and which of them are used.
type placeholders struct {
	names                 map[string]string
	values                map[string]Value
	usedNames, usedValues map[string]bool
}

type token struct {
	text       string
	start, end int
}

type parser struct {
	source string
	tokens []token
	at     int
	given  *placeholders
}

// fault is what an expression has wrong; it ends the parser by a panic, which parse recovers.
type fault string

// parse runs the parser of one kind of expression, such as "FilterExpression".
func parse[T any](kind, source string, given *placeholders, read func(*parser) T) (result T, err error) {
	defer func() {
		switch wrong := recover().(type) {
		case nil:
		case fault:
			err = invalid("Invalid " + kind + ": " + string(wrong))
		default:
			panic(wrong)
		}
	}()
	p := &parser{source: source, given: given}
	switch {
	case strings.TrimSpace(source) == "":
		p.fail("The expression can not be empty;")
	case len(source) > maxExpression:
		p.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(source))
	}
	p.scan()
	result = read(p)
	if p.peek() != "" {
		p.unexpected()
	}
	return result, nil
}

func (p *parser) fail(format string, args ...any) { panic(fault(fmt.Sprintf(format, args...))) }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) }

// scan cuts the expression into tokens; a character that begins none is a token of its own, which no
// rule takes.
func (p *parser) scan() {
	for i := 0; i < len(p.source); {
		start := i
		switch c := p.source[i]; {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
			continue
		case c == '#' || c == ':' || isWord(c):
			for i++; i < len(p.source) && isWord(p.source[i]); i++ {
			}
		case strings.HasPrefix(p.source[i:], "<>") || strings.HasPrefix(p.source[i:], "<=") || strings.HasPrefix(p.source[i:], ">="):
			i += 2
		default:
			_, width := utf8.DecodeRuneInString(p.source[i:])
			i += width
		}
		p.tokens = append(p.tokens, token{p.source[start:i], start, i})
	}
}

// peek is the next token, empty at the end.
func (p *parser) peek() string {
	if p.at >= len(p.tokens) {
		return ""
	}
	return p.tokens[p.at].text
}

func (p *parser) next() string {
	text := p.peek()
	p.at++
	return text
}

// take takes a token if it is the next one; keywords are in any case.
func (p *parser) take(text string) bool {
	if !strings.EqualFold(p.peek(), text) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(text string) {
	if !p.take(text) {
		p.unexpected()
	}
}

// unexpected refuses the next token.
func (p *parser) unexpected() {
	if len(p.tokens) == 0 {
		p.fail("The expression can not be empty;")
	}
	// Near are the tokens around; at the end it is the last one, as in
	// https://github.com/truora/minidyn/issues/21.
	last := len(p.tokens) - 1
	shown, from, to := "<EOF>", last, last
	if p.at <= last {
		shown, from, to = p.tokens[p.at].text, max(0, p.at-1), min(last, p.at+1)
	}
	near := p.source[p.tokens[from].start:p.tokens[to].end]
	p.fail("Syntax error; token: %q, near: %q", shown, near)
}

// path reads a document path.
func (p *parser) path() path {
	out := path{p.name()}
	for {
		switch {
		case p.take("."):
			out = append(out, p.name())
		case p.take("["):
			index, err := strconv.Atoi(p.peek())
			if err != nil || !isDigit(p.peek()[0]) {
				p.unexpected()
			}
			p.at++
			p.expect("]")
			out = append(out, step{index: index})
		default:
			return out
		}
	}
}

// name reads an attribute's name, or the placeholder of one.
func (p *parser) name() step {
	text := p.peek()
	switch {
	case len(text) > 1 && text[0] == '#':
		name, defined := p.given.names[text]
		if !defined {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", text)
		}
		p.given.usedNames[text] = true
		p.at++
		return step{name: name, index: -1}
	case text == "" || !isLetter(text[0]):
		p.unexpected()
	case reservedWords[strings.ToUpper(text)]:
		p.fail("Attribute name is a reserved keyword; reserved keyword: %s", text)
	}
	p.at++
	return step{name: text, index: -1}
}

// value reads the placeholder of a value, if one is next.
func (p *parser) value() (operand, bool) {
	text := p.peek()
	if len(text) < 2 || text[0] != ':' {
		return operand{}, false
	}
	value, defined := p.given.values[text]
	if !defined {
		p.fail("An expression attribute value used in expression is not defined; attribute value: %s", text)
	}
	p.given.usedValues[text] = true
	p.at++
	return operand{op: "value", value: value}, true
}

// isCall says whether a function's name and its parenthesis are next.
func (p *parser) isCall() bool {
	return p.at+1 < len(p.tokens) && p.tokens[p.at+1].text == "(" && isLetter(p.peek()[0])
}

// call reads a function and its operands.
func (p *parser) call(allowed map[string]int, read func() operand) (string, []operand) {
	name := p.next()
	count, known := allowed[name]
	if !known {
		if predicates[name]+sizes[name]+updateFunctions[name] > 0 {
			p.fail("The function is not allowed to be used this way in an expression; function: %s", name)
		}
		p.fail("Invalid function name; function: %s", name)
	}
	p.expect("(")
	var args []operand
	for !p.take(")") {
		if len(args) > 0 {
			p.expect(",")
		}
		args = append(args, read())
	}
	if len(args) != count {
		p.fail("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args))
	}
	return name, args
}

// Functions by where they stand, with how many operands they take.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
var (
	predicates      = map[string]int{"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
	sizes           = map[string]int{"size": 1}
	updateFunctions = map[string]int{"if_not_exists": 2, "list_append": 2}
)

// conditionExpression reads OR, which binds least.
func (p *parser) conditionExpression() *condition {
	left := p.conjunction()
	for p.take("OR") {
		left = &condition{op: "OR", below: []*condition{left, p.conjunction()}}
	}
	return left
}

func (p *parser) conjunction() *condition {
	left := p.negation()
	for p.take("AND") {
		left = &condition{op: "AND", below: []*condition{left, p.negation()}}
	}
	return left
}

func (p *parser) negation() *condition {
	if p.take("NOT") {
		return &condition{op: "NOT", below: []*condition{p.negation()}}
	}
	if p.take("(") {
		doubled := p.peek() == "("
		from := p.at
		inner := p.conditionExpression()
		if doubled && p.matching(from) == p.at-1 {
			p.fail("The expression has redundant parentheses;")
		}
		p.expect(")")
		return inner
	}
	return p.comparison()
}

// matching is the parenthesis that closes the one at a token.
func (p *parser) matching(from int) int {
	depth := 0
	for i := from; i < len(p.tokens); i++ {
		switch p.tokens[i].text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (p *parser) comparison() *condition {
	if p.isCall() && p.peek() != "size" {
		name, args := p.call(predicates, p.operand)
		p.checkCall(name, args)
		return &condition{op: name, operands: args}
	}
	left := p.operand()
	switch op := strings.ToUpper(p.peek()); op {
	case "=", "<>", "<", "<=", ">", ">=":
		p.at++
		right := p.operand()
		p.distinct(op, left, right)
		if op != "=" && op != "<>" {
			p.ordered(op, left, right)
		}
		return &condition{op: op, operands: []operand{left, right}}
	case "BETWEEN":
		p.at++
		low := p.operand()
		p.expect("AND")
		high := p.operand()
		p.checkBetween(left, low, high)
		return &condition{op: op, operands: []operand{left, low, high}}
	case "IN":
		p.at++
		p.expect("(")
		all := []operand{left, p.operand()}
		for p.take(",") {
			all = append(all, p.operand())
		}
		p.expect(")")
		if len(all) > 101 {
			p.fail("Invalid number of operands for operator or function; operator or function: IN, number of operands: %d", len(all)-1)
		}
		return &condition{op: op, operands: all}
	}
	p.unexpected()
	return nil
}

// operand reads a value, a path or size().
func (p *parser) operand() operand {
	if value, is := p.value(); is {
		return value
	}
	if p.isCall() {
		name, args := p.call(sizes, p.operand)
		if of := args[0]; of.op == "value" && slices.Contains([]string{kindNumber, kindBoolean, kindNull}, of.value.kind) {
			p.fail("Incorrect operand type for operator or function; operator or function: size, operand type: %s", of.value.kind)
		}
		return operand{op: name, args: args}
	}
	return operand{op: "path", path: p.path()}
}

func (p *parser) distinct(op string, left, right operand) {
	if left.op == "path" && right.op == "path" && slices.Equal(left.path, right.path) {
		p.fail("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", op, left.path)
	}
}

// ordered refuses values that have no order; a path that leads to such a value is no mistake.
// https://github.com/ExtendDB/extenddb/pull/216
func (p *parser) ordered(op string, operands ...operand) {
	for _, each := range operands {
		if each.op == "value" && !slices.Contains([]string{kindString, kindNumber, kindBinary}, each.value.kind) {
			p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, each.value.kind)
		}
	}
}

func (p *parser) checkBetween(left, low, high operand) {
	p.ordered("BETWEEN", left, low, high)
	if low.op != "value" || high.op != "value" {
		return
	}
	bounds := fmt.Sprintf("lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", low.value, high.value)
	switch {
	case low.value.kind != high.value.kind:
		p.fail("The BETWEEN operator requires same data type for lower and upper bounds; %s", bounds)
	case compareScalars(low.value.kind, low.value.text, high.value.text) > 0:
		p.fail("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; %s", bounds)
	}
}

func (p *parser) checkCall(name string, args []operand) {
	wrongType := func(v Value) {
		p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", name, v.kind)
	}
	switch name {
	case "attribute_exists", "attribute_not_exists":
		if args[0].op != "path" {
			p.fail("Operator or function requires a document path; operator or function: %s", name)
		}
	case "begins_with":
		for _, arg := range args {
			if arg.op == "value" && arg.value.kind != kindString && arg.value.kind != kindBinary {
				wrongType(arg.value)
			}
		}
		p.distinct(name, args[0], args[1])
	case "contains":
		p.distinct(name, args[0], args[1])
	case "attribute_type":
		if args[1].op != "value" {
			wrongType(Value{kind: "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"})
		}
		if args[1].value.kind != kindString {
			wrongType(args[1].value)
		}
		if !slices.Contains(kinds, args[1].value.text) {
			p.fail("Invalid attribute type name found; type: %s, valid types: {%s}", args[1].value.text, strings.Join(kinds, ","))
		}
	}
}

// projection reads the paths of a projection.
func (p *parser) projection() []path {
	paths := []path{p.path()}
	for p.take(",") {
		paths = append(paths, p.path())
	}
	p.apart(paths)
	return paths
}

// apart refuses paths of which one leads into another, or needs a map where another needs a list.
func (p *parser) apart(paths []path) {
	for i, one := range paths {
		for _, two := range paths[:i] {
			shared := 0
			for shared < len(one) && shared < len(two) && one[shared] == two[shared] {
				shared++
			}
			switch {
			case shared == len(one) || shared == len(two):
				p.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", two, one)
			case (one[shared].index < 0) != (two[shared].index < 0):
				p.fail("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", two, one)
			}
		}
	}
}

// update reads the sections of an update expression, each of which may be there once.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func (p *parser) update() []action {
	var actions []action
	seen := map[string]bool{}
	for p.peek() != "" {
		section := strings.ToUpper(p.peek())
		if !slices.Contains([]string{"SET", "REMOVE", "ADD", "DELETE"}, section) {
			p.unexpected()
		}
		if seen[section] {
			p.fail("The %q section can only be used once in an update expression;", section)
		}
		seen[section] = true
		p.at++
		for {
			actions = append(actions, p.action(section))
			if !p.take(",") {
				break
			}
		}
	}
	paths := make([]path, 0, len(actions))
	for _, each := range actions {
		paths = append(paths, each.path)
	}
	p.apart(paths)
	return actions
}

func (p *parser) action(section string) action {
	made := action{section: section, path: p.path()}
	switch section {
	case "SET":
		p.expect("=")
		made.value = p.sum()
	case "ADD", "DELETE":
		value, is := p.value()
		if !is {
			p.unexpected()
		}
		allowed := []string{kindStrings, kindNumbers, kindBytes}
		if section == "ADD" {
			allowed = append(allowed, kindNumber)
		}
		if !slices.Contains(allowed, value.value.kind) {
			p.fail("Incorrect operand type for operator or function; operator: %[1]s, operand type: %[2]s, typeSet: ALLOWED_FOR_%[1]s_OPERAND", section, longKinds[value.value.kind])
		}
		made.value = value
	}
	return made
}

// longKinds are the names that refusals of ADD and DELETE have for types.
var longKinds = map[string]string{
	kindString: "STRING", kindNumber: "NUMBER", kindBinary: "BINARY", kindBoolean: "BOOLEAN", kindNull: "NULL", kindList: "LIST", kindMap: "MAP",
	kindStrings: "STRING_SET", kindNumbers: "NUMBER_SET", kindBytes: "BINARY_SET",
}

// sum reads what SET assigns: an operand, or two with + or - between them.
func (p *parser) sum() operand {
	left := p.updateOperand()
	for _, op := range []string{"+", "-"} {
		if p.take(op) {
			right := p.updateOperand()
			p.needs(op, kindNumber, left, right)
			return operand{op: op, args: []operand{left, right}}
		}
	}
	return left
}

func (p *parser) updateOperand() operand {
	if value, is := p.value(); is {
		return value
	}
	if p.take("(") {
		inner := p.sum()
		p.expect(")")
		return inner
	}
	if p.isCall() {
		name, args := p.call(updateFunctions, p.updateOperand)
		if name == "if_not_exists" && args[0].op != "path" {
			p.fail("Operator or function requires a document path; operator or function: %s", name)
		}
		if name == "list_append" {
			p.needs(name, kindList, args...)
		}
		return operand{op: name, args: args}
	}
	return operand{op: "path", path: p.path()}
}

// needs refuses values that are not of a type.
func (p *parser) needs(op, kind string, operands ...operand) {
	for _, each := range operands {
		if each.op == "value" && each.value.kind != kind {
			p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, each.value.kind)
		}
	}
}
