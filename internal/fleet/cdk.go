package fleet

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/internal/credentials"
	"github.com/roadshow-go/roadshow/internal/program"
	"github.com/roadshow-go/roadshow/internal/redact"
)

// CDK is the real cdk command, which does all bootstrapping and deploying.
type CDK struct {
	// Command is the file of the command; see [FindCDK]. Required.
	Command string
	// Dir is the folder of cdk.json. Required.
	Dir string
	// Limit is how long one run of it may take. Default: [RunLimit].
	Limit time.Duration
}

// RunLimit is how long one run of the cdk command may take: CloudFormation itself gives up earlier.
const RunLimit = 4 * time.Hour

// FindCDK finds the cdk command for a project: the one that npm installed in its folder or in one above it,
// else the one of the PATH. The error says how to install it.
func FindCDK(project string) (string, error) {
	name := "cdk"
	if runtime.GOOS == "windows" {
		name += ".cmd"
	}
	absolute, err := filepath.Abs(project)
	if err != nil {
		return "", err
	}
	for dir := absolute; ; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, "node_modules", ".bin", name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if file, err := exec.LookPath(name); err == nil {
		return file, nil
	}
	return "", errors.New("The cdk command is not installed.\nRun `npm ci` in the folder of cdk.json, which installs the one of package.json.")
}

// CommandError says that the cdk command did not end well.
type CommandError struct {
	// Arguments are what it was called with, Output the last that it printed, without secrets.
	Arguments []string
	Output    string
	// Err is the context's error, or the exit code as an *exec.ExitError.
	Err error
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("`cdk %s` failed (%v). It wrote:\n%s", strings.Join(e.Arguments, " "), e.Err, e.Output)
}

// Unwrap gives the cause.
func (e *CommandError) Unwrap() error { return e.Err }

// keptLines is how much of a command's output an error holds.
const keptLines = 40

// run runs the command with a profile, in a folder, and gives each line that it prints, without secrets.
func (c CDK) run(ctx context.Context, profile Profile, redactor *redact.Redactor, dir string, line func(string), arguments ...string) error {
	limit := c.Limit
	if limit == 0 {
		limit = RunLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	environ := c.environ(profile)
	switch {
	case profile.handed != nil:
		handed, err := profile.handed.Retrieve(ctx)
		if err != nil {
			return err
		}
		environ = append(environ, "AWS_ACCESS_KEY_ID="+handed.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+handed.SecretAccessKey)
		if handed.SessionToken != "" {
			environ = append(environ, "AWS_SESSION_TOKEN="+handed.SessionToken)
		}
	case profile.Name != "":
		arguments = append(arguments, "--profile", profile.Name)
	}
	process := exec.CommandContext(ctx, c.Command, arguments...)
	process.Dir, process.Env = dir, environ
	reading, writing := io.Pipe()
	process.Stdout, process.Stderr = writing, writing
	last := make(chan []string)
	go func() { last <- readLines(reading, redactor, line) }()
	err := child.Run(process)
	writing.Close()
	kept := <-last
	if err != nil {
		if cause := ctx.Err(); cause != nil {
			err = errors.Join(cause, err)
		}
		return &CommandError{Arguments: arguments, Output: strings.Join(kept, "\n"), Err: err}
	}
	return nil
}

// traced is a line of a stack trace of Node, which names no line of the user's.
var traced = regexp.MustCompile(`^\s+at .*:\d+:\d+\)?$|^\s+at async |node:internal/`)

// readLines gives each line to see, and returns the last ones. Of a line that is longer than [child.Limit], it gives the
// beginning.
func readLines(reading io.Reader, redactor *redact.Redactor, line func(string)) []string {
	var kept []string
	lines := bufio.NewReader(reading)
	for {
		text, err := readLine(lines)
		if text = strings.TrimRight(redactor.Text(text), "\r\n "); text != "" && !traced.MatchString(text) {
			if kept = append(kept, text); len(kept) > keptLines {
				kept = kept[1:]
			}
			line(text)
		}
		if err != nil {
			return kept
		}
	}
}

// readLine reads a line to its end, and keeps no more of it than may be kept of a child's output.
func readLine(lines *bufio.Reader) (string, error) {
	var text []byte
	for {
		part, err := lines.ReadSlice('\n')
		text = append(text, part[:min(len(part), child.Limit-len(text))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return string(text), err
		}
	}
}

// environ is this process's environment with one source of credentials: variables would win over the
// profile in some of the tools that the command loads, and be of another account.
func (c CDK) environ(profile Profile) []string {
	var environ []string
	path := ""
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == "PATH":
			path = value
		case name == "AWS_PROFILE" || name == "AWS_DEFAULT_PROFILE":
		case (profile.Name != "" || profile.handed != nil) && slices.Contains(program.CredentialVariables, name):
		case profile.source.Kind == credentials.Instance && name == "AWS_EC2_METADATA_DISABLED":
		case name == "CDK_APP" || name == "CDK_OUTPUT" || name == "CDK_PROFILE" || name == "CDK_REQUIRE_APPROVAL" || name == "CDK_METHOD":
			// The command takes any option from CDK_…; these would contradict what it is told here.
		default:
			environ = append(environ, variable)
		}
	}
	// The Node beside the command first: its script asks for `node` by name.
	environ = append(environ, "PATH="+filepath.Dir(c.Command)+string(os.PathListSeparator)+path)
	switch kind := profile.source.Kind; {
	case profile.handed != nil || kind == credentials.Environment || kind == credentials.Container || kind == credentials.Instance:
		// Without --profile the command would look into the files first, and take the profile "default".
		environ = append(environ, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	}
	if profile.source.Kind == credentials.Instance {
		environ = append(environ, "AWS_EC2_METADATA_DISABLED=false") // not on every instance does it see that it is on one
	}
	return append(environ, "CDK_DISABLE_VERSION_CHECK=true", "CDK_DISABLE_CLI_TELEMETRY=true", "CDK_NOTICES=false", "FORCE_COLOR=0", "NO_COLOR=1", "CI=true")
}

// counted is how the command says how far a stack is: "notes |  3/20 | 10:11:12 AM | CREATE_COMPLETE | …".
var counted = regexp.MustCompile(`\|\s*(\d+)/(\d+)\s*\|[^|]*\|\s*([A-Z_]+)\s*\|\s*([A-Za-z0-9:]+)\s*\|\s*(.*)$`)

// clocked is how the command says how long something took, such as "✨  Synthesis time: 0.01s"; the reader sees that.
var clocked = regexp.MustCompile(`^\S*\s*(Synthesis|Deployment|Total) time: `)

// progressOf reads a line of the command for what it tells of the stack's resources; text is empty where it tells
// nothing.
func progressOf(line string) (done, total int, text string) {
	if found := counted.FindStringSubmatch(line); found != nil {
		done, _ = strconv.Atoi(found[1])
		total, _ = strconv.Atoi(found[2])
		what, _, _ := strings.Cut(found[5], " (")
		return done, total, strings.ToLower(strings.ReplaceAll(found[3], "_", " ")) + " " + what
	}
	if clocked.MatchString(line) {
		return 0, 0, ""
	}
	// A spinner's mark, and the name of the stack, which the reader knows.
	text = strings.TrimLeft(line, " ✨✅⏳❌🚀")
	if _, rest, found := strings.Cut(text, ": "); found && !bytes.ContainsAny([]byte(text[:len(text)-len(rest)]), "|/") {
		text = rest
	}
	return 0, 0, text
}

// neutralDir is a folder without a cdk.json, so that the command finds no program to run.
func neutralDir() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "roadshow-neutral-")
	if err != nil {
		return "", nil, err
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}
