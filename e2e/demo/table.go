package main

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	grid "charm.land/lipgloss/v2/table"

	"github.com/roadshow-go/roadshow/e2e/inventory"
)

// table shows what the accounts hold, a column for each stage.
func table(all []*inventory.Holdings) string {
	rows := []struct {
		title string
		cell  func(*inventory.Holdings) []string
	}{
		{"account", func(h *inventory.Holdings) []string { return []string{h.Stage.Account} }},
		{"stack", stack},
		{"table", tables},
		{"functions", functions},
		{"API", apis},
		{"DAX", clusters},
	}
	headers := []string{""}
	for _, holdings := range all {
		headers = append(headers, holdings.Stage.Name)
	}
	shown := grid.New().Border(lipgloss.RoundedBorder()).BorderRow(true).BorderStyle(faint).Headers(headers...).
		StyleFunc(func(row, column int) lipgloss.Style {
			style := lipgloss.NewStyle().Padding(0, 1)
			if row == grid.HeaderRow || column == 0 {
				return style.Bold(true)
			}
			return style
		})
	for _, row := range rows {
		cells := []string{row.title}
		for _, holdings := range all {
			lines := row.cell(holdings)
			if len(lines) == 0 {
				lines = []string{"no"}
			}
			cells = append(cells, strings.Join(lines, "\n"))
		}
		shown.Row(cells...)
	}
	return shown.Render()
}

func stack(h *inventory.Holdings) (lines []string) {
	if h.Stack == nil {
		return nil
	}
	lines = append(lines, h.Stack.Name, h.Stack.Status)
	if h.Stack.Protected {
		lines = append(lines, "termination protection")
	}
	return lines
}

func tables(h *inventory.Holdings) (lines []string) {
	for _, t := range h.Tables {
		lines = append(lines, t.Name)
		if t.Protected {
			lines = append(lines, "deletion protection")
		}
	}
	return lines
}

// functions leaves out what begins every name of the stage, so that the columns can be compared.
func functions(h *inventory.Holdings) (lines []string) {
	for _, f := range h.Functions {
		name := strings.TrimPrefix(f.Name, h.Stage.Name+"-"+h.Service+"-")
		lines = append(lines, fmt.Sprintf("%-11s %4d MiB", name, f.Memory))
	}
	return lines
}

func apis(h *inventory.Holdings) (lines []string) {
	for _, api := range h.APIs {
		lines = append(lines, api.Name)
	}
	return lines
}

func clusters(h *inventory.Holdings) (lines []string) {
	for _, c := range h.Clusters {
		lines = append(lines, fmt.Sprintf("yes, %d nodes", c.Nodes), c.Name)
	}
	return lines
}
