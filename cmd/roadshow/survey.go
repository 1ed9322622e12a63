package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/stages"
)

// survey asks the accounts of stages, which are some of the document's or one more, and what time it is there.
func (s *settings) survey(verb *cobra.Command, document assembly.Document, some ...stages.Stage) ([]fleet.StageReport, time.Time, error) {
	ctx := verb.Context()
	// It takes seconds: elsewhere than in a terminal there is nothing to say before the table.
	var observe func(fleet.Event)
	if talk := verb.ErrOrStderr(); terminal(talk) {
		board := newBoard(talk, some)
		defer board.clear()
		observe = board.observe
	}
	asked := fleet.Of(document, s.profiles())
	reports := asked.Survey(ctx, some, observe)
	return reports, asked.Now(), ctx.Err()
}

// list is `roadshow stages`: the set and, unless that is not wanted, what each account has.
func (s *settings) list(ctx context.Context, verb *cobra.Command, offline bool) error {
	_, document, err := s.told(ctx)
	if err != nil {
		return err
	}
	all := fleet.Of(document, nil)
	reports := all.List()
	var now time.Time
	if !offline {
		var asked []fleet.StageReport
		if asked, now, err = s.survey(verb, document, all.Stages...); err != nil {
			return err
		}
		copy(reports, asked) // the templates come after the stages
	}
	if s.json {
		if err := s.print(verb, map[string]any{"service": all.Service, "stages": reports}); err != nil {
			return err
		}
		return judgeSurvey(verb, reports, len(all.Stages))
	}
	titles := []string{"STAGE", "ACCOUNT", "REGION", "TIER"}
	if !offline {
		titles = append(titles, "PROFILE", "REACHABLE", "BOOTSTRAPPED", "DEPLOYED", "COMMIT")
	}
	rows := make([][]string, len(reports))
	for i, one := range reports {
		rows[i] = []string{one.Stage, one.Account, one.Region, one.Tier.String()}
		if !offline {
			rows[i] = append(rows[i], liveCells(one, now)...)
		}
		note := ""
		if one.Template {
			note = "template of ephemeral stages"
		}
		rows[i] = append(rows[i], note)
	}
	writeTable(verb.OutOrStdout(), append(titles, ""), rows)
	return judgeSurvey(verb, reports, len(all.Stages))
}

// judgeSurvey says what could not be seen, and is the exit code.
func judgeSurvey(verb *cobra.Command, reports []fleet.StageReport, all int) error {
	untold := 0
	for _, one := range reports {
		problem := one.Problem
		if problem == "" && one.Deployed != nil && one.Deployed.Condition == fleet.ConditionUnknown {
			problem = one.Deployed.Flaw
		}
		if problem != "" {
			untold++
			fmt.Fprintf(verb.ErrOrStderr(), "roadshow: %s\n", report.Block(problem))
		}
	}
	if untold > 0 {
		return undetermined(untold, all)
	}
	return nil
}

// undetermined is the error of a verb that could not see some of the stages; why stands above.
func undetermined(untold, all int) error {
	return fmt.Errorf("%d of %s could not be determined. The reason for each stands above", untold, counted(all, "stage"))
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
		cells[3], cells[4] = ago(one.Deployed.At, now), short(one.Deployed.Commit)
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
