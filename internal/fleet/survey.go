package fleet

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/stages"
)

// StageReport is what is known of one stage's account, for `roadshow stages`.
type StageReport struct {
	// Stage is its name; Account, Region and Tier are the set's.
	Stage   string      `json:"stage"`
	Account string      `json:"account"`
	Region  string      `json:"region"`
	Tier    stages.Tier `json:"tier"`
	// Template tells that it is a template of ephemeral stages, which has no stack and is never asked about.
	Template bool `json:"template,omitempty"`
	// Asked tells whether the account was asked; what follows is not known where it was not.
	Asked bool `json:"asked"`
	// Profile reaches the account; AlsoBy lists the other profiles that do.
	// Through is the role of the bootstrap that lets a profile of another account in; empty where the profile
	// is of the account itself.
	Profile string   `json:"profile,omitempty"`
	AlsoBy  []string `json:"alsoBy,omitempty"`
	Through string   `json:"through,omitempty"`
	// Reachable tells whether the account has answered; Problem is why it has not.
	Reachable bool   `json:"reachable"`
	Problem   string `json:"problem,omitempty"`
	// Bootstrap is the version of the account's CDK bootstrap; 0 is none.
	Bootstrap int `json:"bootstrap"`
	// Deployed is what the account has of the service; nil where it has nothing, or where Problem says why that
	// could not be determined.
	Deployed *Deployed `json:"deployed,omitempty"`
}

// Unseen tells whether something that the account was asked for could not be determined.
func (r StageReport) Unseen() bool {
	return r.Problem != "" || r.Deployed.unseen()
}

// List is what the program itself says of the fleet's stages, and then of its templates. No account is asked.
func (f *Fleet) List() []StageReport {
	reports := make([]StageReport, 0, len(f.Stages)+len(f.Templates))
	for _, stage := range f.Stages {
		reports = append(reports, reportOf(stage))
	}
	for _, template := range f.Templates {
		report := reportOf(template)
		report.Template = true
		reports = append(reports, report)
	}
	return reports
}

func reportOf(stage stages.Stage) StageReport {
	return StageReport{Stage: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier}
}

// Survey asks the account of each stage what it has, all at once, and tells an observer, if there is one. What
// one account does not answer is in its report.
func (f *Fleet) Survey(ctx context.Context, all []stages.Stage, observe func(Event)) []StageReport {
	reports := make([]StageReport, len(all))
	parallel.ForEach(ctx, AccountsAtOnce, all, func(ctx context.Context, i int, stage stages.Stage) {
		a := begin(stage, observe)
		a.say("asking the account")
		if reports[i] = f.surveyOne(ctx, stage); reports[i].Problem != "" {
			a.finish(Failed, reports[i].Problem)
			return
		}
		a.finish(Done, "has answered")
	})
	return reports
}

func (f *Fleet) surveyOne(ctx context.Context, stage stages.Stage) StageReport {
	report := reportOf(stage)
	report.Asked = true
	way, err := f.route(ctx, stage, lookupRole, deployRole)
	var none *NoProfileError
	if !errors.As(err, &none) {
		report.Profile = way.profile.String()
	}
	for _, other := range way.others {
		report.AlsoBy = append(report.AlsoBy, other.String())
	}
	if err != nil {
		report.Problem = err.Error()
		return report
	}
	report.Reachable, report.Through = true, way.role
	if report.Bootstrap, err = bootstrapVersion(ctx, cloudformation.NewFromConfig(way.config), stage); err != nil {
		report.Problem = err.Error()
		return report
	}
	report.Deployed, report.Problem = f.look(ctx, way, stage).report()
	return report
}
