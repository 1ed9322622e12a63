package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/internal/links"
)

// linksOptions are the flags of `roadshow links`.
type linksOptions struct {
	anything
	check bool
}

// linksVerb writes the packages by which handlers know what they were granted.
func linksVerb(s *settings) *cobra.Command {
	var options linksOptions
	shown := s.command(&cobra.Command{
		Use:   "links",
		Short: "Write a Go package of what each function was granted",
		Long: "links writes <folder of the function>/links, by which a handler says links.Notes.Table(). A grant that\n" +
			"the program takes away takes that away, and the handler no longer compiles. docs/links.md has more.",
		Example: "  //go:generate go run github.com/roadshow-go/roadshow/cmd/roadshow links\n  roadshow links --check",
		Args:    cobra.NoArgs,
	}, &options)
	shown.Flags().BoolVar(&options.check, "check", false, "write nothing, list what would change, and exit with 1 where that is anything")
	return shown
}

func (o *linksOptions) run(ctx context.Context, s *settings, _ []string) (answer, error) {
	found, document, err := s.loadDocument(ctx)
	if err != nil {
		return nil, err
	}
	root, err := gobuild.ModuleRoot(found.Dir)
	if err != nil {
		return nil, err
	}
	files, err := links.Generate(document)
	if err != nil {
		return nil, err
	}
	apply := links.Write
	if o.check {
		apply = links.Stale
	}
	changed, err := apply(root, files)
	return linked{Service: document.Service, Changed: append([]string{}, changed...), check: o.check}, err
}

// linked is what `roadshow links` has written, or would write.
type linked struct {
	Service string   `json:"service"`
	Changed []string `json:"changed"`

	check bool
}

func (l linked) write(out, talk io.Writer) {
	for _, file := range l.Changed {
		fmt.Fprintln(out, file)
	}
	if len(l.Changed) == 0 {
		fmt.Fprintln(talk, "Every links package is as the grants are.")
	}
}

func (l linked) judge() error {
	if l.check && len(l.Changed) > 0 {
		return finding{}
	}
	return nil
}
