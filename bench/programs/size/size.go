// Package size is what all programs of the benchmark agree on: how many stages and functions there are,
// and what they are called.
package size

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
)

// Service is the name of the service that every program defines.
const Service = "bench"

// Region is that of every stage.
const Region = "us-east-1"

// Size is what one measurement asks of a program, by flags that all programs share.
type Size struct {
	// Stages and Functions are how many there are; Functions are those of one stage.
	Stages, Functions int
	// Groups is how many groups of equal choices the stages form: 1 to Stages.
	Groups int
	// Outdir takes one cloud assembly for each stage.
	Outdir string
	// Code holds a folder for each function, with one small file.
	Code string
	// Salt enters the templates, so that another one is another program.
	Salt string
	// Validate runs AWS's validator, in the way that is the program's own default.
	Validate bool
}

// Flags defines the flags of a [Size].
func Flags() *Size {
	var s Size
	flag.IntVar(&s.Stages, "stages", 3, "how many stages")
	flag.IntVar(&s.Functions, "functions", 10, "how many functions in each stage")
	flag.IntVar(&s.Groups, "groups", 1, "how many groups of stages with equal choices")
	flag.StringVar(&s.Outdir, "out", "", "folder for the cloud assemblies")
	flag.StringVar(&s.Code, "code", "", "folder with one folder of code for each function")
	flag.StringVar(&s.Salt, "salt", "none", "a text that enters the templates")
	flag.BoolVar(&s.Validate, "validate", false, "run AWS's validator")
	return &s
}

// Stage is the name of the n-th stage, from 0.
func Stage(n int) string { return fmt.Sprintf("s%02d", n+1) }

// Account is that of the n-th stage.
func Account(n int) string { return fmt.Sprintf("1000000000%02d", n+1) }

// Function is the id of the n-th function. It begins with letters of its own, so that no id is the
// beginning of another one's.
func Function(n int) string { return fmt.Sprintf("f%03d", n+1) }

// Memory is that of the first function in the n-th stage; it makes the groups.
func (s Size) Memory(stage int) int {
	if stage < s.Stages-s.Groups+1 {
		return 256
	}
	return 256 + 64*(stage-(s.Stages-s.Groups))
}

// Assembly is the folder of the n-th stage's assembly.
func (s Size) Assembly(stage int) string { return filepath.Join(s.Outdir, "assembly-"+Stage(stage)) }

// Template is the file of the n-th stage's template.
func (s Size) Template(stage int) string {
	return filepath.Join(s.Assembly(stage), Service+".template.json")
}

// Flags are what a program is started with to get this size.
func (s Size) Flags() []string {
	flags := []string{
		fmt.Sprintf("-stages=%d", s.Stages), fmt.Sprintf("-functions=%d", s.Functions), fmt.Sprintf("-groups=%d", max(s.Groups, 1)),
		"-out=" + s.Outdir, "-code=" + s.Code,
	}
	if s.Salt != "" {
		flags = append(flags, "-salt="+s.Salt)
	}
	if s.Validate {
		flags = append(flags, "-validate")
	}
	return flags
}

func (s Size) String() string {
	text := fmt.Sprintf("%d × %d", s.Stages, s.Functions)
	if s.Groups > 1 {
		text += fmt.Sprintf(", %d groups", s.Groups)
	}
	return strings.TrimSpace(text)
}
