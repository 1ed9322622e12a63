package stages

import "slices"

// All is the name that stands for every stage of the set, in -c stage=all.
const All = "all"

// Request is what is known when a synthesis begins.
type Request struct {
	// Account is the account of the credentials, from CDK_DEFAULT_ACCOUNT; empty where there are none.
	Account string
	// Name is the stage asked for with -c stage=NAME, or [All]; empty where the account selects it.
	Name string
	// DeployFrom lists the accounts that may deploy to the stages of others.
	DeployFrom []string
}

// Select is which stages a request means. The account selects the stage; a name is an assertion about
// the account, and may be a branch's of a template (see [Set.Resolve], which also gives the note that the
// program should print). Each refusal is an error of its own type: [*WrongAccountError], [*UnknownAccountError],
// [*AmbiguousAccountError], [*UnknownStageError], [*NoAccountError], [*DeployFromError],
// [*AllWithAccountError]. The set must be valid.
func (set Set) Select(request Request) ([]Stage, error) {
	mayDeployAnywhere := request.Account != "" && slices.Contains(request.DeployFrom, request.Account)
	switch {
	case request.Name == All:
		if request.Account != "" && !mayDeployAnywhere {
			return nil, &AllWithAccountError{Account: request.Account}
		}
		return set.deployable(), nil
	case request.Name != "":
		stage, err := set.Find(request.Name)
		if err != nil {
			return nil, err
		}
		if request.Account != "" && request.Account != stage.Account && !mayDeployAnywhere {
			return nil, &WrongAccountError{Stage: stage, Account: request.Account}
		}
		return []Stage{stage}, nil
	case request.Account == "":
		return nil, &NoAccountError{Set: set}
	case mayDeployAnywhere:
		return nil, &DeployFromError{Account: request.Account, Set: set}
	}
	here := slices.DeleteFunc(set.deployable(), func(stage Stage) bool { return stage.Account != request.Account })
	switch len(here) {
	case 0:
		return nil, &UnknownAccountError{Account: request.Account, Set: set}
	case 1:
		return here, nil
	}
	return nil, &AmbiguousAccountError{Account: request.Account, Stages: here}
}
