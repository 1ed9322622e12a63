package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// survey is `roadshow stages --live`: what each account has, asked now.
func (s *settings) survey(verb *cobra.Command) error {
	ctx := verb.Context()
	all, _, err := s.fleetOf(ctx)
	if err != nil {
		return err
	}
	reports := all.Survey(ctx, all.Stages)
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.json {
		return s.print(verb, map[string]any{"service": all.Service, "stages": reports})
	}
	rows := make([][]string, len(reports))
	for i, one := range reports {
		rows[i] = []string{one.Stage, one.Account, one.Region, one.Tier.String(), one.Profile, "no", "no", "no", "-"}
		if one.Reachable {
			rows[i][5] = "yes"
		}
		if one.Bootstrap > 0 {
			rows[i][6] = fmt.Sprintf("version %d", one.Bootstrap)
		}
		if one.Deployed != nil {
			rows[i][7], rows[i][8] = ago(one.Deployed.At, time.Now()), short(one.Deployed.Commit)
		}
		if one.Problem != "" {
			fmt.Fprintf(verb.ErrOrStderr(), "roadshow: %s\n", one.Problem)
		}
	}
	writeTable(verb.OutOrStdout(), []string{"STAGE", "ACCOUNT", "REGION", "TIER", "PROFILE", "REACHABLE", "BOOTSTRAPPED", "DEPLOYED", "COMMIT"}, rows)
	return nil
}
