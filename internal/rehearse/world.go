package rehearse

import (
	"slices"

	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// World is accounts to deploy to, and the way there.
type World struct {
	*awsenv.Environment
	// Server is the rehearsal; nil where the environment is that of another endpoint.
	Server *rehearsal.Server
}

// Open starts a rehearsal with the accounts of stages, beside those of config, and writes a profile for each
// stage, named like it, that reaches its own account only.
func Open(place awsenv.Place, config rehearsal.Config, all ...stages.Stage) (*World, error) {
	var profiles []awsenv.Profile
	for _, stage := range all {
		key, secret := "AKIA"+stage.Account+"SHOW", "rehearsal/"+stage.Account
		profiles = append(profiles, awsenv.Profile{Name: stage.Name, AccessKeyID: key, SecretAccessKey: secret, Region: stage.Region})
		if !slices.ContainsFunc(config.Accounts, func(a rehearsal.Account) bool { return a.ID == stage.Account }) {
			config.Accounts = append(config.Accounts, rehearsal.Account{ID: stage.Account, AccessKeyID: key, SecretAccessKey: secret, UserName: stage.Name})
		}
	}
	server, err := rehearsal.Start(config)
	if err != nil {
		return nil, err
	}
	environment, err := awsenv.Write(place, server.URL(), profiles...)
	if err != nil {
		server.Close()
		return nil, err
	}
	return &World{Environment: environment, Server: server}, nil
}

// Close ends the rehearsal and its functions, and forgets its accounts.
func (w *World) Close() error {
	if w.Server == nil {
		return nil
	}
	return w.Server.Close()
}
