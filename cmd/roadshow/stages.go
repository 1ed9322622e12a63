package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/internal/terminal"
	"github.com/roadshow-go/roadshow/stages"
)

// stagesOptions are the flags of `roadshow stages`.
type stagesOptions struct {
	proposed assembly.Stage
	tier     string
	offline  bool
}

// stagesVerb lists the stages, or says what one more would add.
func stagesVerb(s *settings) *cobra.Command {
	var options stagesOptions
	shown := s.command(&cobra.Command{
		Use:   "stages",
		Short: "List the stages and what each account has, or say what one more would add",
		Long: "stages lists the set: name, account, region and tier of each stage, and the templates of ephemeral stages. All\n" +
			"accounts are asked at once: which profile reaches each, the version of its bootstrap, when the service was\n" +
			"deployed and from which commit. An account that does not answer is a row that says so.\n\n" +
			"With --with it says which names a stage would take that the set does not have yet, what the declared\n" +
			"differences come to for it, and which names it cannot have (then the exit code is 1).\n\n" +
			"Exit codes: 0 listed, 1 a name of the proposed stage is taken, 2 it could not be determined, or an account did not answer.",
		Example: "  roadshow stages\n  roadshow stages --offline --json\n  roadshow stages --with pr-417\n  roadshow stages --with canary --region eu-west-1 --tier standard",
		Args:    cobra.NoArgs,
	}, &options)
	shown.Flags().BoolVar(&options.offline, "offline", false, "ask no account: only what the program itself says")
	shown.Flags().StringVar(&options.proposed.Name, "with", "", "a stage that the set does not have: a template's, or a new one with --region")
	shown.Flags().StringVar(&options.proposed.Account, "account", "", "the new stage's account (default: not known yet)")
	shown.Flags().StringVar(&options.proposed.Region, "region", "", "the new stage's region")
	shown.Flags().StringVar(&options.tier, "tier", "standard", "the new stage's tier: sandbox, standard or protected")
	_ = shown.RegisterFlagCompletionFunc("with", s.completeTemplates) // fails only where there is no such flag
	_ = shown.RegisterFlagCompletionFunc("tier", cobra.FixedCompletions([]string{"sandbox", "standard", "protected"}, cobra.ShellCompDirectiveNoFileComp))
	return shown
}

func (o *stagesOptions) validate([]string, func(string) bool) error {
	return o.proposed.Tier.UnmarshalText([]byte(o.tier))
}

func (o *stagesOptions) run(ctx context.Context, s *settings, _ []string) (answer, error) {
	if o.proposed.Name != "" {
		return o.propose(ctx, s)
	}
	_, document, err := s.loadDocument(ctx)
	if err != nil {
		return nil, err
	}
	all := fleet.Of(document, nil)
	listed := listedStages{Service: all.Service, Stages: all.List(), offline: o.offline}
	if !o.offline {
		var asked []fleet.StageReport
		if asked, listed.now, err = s.survey(ctx, document, all.Stages...); err != nil {
			return nil, err
		}
		copy(listed.Stages, asked) // the templates come after the stages
	}
	return listed, nil
}

// survey asks the accounts of stages, which are some of the document's or one more, and what time it is there.
func (s *settings) survey(ctx context.Context, document assembly.Document, some ...stages.Stage) ([]fleet.StageReport, time.Time, error) {
	// It takes seconds: elsewhere than in a terminal there is nothing to say before the table.
	var observe func(fleet.Event)
	if terminal.Is(s.talk) {
		board := s.board(some)
		defer board.Clear()
		observe = board.Observe
	}
	asked := fleet.Of(document, s.profiles())
	reports := asked.Survey(ctx, some, observe)
	return reports, asked.Now(), ctx.Err()
}

// listedStages is what `roadshow stages` has found.
type listedStages struct {
	Service string              `json:"service"`
	Stages  []fleet.StageReport `json:"stages"`

	offline bool
	now     time.Time
}

func (l listedStages) write(out, _ io.Writer) {
	titles := []string{"STAGE", "ACCOUNT", "REGION", "TIER"}
	if !l.offline {
		titles = append(titles, "PROFILE", "REACHABLE", "BOOTSTRAPPED", "DEPLOYED", "COMMIT")
	}
	rows := make([][]string, len(l.Stages))
	for i, one := range l.Stages {
		rows[i] = []string{one.Stage, one.Account, one.Region, one.Tier.String()}
		if !l.offline {
			rows[i] = append(rows[i], liveCells(one, l.now)...)
		}
		note := ""
		if one.Template {
			note = "template of ephemeral stages"
		}
		rows[i] = append(rows[i], note)
	}
	writeTable(out, append(titles, ""), rows)
}

// say tells why something of a stage could not be seen.
func (l listedStages) say(talk io.Writer) {
	var commits unreadCommits
	for _, one := range l.Stages {
		problem := one.Problem
		if problem == "" && one.Deployed != nil {
			problem = one.Deployed.Silence()
		}
		if problem != "" {
			fmt.Fprintf(talk, "roadshow: %s\n", report.Block(problem))
		}
		commits.add(one.Stage, one.Deployed)
	}
	commits.say(talk)
}

func (l listedStages) judge() error {
	untold, all := 0, 0
	for _, one := range l.Stages {
		if one.Unseen() {
			untold++
		}
		if !one.Template {
			all++
		}
	}
	if untold > 0 {
		return undetermined(untold, all)
	}
	return nil
}

// liveCells are what a stage's account has said: its profile, whether it is reachable, its bootstrap, when it was
// deployed and from which commit. What it has not said is a question mark, never a no.
func liveCells(one fleet.StageReport, now time.Time) []string {
	if !one.Asked {
		return []string{"-", "-", "-", "-", "-"}
	}
	cells := []string{reachedBy(one), "no", "?", "?", "-"}
	if one.Reachable {
		cells[1] = "yes"
	}
	if one.Bootstrap > 0 {
		cells[2] = fmt.Sprintf("version %d", one.Bootstrap)
	}
	if one.Deployed != nil {
		cells[3], cells[4] = ago(one.Deployed.At, now), commitCell(one.Deployed)
		switch one.Deployed.Condition {
		case fleet.ConditionFlawed:
			cells[3] = "no: " + one.Deployed.Status + " " + cells[3] + ", " + one.Deployed.Flaw
		case fleet.ConditionUnknown:
			cells[3] = "?"
		}
	}
	if one.Problem == "" {
		if one.Bootstrap == 0 {
			cells[2] = "no"
		}
		if one.Deployed == nil {
			cells[3] = "no"
		}
	}
	return cells
}

// reachedBy is the profile that reaches an account, and the role by which one of another account does, such as
// the lookup role of …:role/cdk-hnb659fds-lookup-role-111111111111-us-east-1.
func reachedBy(one fleet.StageReport) string {
	text := cmp.Or(one.Profile, "-")
	if parts := strings.Split(one.Through, "-"); len(parts) > 2 {
		text += " by " + parts[2] + " role"
	}
	return text
}

// liveLine is the same in a line, for a stage that is proposed.
func liveLine(one fleet.StageReport, now time.Time) string {
	cells := liveCells(one, now)
	return fmt.Sprintf("profile %s; reachable: %s; bootstrapped: %s; deployed: %s", cells[0], cells[1], cells[2], cells[3])
}

// propose is what one more stage would add.
func (o *stagesOptions) propose(ctx context.Context, s *settings) (answer, error) {
	found, err := s.loadProgram()
	if err != nil {
		return nil, err
	}
	told, err := found.Propose(ctx, o.proposed)
	if err != nil {
		return nil, err
	}
	proposed := proposal{Proposal: told}
	if !o.offline && told.Stage.Account != stages.UnknownAccount {
		document, err := found.Document(ctx)
		if err != nil {
			return nil, err
		}
		reports, now, err := s.survey(ctx, document, stages.Stage{Name: told.Stage.Name, Account: told.Stage.Account, Region: told.Stage.Region, Tier: told.Stage.Tier})
		if err != nil {
			return nil, err
		}
		proposed.Live, proposed.now = &reports[0], now
	}
	return proposed, nil
}

// proposal is what a stage would add and, where it has an account that was asked, what that has.
type proposal struct {
	*assembly.Proposal
	Live *fleet.StageReport `json:"live,omitempty"`

	now time.Time
}

func (p proposal) write(out, talk io.Writer) {
	if p.Note != "" {
		fmt.Fprintf(talk, "roadshow: %s\n", report.Block(p.Note))
	}
	stage := p.Stage
	fmt.Fprintf(out, "%s\n", styled(out, heading, fmt.Sprintf("stage %s: account %s, %s, %s", stage.Name, stage.Account, stage.Region, stage.Tier)))
	if len(p.Like) > 0 {
		fmt.Fprintf(out, "chooses like %s\n", strings.Join(p.Like, ", "))
	}
	if p.Live != nil {
		fmt.Fprintln(out, liveLine(*p.Live, p.now))
		if p.Live.Problem != "" {
			fmt.Fprintf(talk, "roadshow: %s\n", report.Block(p.Live.Problem))
		}
	}
	fmt.Fprintln(out)
	rows := make([][]string, len(p.Names))
	for i, name := range p.Names {
		rows[i] = nameRow(name)[1:]
	}
	writeTable(out, nameTitles[1:], rows)
	fmt.Fprintln(out)
	rows = make([][]string, len(p.Choices))
	for i, choice := range p.Choices {
		rows[i] = []string{strings.TrimSpace(choice.Kind + " " + choice.Of), choice.Outcome, written(choice)}
	}
	writeTable(out, []string{"CHOICE", "OUTCOME", "DECLARED"}, rows)
	for _, collision := range p.Collisions {
		fmt.Fprintf(out, "\n%s\n", styled(out, bad, "collision: "+collision))
	}
}

func (p proposal) judge() error {
	if len(p.Collisions) > 0 {
		return finding{}
	}
	if p.Live != nil && p.Live.Unseen() {
		return undetermined(1, 1)
	}
	return nil
}
