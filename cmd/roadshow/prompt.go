package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
)

// person asks whoever sits at the terminal.
type person struct {
	verb  *cobra.Command
	lines chan string
}

func newPerson(verb *cobra.Command) *person { return &person{verb: verb} }

// there tells whether somebody can be asked: not in CI, and not where input or talk is no terminal.
func (p *person) there() bool {
	in, isFile := p.verb.InOrStdin().(*os.File)
	return isFile && os.Getenv("CI") == "" && term.IsTerminal(in.Fd()) && terminal(p.verb.ErrOrStderr())
}

// ask asks, and returns one line. An interruption ends the wait.
func (p *person) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(p.verb.ErrOrStderr(), question+" ")
	if p.lines == nil {
		p.lines = make(chan string)
		go func() {
			defer close(p.lines)
			for in := bufio.NewScanner(p.verb.InOrStdin()); in.Scan(); {
				p.lines <- strings.TrimSpace(in.Text())
			}
		}()
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case line := <-p.lines:
		return line, nil
	}
}

// agrees asks for a yes, which must be written out.
func (p *person) agrees(ctx context.Context, question string) (bool, error) {
	answer, err := p.ask(ctx, question+" Type yes:")
	return answer == "yes", err
}
