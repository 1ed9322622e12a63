package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/roadshow-go/roadshow/internal/awsconfig"
	"github.com/roadshow-go/roadshow/internal/credentials"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/plan"
	"github.com/roadshow-go/roadshow/internal/redact"
	"github.com/roadshow-go/roadshow/stages"
)

// Profile is one way to credentials, and what AWS said about it.
type Profile struct {
	// Name is that of the AWS config, for --profile; empty for credentials that no profile stands behind: those of the
	// environment, of a container, of an EC2 instance.
	Name string
	// Account is that of the credentials; empty where Err says why it is not known.
	Account string
	// ARN is who the credentials are; empty where AWS was not asked, because the profile's settings name another account
	// than is looked for.
	ARN string
	// Err is why the profile has no account.
	Err error

	source credentials.Source
	// handed are the credentials that the cdk command gets, where it could not use the profile by its name.
	handed aws.CredentialsProvider
}

// String is the profile's name, for people.
func (p Profile) String() string {
	if p.Name == "" && p.source.Kind != credentials.Unknown {
		return p.source.String()
	}
	return cmp.Or(p.Name, "(environment)")
}

// ProfileOptions are what [Profiles] need of whoever runs the command.
type ProfileOptions struct {
	// Redactor learns each secret that is met. Default: one that knows the environment's.
	Redactor *redact.Redactor
	// MFA asks a person for the code of a device, such as "arn:aws:iam::111111111111:mfa/ada". Default: nobody can be
	// asked.
	MFA func(ctx context.Context, profile, device string) (code string, err error)
	// Terminal is where a credential_process may ask its user. Default: there is none.
	Terminal io.Writer
	// Load reads the AWS files. Default: [awsconfig.Load].
	Load func() *awsconfig.Files
}

// Profiles find the way to an account: every profile of the AWS config, the environment, the machine. Each is asked for its
// account when it may be the one that is looked for, and once. The zero value is not ready; see [NewProfiles].
type Profiles struct {
	chain    *credentials.Chain
	redactor *redact.Redactor
	clock    *Clock

	mu      sync.Mutex
	answers map[credentials.Source]*sourceAnswer
	// only is the one that may be used; nil for all.
	only *Profile
}

// sourceAnswer is what one source said.
type sourceAnswer struct {
	mu      sync.Mutex
	asked   bool
	profile Profile
}

// NewProfiles reads the AWS config when it is first needed, and asks nobody.
func NewProfiles(options ProfileOptions) *Profiles {
	p := &Profiles{redactor: options.Redactor, answers: map[credentials.Source]*sourceAnswer{}, clock: &Clock{}}
	if p.redactor == nil {
		p.redactor = redact.OfEnvironment()
	}
	p.chain = &credentials.Chain{
		Load: options.Load, Redactor: p.redactor, Terminal: options.Terminal, Options: []func(*aws.Config){p.clock.listen},
	}
	if options.MFA != nil {
		p.chain.MFA = func(ctx context.Context, source credentials.Source, device string) (string, error) {
			return options.MFA(ctx, source.Name, device)
		}
	}
	return p
}

// Now is the time by AWS's answers. See [Clock.Now].
func (p *Profiles) Now() time.Time { return p.clock.Now() }

// Redactor knows every secret that was met.
func (p *Profiles) Redactor() *redact.Redactor { return p.redactor }

// Attempts is how often a request is tried.
const Attempts = credentials.Attempts

// askAtOnce is how many sources are asked at once.
const askAtOnce = 16

// candidates are sources that are asked side by side; of those that fit, the first is taken.
type candidates []credentials.Source

// rounds are the sources that may be of a stage's account, the likeliest first. The first list is of those that something
// speaks for; the second of all others. What names another account in its settings is in neither.
func (p *Profiles) rounds(stage stages.Stage) (likely, others []candidates) {
	if p.only != nil {
		return []candidates{{p.only.source}}, nil
	}
	var named, preferred, declares, asksPerson, resembles, plain, unreadable, processes candidates
	for _, source := range p.chain.Profiles() {
		account := p.chain.Account(source)
		switch {
		case account != "" && account != stage.Account:
		case source.Name == stage.Name:
			named = append(named, source)
		case source.Name == credentials.Preferred():
			preferred = append(preferred, source)
		case account != "" && p.chain.NeedsPerson(source):
			asksPerson = append(asksPerson, source)
		case account != "":
			declares = append(declares, source)
		case !p.chain.Readable(source):
			unreadable = append(unreadable, source)
		case strings.Contains(strings.ToLower(source.Name), strings.ToLower(stage.Name)):
			resembles = append(resembles, source)
		case source.Kind == credentials.Process:
			processes = append(processes, source)
		default:
			plain = append(plain, source)
		}
	}
	// Of those whose settings name the account, one that the cdk command can read.
	slices.SortStableFunc(declares, func(a, b credentials.Source) int {
		return cmp.Compare(p.unreadable(a), p.unreadable(b))
	})
	var environment, instance candidates
	for _, source := range credentials.Ambient() {
		if source.Kind == credentials.Instance {
			instance = append(instance, source)
			continue
		}
		environment = append(environment, source)
	}
	likely = inTurn(named, preferred, environment, declares, resembles)
	for _, source := range asksPerson {
		likely = append(likely, candidates{source})
	}
	return likely, inTurn(instance, plain, unreadable, processes)
}

// unreadable is 1 for a source that the cdk command cannot read, for an order.
func (p *Profiles) unreadable(source credentials.Source) int {
	if p.chain.Readable(source) {
		return 0
	}
	return 1
}

// inTurn cuts long lists, so that nothing more is asked once one fits.
func inTurn(all ...candidates) []candidates {
	var rounds []candidates
	for _, some := range all {
		for chunk := range slices.Chunk(some, askAtOnce) {
			rounds = append(rounds, chunk)
		}
	}
	return rounds
}

// first is the first source of an account, and the others of its round that are of it too.
func (p *Profiles) first(ctx context.Context, account string, rounds []candidates) (chosen *Profile, others []Profile) {
	for _, round := range rounds {
		answers := make([]Profile, len(round))
		parallel.ForEach(ctx, askAtOnce, round, func(ctx context.Context, i int, source credentials.Source) {
			answers[i] = p.ask(ctx, source)
		})
		for _, profile := range answers {
			switch {
			case profile.Err != nil || profile.Account != account:
			case chosen == nil:
				chosen = &profile
			default:
				others = append(others, profile)
			}
		}
		if chosen != nil || ctx.Err() != nil {
			return chosen, others
		}
	}
	return nil, nil
}

// config is the configuration of clients that act as a profile. What the AWS files say now counts, not what they said when
// it was chosen.
func (p *Profiles) config(ctx context.Context, profile Profile, region string) (aws.Config, error) {
	p.chain.Refresh()
	return p.chain.Config(ctx, profile.source, region)
}

// For is the profile that reaches a stage's account, the likeliest first: the profile that is called like the stage, the one
// of AWS_PROFILE, the credentials of the environment or of a container, those whose settings name the account, those whose
// name has the stage's in it; then those that need a person's code, the instance's role, and everything else, a
// credential_process last. Nothing more is asked once one fits. Where several of equal likelihood do, the first by name is
// taken, and the others are returned too. The error is a [*NoProfileError], or the context's.
func (p *Profiles) For(ctx context.Context, stage stages.Stage) (chosen Profile, others []Profile, err error) {
	likely, rest := p.rounds(stage)
	if found, others := p.first(ctx, stage.Account, append(likely, rest...)); found != nil {
		return *found, others, nil
	}
	if err := ctx.Err(); err != nil {
		return Profile{}, nil, err
	}
	files := p.chain.Files()
	return Profile{}, nil, &NoProfileError{Stage: stage, Asked: p.Asked(), Notes: p.Notes(), Config: files.Config}
}

// likely is [Profiles.For] of those that something speaks for; nil where none of them is of the account.
func (p *Profiles) likely(ctx context.Context, stage stages.Stage) (*Profile, []Profile) {
	likely, _ := p.rounds(stage)
	return p.first(ctx, stage.Account, likely)
}

// Notes are what is wrong with the AWS config and the environment that no profile's own error says.
func (p *Profiles) Notes() []string {
	notes := p.chain.Leftovers()
	for _, problem := range p.chain.Files().Problems {
		notes = append(notes, problem.String()+".")
	}
	return notes
}

// Asked lists what was asked so far, by name, and the profiles whose settings name an account.
func (p *Profiles) Asked() []Profile {
	if p.only != nil {
		return []Profile{*p.only}
	}
	var all []Profile
	for _, source := range append(p.chain.Profiles(), credentials.Ambient()...) {
		p.mu.Lock()
		said := p.answers[source]
		p.mu.Unlock()
		switch account := p.chain.Account(source); {
		case said != nil:
			all = append(all, said.get())
		case account != "":
			all = append(all, Profile{Name: source.Name, Account: account, source: source})
		}
	}
	slices.SortStableFunc(all, func(a, b Profile) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (a *sourceAnswer) get() Profile {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.profile
}

// Named is the profile of a name, asked for its account. The error is an [*credentials.Error], or the context's.
func (p *Profiles) Named(ctx context.Context, name string) (Profile, error) {
	for _, source := range p.chain.Profiles() {
		if source.Name == name {
			found := p.ask(ctx, source)
			return found, found.Err
		}
	}
	_, err := p.chain.Config(ctx, credentials.Source{Name: name}, "")
	return Profile{Name: name}, err
}

// Only is a way by one profile alone, which was asked before.
func (p *Profiles) Only(profile Profile) *Profiles {
	return &Profiles{chain: p.chain, redactor: p.redactor, clock: p.clock, answers: map[credentials.Source]*sourceAnswer{}, only: &profile}
}

// ask asks a source for its account, once. A source that cannot say is none of the errors: it has its own.
func (p *Profiles) ask(ctx context.Context, source credentials.Source) Profile {
	p.mu.Lock()
	said := p.answers[source]
	if said == nil {
		said = &sourceAnswer{}
		p.answers[source] = said
	}
	p.mu.Unlock()
	said.mu.Lock()
	defer said.mu.Unlock()
	if !said.asked {
		said.profile = p.askNow(ctx, source)
		said.asked = ctx.Err() == nil
	}
	return said.profile
}

func (p *Profiles) askNow(ctx context.Context, source credentials.Source) Profile {
	profile := Profile{Name: source.Name, source: source}
	config, err := p.chain.Config(ctx, source, "")
	if err != nil {
		profile.Err = err
		return profile
	}
	if !p.chain.Readable(source) || p.chain.NeedsPerson(source) || p.chain.NeedsVariables(source) {
		profile.handed = config.Credentials
	}
	// Apart from the question below: a person may be asked, for whom there is no limit.
	if _, err := config.Credentials.Retrieve(ctx); err != nil {
		profile.Err = err
		return profile
	}
	inTime, cancel := context.WithTimeout(ctx, credentials.Limit)
	defer cancel()
	who, err := sts.NewFromConfig(config).GetCallerIdentity(inTime, nil)
	if err != nil {
		if inTime.Err() != nil {
			err = errors.Join(context.DeadlineExceeded, err)
		}
		settings, _ := p.chain.Files().Profile(source.Name)
		profile.Err = credentials.Explain(ctx, source, settings.At, err)
		return profile
	}
	profile.Account, profile.ARN = aws.ToString(who.Account), aws.ToString(who.Arn)
	return profile
}

// NoProfileError says that no profile reaches a stage's account.
type NoProfileError struct {
	// Stage is the stage that cannot be reached, Asked what is known of every profile that was asked, or whose settings name
	// an account.
	Stage stages.Stage
	Asked []Profile
	// DeployFrom lists the accounts that may deploy to the stage, of which there is no profile either.
	DeployFrom []string
	// Notes are what is wrong with the AWS config, the file Config, and the environment.
	Notes  []string
	Config string
}

// listedProfiles is how many profiles an error names.
const listedProfiles = 8

// Error is a sentence, what is wrong with each profile that may be the one, and what to do.
func (e *NoProfileError) Error() string {
	text := "Stage " + e.Stage.Name + ": " + e.Reason()
	if len(e.problems()) == 0 {
		text += " " + e.Fix()
	}
	for _, line := range append(e.problems(), e.elsewhere()...) {
		text += "\n" + line
	}
	return text
}

// Reason is the sentence alone.
func (e *NoProfileError) Reason() string {
	want := "account " + e.Stage.Account
	if len(e.DeployFrom) > 0 {
		want += ", or of " + strings.Join(e.DeployFrom, ", ") + ", which may deploy to it"
	}
	return "No profile is of " + want + "."
}

// Fix is what to do, as an order.
func (e *NoProfileError) Fix() string {
	if problems := e.problems(); len(problems) > 0 {
		return strings.Join(problems, " ")
	}
	line := "aws configure sso"
	if !strings.ContainsAny(e.Stage.Name, "/ ") { // a place to bootstrap is no name
		line += " --profile " + e.Stage.Name
	}
	return fmt.Sprintf("Add one to %s, as with `%s`.", cmp.Or(e.Config, "the AWS config"), line)
}

// problems are of what could not answer and may be the one, above all where it is called like the stage.
func (e *NoProfileError) problems() []string {
	var own, others []string
	for _, profile := range e.Asked {
		switch {
		case profile.Err == nil:
		case profile.Name != "" && profile.Name == e.Stage.Name:
			own = append(own, Brief(profile.Err))
		case profile.source.Kind != credentials.Instance: // most machines are none
			others = append(others, Brief(profile.Err))
		}
	}
	return slices.Concat(own, shortList(others), shortList(e.Notes))
}

func (e *NoProfileError) elsewhere() []string {
	var others []string
	for _, profile := range e.Asked {
		if profile.Err == nil {
			others = append(others, profile.String()+" ("+profile.Account+")")
		}
	}
	if len(others) == 0 {
		return nil
	}
	return []string{"Of other accounts: " + strings.Join(shortList(others), ", ") + "."}
}

// shortList is the first of a list, and how many more there are.
func shortList(all []string) []string {
	if len(all) <= listedProfiles {
		return all
	}
	return append(slices.Clone(all[:listedProfiles]), fmt.Sprintf("and %d more", len(all)-listedProfiles))
}

// Brief is the part of an error that says something to people: our own sentences, or AWS's words.
func Brief(err error) string {
	var known *credentials.Error
	if errors.As(err, &known) {
		return known.Error()
	}
	var unguarded *plan.GuardError
	if errors.As(err, &unguarded) {
		return unguarded.Error()
	}
	return credentials.Answer(err)
}
