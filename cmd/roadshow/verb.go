package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// verb is the shape of every verb: options, which flags fill; validate, which refuses those that contradict each other
// before anything is asked; and run, which finds the answer. What it finds is printed in one place, as JSON or for
// people.
type verb interface {
	// validate looks at the options and the arguments; given tells whether a flag was written.
	validate(arguments []string, given func(flag string) bool) error
	// run finds the answer. An error means that there is none.
	run(ctx context.Context, s *settings, arguments []string) (answer, error)
}

// answer is what a verb has found. As JSON it is printed as it is.
type answer interface {
	// write tells it to people: what was asked for on out, and what there is to know beside it on talk.
	write(out, talk io.Writer)
	// judge is nil where everything is as it should be, [finding] where something is not, and [incomplete] where some
	// did not answer. Any other error means that it could not be determined.
	judge() error
}

// spoken is an answer of which something is said beside the JSON too.
type spoken interface {
	say(talk io.Writer)
}

// streamed is an answer that was printed as JSON lines while it was found; line is the last of them.
type streamed interface {
	line() any
}

// command gives a verb its command.
func (s *settings) command(shown *cobra.Command, v verb) *cobra.Command {
	shown.RunE = func(shown *cobra.Command, arguments []string) error {
		s.in, s.out, s.talk = shown.InOrStdin(), shown.OutOrStdout(), shown.ErrOrStderr()
		if err := v.validate(arguments, shown.Flags().Changed); err != nil {
			return err
		}
		found, err := v.run(shown.Context(), s, arguments)
		if err != nil {
			return err
		}
		if err := s.print(found); err != nil {
			return err
		}
		return found.judge()
	}
	return shown
}

// print writes an answer.
func (s *settings) print(found answer) error {
	if one, is := found.(spoken); is {
		one.say(s.talk)
	}
	if one, is := found.(streamed); is && s.json {
		s.streamLine(one.line())
		return nil
	}
	if s.json {
		return s.printJSON(found)
	}
	found.write(s.out, s.talk)
	return nil
}

// anything is the validate of a verb whose options contradict nothing.
type anything struct{}

func (anything) validate([]string, func(string) bool) error { return nil }

// output remembers that something could not be written, so that one place can say it, whatever wrote it.
type output struct {
	io.Writer
	err error
}

// Write is [io.Writer]'s.
func (o *output) Write(data []byte) (int, error) {
	written, err := o.Writer.Write(data)
	if err != nil {
		o.err = cmp.Or(o.err, err)
	}
	return written, err
}

// Unwrap returns the writer below, so that report.File can find the terminal.
func (o *output) Unwrap() io.Writer { return o.Writer }

// message is an error in plain sentences, as the command says it.
type message string

func (m message) Error() string { return string(m) }

// undetermined is the error of a verb that could not see some of the stages; why stands above.
func undetermined(untold, all int) error {
	return message(fmt.Sprintf("%d of %s could not be determined. The reason for each stands above.", untold, counted(all, "stage")))
}

// agreed has what was shown confirmed: by --yes, or by a person who types yes. undone is what is said where nobody does,
// such as "nothing was removed".
func (s *settings) agreed(ctx context.Context, yes bool, question, undone string) (bool, error) {
	if yes {
		return true, nil
	}
	person := s.person()
	if !person.There() {
		return false, message("Not confirmed, " + undone + ". Run this in a terminal, or pass --yes to confirm.")
	}
	agreed, err := person.Agrees(ctx, question)
	if err == nil && !agreed {
		fmt.Fprintf(s.talk, "Not confirmed, %s.\n", undone)
	}
	return agreed, err
}

// needs refuses flags that mean nothing without another: whoever writes --yes believes that something is done.
func needs(given func(flag string) bool, flag string, others ...string) error {
	for _, other := range others {
		if given(other) && !given(flag) {
			return message(fmt.Sprintf("--%s means nothing without --%s. Write both, or leave --%s out.", other, flag, other))
		}
	}
	return nil
}
