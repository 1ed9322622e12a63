package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/term"
	"github.com/guptarohit/asciigraph"
	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/cost"
	"github.com/roadshow-go/roadshow/internal/report"
)

// costsOptions are the flags of `roadshow costs`.
type costsOptions struct {
	since, payer         string
	fresh, activate, yes bool
}

// costsVerb says what the stages cost.
func costsVerb(s *settings) *cobra.Command {
	var options costsOptions
	shown := s.command(&cobra.Command{
		Use:   "costs",
		Short: "Say what each stage costs, and what changed most",
		Long: "costs asks AWS Cost Explorer what the accounts of all stages were charged on each whole day since then, and in as\n" +
			"many days before. It asks the account that pays for them, or each account itself. AWS charges a cent for each\n" +
			"page of an answer; so answers are kept for the day. See docs/costs.md.\n\n" +
			"Exit codes: 0 all accounts have answered, 1 a tag could not be activated, 2 it could not be determined, 3 some accounts\ndid not answer.",
		Example: "  roadshow costs\n  roadshow costs --since 12w\n  roadshow costs --since 2026-10-01 --json\n  roadshow costs --payer billing\n  roadshow costs --activate-tags",
		Args:    cobra.NoArgs,
	}, &options)
	shown.Flags().StringVar(&options.since, "since", "30d", "how far back: days, weeks or the first day, such as 30d, 12w or 2026-10-01; 14 months at most")
	shown.Flags().StringVar(&options.payer, "payer", "", "the profile of the account that pays (default: found by Organizations; else each account is asked itself)")
	shown.Flags().BoolVar(&options.fresh, "fresh", false, "ask again what was asked today, which costs again")
	shown.Flags().BoolVar(&options.activate, "activate-tags", false, "put the tags of the stacks on the bill, so that stages of one account can be told apart")
	shown.Flags().BoolVar(&options.yes, "yes", false, "with --activate-tags: do not ask")
	return shown
}

func (o *costsOptions) validate(_ []string, given func(string) bool) error {
	if err := cost.CheckSince(o.since); err != nil { // which day it is, AWS says
		return err
	}
	return needs(given, "activate-tags", "yes")
}

func (o *costsOptions) run(ctx context.Context, s *settings, _ []string) (answer, error) {
	all, err := s.loadFleet(ctx)
	if err != nil {
		return nil, err
	}
	explorer := cost.Explorer{Fleet: all.Fleet, Payer: o.payer, Fresh: o.fresh, Now: all.AskNow(ctx)}
	if folder, err := os.UserCacheDir(); err == nil {
		explorer.Cache = filepath.Join(folder, "roadshow", "costs")
	}
	if o.activate {
		return s.activateTags(ctx, explorer, o.yes)
	}
	period, err := cost.ParsePeriod(o.since, explorer.Now)
	if err != nil {
		return nil, err
	}
	found, err := explorer.Run(ctx, period)
	return costs{all.Service, found}, err
}

// costs is what `roadshow costs` has found.
type costs struct {
	Service string `json:"service"`
	cost.Report
}

func (c costs) say(talk io.Writer) { writeGaps(talk, c.Gaps) }

func (c costs) write(out, talk io.Writer) {
	if len(c.Rows) > 0 {
		writeCostTable(out, c.Report)
		writeCostChanges(out, c.Report)
		writeCostChart(out, c.Report)
	} else {
		fmt.Fprintln(out, "No account said what it costs.")
	}
	for _, note := range c.Notes {
		fmt.Fprintln(talk, "note: "+note)
	}
	fmt.Fprintf(talk, "note: days are UTC, and today is left out; Cost Explorer is up to 24 hours late, so the last days may still grow\n")
	fmt.Fprintln(talk, styled(talk, faint, spentOn(c.Report)))
}

func (c costs) judge() error { return judgeGaps(c.Gaps) }

// spentOn is what the report itself cost.
func spentOn(report cost.Report) string {
	text := fmt.Sprintf("asked Cost Explorer %s, which costs $%s", counted(report.Calls, "time"), report.Spent.StringFixed(2))
	if report.Cached > 0 {
		text += fmt.Sprintf("; read %s of today from the cache (--fresh asks again)", counted(report.Cached, "answer"))
	}
	return text
}

func counted(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}

// money is an amount in cents for people; JSON has all of it. Less than a cent has its sign: a refund is no charge.
func money(amount decimal.Decimal) string {
	switch text := amount.StringFixed(2); {
	case amount.IsZero() || strings.Trim(text, "-0.") != "":
		return text
	case amount.IsNegative():
		return "-<0.01"
	}
	return "<0.01"
}

func orDash(text, unit string) string {
	if text == "" {
		return "-"
	}
	return text + unit
}

// signed has the sign of what grows, too.
func signed(text string) string {
	if text == "" || strings.HasPrefix(text, "-") {
		return text
	}
	return "+" + text
}

func writeCostTable(out io.Writer, report cost.Report) {
	last, _ := time.Parse(time.DateOnly, report.Until)
	before := ""
	if report.Before != "" {
		before = ", beside as many days before"
	}
	fmt.Fprintf(out, "%s\n\n", styled(out, heading, fmt.Sprintf("costs from %s to %s%s", report.Since, last.AddDate(0, 0, -1).Format(time.DateOnly), before)))
	share := "OF PROTECTED"
	if len(report.Protected) == 1 {
		share = "OF " + strings.ToUpper(report.Protected[0])
	}
	titles := []string{"STAGE", "ACCOUNT", "COST", "BEFORE", "CHANGE", share, "TOP SERVICE"}
	var rows [][]string
	for _, row := range report.Rows {
		top := "-"
		if row.Top != nil {
			top = row.Top.Service + " " + money(row.Top.Amount)
		}
		rows = append(rows, append(costCells(row.Name(), cmp.Or(row.Account, "all"), row.Total, row.Change), orDash(row.Share, "%"), top))
	}
	for _, total := range report.Totals {
		rows = append(rows, append(costCells("total", "", total, ""), "", ""))
	}
	alignRight(rows, titles, 2, 3, 4, 5)
	writeTable(out, titles, rows)
}

func costCells(name, account string, total cost.Total, change string) []string {
	before := "-"
	if total.Before != nil {
		before = money(*total.Before)
	}
	return []string{name, account, money(total.Amount) + " " + total.Currency, before, orDash(signed(change), "%")}
}

// alignRight pads columns of numbers on their left.
func alignRight(rows [][]string, titles []string, columns ...int) {
	for _, column := range columns {
		width := lipgloss.Width(titles[column])
		for _, row := range rows {
			width = max(width, lipgloss.Width(row[column]))
		}
		pad := func(text string) string { return strings.Repeat(" ", width-lipgloss.Width(text)) + text }
		titles[column] = pad(titles[column])
		for _, row := range rows {
			row[column] = pad(row[column])
		}
	}
}

func writeCostChanges(out io.Writer, report cost.Report) {
	if len(report.Changed) == 0 {
		return
	}
	fmt.Fprintln(out)
	titles := []string{"CHANGED MOST", "SERVICE", "BY", "FROM", "TO"}
	var rows [][]string
	for _, change := range report.Changed[:min(len(report.Changed), shownCostChanges)] {
		rows = append(rows, []string{change.Row, change.Service, signed(money(change.Difference)) + " " + change.Currency, money(*change.Before), money(change.Amount)})
	}
	alignRight(rows, titles, 2, 3, 4)
	writeTable(out, titles, rows)
}

// How much is shown to people, who can have all of it as JSON.
const (
	shownCostChanges = 5
	shownLines       = 6
	chartHeight      = 10
	chartWidth       = 72
	smallHeight      = 4
	smallWidth       = 10
)

// lineColours tell the lines of a chart apart.
var lineColours = []asciigraph.AnsiColor{
	asciigraph.Blue, asciigraph.Red, asciigraph.Green, asciigraph.Yellow, asciigraph.Aqua, asciigraph.Fuchsia,
}

// writeCostChart draws a line for each of the stages that cost most: in one chart where colours tell them apart, else
// each in a chart of its own.
func writeCostChart(out io.Writer, report cost.Report) {
	rows := slices.DeleteFunc(slices.Clone(report.Rows), func(row cost.Row) bool {
		return !row.Amount.IsPositive() || row.Kind == cost.KindCharges || len(row.Days) < 2
	})
	slices.SortStableFunc(rows, func(a, b cost.Row) int { return b.Amount.Cmp(a.Amount) })
	rows = rows[:min(len(rows), shownLines)]
	var lines [][]float64
	var names []string
	columns := chartColumns(out)
	width := columns
	for _, row := range rows {
		line, each := chartPoints(row.Days, columns)
		width = (columns-1)/(len(line)-1)*(len(line)-1) + 1 // else the library draws what is between the days, and no day
		name := fmt.Sprintf("%s, %s a day", row.Name(), row.Currency)
		if each > 1 {
			name += fmt.Sprintf(", mean of each %d", each)
		}
		lines, names = append(lines, line), append(names, name)
	}
	options := []asciigraph.Option{asciigraph.Width(width), asciigraph.LowerBound(0)}
	if colours(out) && len(lines) > 0 {
		fmt.Fprintln(out, "\n"+asciigraph.PlotMany(lines, append(options, asciigraph.Height(chartHeight), asciigraph.SeriesColors(lineColours[:len(lines)]...))...))
		for i, name := range names { // the library's own legend is one line, however narrow the terminal
			fmt.Fprintln(out, lineColours[i].String()+"■"+asciigraph.Default.String()+" "+name)
		}
		return
	}
	for i, line := range lines {
		fmt.Fprintf(out, "\n%s\n%s\n", names[i], asciigraph.Plot(line, append(options, asciigraph.Height(smallHeight))...))
	}
}

// chartPoints are the points of a line, each the mean of as many days as there have to be for all to have a column. The
// last may be of fewer.
func chartPoints(days []decimal.Decimal, columns int) (points []float64, each int) {
	each = (len(days) + columns - 1) / columns
	for some := range slices.Chunk(days, each) {
		points = append(points, decimal.Avg(some[0], some[1:]...).InexactFloat64()) // a chart is drawn, not summed
	}
	return points, each
}

// chartColumns leaves room for the numbers at the axis.
func chartColumns(out io.Writer) int {
	if file := report.File(out); file != nil {
		if columns, _, err := term.GetSize(file.Fd()); err == nil && columns > 0 {
			return chartWithin(columns)
		}
	}
	return chartWidth
}

// chartWithin is how wide a chart is in a terminal. In one too narrow for any, its lines are broken, not longer.
func chartWithin(columns int) int { return min(max(columns-15, smallWidth), chartWidth) }

// activateTags shows the tags, asks, and puts them on the bill.
func (s *settings) activateTags(ctx context.Context, explorer cost.Explorer, yes bool) (answer, error) {
	found := costTags{Gaps: []fleet.Gap{}}
	tags, gaps, err := explorer.Tags(ctx)
	if err != nil {
		return nil, err
	}
	found.Tags, found.Gaps = tags, append(found.Gaps, gaps...)
	if !slices.ContainsFunc(tags, func(tag cost.Tag) bool { return tag.Status == cost.TagInactive }) {
		return found, nil
	}
	for _, tag := range tags {
		if tag.Status == cost.TagInactive {
			fmt.Fprintf(s.talk, "account %s: %s becomes a cost allocation tag of all accounts it pays for\n", tag.Account, tag.Key)
		}
	}
	agreed, err := s.agreed(ctx, yes, "Activate?", "nothing was changed")
	if err != nil {
		return nil, err
	}
	if !agreed {
		return nil, finding{}
	}
	tags, gaps, err = explorer.ActivateTags(ctx, tags)
	if err != nil {
		return nil, err
	}
	found.Tags, found.Gaps, found.activated = tags, append(found.Gaps, gaps...), true
	return found, nil
}

// costTags is what `roadshow costs --activate-tags` has found and done.
type costTags struct {
	Tags []cost.Tag  `json:"tags"`
	Gaps []fleet.Gap `json:"gaps"`

	activated bool
}

func (c costTags) say(talk io.Writer) { writeGaps(talk, c.Gaps) }

func (c costTags) write(out, talk io.Writer) {
	rows := make([][]string, len(c.Tags))
	for i, tag := range c.Tags {
		rows[i] = []string{tag.Account, tag.Key, string(tag.Status), tag.Problem}
	}
	writeTable(out, []string{"ACCOUNT", "TAG", "STATUS", ""}, rows)
	if c.activated {
		fmt.Fprintln(talk, "AWS takes up to 24 hours, and puts the tags on what is charged from then on; a backfill for months before is for the console")
	}
	if slices.ContainsFunc(c.Tags, func(tag cost.Tag) bool { return tag.Status == cost.TagUnseen }) {
		fmt.Fprintln(talk, "AWS lists a tag up to 24 hours after the first charge. Deploy a stage, and run this again tomorrow.")
	}
}

func (c costTags) judge() error {
	if err := judgeGaps(c.Gaps); err != nil {
		return err
	}
	if slices.ContainsFunc(c.Tags, func(tag cost.Tag) bool { return tag.Problem != "" }) {
		return finding{}
	}
	return nil
}
