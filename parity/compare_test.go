package parity

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stages"
)

var (
	dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	staging    = stages.Stage{Name: "staging", Account: "222222222222", Region: "eu-west-1"}
	production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
)

// identityOf is a stage's identity with a table and two functions, as a ledger lists it.
func identityOf(stage stages.Stage) []string {
	identity := []string{stage.Name, stage.Account, stage.Region}
	for _, name := range []string{"", "-notes", "-create-note", "-delete-note"} {
		identity = append(identity, stage.Name+"-app"+name)
	}
	return identity
}

// side is a stage's template, in which {stage}, {account}, {region} and {table} are what they are
// there.
func side(t testing.TB, stage stages.Stage, template string) Side {
	t.Helper()
	text := strings.NewReplacer(
		"{stage}", stage.Name, "{account}", stage.Account, "{region}", stage.Region,
		"{table}", stage.Name+"-app-notes", "{create}", stage.Name+"-app-create-note", "{delete}", stage.Name+"-app-delete-note",
	).Replace(template)
	parsed, err := Parse([]byte(text))
	require.NoError(t, err, text)
	return Side{Stage: stage, Template: parsed, Identity: identityOf(stage)}
}

// property is a template with one resource that has one property.
func property(value string) string {
	return `{"Resources":{"fn":{"Type":"AWS::Lambda::Function","Properties":{"P":` + value + `}}}}`
}

func named(name string) stages.Stage {
	return stages.Stage{Name: name, Account: fmt.Sprintf("%012d", len(name)*7919), Region: "us-east-1"}
}

func TestTemplatesThatDifferOnlyByIdentityAreEqual(t *testing.T) {
	for name, tt := range map[string]struct {
		left, other stages.Stage
		template    string // of both
		second      string // of the other, if it is not the same
	}{
		"names, account and region":          {dev, production, property(`"arn:aws:lambda:{region}:{account}:function:{create}"`), ""},
		"a stage called a":                   {named("a"), production, property(`"{stage} may read data in {table} and a"`), ""},
		"a stage called id":                  {named("id"), production, property(`"identity id {stage}-id-{table}"`), ""},
		"a stage called lambda":              {named("lambda"), production, property(`"arn:aws:lambda:{region}:{account}:function:{create}"`), ""},
		"prod next to production":            {named("prod"), production, property(`"prod {stage} production {table}"`), ""},
		"a stage that begins another's name": {named("dev"), named("dev-dev"), property(`"dev-{stage}-dev-dev-{stage}"`), ""},
		"a constant equal to a stage's name": {named("prod"), dev, property(`{"MODE":"prod"}`), ""},
		"the same constant in the other":     {dev, named("prod"), property(`{"MODE":"prod","STAGE":"{stage}"}`), ""},
		"two stages in one account": {
			named("blue"),
			stages.Stage{Name: "green", Account: named("blue").Account, Region: "us-east-1"},
			property(`"{account}/{stage}/{table}"`), "",
		},
		"two stages in two regions":         {dev, stages.Stage{Name: "dev-eu", Account: dev.Account, Region: "eu-west-1"}, property(`"{region}a {region} {account}"`), ""},
		"JSON in a string":                  {dev, production, property(`"{\"Resource\":\"arn:aws:dynamodb:{region}:{account}:table/{table}\"}"`), ""},
		"escapes in a string":               {dev, production, property(`"\u00e9\n\"{table}\" \ud83d\ude00 {stage}"`), ""},
		"an account as a key":               {dev, production, property(`{"StringEquals":{"{account}":"a","other":"b"}}`), ""},
		"keys that sort otherwise":          {named("a"), named("z"), property(`{"m":1,"{stage}":2,"y":3}`), ""},
		"two keys of identity":              {dev, production, property(`{"{table}":1,"{create}":2}`), ""},
		"a key that is the stage's name":    {dev, production, property(`{"{stage}":"x","dev ":"y"}`), ""},
		"numbers, booleans and null":        {dev, production, property(`[1,1.50,true,false,null,[],{}]`), ""},
		"an availability zone":              {dev, staging, property(`"{region}a"`), ""},
		"resources defined in other order":  {dev, production, `{"Resources":{"a":{"Type":"A"},"b":{"Type":"B"}}}`, `{"Resources":{"b":{"Type":"B"},"a":{"Type":"A"}}}`},
		"dependencies in other order":       {dev, production, `{"Resources":{"a":{"Type":"A","DependsOn":["b","c"]}}}`, `{"Resources":{"a":{"Type":"A","DependsOn":["c","b"]}}}`},
		"white space":                       {dev, production, `{"Resources":{}}`, "{ \"Resources\" :\n\t{ } }\r\n"},
		"the same name where names overlap": {named("a"), named("aa"), property(`"{stage}a{stage}aa{stage}"`), ""},
		"the hash of a version, and what refers to it": {
			dev, production,
			versioned("0123456789abcdef0123456789abcdef"), versioned("fedcba9876543210fedcba9876543210"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			second := tt.second
			if second == "" {
				second = tt.template
			}
			for _, sides := range [][]Side{
				{side(t, tt.left, tt.template), side(t, tt.other, second)},
				{side(t, tt.other, second), side(t, tt.left, tt.template)},
			} {
				differences, err := Compare(sides...)
				require.NoError(t, err)
				assert.Empty(t, differences)
			}
		})
	}
}

// versioned is a template with a version of a function, a deployment, and every way to refer to
// them.
func versioned(hash string) string {
	return strings.ReplaceAll(`{
		"Resources": {
			"fnVersionAB12HASH": {"Type":"AWS::Lambda::Version","Properties":{"FunctionName":{"Ref":"fn"}}},
			"apiDeployment77HASH": {"Type":"AWS::ApiGateway::Deployment","DependsOn":["fnVersionAB12HASH","fn"]},
			"alias": {"Type":"AWS::Lambda::Alias","Properties":{
				"FunctionVersion":{"Fn::GetAtt":["fnVersionAB12HASH","Version"]},
				"Short":{"Fn::GetAtt":"fnVersionAB12HASH.Version"},
				"Text":{"Fn::Sub":"x-${apiDeployment77HASH}-${fnVersionAB12HASH.Version}"}}}
		},
		"Outputs": {"version":{"Value":{"Ref":"fnVersionAB12HASH"}}}
	}`, "HASH", hash)
}

func TestUndeclaredDifferencesAreFoundAndLocated(t *testing.T) {
	for name, tt := range map[string]struct {
		first, other string // of dev and of production
		want         []string
	}{
		"a number": {property(`256`), property(`1024`), []string{
			"Resources.fn.Properties.P",
		}},
		"numbers that only read differently":              {property(`1`), property(`1.0`), []string{"Resources.fn.Properties.P"}},
		"a number and the same as text":                   {property(`1`), property(`"1"`), []string{"Resources.fn.Properties.P"}},
		"null and nothing":                                {property(`{"Q":null}`), property(`{}`), []string{"Resources.fn.Properties.P.Q"}},
		"a logical id":                                    {`{"Resources":{"fnA":{"Type":"T"}}}`, `{"Resources":{"fnB":{"Type":"T"}}}`, []string{"Resources.fnA", "Resources.fnB"}},
		"a logical id that holds the stage's name":        {`{"Resources":{"{stage}Table":{"Type":"T"}}}`, `{"Resources":{"{stage}Table":{"Type":"T"}}}`, []string{"Resources.devTable", "Resources.productionTable"}},
		"an output that holds the stage's name":           {`{"Outputs":{"{stage}":{"Value":1}}}`, `{"Outputs":{"{stage}":{"Value":1}}}`, []string{"Outputs.dev", "Outputs.production"}},
		"swapped names of one kind":                       {property(`["{create}","{delete}"]`), property(`["{delete}","{create}"]`), []string{"Resources.fn.Properties.P[0]", "Resources.fn.Properties.P[1]"}},
		"a function's name where the table's should be":   {property(`"{table}"`), property(`"{create}"`), []string{"Resources.fn.Properties.P"}},
		"the account where the stage should be":           {property(`"x-{stage}"`), property(`"x-{account}"`), []string{"Resources.fn.Properties.P"}},
		"the beginning of the account":                    {property(`"b-11111"`), property(`"b-33333"`), []string{"Resources.fn.Properties.P"}},
		"the beginning of the stage's name":               {property(`"dev-x"`), property(`"pro-x"`), []string{"Resources.fn.Properties.P"}},
		"the stage's name in upper case":                  {property(`"DEV"`), property(`"PRODUCTION"`), []string{"Resources.fn.Properties.P"}},
		"a hash of the stage's name":                      {property(`"b-9f1c"`), property(`"b-07aa"`), []string{"Resources.fn.Properties.P"}},
		"part of a name":                                  {property(`"dev-app-note"`), property(`"production-app-notes"`), []string{"Resources.fn.Properties.P"}},
		"the other stage's name in each":                  {property(`"production"`), property(`"dev"`), []string{"Resources.fn.Properties.P"}},
		"an environment variable more":                    {property(`{"A":"1"}`), property(`{"A":"1","B":"2"}`), []string{"Resources.fn.Properties.P.B"}},
		"an element more, in the middle":                  {property(`["a","b","d"]`), property(`["a","b","c","d"]`), []string{"Resources.fn.Properties.P[2]"}},
		"another order of a list":                         {property(`["a","b"]`), property(`["b","a"]`), []string{"Resources.fn.Properties.P[0]", "Resources.fn.Properties.P[1]"}},
		"a key that needs quotes":                         {property(`{"a b":{"x.y":1}}`), property(`{"a b":{"x.y":2}}`), []string{`Resources.fn.Properties.P["a b"]["x.y"]`}},
		"a type":                                          {`{"Resources":{"fn":{"Type":"A"}}}`, `{"Resources":{"fn":{"Type":"B"}}}`, []string{"Resources.fn.Type"}},
		"a resource more":                                 {`{"Resources":{"fn":{"Type":"A"}}}`, `{"Resources":{"fn":{"Type":"A"},"z":{"Type":"B"}}}`, []string{"Resources.z"}},
		"a section more":                                  {`{}`, `{"Conditions":{}}`, []string{"Conditions"}},
		"two keys that could each be either":              {`{"X":{"Y":{"Z":{"dev":1,"111111111111":2}}}}`, `{"X":{"Y":{"Z":{"production":2,"333333333333":1}}}}`, []string{"X.Y.Z.111111111111", "X.Y.Z.dev"}},
		"the hash of a type that is not folded":           {strings.ReplaceAll(versioned(strings.Repeat("0", 32)), "AWS::Lambda::Version", "AWS::Lambda::Other"), strings.ReplaceAll(versioned(strings.Repeat("1", 32)), "AWS::Lambda::Version", "AWS::Lambda::Other"), nil},
		"a version of another function":                   {versioned(strings.Repeat("0", 32)), strings.ReplaceAll(versioned(strings.Repeat("1", 32)), "fnVersionAB12", "fnVersionCD34"), nil},
		"a deployment where a version was":                {`{"Resources":{"x00000000000000000000000000000000":{"Type":"AWS::Lambda::Version"}}}`, `{"Resources":{"x11111111111111111111111111111111":{"Type":"AWS::ApiGateway::Deployment"}}}`, nil},
		"text that goes on in one":                        {property(`"{stage}"`), property(`"{stage}!"`), []string{"Resources.fn.Properties.P"}},
		"an empty text":                                   {property(`""`), property(`"{stage}"`), []string{"Resources.fn.Properties.P"}},
		"a list and an object":                            {property(`[]`), property(`{}`), []string{"Resources.fn.Properties.P"}},
		"a true that is false":                            {property(`true`), property(`false`), []string{"Resources.fn.Properties.P"}},
		"the value under a key that holds identity":       {property(`{"{account}":"r"}`), property(`{"{account}":"w"}`), []string{"Resources.fn.Properties.P.111111111111"}},
		"JSON in a string, of which one character":        {property(`"{\"M\":1,\"T\":\"{table}\"}"`), property(`"{\"M\":2,\"T\":\"{table}\"}"`), []string{"Resources.fn.Properties.P"}},
		"the dependencies":                                {`{"Resources":{"a":{"Type":"A","DependsOn":["b"]}}}`, `{"Resources":{"a":{"Type":"A","DependsOn":["c"]}}}`, []string{"Resources.a.DependsOn[0]"}},
		"a name and a copy of the pattern with another's": {property(`"{stage}-app-notes"`), property(`"{stage}-app-note"`), []string{"Resources.fn.Properties.P"}},
	} {
		t.Run(name, func(t *testing.T) {
			differences, err := Compare(side(t, dev, tt.first), side(t, production, tt.other))
			require.NoError(t, err)
			var paths []string
			for _, difference := range differences {
				paths = append(paths, difference.Path)
				assert.GreaterOrEqual(t, len(difference.Values), 2)
			}
			require.NotEmpty(t, paths)
			if tt.want != nil {
				assert.Equal(t, tt.want, paths)
			}
			back, err := Compare(side(t, production, tt.other), side(t, dev, tt.first))
			require.NoError(t, err)
			assert.Len(t, back, len(differences), "the same differences, seen from the other side")
		})
	}
}

func TestADifferenceSaysWhatIsWhereAndWhoMadeIt(t *testing.T) {
	stage, other := side(t, dev, property(`256`)), side(t, production, property(`1024`))
	other.Positions = func(id string) stages.Position {
		assert.Equal(t, "fn", id)
		return stages.Position{File: "app.go", Line: 24}
	}
	differences, err := Compare(stage, other)
	require.NoError(t, err)
	require.Equal(t, []Difference{{
		Path: "Resources.fn.Properties.P", LogicalID: "fn", Type: "AWS::Lambda::Function", At: stages.Position{File: "app.go", Line: 24},
		Values: []Value{{Stages: []string{"dev"}, JSON: []byte("256")}, {Stages: []string{"production"}, JSON: []byte("1024")}},
	}}, differences)
	assert.Equal(t, `Resources.fn.Properties.P
  AWS::Lambda::Function, made at app.go:24
  dev:        256
  production: 1024`, differences[0].String())
}

func TestStagesThatAgreeShareAValue(t *testing.T) {
	differences, err := Compare(
		side(t, dev, property(`"{table}"`)), side(t, production, property(`"x"`)), side(t, staging, property(`"{table}"`)),
	)
	require.NoError(t, err)
	require.Len(t, differences, 1)
	assert.Equal(t, []Value{
		{Stages: []string{"dev", "staging"}, JSON: []byte(`"dev-app-notes"`)},
		{Stages: []string{"production"}, JSON: []byte(`"x"`)},
	}, differences[0].Values)
}

func TestAResourceThatOneStageLacksIsOneDifference(t *testing.T) {
	without := `{"Resources":{"fn":{"Type":"AWS::Lambda::Function"}}}`
	with := func(size int) string {
		return fmt.Sprintf(`{"Resources":{"fn":{"Type":"AWS::Lambda::Function"},"dax":{"Type":"AWS::DAX::Cluster","Properties":{"Size":%d}}}}`, size)
	}
	differences, err := Compare(side(t, dev, without), side(t, staging, with(1)), side(t, production, with(2)))
	require.NoError(t, err)
	require.Len(t, differences, 2, "and that the two others do not agree is another")
	assert.Equal(t, "Resources.dax", differences[0].Path)
	assert.Equal(t, "AWS::DAX::Cluster", differences[0].Type)
	assert.Equal(t, "nothing", differences[0].Values[0].String())
	assert.Equal(t, []string{"staging", "production"}, differences[0].Values[1].Stages)
	assert.Equal(t, "Resources.dax.Properties.Size", differences[1].Path)
}

// Each two of these are equal: to a stage called prod, MODE=prod is a constant as well as its own
// name. There is no one program that makes all three.
func TestWhatEachTwoTemplatesCouldShareMustBeSharedByAll(t *testing.T) {
	prod := named("prod")
	sides := []Side{side(t, prod, property(`"prod"`)), side(t, dev, property(`"prod"`)), side(t, staging, property(`"staging"`))}
	for _, pair := range [][2]int{{0, 1}, {0, 2}} {
		differences, err := Compare(sides[pair[0]], sides[pair[1]])
		require.NoError(t, err)
		require.Empty(t, differences)
	}
	differences, err := Compare(sides...)
	require.NoError(t, err)
	require.Len(t, differences, 1)
	assert.Equal(t, []string{"staging"}, differences[0].Values[1].Stages)
}

func TestTwentyStagesAreComparedTogether(t *testing.T) {
	var sides []Side
	for i := range 20 {
		stage := stages.Stage{Name: fmt.Sprintf("stage%d", i), Account: fmt.Sprintf("%012d", 100+i), Region: "us-east-1"}
		sides = append(sides, side(t, stage, property(`"{stage} stage1 stage10 {table} {account} {stage}0"`)))
	}
	differences, err := Compare(sides...)
	require.NoError(t, err)
	assert.Empty(t, differences)
}

func TestIdentitiesMustPairUp(t *testing.T) {
	stage, other := side(t, dev, `{}`), side(t, production, `{}`)
	other.Identity = other.Identity[1:]
	_, err := Compare(stage, other)
	var identityError *IdentityError
	require.ErrorAs(t, err, &identityError)
	messages.EqualError(t, err, "identities of dev and production: the one has 7 values and the other 6; record the same names, in the same order, in every stage")

	other.Identity = append([]string{""}, other.Identity...)
	_, err = Compare(stage, other)
	require.ErrorAs(t, err, &identityError)
}

func TestTheSearchForASkeletonEnds(t *testing.T) {
	// Every split of the letters is a different way, and none leads to the end.
	text, other := strings.Repeat("a", 400)+"x", strings.Repeat("a", 700)+"y"
	a, b := side(t, named("a"), property(`"`+text+`"`)), side(t, named("aa"), property(`"`+other+`"`))
	differences, err := Compare(a, b)
	require.NoError(t, err)
	assert.Len(t, differences, 1)
}

func TestParseRefusesWhatTwoReadersCouldReadDifferently(t *testing.T) {
	for name, tt := range map[string]struct{ template, want string }{
		"a key that stands twice": {`{"a":1,"\u0061":2}`, `template: key "a" stands twice in one object`},
		"no object":               {`[]`, "the template is not a JSON object"},
		"no JSON":                 {`{`, "template: unexpected end of JSON input"},
		"more than one value":     {`{} {}`, "template: invalid character '{' after top-level value"},
		"other bytes than UTF-8":  {"{\"a\":\"\xff\"}", "the template is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.template))
			messages.EqualError(t, err, tt.want)
		})
	}
}

func TestATemplateKnowsItsResources(t *testing.T) {
	template, err := Parse([]byte(`{"Resources":{"b":{"Type":"B"},"a":{"Type":"A"},"c":{}}}`))
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c"}, template.Resources())
	assert.Equal(t, "A", template.Type("a"))
	assert.Empty(t, template.Type("c"))
	assert.Empty(t, template.Type("d"))
}

func TestForeignAccounts(t *testing.T) {
	set := stages.Set{dev, staging, production, {Name: "blue", Account: dev.Account, Region: "us-east-1"}}
	for name, tt := range map[string]struct {
		template string
		want     []string
	}{
		"its own":                           {property(`"arn:aws:iam::111111111111:role/x"`), nil},
		"another's in a string":             {property(`["arn:aws:iam::333333333333:role/x"]`), []string{"Resources.fn.Properties.P[0] 333333333333 production"}},
		"another's in a key":                {property(`{"222222222222":1}`), []string{"Resources.fn.Properties.P.222222222222 222222222222 staging"}},
		"another's as a number":             {property(`333333333333`), []string{"Resources.fn.Properties.P 333333333333 production"}},
		"within a longer run of digits":     {property(`"3333333333331 0333333333333"`), nil},
		"next to letters":                   {property(`"x333333333333y"`), []string{"Resources.fn.Properties.P 333333333333 production"}},
		"two in one string":                 {property(`"333333333333-222222222222"`), []string{"Resources.fn.Properties.P 333333333333 production", "Resources.fn.Properties.P 222222222222 staging"}},
		"an account that no stage lives in": {property(`"444444444444"`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, reference := range ForeignAccounts(side(t, dev, tt.template), set) {
				assert.Equal(t, "dev", reference.Stage)
				assert.Equal(t, "fn", reference.LogicalID)
				got = append(got, reference.Path+" "+reference.Account+" "+reference.Owner)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestTwoRunsMustGiveTheSameBytes(t *testing.T) {
	for name, tt := range map[string]struct {
		first, second string
		want          string
	}{
		"the same":                    {property(`1`), property(`1`), ""},
		"a value":                     {property(`1`), property(`2`), "Resources.fn.Properties.P"},
		"a name of the stage as well": {property(`"dev"`), property(`"production"`), "Resources.fn.Properties.P"},
		"a hash that would be folded": {versioned(strings.Repeat("0", 32)), versioned(strings.Repeat("1", 32)), "Outputs.version.Value.Ref"},
		"the order of resources":      {`{"Resources":{"a":{"Type":"A"},"b":{"Type":"B"}}}`, `{"Resources":{"b":{"Type":"B"},"a":{"Type":"A"}}}`, "Resources"},
		"the order within a resource": {property(`[{"x":1,"y":2}]`), property(`[{"y":2,"x":1}]`), "Resources.fn.Properties.P[0]"},
		"the white space":             {`{"a":1}`, `{"a": 1}`, "$"},
		"no template at all":          {`{"a":1}`, `garbage`, "$"},
	} {
		t.Run(name, func(t *testing.T) {
			differences := Reproducible(map[string][]byte{"dev": []byte(tt.first)}, map[string][]byte{"dev": []byte(tt.second)})
			if tt.want == "" {
				assert.Nil(t, differences)
				return
			}
			require.NotEmpty(t, differences)
			assert.Equal(t, tt.want, differences[0].Path)
			require.Len(t, differences[0].Values, 2)
			assert.Equal(t, []string{"dev, first run"}, differences[0].Values[0].Stages)
			assert.Equal(t, []string{"dev, second run"}, differences[0].Values[1].Stages)
		})
	}
	differences := Reproducible(map[string][]byte{"dev": []byte(`{}`)}, nil)
	require.Len(t, differences, 1)
	assert.Equal(t, "nothing", differences[0].Values[1].String())
}

func TestEveryPlaceOfATextIsLookedAtForAnotherStagesName(t *testing.T) {
	for name, text := range map[string]string{
		"the first":                        "/roadshow/dev/x",
		"the second, behind a longer word": "x/roadshow/dev/xy /roadshow/dev/x",
		"the last of three":                "/roadshow/dev/xyz,/roadshow/dev/x9;/roadshow/dev/x",
	} {
		t.Run(name, func(t *testing.T) {
			template, err := Parse([]byte(`{"Outputs":{"O":{"Value":"` + text + `"}}}`))
			require.NoError(t, err)
			side := Side{Stage: stages.Stage{Name: "production", Account: "111111111111", Region: "us-east-1"}, Template: template}
			foreign, _ := mentions(side, &deployment{side: side}, stages.Set{side.Stage}, map[string]string{"/roadshow/dev/x": "dev"})
			require.Len(t, foreign, 1)
			assert.Equal(t, "/roadshow/dev/x", foreign[0].Name)
		})
	}
}
