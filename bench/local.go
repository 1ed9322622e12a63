package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/roadshow-go/roadshow/bench/programs/size"
	"github.com/roadshow-go/roadshow/internal/child"
)

// running is a process that serves until it is ended, with its children.
type running struct {
	command *exec.Cmd
	stop    context.CancelFunc
	done    chan struct{}
	err     error // when it is done
	said    *child.Tail
}

// serve starts a process on two cores. Whoever starts it ends it.
func (b *bench) serve(folder string, environment []string, stdout io.Writer, name string, arguments ...string) *running {
	ctx, stop := context.WithCancel(context.Background())
	limited, _ := onTwoCores(append([]string{name}, arguments...))
	r := &running{command: exec.CommandContext(ctx, limited[0], limited[1:]...), stop: stop, done: make(chan struct{}), said: &child.Tail{}}
	r.command.Dir, r.command.Env = folder, environment
	r.command.Stdout, r.command.Stderr = r.said, r.said
	if stdout != nil {
		r.command.Stdout = stdout
	}
	go func() {
		defer close(r.done)
		r.err = child.Run(r.command)
	}()
	return r
}

// end ends it. What it had to say is of interest only if it did not serve.
func (r *running) end() {
	r.stop()
	<-r.done
}

// rehearsed is a running `roadshow rehearse`, with what its table and its line for other terminals say.
type rehearsed struct {
	*running
	stages []served
	files  map[string]string // AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE
}

// served is a stage and the URL of its one API, without a slash at its end.
type served struct{ stage, url string }

var (
	stageRow  = regexp.MustCompile(`^(\S+) +(http://127\.0\.0\.1:\d+)/ `)
	awsFile   = regexp.MustCompile(`(AWS_CONFIG_FILE|AWS_SHARED_CREDENTIALS_FILE) ?= ?(\S+)`)
	variables = regexp.MustCompile(`^(export|\$env:)`)
)

// rehearse starts one as users do, in the folder of a cdk.json, and waits until it serves.
func (b *bench) rehearse(folder string, arguments ...string) (*rehearsed, error) {
	reader, writer := io.Pipe()
	r := &rehearsed{
		running: b.serve(folder, b.withoutContext(), writer, b.bin("roadshow"), append([]string{"rehearse"}, arguments...)...), files: map[string]string{},
	}
	go func() {
		<-r.done
		_ = writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if row := stageRow.FindStringSubmatch(lines.Text()); row != nil {
			r.stages = append(r.stages, served{row[1], row[2]})
		}
		for _, file := range awsFile.FindAllStringSubmatch(lines.Text(), -1) {
			r.files[file[1]] = strings.Trim(file[2], "';")
		}
		if variables.MatchString(lines.Text()) {
			go func() { _, _ = io.Copy(io.Discard, reader) }()
			return r, nil
		}
	}
	_ = reader.Close()
	r.end()
	return nil, errors.Join(fmt.Errorf("roadshow rehearse ended before it served:\n%s", firstLines(r.said.String(), 15)), r.err)
}

// url is where a stage's one API is served.
func (r *rehearsed) url(stage int) string { return r.stages[stage].url }

// withoutContext is the environment of what reads its context from cdk.json.
func (b *bench) withoutContext() []string {
	var environment []string
	for _, variable := range b.environment {
		if !strings.HasPrefix(variable, "CDK_CONTEXT_JSON=") {
			environment = append(environment, variable)
		}
	}
	return environment
}

// client keeps its connections, as many as it needs.
var client = &http.Client{
	Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}, Timeout: time.Minute,
}

// ask sends a request and reads the answer; it fails where the status is none of those that are wanted.
func ask(method, url, body string, header http.Header, wanted ...int) (*http.Response, []byte, error) {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && len(wanted) > 0 && !slices.Contains(wanted, response.StatusCode) {
		err = fmt.Errorf("%s %s was answered with %d %s instead of one of %v", method, url, response.StatusCode, content, wanted)
	}
	return response, content, err
}

// rehearsal is how long the notes service takes from the command to the first answers of its three stages.
func (b *bench) rehearsal() error {
	once := func() (took time.Duration, err error) {
		began := time.Now()
		r, err := b.rehearse(b.root)
		if err != nil {
			return 0, err
		}
		defer r.end()
		if len(r.stages) != 3 {
			return 0, fmt.Errorf("roadshow rehearse serves %d stages instead of 3", len(r.stages))
		}
		answered := make(chan error, len(r.stages))
		for i := range r.stages {
			go func() {
				_, _, err := ask(http.MethodGet, r.url(i)+"/notes", "", nil, http.StatusOK)
				answered <- err
			}()
		}
		for range r.stages {
			err = errors.Join(err, <-answered)
		}
		return time.Since(began), err
	}
	if _, err := once(); err != nil { // which fills the caches
		return err
	}
	var all sample
	for range b.rounds {
		took, err := once()
		if err != nil {
			return err
		}
		all = append(all, took)
	}
	b.say("rehearsal, first answers: %s", all)
	b.report.limit("`roadshow rehearse` from warm caches, until three stages have answered", all, 10*time.Second)
	return nil
}

// offline starts serverless-offline with a DynamoDB beside it.
func (b *bench) offline(inProcess bool) (url string, end func(), err error) {
	// Beside the packages that the handlers need: worker threads do not look where NODE_PATH says.
	folder := filepath.Join(b.work, "peers", fmt.Sprintf("offline-%v", inProcess))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", nil, err
	}
	for _, file := range []string{"serverless.js", "handler.js"} {
		data, err := os.ReadFile(filepath.Join(b.root, "bench", "programs", "offline", file))
		if err != nil {
			return "", nil, err
		}
		if err := os.WriteFile(filepath.Join(folder, file), data, 0o644); err != nil {
			return "", nil, err
		}
	}
	ports, err := freePorts(3)
	if err != nil {
		return "", nil, err
	}
	modules := filepath.Join(b.work, "peers", "node_modules")
	table := "http://127.0.0.1:" + ports[0]
	database := b.serve(folder, b.environment, nil, b.node(), filepath.Join(modules, "dynalite", "cli.js"), "--host", "127.0.0.1", "--port", ports[0], "--createTableMs", "0")
	environment := append(append([]string{}, b.environment...), "BENCH_DYNAMODB="+table, fmt.Sprintf("BENCH_IN_PROCESS=%v", inProcess),
		"AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none", "SLS_TELEMETRY_DISABLED=1", "SLS_TRACKING_DISABLED=1", "SLS_NOTIFICATIONS_MODE=off", "CI=1")
	server := b.serve(folder, environment, nil, b.node(), filepath.Join(modules, "serverless", "bin", "serverless.js"),
		"offline", "start", "--stage", "dev", "--host", "127.0.0.1", "--httpPort", ports[1], "--lambdaPort", ports[2])
	end = func() { server.end(); database.end() }
	url = "http://127.0.0.1:" + ports[1]
	if err := errors.Join(b.await(database, table, func() error { return createTable(table) }), b.await(server, url, func() error {
		_, _, err := ask(http.MethodGet, url+"/notes/none", "", nil, http.StatusNotFound)
		return err
	})); err != nil {
		end()
		return "", nil, err
	}
	return url, end, nil
}

// await tries until a server does what is asked of it, for a minute at most.
func (b *bench) await(r *running, url string, try func() error) error {
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := try()
		switch {
		case err == nil:
			return nil
		case time.Since(began) > time.Minute:
			return fmt.Errorf("%s does not serve: %w\n%s", url, err, firstLines(r.said.String(), 15))
		}
	}
}

func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		ports = append(ports, port)
	}
	return ports, nil
}

func createTable(endpoint string) error {
	database := dynamodb.New(dynamodb.Options{Region: size.Region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("none", "none", ""), RetryMaxAttempts: 1})
	_, err := database.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName: aws.String("dev-notes-notes"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	return err
}

var (
	noteID   = regexp.MustCompile(`[A-Z2-7]{26}`)
	noteTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
)

// answers are what a notes service says to requests that the handlers know, without what is another each time.
func answers(url string) ([]string, error) {
	var all []string
	said := func(method, path, body string) (string, error) {
		response, content, err := ask(method, url+path, body, nil)
		if err != nil {
			return "", err
		}
		plain := noteTime.ReplaceAllString(noteID.ReplaceAllString(string(bytes.TrimSpace(content)), "ID"), "TIME")
		media, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
		all = append(all, fmt.Sprintf("%s %s: %d %s %s %s %s", method, noteID.ReplaceAllString(path, "ID"), response.StatusCode, media,
			response.Header.Get("Cache-Control"), noteID.ReplaceAllString(response.Header.Get("Location"), "ID"), plain))
		return noteID.FindString(string(content)), nil
	}
	id, err := said(http.MethodPost, "/notes", `{"text":"a note of both"}`)
	if err != nil {
		return nil, err
	}
	for _, each := range [][3]string{
		{http.MethodGet, "/notes/" + id, ""},
		{http.MethodGet, "/notes/none", ""},
		{http.MethodPost, "/notes", `{"text":" "}`},
		{http.MethodPost, "/notes", `[]`},
		{http.MethodPost, "/notes", ""},
		{http.MethodPost, "/notes", `{"text":"` + strings.Repeat("ä", 10_001) + `"}`},
	} {
		if _, err := said(each[0], each[1], each[2]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// latency is how long requests take, one after the other: a note is posted and read, again and again.
func latency(url string, requests int) (sample, error) {
	var took sample
	for len(took) < requests {
		began := time.Now()
		_, note, err := ask(http.MethodPost, url+"/notes", `{"text":"a note that is timed"}`, nil, http.StatusCreated)
		if err != nil {
			return nil, err
		}
		posted := time.Now()
		if _, _, err := ask(http.MethodGet, url+"/notes/"+noteID.FindString(string(note)), "", nil, http.StatusOK); err != nil {
			return nil, err
		}
		took = append(took, posted.Sub(began), time.Since(posted))
	}
	return took, nil
}

// throughput is how many such requests are answered in a second, by several clients at once.
func throughput(url string, clients int, during time.Duration) (float64, error) {
	var count atomic.Int64
	var failed atomic.Pointer[error]
	var work sync.WaitGroup
	began := time.Now()
	for range clients {
		work.Go(func() {
			for time.Since(began) < during && failed.Load() == nil {
				took, err := latency(url, 2)
				if err != nil {
					failed.Store(&err)
					return
				}
				count.Add(int64(len(took)))
			}
		})
	}
	work.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(count.Load()) / time.Since(began).Seconds(), nil
}

// requests is a warm request through API and function to DynamoDB and back, against serverless-offline.
func (b *bench) requests() error {
	const warm, timed, clients, during = 1000, 400, 8, 3 * time.Second
	ours, err := b.rehearse(b.root, "--stage", "dev")
	if err != nil {
		return err
	}
	defer ours.end()
	servers := []struct{ name, url string }{{"ours", ours.url(0)}}
	for _, inProcess := range []bool{false, true} {
		url, end, err := b.offline(inProcess)
		if err != nil {
			return err
		}
		defer end()
		servers = append(servers, struct{ name, url string }{map[bool]string{false: "offline", true: "offline in its process"}[inProcess], url})
	}
	var want []string
	for _, server := range servers {
		got, err := answers(server.url)
		if err != nil {
			return fmt.Errorf("requests, %s: %w", server.name, err)
		}
		if want == nil {
			want = got
		}
		for i := range want {
			if got[i] != want[i] {
				return fmt.Errorf("requests: ours and %s answer differently:\n%s\n%s", server.name, want[i], got[i])
			}
		}
		if _, err := latency(server.url, warm); err != nil {
			return fmt.Errorf("requests, %s: %w", server.name, err)
		}
	}
	b.say("requests: all answer alike")
	middles, rates := map[string]sample{}, map[string][]float64{}
	for round := range b.rounds {
		for i := range servers {
			server := servers[(i+round)%len(servers)]
			took, err := latency(server.url, timed)
			if err != nil {
				return fmt.Errorf("requests, %s: %w", server.name, err)
			}
			middles[server.name] = append(middles[server.name], took.median())
			rate, err := throughput(server.url, clients, during)
			if err != nil {
				return fmt.Errorf("requests, %s: %w", server.name, err)
			}
			rates[server.name] = append(rates[server.name], rate)
		}
	}
	for _, server := range servers {
		b.say("requests, %s: p50 %s, %s a second", server.name, middles[server.name], spread(rates[server.name]))
	}
	const what = "a warm request through API and function to DynamoDB and back"
	b.report.limit(what+", p50", middles["ours"], 3*time.Millisecond)
	b.report.goal(what+", p50, ours / serverless-offline", middles["ours"], middles["offline"], 0.5)
	b.report.show(what+", p50, ours / serverless-offline with useInProcess", middles["ours"], middles["offline in its process"])
	_, cores := onTwoCores(nil)
	b.report.amount(fmt.Sprintf("such requests a second, %d clients, %s", clients, cores), spread(rates["ours"]), spread(rates["offline in its process"]), "≥ 1000", middle(rates["ours"]) >= 1000)
	b.report.remark("Requests: each round is %d of them one after the other, a note posted and then read, whose median it is, and then %d clients for %s. "+
		"The peer of requests a second is serverless-offline with useInProcess, which answers more than in its default mode: %s.", timed, clients, during, spread(rates["offline"]))
	return nil
}

// local writes a folder whose cdk.json runs programs/local.
func (b *bench) local(stages, functions int) (folder string, err error) {
	folder = filepath.Join(b.temporary(), "local")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	settings, err := json.Marshal(map[string]string{"app": fmt.Sprintf("%s -stages=%d -functions=%d", b.bin("local"), stages, functions)})
	if err != nil {
		return "", err
	}
	return folder, os.WriteFile(filepath.Join(folder, "cdk.json"), settings, 0o644)
}

// rights is the same request of the same function, in turn with the credentials of its role, whose calls are decided, and with
// those of the account's user, whose are not.
func (b *bench) rights() error {
	const timed = 400
	folder, err := b.local(1, 1)
	if err != nil {
		return err
	}
	r, err := b.rehearse(folder)
	if err != nil {
		return err
	}
	defer r.end()
	header, err := r.user()
	if err != nil {
		return err
	}
	url := r.url(0) + "/" + size.Function(0)
	decided, undecided := url+"?as=role", url+"?as=user"
	if _, _, err := ask(http.MethodPost, decided, "", header, http.StatusInternalServerError); err != nil {
		return fmt.Errorf("a function that may only read was not denied a write: %w", err)
	}
	if _, _, err := ask(http.MethodPost, undecided, "", header, http.StatusCreated); err != nil {
		return err
	}
	once := func(url string) (time.Duration, error) {
		began := time.Now()
		_, _, err := ask(http.MethodGet, url, "", header, http.StatusOK)
		return time.Since(began), err
	}
	for range timed {
		if _, err := once(decided); err != nil {
			return err
		}
		if _, err := once(undecided); err != nil {
			return err
		}
	}
	b.say("rights: the one is denied what it may not, the other is not")
	var with, without sample
	for range b.rounds {
		var a, z sample
		for range timed {
			took, err := once(decided)
			if err != nil {
				return err
			}
			a = append(a, took)
			if took, err = once(undecided); err != nil {
				return err
			}
			z = append(z, took)
		}
		with, without = append(with, a.median()), append(without, z.median())
	}
	b.report.goal("a warm request whose call to DynamoDB is decided by the role's policies / one that is not", with, without, 1.05)
	return nil
}

// user are the credentials of the first stage's user, as headers.
func (r *rehearsed) user() (http.Header, error) {
	loaded, err := config.LoadDefaultConfig(context.Background(), config.WithSharedConfigProfile(r.stages[0].stage),
		config.WithSharedConfigFiles([]string{r.files["AWS_CONFIG_FILE"]}), config.WithSharedCredentialsFiles([]string{r.files["AWS_SHARED_CREDENTIALS_FILE"]}))
	if err != nil {
		return nil, err
	}
	keys, err := loaded.Credentials.Retrieve(context.Background())
	if err != nil {
		return nil, err
	}
	return http.Header{"X-Access-Key-Id": {keys.AccessKeyID}, "X-Secret-Access-Key": {keys.SecretAccessKey}}, nil
}

// idle is what the rehearsal's own process takes for each function that was called once and waits.
func (b *bench) idle() error {
	const stages, functions = 4, 50
	folder, err := b.local(stages, functions)
	if err != nil {
		return err
	}
	r, err := b.rehearse(folder)
	if err != nil {
		return err
	}
	defer r.end()
	deployed := resident(r.command.Process.Pid)
	for i := range stages {
		for f := range functions {
			if _, _, err := ask(http.MethodGet, r.url(i)+"/"+size.Function(f), "", nil, http.StatusNotFound); err != nil {
				return err
			}
		}
	}
	processes := len(descendants(r.command.Process.Pid))
	idle := resident(r.command.Process.Pid)
	if idle == 0 {
		b.say("idle: what a process takes is known on Linux only")
		return nil
	}
	if processes < stages*functions {
		return fmt.Errorf("only %d of %d idle functions are running", processes, stages*functions)
	}
	each := float64(idle-deployed) / (stages * functions)
	b.say("idle: %d KiB when %d functions are deployed, %d KiB when each is idle", deployed, stages*functions, idle)
	b.report.amount(fmt.Sprintf("%d functions idle, each beyond its own process", stages*functions), fmt.Sprintf("%.0f KiB", each), "", "≤ 1 MiB", each <= 1024)
	b.report.remark("The rehearsal of %d stages with %d functions each had %d MiB when all were deployed, and %d MiB when each had been called and waited in a process of its own.",
		stages, functions, deployed>>10, idle>>10)
	return nil
}
