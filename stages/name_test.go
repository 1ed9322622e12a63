package stages

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/messages"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("x", 60)
	for name, tt := range map[string]struct {
		kind Kind
		part Part
		want string
	}{
		"a plain name is stage, service and name":               {LambdaFunction, Part{Stage: "dev", Service: "notes", Name: "create-note"}, "dev-notes-create-note"},
		"a stack is stage and service":                          {Stack, Part{Stage: "dev", Service: "notes"}, "dev-notes"},
		"a revision enters the name":                            {DynamoDBTable, Part{Stage: "dev", Service: "notes", Name: "notes", Revision: 2}, "dev-notes-notes-r2"},
		"revision 1 is the first, as 0 is":                      {DynamoDBTable, Part{Stage: "dev", Service: "notes", Name: "notes", Revision: 1}, "dev-notes-notes"},
		"the service itself can have a revision":                {Stack, Part{Stage: "dev", Service: "notes", Revision: 2}, "dev-notes-r2"},
		"a component called like a revision has a hash":         {Stack, Part{Stage: "dev", Service: "notes", Name: "r2"}, "dev-notes-r2-nl50c25zhn"},
		"a log group has its prefix":                            {LambdaLogGroup, Part{Stage: "dev", Service: "notes", Name: "f"}, "/aws/lambda/dev-notes-f"},
		"a hyphen in the stage costs no hash":                   {LambdaFunction, Part{Stage: "dev-alice", Service: "notes", Name: "f"}, "dev-alice--notes--f"},
		"a hyphen in the service costs no hash":                 {LambdaFunction, Part{Stage: "dev", Service: "ext-resources", Name: "create-note"}, "dev--ext-resources--create-note"},
		"a hyphen costs the stack no hash":                      {Stack, Part{Stage: "pr-417", Service: "ext-resources"}, "pr-417--ext-resources"},
		"a hyphen and a revision":                               {DynamoDBTable, Part{Stage: "dev", Service: "ext-resources", Name: "notes", Revision: 2}, "dev--ext-resources--notes-r2"},
		"a hyphen and a revision of the service":                {Stack, Part{Stage: "dev", Service: "ext-resources", Revision: 2}, "dev--ext-resources--r2"},
		"a hyphen where AWS refuses two in a row brings a hash": {DAXCluster, Part{Stage: "dev", Service: "a-b", Name: "c"}, "dev-a-b-c-gwmddmx5cr"},
		"two hyphens in a component's name bring a hash":        {LambdaFunction, Part{Stage: "dev", Service: "notes", Name: "a--b"}, "dev-notes-a-b-skp63n6qlh"},
		"a bucket that would look like punycode has a hash":     {S3Bucket, Part{Stage: "xn", Service: "a-b", Name: "files", Account: "111111111111", Region: "us-east-1"}, "xn-a-b-files-v4lhmndlq6-111111111111-us-east-1-an"},
		"a path is never ambiguous, so it needs no hash":        {SSMParameter, Part{Stage: "dev-alice", Service: "notes", Name: "f"}, "/roadshow/dev-alice/notes/f"},
		"a name over the limit is cut, with the hash":           {DAXCluster, Part{Stage: "production", Service: "notes", Name: "notes"}, "productio-t64mz9mf6l"},
		"a name at the limit is whole":                          {LambdaFunction, Part{Stage: "a", Service: "b", Name: long}, "a-b-" + long},
		"a name of one more is cut":                             {LambdaFunction, Part{Stage: "a", Service: "b", Name: long + "x"}, "a-b-" + long[:49] + "-tczt27b09q"},
		"a case that AWS stores in lower case brings a hash":    {DAXCluster, Part{Stage: "dev", Service: "a", Name: "Key"}, "dev-a-key-dc7r7trll0"},
		"a case that AWS does not tell apart brings a hash":     {IAMRole, Part{Stage: "dev", Service: "a", Name: "Key"}, "dev-a-Key-dc7r7trll0"},
		"a case that AWS tells apart stays":                     {LambdaFunction, Part{Stage: "dev", Service: "a", Name: "Key"}, "dev-a-Key"},
		"a character that AWS refuses becomes a hyphen":         {LambdaFunction, Part{Stage: "dev", Service: "a", Name: "b.c"}, "dev-a-b-c-rcj4ftqnbv"},
		"doubled hyphens become one":                            {DAXCluster, Part{Stage: "d", Service: "a", Name: "b--c"}, "d-a-b-c-vmxhkqh32q"},
		"a last hyphen goes":                                    {DAXCluster, Part{Stage: "d", Service: "a", Name: "b-"}, "d-a-b-wcw91z7mdq"},
		"a first-in-first-out queue ends so":                    {SQSFIFOQueue, Part{Stage: "dev", Service: "a", Name: "jobs"}, "dev-a-jobs.fifo"},
		"the hash stands before a suffix":                       {SQSFIFOQueue, Part{Stage: "dev", Service: "a", Name: strings.Repeat("x", 99)}, "dev-a-" + strings.Repeat("x", 58) + "-npg9d1h552.fifo"},
		"a bucket carries account and region":                   {S3Bucket, dev.Part("notes", "files", 0), "dev-notes-files-111111111111-us-east-1-an"},
		"an alias of a key has its prefix":                      {KMSAlias, Part{Stage: "dev", Service: "notes", Name: "data"}, "alias/dev-notes-data"},
		"a secret that ends like an ARN has a hash":             {Secret, Part{Stage: "dev", Service: "notes", Name: "db-secret"}, "dev-notes-db-secret-hxkxxbrtvd"},
		"a component called like a hash has one":                {LambdaFunction, Part{Stage: "dev", Service: "notes", Name: "f-8mdd3kqxfb"}, "dev-notes-f-8mdd3kqxfb-zt6zwkxnn8"},
		"a security group may have the letters of another's id": {SecurityGroup, Part{Stage: "dev", Service: "sg", Name: "x"}, "dev-sg-x"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tt.kind.Name(tt.part)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestNameErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		kind Kind
		part Part
		want string
	}{
		"a stage that is no label": {
			LambdaFunction,
			Part{Stage: "Dev", Service: "notes", Name: "f"},
			`Lambda function "f": stage is "Dev"; it must be a lower-case DNS label.` + "\n" + `Write "dev".`,
		},
		"no service": {
			LambdaFunction,
			Part{Stage: "dev", Name: "f"},
			`Lambda function "f": service is ""; it must be a lower-case DNS label.` + "\n" + `Write "dev".`,
		},
		"a component with a space": {
			LambdaFunction,
			Part{Stage: "dev", Service: "notes", Name: "create note"},
			`Lambda function "create note": name is "create note"; it must be letters, digits, hyphens, underscores and dots, first a letter.` + "\n" + `Write "create-note".` + "\n" + `See https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html`,
		},
		"the word for a generated name": {
			LambdaFunction,
			Part{Stage: "dev", Service: "notes", Name: Generated},
			`Lambda function "roadshow:generated": name is "roadshow:generated"; it must be letters, digits, hyphens, underscores and dots, first a letter.` + "\n" + `Write "roadshow-generated".` + "\n" + `See https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html`,
		},
		"a negative revision": {
			DynamoDBTable,
			Part{Stage: "dev", Service: "notes", Name: "t", Revision: -1},
			`DynamoDB table "t": Revision is -1; it must be 0, or 2 and above.` + "\n" + `Leave it out, or count up from the deployed revision.`,
		},
		"a bucket without its account": {
			S3Bucket,
			Part{Stage: "dev", Service: "notes", Name: "files"},
			`S3 bucket "files": account is ""; it must be the stage's 12 digits, which the name carries.` + "\n" + `Build the part with Stage.Part.`,
		},
		"a bucket without its region": {
			S3Bucket,
			Part{Stage: "dev", Service: "notes", Name: "files", Account: "111111111111"},
			`S3 bucket "files": region is ""; it must be the stage's region, which the name carries.` + "\n" + `Build the part with Stage.Part.`,
		},
		"a beginning that AWS keeps for itself": {
			SecurityGroup,
			Part{Stage: "sg", Service: "notes", Name: "web"},
			`security group "web": name is "sg-notes-web-jcs51bv60l"; it must be a name that does not begin with "sg-".` + "\n" + `Rename the stage or the service that begins it.` + "\n" + `See https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html`,
		},
		"a kind of one's own that is too short for a hash": {
			Kind{Title: "thing", Min: 1, Max: 11},
			Part{Stage: "dev", Service: "notes", Name: "web"},
			`kind "thing": Max is 11; it must be at least 12.` + "\n" + `Give a hash room in the kind's length.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tt.kind.Name(tt.part)
			messages.EqualError(t, err, tt.want)
			require.ErrorAs(t, err, new(*FieldError))
		})
	}
}

func TestALogGroupFollowsItsFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := drawPart(t)
		function, err := LambdaFunction.Name(part)
		require.NoError(t, err)
		group, err := LambdaLogGroup.Name(part)
		require.NoError(t, err)
		assert.Equal(t, "/aws/lambda/"+function, group)
	})
}

func drawPart(t *rapid.T) Part {
	label := rapid.StringMatching(`[a-z](-?[a-z0-9]){0,31}`)
	return Part{
		Stage: label.Draw(t, "stage"), Service: label.Draw(t, "service"),
		Name:     rapid.StringMatching(`([A-Za-z][A-Za-z0-9_.-]{0,80})?`).Draw(t, "name"),
		Revision: rapid.IntRange(0, 30).Draw(t, "revision"), Account: "111111111111", Region: "us-east-1",
	}
}

// accepted is what AWS accepts by the page of each kind, written apart from limits.go.
var accepted = map[string]string{
	"CloudWatch alarm":           `^[ -~]{1,255}$`,
	"CloudWatch composite alarm": `^[ -~]{1,255}$`,
	"CloudWatch dashboard":       `^[A-Za-z0-9_-]{1,255}$`,
	"CodeBuild project":          `^[A-Za-z0-9][A-Za-z0-9_-]{1,149}$`,
	"DAX cluster":                `^[a-z](-?[a-z0-9]){0,19}$`,
	"DAX parameter group":        `^[a-z](-?[a-z0-9]){0,62}$`,
	"DAX subnet group":           `^[a-z](-?[a-z0-9]){0,62}$`,
	"DynamoDB table":             `^[a-zA-Z0-9_.-]{3,255}$`,
	"event bus":                  `^[.\-_A-Za-z0-9]{1,256}$`,
	"event rule":                 `^[.\-_A-Za-z0-9]{1,64}$`,
	"HTTP API":                   `^[ -~]{1,128}$`,
	"IAM policy":                 `^[\w+=,.@-]{1,128}$`,
	"IAM role":                   `^[\w+=,.@-]{1,64}$`,
	"KMS alias":                  `^alias/[a-zA-Z0-9/_-]{1,250}$`,
	"Lambda alias":               `^[a-zA-Z][a-zA-Z0-9-_]{0,127}$`,
	"Lambda function":            `^[a-zA-Z0-9-_]{1,64}$`,
	"Lambda layer":               `^[a-zA-Z0-9-_]{1,140}$`,
	"log group":                  `^[.\-_/#A-Za-z0-9]{1,512}$`,
	"S3 bucket":                  `^[a-z0-9][a-z0-9-]{1,36}-111111111111-us-east-1-an$`,
	"schedule":                   `^[0-9a-zA-Z-_.]{1,64}$`,
	"schedule group":             `^[0-9a-zA-Z-_.]{1,64}$`,
	"secret":                     `^[A-Za-z0-9/_+=.@-]{1,512}$`,
	"security group":             `^[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}$`,
	"SNS FIFO topic":             `^[A-Za-z0-9_-]{1,251}\.fifo$`,
	"SNS topic":                  `^[A-Za-z0-9_-]{1,256}$`,
	"SQS FIFO queue":             `^[A-Za-z0-9_-]{1,75}\.fifo$`,
	"SQS queue":                  `^[A-Za-z0-9_-]{1,80}$`,
	"SSM parameter":              `^(/[a-zA-Z0-9_.-]+){1,15}$`,
	"CloudFormation stack":       `^[a-zA-Z][-a-zA-Z0-9]{0,127}$`,
	"CloudFormation export":      `^[a-zA-Z0-9:-]{1,255}$`,
	"state machine":              `^[0-9A-Za-z_-]{1,80}$`,
}

// hostileLabels are stages and services that are easily taken for one another, once joined.
var hostileLabels = []string{
	"a", "b", "a-b", "b-a", "a-a", "a-a-b", "xn", "aa", "a-b-a", "dev", "dev-alice", "staging-88", "staging-89", "r2", "a-r2", "bcdfghjklm", "a-b1234567890",
	strings.Repeat("a", 32), strings.Repeat("a", 30) + "-b",
}

// hostileNames are components that are easily taken for one another, or for what Name adds itself.
var hostileNames = []string{
	"", "a", "b", "A", "B", "a-b", "A-b", "a-B", "a.b", "a_b", "a--b", "b--a", "a--b--a", "a-b--a", "a-.b", "a-", "a.", "a_", "aB", "Ab", "AB", "ab",
	"r", "r1", "r2", "r02", "R2", "a-r1", "a-r2", "a-r02", "a-r2-r2", "a-R2", "a.r2", "a-r22", "r2-a",
	"bcdfghjklm", "a-bcdfghjklm", "a-0123456789", "a-BCDFGHJKLM", "a_0123456789", "a-0123456789-0123456789", "a-012345678", "a-01234567890",
	"secret", "db-secret", "x-abcdef", "sg-a", "fifo", "a.fifo", "aws", "an",
}

// TestAMillionHostileNamesStayApart is the proof of the rule of injectivity: parts that share prefixes,
// hold separators, differ only in case, lie at a kind's limit, or look like a hash or a revision.
func TestAMillionHostileNamesStayApart(t *testing.T) {
	spaces := map[string][]Kind{}
	for _, kind := range Kinds() {
		spaces[kind.namespace()] = append(spaces[kind.namespace()], kind)
	}
	var total atomic.Int64
	t.Run("kinds", func(t *testing.T) {
		for space, kinds := range spaces {
			t.Run(space, func(t *testing.T) {
				t.Parallel()
				taken := make(map[string]Part, 60000*len(kinds))
				for _, kind := range kinds {
					total.Add(int64(stayApart(t, kind, taken)))
				}
			})
		}
	})
	t.Logf("%d names", total.Load())
	assert.GreaterOrEqual(t, total.Load(), int64(1_000_000))
}

// stayApart names every hostile part by a kind whose namespace already holds the taken names.
func stayApart(t *testing.T, kind Kind, taken map[string]Part) (count int) {
	accepts := regexp.MustCompile(accepted[kind.Title])
	require.NotEmpty(t, accepted[kind.Title])
	// The expression is slow, so it is asked once for each character and for every sixteenth name; a name's
	// characters, length and hyphens are looked at always.
	middle, err := kind.Name(Part{Stage: "a", Service: "b", Account: "111111111111", Region: "us-east-1"})
	require.NoError(t, err)
	plain := "a" + cmp.Or(kind.Separator, "-") + "b"
	require.Contains(t, middle, plain)
	doubled := accepts.MatchString(strings.Replace(middle, plain, "a--b", 1))
	var allowed [256]bool
	for c := range 128 {
		allowed[c] = accepts.MatchString(strings.Replace(middle, plain, "a"+string(rune(c))+"b", 1)) || strings.ContainsRune(kind.Prefix+kind.Suffix, rune(c))
	}
	whole := func(physical string) bool {
		for i := range len(physical) {
			if !allowed[physical[i]] {
				return false
			}
		}
		last := physical[len(physical)-1]
		return last != '-' && last != '.' && last != '_' && (doubled || !strings.Contains(physical, "--")) && (count%16 != 0 || accepts.MatchString(physical))
	}
	try := func(part Part) string {
		count++
		physical, err := kind.Name(part)
		if err != nil {
			t.Fatalf("%+v: %v", part, err)
		}
		if len(physical) > kind.Max || len(physical) < kind.Min || !whole(physical) {
			t.Fatalf("%+v: AWS refuses %q (%d characters)", part, physical, len(physical))
		}
		key := physical
		if kind.FoldsCase {
			key = strings.ToLower(key)
		}
		part.Account, part.Region = "", ""
		if other, known := taken[key]; known && other != part {
			t.Fatalf("%+v and %+v are both %q", part, other, physical)
		}
		taken[key] = part
		return physical
	}
	room := kind.Max - len(kind.Prefix) - len(kind.Suffix)
	for _, stage := range hostileLabels {
		for _, service := range hostileLabels {
			part := Part{Stage: stage, Service: service, Account: "111111111111", Region: "us-east-1"}
			for _, part.Name = range hostileNames {
				part.Revision = 0
				physical := try(part)
				if part.Name != "" && part.Name[0] == 'a' { // the same shape again, as the next revisions
					part.Revision = 2
					try(part)
					part.Revision = 22
					try(part)
				}
				if len(part.Name) == 1 { // what stands behind the stage and service, as another's name
					rest := strings.TrimSuffix(physical, kind.Suffix)
					if at := strings.LastIndex(rest, stage); at >= 0 && isComponentName(rest[at:]) {
						part.Revision = 0
						part.Name = rest[at:]
						try(part)
					}
				}
			}
			for _, length := range []int{room - hashLength - 1, room - 1, room, room + 1, 2 * room} {
				for _, last := range []string{"", "a", "b", "A", "-", "-b", ".b", "-r2", "-0123456789"} {
					fill := length - len(stage) - len(service) - 2 - len(last)
					if fill < 1 {
						continue
					}
					part.Name, part.Revision = "x"+strings.Repeat("a", fill-1)+last, 0
					try(part)
				}
			}
		}
	}
	return count
}

// Whoever reads a name otherwise than it was written, cutting it at any two of its hyphens, has another name.
func TestANameIsReadBackInOneWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(Kinds()).Draw(t, "kind")
		label := rapid.StringMatching(`[ab](-?[ab]){0,3}`)
		part := Part{
			Stage: label.Draw(t, "stage"), Service: label.Draw(t, "service"), Name: rapid.StringMatching(`([ab](--?[ab]){0,3})?`).Draw(t, "name"),
			Revision: rapid.SampledFrom([]int{0, 2}).Draw(t, "revision"), Account: "111111111111", Region: "us-east-1",
		}
		physical, err := kind.Name(part)
		require.NoError(t, err)
		readable := strings.TrimSuffix(strings.TrimPrefix(physical, kind.Prefix), "-111111111111-us-east-1-an")
		for first := range len(readable) {
			for second := first; second < len(readable); second++ {
				other := part
				other.Stage, other.Service = strings.Trim(readable[:first], "-"), strings.Trim(readable[first:second], "-")
				other.Name, other.Revision = strings.TrimLeft(readable[second:], "-"), 0
				if other == part || other.Name != "" && !isComponentName(other.Name) || !isLabel(other.Stage) || !isLabel(other.Service) {
					continue
				}
				again, err := kind.Name(other)
				require.NoError(t, err)
				require.NotEqual(t, strings.ToLower(physical), strings.ToLower(again), "%+v", other)
			}
		}
	})
}

func FuzzName(f *testing.F) {
	f.Add("dev", "notes", "create-note", 0, "dev-alice", "notes", "f", 0)
	f.Add("dev", "alice-notes", "f", 0, "dev-alice", "notes", "f", 0)
	f.Add("staging-88", "a", "b", 0, "staging-89", "a", "b", 0)
	f.Add("dev-notes-a", "b", "c", 0, "dev", "notes", "a--b--c", 0)
	f.Add("dev", "a", "table", 2, "dev", "a", "table-r2", 0)
	f.Add("dev", "a", "", 2, "dev", "a", "r2", 0)
	f.Add("dev", "a", "Key", 0, "dev", "a", "key", 0)
	f.Add("dev", "a", "a.b", 0, "dev", "a", "a-b", 0)
	f.Add("dev", "notes", "f-8mdd3kqxfb", 0, "dev-alice", "notes", "f", 0)
	f.Fuzz(func(t *testing.T, stage1, service1, name1 string, revision1 int, stage2, service2, name2 string, revision2 int) {
		one := Part{Stage: stage1, Service: service1, Name: name1, Revision: revision1, Account: "111111111111", Region: "us-east-1"}
		other := Part{Stage: stage2, Service: service2, Name: name2, Revision: revision2, Account: "111111111111", Region: "us-east-1"}
		for _, kind := range Kinds() {
			first, err := kind.Name(one)
			if err != nil {
				continue
			}
			require.LessOrEqual(t, len(first), kind.Max)
			require.Regexp(t, accepted[kind.Title], first)
			second, err := kind.Name(other)
			if err != nil {
				continue
			}
			if kind.FoldsCase {
				first, second = strings.ToLower(first), strings.ToLower(second)
			}
			a, b := one, other
			a.Revision, b.Revision = max(a.Revision, 1), max(b.Revision, 1)
			require.Equal(t, a == b, first == second, fmt.Sprint(kind.Title, one, other))
		}
	})
}

func BenchmarkName(b *testing.B) {
	part := dev.Part("notes", "create-note", 0)
	for b.Loop() {
		if _, err := LambdaFunction.Name(part); err != nil {
			b.Fatal(err)
		}
	}
}
