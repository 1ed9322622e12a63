package rehearsal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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

	// Denied is handed each call that a function's rights did not allow. It is called by several
	// goroutines. Default: nobody is told but the function.
	Denied func(Denial)

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

// Denial is a call of a function that its rights did not allow.
type Denial struct {
	// Function is the function's ARN, Right what the call needed.
	Function string
	Right    Right
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

// credentials are of a new session of the function's role, which is named after the function.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
func (r *runner) credentials(f *execution.Function) execution.Credentials {
	role, found := r.server.store.roleNamed(f.Role)
	if !found {
		return execution.Credentials{}
	}
	issued, key := r.server.sessions.issue(&role, f.Name, execution.CredentialsLifetime)
	return execution.Credentials{AccessKeyID: key, SecretAccessKey: issued.secret, SessionToken: issued.token}
}

// log keeps a line in CloudWatch Logs, and hands it on.
func (r *runner) log(line execution.Line) {
	at := readFunction(place{}, line.Function.ARN).place
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
	functionReference
	function   Resource
	version    string // "$LATEST" or a number
	properties object // of the version
	code       *codeImage
}

// resolve finds the version that a reference means. An alias with weights is one of its versions by
// chance, as in Lambda.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
func (s *store) resolve(named functionReference, chance float64) (deployed, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f := s.get(named.place, lambdaFunction, named.name)
	if f == nil {
		return deployed{}, named.missing()
	}
	found := deployed{functionReference: named, function: f.copy(), version: "$LATEST", properties: f.Properties, code: f.code}
	number := named.qualifier
	if alias := s.get(named.place, lambdaAlias, named.qualified()); alias != nil && named.qualifier != "" {
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
	version := s.get(named.place, lambdaVersion, named.arn()+":"+number)
	if version == nil {
		return deployed{}, named.missing()
	}
	found.version, found.code = number, version.code
	if properties := functions.of(s, named.account).Configurations[version.PhysicalID]; properties != nil {
		found.properties = properties
	}
	return found, nil
}

// prepare is a version as it is run.
func (r *runner) prepare(d *deployed) (*execution.Function, error) {
	f, s := &d.function, r.server.store
	// Whoever has resolved the version may have done it before the last change: the key says of which state it is.
	key := fmt.Sprintf("run|%s|%s|%d|%s", f.attribute("Arn"), f.seed, f.revision, d.version)
	configured := remember(s, key, func() execution.Function { return s.configure(d) })
	program, err := r.program(d, configured.Runtime)
	if err != nil {
		return nil, err
	}
	configured.Program = program
	if reserved, given := f.Properties["ReservedConcurrentExecutions"]; given {
		limit, _ := strconv.Atoi(textOf(reserved))
		configured.Concurrency = execution.Concurrency{Pool: configured.ARN, Limit: limit, Reserved: true}
		return &configured, nil
	}
	at := place{f.Account, f.Region}
	left := s.valueOf(at, findQuota("lambda", "L-B99A9384")) - s.reserved(at)
	configured.Concurrency = execution.Concurrency{Pool: f.Account + " " + f.Region, Limit: int(left)}
	return &configured, nil
}

// configure is a version as it was deployed, but for its program and its concurrency.
func (s *store) configure(d *deployed) execution.Function {
	f := &d.function
	configured := Resource{Name: f.Name, Properties: d.properties}
	number := func(property string, otherwise int) int {
		if n, err := strconv.Atoi(configured.text(property)); err == nil {
			return n
		}
		return otherwise
	}
	at := place{f.Account, f.Region}
	return execution.Function{
		ARN: f.attribute("Arn"), Name: f.Name, Version: d.version, Region: f.Region, Runtime: configured.text("Runtime"), Handler: configured.text("Handler"),
		Role: configured.text("Role"), MemoryMB: number("MemorySize", 128), Timeout: time.Duration(number("Timeout", 3)) * time.Second,
		Variables: s.withoutClusters(at, textsOf(configured.member("Environment", "Variables"))), LogGroup: logGroupOf(&configured),
		JSON: textOf(configured.member("LoggingConfig", "LogFormat")) == "JSON", Revision: publishable(&Resource{Properties: d.properties, code: d.code}),
	}
}

// reserved is the concurrency that the functions of a place have for themselves.
func (s *store) reserved(at place) float64 {
	return remember(s, "reserved|"+at.account+"|"+at.region, func() (sum float64) {
		for _, each := range s.list(at, lambdaFunction) {
			sum += each.number("ReservedConcurrentExecutions")
		}
		return sum
	})
}

// withoutClusters empties the variables that lead to a cluster of DAX: none runs here, and a function
// that finds no endpoint asks DynamoDB itself.
func (s *store) withoutClusters(at place, variables map[string]string) map[string]string {
	endpoints := remember(s, "clusters|"+at.account+"|"+at.region, func() []string {
		var found []string
		for _, cluster := range s.list(at, "AWS::DAX::Cluster") {
			found = append(found, cluster.attribute("ClusterDiscoveryEndpoint"), cluster.attribute("ClusterDiscoveryEndpointURL"))
		}
		return found
	})
	for name, value := range variables {
		if slices.Contains(endpoints, value) {
			variables[name] = ""
		}
	}
	return variables
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
	content, isSource := r.server.store.content(d)
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
	unpack := execution.Unpack
	if isSource {
		unpack = func(source []byte, folder string) error { return execution.WriteSource(source, folder, runtimeName) }
	}
	if err := unpack(content, dir); err != nil {
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

// content is a deployment package, or the source that stands in a template. After Load a package is
// looked for in the bucket that it came from.
func (s *store) content(d *deployed) (content []byte, isSource bool) {
	code, _ := d.properties["Code"].(object)
	if source, given := code["ZipFile"]; given {
		return []byte(textOf(source)), true
	}
	if d.code.content != nil {
		return d.code.content, false
	}
	if content := uploaded(code); content != nil {
		return content, false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, stored := range s.objects[textOf(code["S3Bucket"])] {
		if len(stored.content) == d.code.size && imageOf(stored.content).sha256 == d.code.sha256 {
			return stored.content, false
		}
	}
	return nil, false
}
