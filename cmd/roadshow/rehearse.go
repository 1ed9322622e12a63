package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"image/color"
	"io"
	"runtime"
	"strings"
	"sync"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/internal/report"
)

// rehearseOptions are the flags of `roadshow rehearse`.
type rehearseOptions struct {
	anything
	stage, exec, state string
	rights             bool
}

// rehearseVerb runs all stages on this machine.
func rehearseVerb(s *settings) *cobra.Command {
	var options rehearseOptions
	shown := s.command(&cobra.Command{
		Use:   "rehearse",
		Short: "Run every stage on this machine: functions, HTTP APIs, tables and rights, without an AWS account",
		Long: "rehearse deploys the program to an AWS endpoint in memory that has an account for each stage, runs its functions on\n" +
			"this machine under the roles of its template, and serves its HTTP APIs on loopback. It stays until Ctrl-C, shows what\n" +
			"the functions log, and says which grant is missing where one may not do what it does. The real aws and cdk commands\n" +
			"and the other verbs work on it from another terminal, with the variables that it prints. Nothing leaves this machine,\n" +
			"and nothing is left running. docs/rehearsal.md has more.\n\n" +
			"--exec runs a command with these variables, and with the URL of each API: DEV_API_URL for the API \"api\" of stage dev.\n\n" +
			"Exit codes: 0 it was ended, or with --exec that of the command; 2 it could not begin.",
		Example: "  roadshow rehearse\n  roadshow rehearse --stage dev\n  roadshow rehearse --exec 'go test ./acceptance'\n" +
			"  roadshow rehearse --state rehearsal.json --rights",
		Args: cobra.NoArgs,
	}, &options)
	shown.Flags().StringVar(&options.stage, "stage", "", "rehearse this stage alone, which may be one that a template makes")
	shown.Flags().StringVar(&options.exec, "exec", "", "run a command of the shell on it, and end with its exit code")
	shown.Flags().StringVar(&options.state, "state", "", "a file to begin with, where it is there, and to leave at the end; secrets stand in it as they are")
	shown.Flags().BoolVar(&options.rights, "rights", false, "say at the end which granted actions no function has used")
	_ = shown.RegisterFlagCompletionFunc("stage", s.completeStages)
	return shown
}

func (o *rehearseOptions) run(ctx context.Context, s *settings, _ []string) (answer, error) {
	var names []string
	if o.stage != "" {
		names = []string{o.stage}
	}
	resolved, remove, err := s.resolveTarget(ctx, names, "--stage")
	if err != nil {
		return nil, err
	}
	defer remove()
	lines := &rehearsalLines{settings: s}
	for _, stage := range resolved.stages {
		lines.longest = max(lines.longest, len(stage.Name))
	}
	session, err := rehearse.Begin(ctx, resolved.program, resolved.assembly, rehearse.Settings{State: o.state, Log: lines.log, Denied: lines.denied}, resolved.stages...)
	if err != nil {
		return nil, err
	}
	done := rehearsed{options: o}
	if err = lines.ready(session); err == nil {
		if o.exec == "" {
			fmt.Fprintln(s.talk, styled(s.talk, faint, "Ctrl-C ends it."))
			<-ctx.Done()
		} else {
			streams := rehearse.Streams{In: s.in, Out: s.out, Err: s.talk}
			if s.json {
				streams.Out = s.talk
			}
			done.code, err = session.Run(ctx, o.exec, streams)
		}
	}
	rights, problem := session.End()
	if err == nil {
		err = problem
	}
	done.Rights = rights
	return done, err
}

// rehearsalLine is one line of JSON: first what there is, then what happens.
type rehearsalLine struct {
	Stages []rehearse.Summary `json:"stages,omitempty"`
	// Variables lead a shell to the rehearsal, NAME=value each.
	Variables []string          `json:"variables,omitempty"`
	Log       *rehearse.Line    `json:"log,omitempty"`
	Denied    *rehearse.Refused `json:"denied,omitempty"`
	Rights    *rehearse.Rights  `json:"rights,omitempty"`
}

// rehearsalLines shows what happens, line by line. Its methods may be called from any goroutine.
type rehearsalLines struct {
	settings *settings
	longest  int

	mu sync.Mutex
}

// ready says what there is.
func (l *rehearsalLines) ready(session *rehearse.Session) error {
	all, err := session.Summaries()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.settings
	if s.json {
		s.streamLine(rehearsalLine{Stages: all, Variables: session.Variables()})
		return nil
	}
	rows := make([][]string, len(all))
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = one.Stage
		urls := make([]string, len(one.APIs))
		for i, api := range one.APIs {
			urls[i] = api.URL + "/"
		}
		what := strings.Join(one.Functions, ", ")
		if len(one.Notes) > 0 {
			what += " (" + strings.TrimSuffix(strings.Join(one.Notes, " "), ".") + ")"
		}
		rows[i] = []string{one.Stage, strings.Join(urls, " "), what}
	}
	writeTable(s.out, []string{"STAGE", "URL", "FUNCTIONS"}, rows)
	fmt.Fprintf(s.out, "\nProfiles %s. In another terminal:\n\n%s\n\n", strings.Join(names, ", "), exports(session.Variables()))
	return nil
}

// exports is the line that sets variables in a shell.
func exports(variables []string) string {
	var out strings.Builder
	for i, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case runtime.GOOS == "windows":
			fmt.Fprintf(&out, "$env:%s = '%s'; ", name, strings.ReplaceAll(value, "'", "''"))
		case i == 0:
			fmt.Fprintf(&out, "export %s=%s ", name, quoted(value))
		default:
			fmt.Fprintf(&out, "%s=%s ", name, quoted(value))
		}
	}
	return strings.TrimSpace(out.String())
}

// quoted is a word of a POSIX shell.
func quoted(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/._-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// log shows a line of a function.
func (l *rehearsalLines) log(line rehearse.Line) {
	talk, text := l.settings.talk, ""
	if !line.Platform || !routine(line.Text) {
		text = fmt.Sprintf("%s %s %s", styled(talk, hue(line.Function), line.Function), styled(talk, faint, short8(line.RequestID)), report.Line(line.Text))
	}
	l.show(rehearsalLine{Log: &line}, line.Stage, text)
}

// denied shows a call that a function may not make.
func (l *rehearsalLines) denied(refused rehearse.Refused) {
	l.show(rehearsalLine{Denied: &refused}, refused.Stage, styled(l.settings.talk, bad, report.Line(refused.Text)))
}

// show prints a line as JSON, or for people the text behind the name of its stage; an empty text is not for them.
func (l *rehearsalLines) show(line rehearsalLine, stage, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s := l.settings; {
	case s.json:
		s.streamLine(line)
	case text != "":
		fmt.Fprintf(s.talk, "%s %s\n", styled(s.talk, hue(stage), fmt.Sprintf("%-*s", l.longest, stage)), text)
	}
}

// routine tells the lines that Lambda writes for every invocation.
func routine(text string) bool {
	for _, begin := range []string{"START ", "END ", "REPORT ", "INIT_START "} {
		if strings.HasPrefix(text, begin) {
			return true
		}
	}
	return strings.Contains(text, `"type":"platform.start"`) || strings.Contains(text, `"type":"platform.report"`)
}

func short8(id string) string { return fmt.Sprintf("%-8s", id[:min(len(id), 8)]) }

// hues are the colours of names.
var hues = []color.Color{lipgloss.Cyan, lipgloss.Green, lipgloss.Magenta, lipgloss.Yellow, lipgloss.Blue, lipgloss.BrightCyan, lipgloss.BrightMagenta}

// hue is a name's colour, always the same one.
func hue(name string) lipgloss.Style {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(name))
	return lipgloss.NewStyle().Foreground(hues[int(sum.Sum32())%len(hues)])
}

// rehearsed is how a rehearsal has ended.
type rehearsed struct {
	Rights rehearse.Rights

	code    int
	options *rehearseOptions
}

func (r rehearsed) line() any {
	if !r.options.rights {
		return nil
	}
	return rehearsalLine{Rights: &r.Rights}
}

func (r rehearsed) write(out, _ io.Writer) {
	if !r.options.rights {
		return
	}
	rows := make([][]string, len(r.Rights.Unused))
	for i, one := range r.Rights.Unused {
		rows[i] = []string{one.Function, one.Action, one.On, one.At.String()}
	}
	if len(rows) > 0 {
		fmt.Fprintln(out)
		writeTable(out, []string{"FUNCTION", "NEVER USED", "ON", "DEFINED AT"}, rows)
	}
	if len(r.Rights.Wide) > 0 {
		wide := make([][]string, len(r.Rights.Wide))
		for i, one := range r.Rights.Wide {
			wide[i] = []string{one.Function, one.Action, one.On, strings.Join(one.Used, ", "), one.At.String()}
		}
		fmt.Fprintln(out)
		writeTable(out, []string{"FUNCTION", "WIDER THAN USED", "ON", "USED", "DEFINED AT"}, wide)
	}
	fmt.Fprintf(out, "\n%s used, %s never.\n", counted(r.Rights.Used, "granted action"), counted(len(rows), "granted action"))
	if len(r.Rights.Undecided) > 0 {
		fmt.Fprintf(out, "Of %s nobody can tell: the rehearsal does not serve them.\n", strings.Join(r.Rights.Undecided, ", "))
	}
}

func (r rehearsed) judge() error {
	if r.code != 0 {
		return exited(r.code)
	}
	return nil
}
