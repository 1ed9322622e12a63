package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/quota"
)

// quotasOptions are the flags of `roadshow quotas`.
type quotasOptions struct {
	request, yes, all bool
}

// quotasVerb says whether what would be deployed fits into the accounts.
func quotasVerb(s *settings) *cobra.Command {
	var options quotasOptions
	shown := s.command(&cobra.Command{
		Use:   "quotas [STAGE…]",
		Short: "Say whether the quotas of the accounts suffice for what would be deployed",
		Long: "quotas counts what each stage's template takes more than what is deployed, asks its account for its quotas and\n" +
			"for what is used of them, and puts every quota side by side over the accounts. See docs/quotas.md.\n\n" +
			"Exit codes: 0 everything fits, 1 something does not fit, 2 no account has answered or it could not be determined, 3 what\n" +
			"is known fits, and something could not be determined.",
		Example:           "  roadshow quotas\n  roadshow quotas production --all\n  roadshow quotas --request\n  roadshow quotas --json",
		ValidArgsFunction: s.completeStages,
	}, &options)
	shown.Flags().BoolVar(&options.request, "request", false, "ask AWS for higher quotas where they are needed, after showing them")
	shown.Flags().BoolVar(&options.yes, "yes", false, "with --request: do not ask")
	shown.Flags().BoolVar(&options.all, "all", false, "show every quota, also those of which nothing is needed and that are alike in all accounts")
	return shown
}

func (o *quotasOptions) validate(_ []string, given func(string) bool) error {
	return needs(given, "request", "yes")
}

func (o *quotasOptions) run(ctx context.Context, s *settings, names []string) (answer, error) {
	resolved, remove, err := s.resolveTarget(ctx, names, "roadshow quotas")
	if err != nil {
		return nil, err
	}
	defer remove()
	survey := quota.Survey{Fleet: resolved.fleet, Assembly: resolved.assembly}
	if o.request {
		if err := survey.MayRequest(ctx, resolved.stages...); err != nil {
			return nil, err
		}
	}
	board := s.board(resolved.stages)
	survey.Observe = board.Observe
	report, err := survey.Run(ctx, resolved.stages)
	board.Close()
	if err != nil {
		return nil, err
	}
	writeGaps(s.talk, report.Gaps)
	found := quotas{
		Service: resolved.fleet.Service, Quotas: report.Quotas, Gaps: report.Gaps, Increases: survey.Increases(report), report: report, options: o,
	}
	if o.request {
		survey.Observe = nil
		found.Increases, err = s.requestIncreases(ctx, survey, found.Increases, o.yes)
	}
	return found, err
}

// quotas is what `roadshow quotas` has found.
type quotas struct {
	Service   string           `json:"service"`
	Quotas    []quota.Row      `json:"quotas"`
	Gaps      []fleet.Gap      `json:"gaps"`
	Increases []quota.Increase `json:"increases"`

	report  *quota.Report
	options *quotasOptions
}

func (q quotas) write(out, talk io.Writer) {
	writeQuotas(out, q.report, q.options.all)
	if !q.options.request {
		writeIncreases(talk, q.Increases)
	}
}

// judge: what does not fit is certain, whatever others would have said.
func (q quotas) judge() error {
	verdicts := q.report.Verdicts()
	refused := slices.ContainsFunc(q.Increases, func(one quota.Increase) bool { return one.Problem != "" })
	answered := slices.ContainsFunc(q.Quotas, func(row quota.Row) bool {
		return slices.ContainsFunc(row.Places, func(place quota.Place) bool { return place.Limit != nil })
	})
	switch {
	case verdicts[quota.Short] > 0 || refused:
		return finding{}
	case !answered && len(q.Gaps) > 0:
		return message("No account has answered. What stands above says why.")
	case verdicts[quota.Unknown] > 0 || len(q.Gaps) > 0:
		return incomplete{}
	}
	return nil
}

// writeQuotas writes what is needed, and then the limits side by side.
func writeQuotas(out io.Writer, report *quota.Report, all bool) {
	var rows [][]string
	var notes []string
	fitting := 0
	for _, row := range report.Quotas {
		for _, place := range row.Places {
			quiet := place.Verdict != quota.Short && place.Verdict != quota.Close && (!place.Needs() || row.Code == "" && place.Verdict == quota.Fits)
			if quiet && !all {
				fitting++
				continue
			}
			name, used := row.Name, quota.Amount(place.Used)
			if place.Subject != "" {
				name += " " + place.Subject
			}
			if row.Each {
				used = "-"
			}
			verdict := string(place.Verdict)
			if place.Why != "" {
				at := slices.Index(notes, place.Why)
				if at < 0 {
					at, notes = len(notes), append(notes, place.Why)
				}
				verdict += fmt.Sprintf(" [%d]", at+1)
			}
			if place.Request != nil {
				verdict += fmt.Sprintf(", asked for %s (%s)", quota.Amount(&place.Request.Desired), place.Request.Status)
			}
			rows = append(rows, []string{
				strings.Join(place.Stages, ", "), place.Account, place.Region, name, place.Needed(), used, quota.Amount(place.Limit), verdict,
			})
		}
	}
	switch {
	case len(rows) > 0:
		writeTable(out, []string{"STAGE", "ACCOUNT", "REGION", "QUOTA", "NEED", "USED", "LIMIT", "VERDICT"}, rows)
	case len(report.Gaps) == 0:
		fmt.Fprintln(out, "Everything fits.")
	default:
		fmt.Fprintln(out, "Nothing is known not to fit.")
	}
	for i, note := range notes {
		fmt.Fprintf(out, "[%d] %s\n", i+1, note)
	}
	if fitting > 0 {
		fmt.Fprintf(out, "%s of which nothing or little is needed: --all shows them\n", counted(fitting, "more quota"))
	}
	writeLimits(out, report, all)
}

// writeLimits writes the limits of the accounts side by side.
func writeLimits(out io.Writer, report *quota.Report, all bool) {
	type column struct{ account, region string }
	var columns []column
	titles := []string{"QUOTA", "DEFAULT"}
	for _, row := range report.Quotas {
		for _, place := range row.Places {
			if at := (column{place.Account, place.Region}); !row.Global && !slices.Contains(columns, at) {
				columns = append(columns, at)
				titles = append(titles, strings.Join(place.Stages, ", "))
			}
		}
	}
	var rows [][]string
	marked := false
	for _, row := range report.Quotas {
		if row.Code == "" {
			continue // the same everywhere
		}
		cells, differs := []string{row.Name, quota.Amount(&row.Default)}, false
		for _, at := range columns {
			cell := "-"
			for _, place := range row.Places {
				if place.Account != at.account || !row.Global && place.Region != at.region {
					continue
				}
				cell = quota.Amount(place.Limit)
				if place.Lower {
					cell, marked = cell+" < production", true
				}
				if place.New {
					cell += ", new account"
				}
				differs = differs || place.Needs() || place.Lower || place.Limit == nil
			}
			cells = append(cells, cell)
			differs = differs || cell != cells[2]
		}
		if all || differs {
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintln(out)
	writeTable(out, titles, rows)
	if marked {
		fmt.Fprintln(out, "< production: lower than in every protected stage")
	}
}

// writeIncreases says what should be higher, and who is asked for it.
func writeIncreases(out io.Writer, increases []quota.Increase) {
	for _, one := range increases {
		what := fmt.Sprintf("%s (%s %s): %s: limit is %s", strings.Join(one.Stages, ", "), one.Account, one.Region, one.Name, quota.Amount(&one.Limit))
		switch {
		case one.Problem != "":
			fmt.Fprintln(out, styled(out, bad, what+", and AWS refuses the request for "+quota.Amount(&one.Desired)+": "+one.Problem))
		case one.Request != nil:
			fmt.Fprintf(out, "%s; asked for %s on %s (%s)\n", what, quota.Amount(&one.Request.Desired), one.Request.At.Format("2006-01-02"), requestStatus(one.Request))
		case one.Advice != "":
			fmt.Fprintf(out, "%s; %s\n", what, one.Advice)
		case one.Link != "":
			fmt.Fprintf(out, "%s; AWS takes a support case only, ask for %s (%s): %s\n", what, quota.Amount(&one.Desired), one.Why, one.Link)
		default:
			fmt.Fprintf(out, "%s; ask for %s (%s), with `roadshow quotas %s --request`\n", what, quota.Amount(&one.Desired), one.Why, strings.Join(one.Stages, " "))
		}
	}
}

func requestStatus(request *quota.Request) string {
	if request.Case != "" {
		return request.Status + ", case " + request.Case
	}
	return request.Status
}

// requestIncreases shows what would be asked for, and asks for it when somebody agrees.
func (s *settings) requestIncreases(ctx context.Context, survey quota.Survey, increases []quota.Increase, yes bool) ([]quota.Increase, error) {
	talk := s.talk
	var rows [][]string
	for _, one := range increases {
		if one.Askable() {
			rows = append(rows, []string{
				strings.Join(one.Stages, ", "), one.Account, one.Region, one.Name, quota.Amount(&one.Limit), quota.Amount(&one.Desired), one.Why,
			})
		}
	}
	if len(rows) == 0 {
		fmt.Fprintln(talk, "There is nothing to ask AWS for.")
		writeIncreases(talk, increases)
		return increases, nil
	}
	fmt.Fprintln(talk)
	writeTable(talk, []string{"STAGE", "ACCOUNT", "REGION", "QUOTA", "LIMIT", "ASK FOR", "BECAUSE"}, rows)
	agreed, err := s.agreed(ctx, yes, fmt.Sprintf("Ask AWS for %s?", counted(len(rows), "increase")), "nothing was asked for")
	if err != nil || !agreed {
		return increases, err
	}
	increases = survey.Request(ctx, increases)
	writeIncreases(talk, increases)
	return increases, ctx.Err()
}
