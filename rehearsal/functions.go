package rehearsal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/rehearsal/internal/execution"
)

// Functions says how the accounts' functions run. The zero value runs what was deployed, where this
// machine can: binaries for its system and processor, scripts, and handlers of Node.js and Python
// where their interpreter is found. A function runs as the user who has started the server, with
// that user's rights on this machine.
type Functions struct {
	// Build gives the program to run in the place of a deployed bootstrap binary that is for
	// another system or processor: the path of a file, compiled from the same package for this
	// machine. The digest is the SHA-256 of the deployed file, in hex. Default: such a function
	// cannot be invoked, and the refusal says why.
	Build func(ctx context.Context, digest string) (path string, err error)

	// Log is handed each line that a function, or Lambda about it, logs. It is called by several
	// goroutines. Default: lines go to CloudWatch Logs only.
	Log func(LogLine)

	// Idle is how long an execution environment waits for its next invocation before it ends.
	// Default: 5 minutes.
	Idle time.Duration
}

// LogLine is one line of a function's log.
type LogLine struct {
	Time            time.Time
	Account, Region string
	// Function is the name, Version "$LATEST" or a number.
	Function, Version string
	// Group and Stream are those of CloudWatch Logs.
	Group, Stream string
	// RequestID is of the invocation under way, empty while the environment starts.
	RequestID string
	// Text is the line without its end. Platform says that Lambda wrote it, as its START and
	// REPORT.
	Text     string
	Platform bool
}

// runner runs the functions of all accounts.
type runner struct {
	server   *Server
	settings Functions
	host     *execution.Host
	events   sync.WaitGroup  // invocations that nobody waits for
	readying sync.WaitGroup  // packages that are made ready
	ctx      context.Context // of these
	stop     context.CancelFunc

	mu       sync.Mutex
	folder   string               // of unpacked deployment packages, made when it is needed
	unpacked map[string]*unpacked // by digest of the package and runtime
}

// unpacked is a deployment package that is made ready for this machine by whoever needs it first.
type unpacked struct {
	mu      sync.Mutex
	ready   bool
	program execution.Program
}

func newRunner(s *Server, settings Functions) *runner {
	ctx, stop := context.WithCancel(context.Background())
	r := &runner{server: s, settings: settings, ctx: ctx, stop: stop, unpacked: map[string]*unpacked{}}
	r.host = execution.New(execution.Config{Endpoint: s.URL(), Credentials: r.credentials, Log: r.log, Idle: settings.Idle})
	return r
}

// close ends all functions, and removes what was unpacked for them.
func (r *runner) close() error {
	r.mu.Lock()
	r.stop()
	r.mu.Unlock()
	r.host.Close()
	r.events.Wait()
	r.readying.Wait()
	if r.folder == "" {
		return nil
	}
	return os.RemoveAll(r.folder)
}

// home is the account and region of a function, by its ARN.
func home(arn string) place {
	parts := strings.SplitN(arn, ":", 7)
	return place{account: parts[4], region: parts[3]}
}

// credentials are of a new session of the function's role, which is named after the function.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
func (r *runner) credentials(f *execution.Function) execution.Credentials {
	at := home(f.ARN)
	role, found := r.server.store.find(at, "AWS::IAM::Role", f.Role[strings.LastIndex(f.Role, "/")+1:])
	if !found {
		return execution.Credentials{}
	}
	issued, key := r.server.sessions.issue(&role, f.Name, execution.CredentialsLifetime)
	return execution.Credentials{AccessKeyID: key, SecretAccessKey: issued.secret, SessionToken: issued.token}
}

// log keeps a line in CloudWatch Logs, and hands it on.
func (r *runner) log(line execution.Line) {
	at := home(line.Function.ARN)
	r.server.logs.add(r.server, at, line.Function.LogGroup, line.Stream, line.Time, line.Text)
	if r.settings.Log != nil {
		r.settings.Log(LogLine{
			Time: line.Time, Account: at.account, Region: at.region, Function: line.Function.Name, Version: line.Function.Version,
			Group: line.Function.LogGroup, Stream: line.Stream, RequestID: line.RequestID, Text: line.Text, Platform: line.Platform,
		})
	}
}

// deployed is one version of a function, as an invocation has named it.
type deployed struct {
	function   Resource
	version    string // "$LATEST" or a number
	qualifier  string // that was named
	properties object // of the version
	code       *codeImage
}

// arn is the one that was invoked, with its qualifier.
func (d *deployed) arn() string {
	if d.qualifier == "" {
		return d.function.attribute("Arn")
	}
	return d.function.attribute("Arn") + ":" + d.qualifier
}

// resolve finds the version that a name and a qualifier mean: the name may be an ARN, and have the
// qualifier behind it. An alias with weights is one of its versions by chance, as in Lambda.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
func (s *store) resolve(at place, name, qualifier string, chance float64) (deployed, error) {
	bare := name
	if before, after, isARN := strings.Cut(name, ":function:"); isARN {
		bare = after
		if parts := strings.Split(before, ":"); len(parts) == 5 {
			at = place{account: parts[4], region: parts[3]}
		}
	}
	bare, behind, _ := strings.Cut(bare, ":")
	qualifier = orElse(qualifier, behind)
	s.mu.RLock()
	defer s.mu.RUnlock()
	arn := "arn:" + partition(at.region) + ":lambda:" + at.region + ":" + at.account + ":function:" + bare
	missing := refuse(404, "ResourceNotFoundException", "Function not found: %s", arn+map[bool]string{true: ":" + qualifier}[qualifier != ""])
	f := s.get(at, lambdaFunction, bare)
	if f == nil {
		return deployed{}, missing
	}
	found := deployed{function: f.copy(), version: "$LATEST", qualifier: qualifier, properties: f.Properties, code: f.code}
	number := qualifier
	if alias := s.get(at, lambdaAlias, arn+":"+qualifier); alias != nil && qualifier != "" {
		number = alias.text("FunctionVersion")
		routing, _ := alias.Properties["RoutingConfig"].(object)
		for _, each := range listOf(routing["AdditionalVersionWeights"]) {
			weighted, _ := each.(object)
			weight, _ := strconv.ParseFloat(textOf(weighted["FunctionWeight"]), 64)
			if chance -= weight; chance < 0 {
				number = textOf(weighted["FunctionVersion"])
				break
			}
		}
	}
	if number == "" || number == "$LATEST" {
		return found, nil
	}
	version := s.get(at, lambdaVersion, arn+":"+number)
	if version == nil {
		return deployed{}, missing
	}
	found.version, found.code = number, version.code
	if properties := functions.of(s, at.account).Configurations[version.PhysicalID]; properties != nil {
		found.properties = properties
	}
	return found, nil
}

// prepare is a version as it is run.
func (r *runner) prepare(d *deployed) (*execution.Function, error) {
	f, s := &d.function, r.server.store
	configured := Resource{Properties: d.properties}
	number := func(property string, otherwise int) int {
		if n, err := strconv.Atoi(configured.text(property)); err == nil {
			return n
		}
		return otherwise
	}
	at := place{f.Account, f.Region}
	logging, _ := d.properties["LoggingConfig"].(object)
	environment, _ := d.properties["Environment"].(object)
	variables := map[string]string{}
	if given, is := environment["Variables"].(object); is {
		for name, value := range given {
			variables[name] = textOf(value)
		}
	}
	runtimeName := configured.text("Runtime")
	program, err := r.program(d, runtimeName)
	if err != nil {
		return nil, err
	}
	run := &execution.Function{
		ARN: f.attribute("Arn"), Name: f.Name, Version: d.version, Region: f.Region, Runtime: runtimeName, Handler: configured.text("Handler"),
		Role: configured.text("Role"), MemoryMB: number("MemorySize", 128), Timeout: time.Duration(number("Timeout", 3)) * time.Second,
		Variables: variables, LogGroup: orElse(textOf(logging["LogGroup"]), "/aws/lambda/"+f.Name), JSON: textOf(logging["LogFormat"]) == "JSON",
		Program: program, Revision: publishable(&Resource{Properties: d.properties, code: d.code}),
	}
	if reserved, given := f.Properties["ReservedConcurrentExecutions"]; given {
		limit, _ := strconv.Atoi(textOf(reserved))
		run.Concurrency = execution.Concurrency{Pool: run.ARN, Limit: limit, Reserved: true}
		return run, nil
	}
	left := s.valueOf(at, findQuota("lambda", "L-B99A9384"))
	for _, other := range s.list(at, lambdaFunction) {
		left -= other.number("ReservedConcurrentExecutions")
	}
	run.Concurrency = execution.Concurrency{Pool: f.Account + " " + f.Region, Limit: int(left)}
	return run, nil
}

// program unpacks a deployment package, once, and finds how it is run here. What fails is tried
// again for the next invocation. A caller that goes away does not end it.
func (r *runner) program(d *deployed, runtimeName string) (execution.Program, error) {
	key := d.code.sha256 + " " + runtimeName
	r.mu.Lock()
	if r.ctx.Err() != nil {
		r.mu.Unlock()
		return execution.Program{}, execution.ErrClosed
	}
	r.readying.Add(1)
	defer r.readying.Done()
	known, found := r.unpacked[key]
	if !found {
		known = &unpacked{}
		r.unpacked[key] = known
	}
	r.mu.Unlock()
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.ready {
		return known.program, nil
	}
	program, err := r.unpack(d, runtimeName)
	known.program, known.ready = program, err == nil
	return program, err
}

// home makes the folder of unpacked packages, if need be.
func (r *runner) home() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.folder == "" {
		folder, err := os.MkdirTemp("", "rehearsal")
		if err != nil {
			return "", err
		}
		r.folder = folder
	}
	return r.folder, nil
}

func (r *runner) unpack(d *deployed, runtimeName string) (execution.Program, error) {
	content := r.server.store.content(d)
	if content == nil {
		return execution.Program{}, errors.New("its deployment package is no longer in its bucket")
	}
	home, err := r.home()
	if err != nil {
		return execution.Program{}, err
	}
	sum := sha256.Sum256([]byte(d.code.sha256 + runtimeName))
	folder := filepath.Join(home, hex.EncodeToString(sum[:8]))
	dir := filepath.Join(folder, "task")
	if err := os.RemoveAll(dir); err != nil { // of a try that failed
		return execution.Program{}, err
	}
	if err := unpackCode(content, dir, runtimeName); err != nil {
		return execution.Program{}, err
	}
	program, err := execution.Find(runtimeName, dir, filepath.Join(folder, "runtime"))
	var cannot *execution.PlatformError
	if !errors.As(err, &cannot) || r.settings.Build == nil || !strings.HasPrefix(runtimeName, "provided") {
		return program, err
	}
	digest, err := digestOf(filepath.Join(dir, "bootstrap"))
	if err != nil {
		return execution.Program{}, err
	}
	path, err := r.settings.Build(r.ctx, digest)
	if err != nil {
		return execution.Program{}, fmt.Errorf("%w %w", cannot, err)
	}
	return execution.Program{Path: path, Dir: dir, RuntimeDir: filepath.Join(folder, "runtime")}, nil
}

// unpackCode writes what a function has been given: a package, or, in a template, one file of
// source.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
func unpackCode(content []byte, dir, runtimeName string) error {
	source := map[string]string{"nodejs": "index.js", "python": "index.py"}
	for language, name := range source {
		if strings.HasPrefix(runtimeName, language) && !strings.HasPrefix(string(content), "PK") {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, name), content, 0o644)
		}
	}
	return execution.Unpack(content, dir)
}

func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// content is a deployment package. After Load it is looked for in the bucket that it came from.
func (s *store) content(d *deployed) []byte {
	if d.code.content != nil {
		return d.code.content
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	code, _ := d.properties["Code"].(object)
	for _, stored := range s.objects[textOf(code["S3Bucket"])] {
		if len(stored.content) == d.code.size && imageOf(stored.content).sha256 == d.code.sha256 {
			return stored.content
		}
	}
	return nil
}

// configuration is what a version keeps of its function.
func configuration(f *Resource) object { return maps.Clone(f.Properties) }
