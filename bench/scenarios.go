package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/bench/programs/size"
	"github.com/roadshow-go/roadshow/internal/jsiicache"
)

// synthesis is ours against the CDK by hand, the CDK in JavaScript, and Serverless.
func (b *bench) synthesis() error {
	for _, functions := range []int{10, 50} {
		name := fmt.Sprintf("synthesis, 3 stages × %d functions", functions)
		ours, raw, javascript, serverless := b.size("ours", 3, functions), b.size("raw", 3, functions), b.size("javascript", 3, functions), b.size("serverless", 3, functions)
		for _, run := range []func() error{b.ours(ours), b.raw(raw), b.javascript(javascript), b.serverless(serverless)} {
			if err := run(); err != nil {
				return err
			}
		}
		for i := range ours.Stages {
			for _, peer := range []size.Size{raw, javascript} {
				if err := sameTemplates(ours.Template(i), peer.Template(i)); err != nil {
					return err
				}
			}
			if err := sameFunctions(ours.Template(i), filepath.Join(serverless.Assembly(i), "cloudformation-template-update-stack.json")); err != nil {
				return err
			}
		}
		b.say("%s: the templates are equivalent", name)
		took, err := b.race(name, b.rounds,
			contestant{name: "ours", run: b.ours(ours)}, contestant{name: "raw CDK Go", run: b.raw(raw)},
			contestant{name: "JavaScript", run: b.javascript(javascript)},
		)
		if err != nil {
			return err
		}
		b.report.goal(name+", ours / raw CDK Go", took["ours"], took["raw CDK Go"], 1.10)
		b.report.show(name+", ours / JavaScript", took["ours"], took["JavaScript"])
		slow, err := b.race(name+", Serverless", b.few(), contestant{name: "ours", run: b.ours(ours)}, contestant{name: "Serverless, 3 runs", run: b.serverless(serverless)})
		if err != nil {
			return err
		}
		b.report.goal(name+", ours / Serverless, 3 runs", slow["ours"], slow["Serverless, 3 runs"], 0.15)
	}
	return nil
}

// parity is the proof of 20 stages against their plain synthesis, which is raced with the CDK's, too.
func (b *bench) parity() error {
	const stages, functions = 20, 50
	name := fmt.Sprintf("%d stages × %d functions", stages, functions)
	one, two, twenty := b.size("ours", stages, functions), b.size("ours", stages, functions), b.size("ours", stages, functions)
	two.Groups, twenty.Groups = 2, 20
	raw, javascript := b.size("raw", stages, functions), b.size("javascript", stages, functions)
	for _, run := range []func() error{b.ours(one), b.raw(raw), b.javascript(javascript)} {
		if err := run(); err != nil {
			return err
		}
	}
	for i := range stages {
		for _, peer := range []size.Size{raw, javascript} {
			if err := sameTemplates(one.Template(i), peer.Template(i)); err != nil {
				return err
			}
		}
	}
	b.say("%s: the templates are equivalent", name)
	var plain, proof, all, hand, floor memory
	took, err := b.race(name, b.few(),
		contestant{name: "synthesis", run: b.ours(two), memory: &plain},
		contestant{name: "raw CDK Go", run: b.raw(raw), memory: &hand},
		contestant{name: "JavaScript", run: b.javascript(javascript), memory: &floor},
		contestant{name: "parity, 2 groups", run: b.ours(two, "-parity"), memory: &proof},
		contestant{name: "parity, 20 groups", run: b.ours(twenty, "-parity"), memory: &all},
	)
	if err != nil {
		return err
	}
	b.report.goal("synthesis, "+name+", ours / JavaScript", took["synthesis"], took["JavaScript"], 2.0)
	b.report.show("synthesis, "+name+", ours / raw CDK Go", took["synthesis"], took["raw CDK Go"])
	b.report.goal("parity of "+name+", 2 groups / their synthesis", took["parity, 2 groups"], took["synthesis"], 1.25)
	b.report.goal("parity of "+name+", 20 groups / their synthesis", took["parity, 20 groups"], took["synthesis"], 2.0)
	b.report.remark("Peak memory of Go and Node together, %s: synthesis %s, parity with 2 groups %s, with 20 groups %s; raw CDK Go %s, JavaScript %s.",
		name, &plain, &proof, &all, &hand, &floor)
	return nil
}

// validation is ours, which validates what has changed, against the CDK's default.
func (b *bench) validation() error {
	const stages, functions = 3, 10
	name := fmt.Sprintf("validation on, %d stages × %d functions", stages, functions)
	cache := filepath.Join(b.temporary(), "cache")
	environment := append(append([]string{}, b.environment...), "XDG_CACHE_HOME="+cache, jsiicache.Variable+"="+jsiicache.Root())
	ours, raw := b.size("ours", stages, functions), b.size("raw", stages, functions)
	ours.Validate, raw.Validate = true, true
	validated := func(program string, s size.Size) func() error {
		return b.process(b.root, environment, b.bin(program), s.Flags()...)
	}
	for _, run := range []func() error{validated("ours", ours), validated("raw", raw)} {
		if err := run(); err != nil {
			return err
		}
	}
	for i := range stages {
		if err := sameTemplates(ours.Template(i), raw.Template(i)); err != nil {
			return err
		}
	}
	if kept, err := os.ReadDir(filepath.Join(cache, "roadshow", "validated")); err != nil || len(kept) != stages {
		return fmt.Errorf("%s: the cache holds %d verdicts, want %d (%w)", name, len(kept), stages, err)
	}
	salt := 0
	changed := func() error {
		salt++
		other := ours
		other.Salt = fmt.Sprintf("%d", salt)
		return validated("ours", other)()
	}
	took, err := b.race(name, b.rounds,
		contestant{name: "ours, unchanged", run: validated("ours", ours)},
		contestant{name: "ours, every template changed", run: changed},
		contestant{name: "raw CDK Go, its default", run: validated("raw", raw)},
	)
	if err != nil {
		return err
	}
	b.report.goal(name+", unchanged / raw CDK Go", took["ours, unchanged"], took["raw CDK Go, its default"], 0.35)
	b.report.goal(name+", changed / raw CDK Go", took["ours, every template changed"], took["raw CDK Go, its default"], 1.05)
	return nil
}

// builds is ours against one plain go build. Each side has a build cache of its own: the second would
// find there what the first compiled.
func (b *bench) builds() error {
	const functions, stages = 10, 3
	name := fmt.Sprintf("builds, %d functions × %d stages", functions, stages)
	side := func(who string) (module string, environment []string) {
		module = filepath.Join(b.temporary(), "builds", who)
		return module, append(append([]string{}, b.environment...), "GOCACHE="+filepath.Join(b.temporary(), "builds", who+"-cache"))
	}
	module, environment := side("ours")
	asked := b.size("ours", stages, functions)
	ours := b.process(module, environment, b.bin("builds"), append([]string{"-module=" + module}, asked.Flags()...)...)
	plainModule, plainEnvironment := side("plain")
	arguments := []string{"build", "-o", filepath.Join(plainModule, "out") + string(filepath.Separator), "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-tags", "lambda.norpc"}
	for i := range functions {
		arguments = append(arguments, "./"+size.Function(i))
	}
	plain := b.process(plainModule, append(plainEnvironment, "GOOS=linux", "GOARCH=arm64", "GOARM64=v8.0", "CGO_ENABLED=0"), "go", arguments...)

	cold := func(module string) func() error {
		return func() error {
			if err := os.RemoveAll(module + "-cache"); err != nil {
				return err
			}
			if err := os.RemoveAll(module); err != nil {
				return err
			}
			return b.writeFunctions(module, functions)
		}
	}
	generation := 0
	change := func(module, folder, file string) func() error {
		return func() error {
			generation++
			return os.WriteFile(filepath.Join(module, folder, file), []byte(fmt.Sprintf("package %s\n\nvar Generation = \"generation %d\"\n", packageName(folder), generation)), 0o644)
		}
	}
	results := map[string]map[string]sample{}
	for _, step := range []struct {
		name         string
		rounds       int
		ours, theirs func() error
	}{
		{name: "cold", rounds: min(b.rounds, 2), ours: cold(module), theirs: cold(plainModule)},
		{name: "after a change of one", rounds: b.rounds, ours: change(module, size.Function(2), "generation.go"), theirs: change(plainModule, size.Function(2), "generation.go")},
		{name: "after a change of all", rounds: b.rounds, ours: change(module, "shared", "generation.go"), theirs: change(plainModule, "shared", "generation.go")},
		{name: "nothing to do", rounds: b.rounds},
	} {
		took, err := b.race(name+", "+step.name, step.rounds,
			contestant{name: "ours", prepare: step.ours, run: ours}, contestant{name: "go build", prepare: step.theirs, run: plain})
		if err != nil {
			return err
		}
		results[step.name] = took
		if step.name == "cold" {
			if err := b.sameBuilds(module, plainModule, functions); err != nil {
				return err
			}
			b.say("%s: the binaries are the same", name)
		}
	}
	for _, step := range []string{"cold", "after a change of one", "after a change of all"} {
		b.report.goal(name+", "+step+", ours / one go build", results[step]["ours"], results[step]["go build"], 1.10)
	}
	b.report.limit(name+", nothing to do", results["nothing to do"]["ours"], 300*time.Millisecond)
	return nil
}

// sameBuilds compares the assets with the plain binaries.
func (b *bench) sameBuilds(module, plainModule string, functions int) error {
	assets, err := filepath.Glob(filepath.Join(module, ".roadshow", "functions", "*", "bootstrap"))
	if err != nil {
		return err
	}
	if len(assets) != functions {
		return fmt.Errorf("ours built %d assets, want %d", len(assets), functions)
	}
	for i := range functions {
		plain := filepath.Join(plainModule, "out", size.Function(i))
		var faults []string
		for _, asset := range assets {
			if err := sameBinaries(asset, plain); err != nil {
				faults = append(faults, err.Error())
			}
		}
		if len(faults) != len(assets)-1 {
			return fmt.Errorf("of %d assets %d are not the binary of %s:\n%s", len(assets), len(faults), size.Function(i), strings.Join(faults, "\n"))
		}
	}
	return nil
}

func packageName(folder string) string {
	if folder == "shared" {
		return folder
	}
	return "main"
}

// writeFunctions makes a module of Lambda functions that share a package.
func (b *bench) writeFunctions(module string, functions int) error {
	sums, err := os.ReadFile(filepath.Join(b.root, "go.sum"))
	if err != nil {
		return err
	}
	files := map[string]string{
		"go.mod":               "module example.com/functions\n\ngo 1.26\n\nrequire github.com/aws/aws-lambda-go " + moduleVersion(b.root, "github.com/aws/aws-lambda-go") + "\n",
		"go.sum":               string(sums),
		"shared/shared.go":     "package shared\n\nfunc Greet(name string) string { return Generation + name }\n",
		"shared/generation.go": "package shared\n\nvar Generation = \"generation 0\"\n",
	}
	for i := range functions {
		id := size.Function(i)
		files[id+"/generation.go"] = "package main\n\nvar Generation = \"generation 0\"\n"
		files[id+"/main.go"] = fmt.Sprintf(`package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"example.com/functions/shared"
)

func main() {
	lambda.Start(func(_ context.Context, request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: shared.Greet(%q) + Generation + request.RawPath}, nil
	})
}
`, id)
	}
	for name, text := range files {
		file := filepath.Join(module, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// tests is the test loop: real test binaries, ours and the CDK's own assertions.
func (b *bench) tests() error {
	const many = 200
	for _, who := range []string{"ours", "raw"} {
		if err := b.process(b.root, os.Environ(), "go", "test", "-c", "-tags", "bench", "-o", b.bin(who+"test"), "./bench/programs/"+who+"test")(); err != nil {
			return err
		}
	}
	suite := func(who string, count int, extra ...string) func() error {
		environment := append(append([]string{}, b.environment...), fmt.Sprintf("BENCH_TESTS=%d", count), "BENCH_CODE="+filepath.Join(b.work, "code", size.Function(0)))
		return b.process(b.root, append(environment, extra...), b.bin(who+"test"), "-test.count=1")
	}
	template := func(who string) string { return filepath.Join(b.temporary(), who+".json") }
	for _, who := range []string{"ours", "raw"} {
		if err := suite(who, 1, "BENCH_TEMPLATE="+template(who))(); err != nil {
			return err
		}
	}
	if err := sameTemplates(template("ours"), template("raw")); err != nil {
		return err
	}
	b.say("test loop: the templates are equivalent")
	took, err := b.race("test loop", b.rounds,
		contestant{name: "ours, 1", run: suite("ours", 1)}, contestant{name: "ours, 200", run: suite("ours", many)},
		contestant{name: "raw, 1", run: suite("raw", 1)},
	)
	if err != nil {
		return err
	}
	slow, err := b.race("test loop, raw CDK Go", b.few(), contestant{name: "raw, 200", run: suite("raw", many)}, contestant{name: "ours, 200", run: suite("ours", many)})
	if err != nil {
		return err
	}
	further := (took["ours, 200"].median() - took["ours, 1"].median()) / (many - 1)
	b.report.limit("test loop, a process with 1 template test", took["ours, 1"], 600*time.Millisecond)
	b.report.limit("test loop, each further template", sample{further}, 10*time.Millisecond)
	b.report.goal("test loop, 200 template tests, ours / raw CDK Go with assertions", slow["ours, 200"], slow["raw, 200"], 0.35)
	b.report.show("test loop, 1 template test, ours / raw CDK Go with assertions", took["ours, 1"], took["raw, 1"])
	return nil
}

// start is what the notes service adds to the cdk command when nothing has changed. The command alone
// is measured with a finished assembly for its app: it then starts no program.
func (b *bench) start() error {
	prepared := filepath.Join(b.temporary(), "prepared")
	environment := b.withoutContext()
	synth := func(arguments ...string) func() error {
		return b.process(b.root, environment, "npx", append([]string{"cdk", "synth", "--quiet", "-c", "stage=dev"}, arguments...)...)
	}
	output := filepath.Join(b.temporary(), "synth")
	if err := synth("--output", prepared)(); err != nil {
		return err
	}
	if err := b.process(b.root, environment, "go", "build", "-o", b.bin("notes"), ".")(); err != nil {
		return err
	}
	took, err := b.race("start", b.rounds,
		contestant{name: "cdk alone", run: synth("--app", prepared)},
		contestant{name: "with the program", run: synth("--output", output)},
		contestant{name: "with a binary", run: synth("--output", output, "--app", b.bin("notes"))},
	)
	if err != nil {
		return err
	}
	var adds, binaryAdds sample
	for i := range took["cdk alone"] {
		adds = append(adds, took["with the program"][i]-took["cdk alone"][i])
		binaryAdds = append(binaryAdds, took["with a binary"][i]-took["cdk alone"][i])
	}
	b.report.limit("start, what the notes service adds to `npx cdk synth`, as cdk.json's app", adds, time.Second)
	b.report.remark("`npx cdk synth` alone, with a finished assembly: %s; with the notes service as cdk.json runs it: %s; with a binary built before: %s, so it adds %s.",
		took["cdk alone"], took["with the program"], took["with a binary"], binaryAdds)
	return nil
}

// curves shows how synthesis grows with stages and functions.
func (b *bench) curves() error {
	var ours []point
	for _, stages := range []int{1, 5, 20} {
		for _, functions := range []int{10, 50, 200} {
			rounds := b.few()
			if stages*functions >= 1000 {
				rounds = 1
			}
			took, err := b.race(fmt.Sprintf("curve, %d × %d", stages, functions), rounds,
				contestant{name: "ours", run: b.ours(b.size("ours", stages, functions))},
				contestant{name: "raw CDK Go", run: b.raw(b.size("raw", stages, functions))},
				contestant{name: "JavaScript", run: b.javascript(b.size("javascript", stages, functions))},
			)
			if err != nil {
				return err
			}
			b.report.curve(stages, functions, took["ours"], took["raw CDK Go"], took["JavaScript"])
			ours = append(ours, point{stages * functions, took["ours"].median()})
			if err := os.RemoveAll(filepath.Join(b.temporary(), "out")); err != nil {
				return err
			}
		}
	}
	b.report.line(line(ours))
	return nil
}
