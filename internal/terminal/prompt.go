package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/huh/v2"
	"github.com/charmbracelet/x/term"

	"github.com/roadshow-go/roadshow/internal/report"
)

// Person is whoever sits at the terminal.
type Person struct {
	// In is where the answers come from, Out where the questions are shown. Required.
	In  io.Reader
	Out io.Writer
	// Interrupt is told that the person wants the command to end. Default: nobody is.
	Interrupt func()
}

// There tells whether somebody can be asked: not in CI, and not where input or output is no terminal.
func (p *Person) There() bool {
	file, isFile := p.In.(*os.File)
	return isFile && term.IsTerminal(file.Fd()) && Is(p.Out)
}

// mistyped says that something else was typed than what is wanted.
type mistyped string

func (m mistyped) Error() string {
	return fmt.Sprintf("That is not %s. Type it once more, or press Esc to stop.", string(m))
}

// Ask asks for a text. A want that is not empty is the only answer that is taken. The error is the context's, also where
// the person interrupts.
func (p *Person) Ask(ctx context.Context, question, want string) (answer string, err error) {
	input := huh.NewInput().Title(question).Value(&answer).Validate(func(text string) error {
		if want != "" && strings.TrimSpace(text) != want {
			return mistyped(want)
		}
		return nil
	})
	if err := p.run(ctx, input); err != nil {
		return "", err
	}
	answer = strings.TrimSpace(answer)
	fmt.Fprintln(p.Out, question, answer) // which the form took off the screen
	return answer, nil
}

// Agrees asks for a yes, which must be typed out.
func (p *Person) Agrees(ctx context.Context, question string) (bool, error) {
	answer, err := p.Ask(ctx, question+" Type yes to confirm:", "")
	return answer == "yes", err
}

// run shows one field until it is answered.
func (p *Person) run(ctx context.Context, field huh.Field) error {
	keys := huh.NewDefaultKeyMap()
	keys.Quit = key.NewBinding(key.WithKeys("ctrl+c", "esc"))
	form := huh.NewForm(huh.NewGroup(field)).WithShowHelp(false).WithKeyMap(keys).
		WithInput(p.In).WithOutput(report.File(p.Out))
	err := form.RunWithContext(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, huh.ErrUserAborted):
		if p.Interrupt != nil {
			p.Interrupt()
		}
		return context.Canceled
	}
	return err
}
