package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/internal/links"
)

// linksVerb writes the packages by which handlers know what they were granted.
func linksVerb(s *settings) *cobra.Command {
	var check bool
	verb := &cobra.Command{
		Use:   "links",
		Short: "Write a Go package of what each function was granted",
		Long: "links writes <folder of the function>/links, by which a handler says links.Notes.Table(). A grant that\n" +
			"the program takes away takes that away, and the handler no longer compiles. docs/links.md has more.",
		Example: "  //go:generate go run github.com/roadshow-go/roadshow/cmd/roadshow links\n  roadshow links --check",
		Args:    cobra.NoArgs,
		RunE: func(verb *cobra.Command, _ []string) error {
			found, document, err := s.told(verb.Context())
			if err != nil {
				return err
			}
			root, err := gobuild.ModuleRoot(found.Dir)
			if err != nil {
				return err
			}
			files, err := links.Generate(document)
			if err != nil {
				return err
			}
			apply := links.Write
			if check {
				apply = links.Stale
			}
			changed, err := apply(root, files)
			if err != nil {
				return err
			}
			if s.json {
				if err := s.print(verb, map[string]any{"service": document.Service, "changed": append([]string{}, changed...)}); err != nil {
					return err
				}
			} else {
				for _, file := range changed {
					fmt.Fprintln(verb.OutOrStdout(), file)
				}
			}
			if check && len(changed) > 0 {
				return finding{}
			}
			return nil
		},
	}
	verb.Flags().BoolVar(&check, "check", false, "write nothing, list what would change, and exit with 1 where that is anything")
	return verb
}
