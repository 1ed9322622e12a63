package parity

// Verdict is the outcome of a proof.
type Verdict struct {
	// Stages lists the stages compared, in the set's order; a template counts as the stage made from it.
	Stages []string `json:"stages"`
	// Groups lists the stages by their choices: those of one group declare no difference.
	Groups [][]string `json:"groups"`
	// Resources counts the logical ids, and Functions the functions, that any of the stages has.
	Resources int `json:"resources"`
	Functions int `json:"functions"`
	// SameBytes tells that each function runs the same bytes in every stage that has it.
	SameBytes bool `json:"sameBytes"`
	// Played counts the syntheses compared, and Parts all that there could be: every stage playing
	// every group's choices. Where the two are equal the proof is complete, see [Prove].
	Played int `json:"played"`
	Parts  int `json:"parts"`
	// Differences lists the undeclared differences.
	Differences []Difference `json:"differences,omitempty"`
	// Foreign lists the places where a stage's template names the account of another.
	Foreign []ForeignAccount `json:"foreign,omitempty"`
	// Unstable lists what a second process synthesized differently. [Prove] leaves it empty: set it to
	// the outcome of [Reproducible].
	Unstable []Difference `json:"unstable,omitempty"`
}

// Exit codes of a command that proves parity.
const (
	ExitIdentical = 0 // the stages are identical
	ExitDifferent = 1 // there are undeclared differences
	ExitUnknown   = 2 // it could not be told: there was an error instead of a verdict
)

// Identical tells whether nothing differs that was not declared.
func (v *Verdict) Identical() bool {
	return len(v.Differences) == 0 && len(v.Foreign) == 0 && len(v.Unstable) == 0
}

// ExitCode is [ExitIdentical] or [ExitDifferent].
func (v *Verdict) ExitCode() int { return ExitIdentical }

// String is the verdict for people: one line where the stages are identical, else every difference with
// its path, the value by stage, and the Go file and line.
func (v *Verdict) String() string { return "" }

// Reproducible compares what two processes synthesized, by stage: the very same bytes are expected. What
// differs is located by path; where only the order differs, by the first place that does.
func Reproducible(first, second map[string][]byte) []Difference { return nil }
