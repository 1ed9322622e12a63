package e2e

import (
	"slices"

	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// World is accounts to deploy to, and the way there.
type World struct {
	*awsenv.Environment
	// Server is the rehearsal; nil where another endpoint was named.
	Server *rehearsal.Server
}

// Rehearse starts a rehearsal with the accounts of stages, and writes a profile for each stage, named like
// it, that reaches its own account only.
func Rehearse(place awsenv.Place, all ...stages.Stage) (*World, error) {
	return RehearseRunning(place, rehearsal.Functions{}, all...)
}

// RehearseRunning is Rehearse for those who say how functions run.
func RehearseRunning(place awsenv.Place, functions rehearsal.Functions, all ...stages.Stage) (*World, error) {
	var accounts []rehearsal.Account
	var profiles []awsenv.Profile
	for _, stage := range all {
		key, secret := "AKIA"+stage.Account+"SHOW", "rehearsal/"+stage.Account
		profiles = append(profiles, awsenv.Profile{Name: stage.Name, AccessKeyID: key, SecretAccessKey: secret, Region: stage.Region})
		if !slices.ContainsFunc(accounts, func(a rehearsal.Account) bool { return a.ID == stage.Account }) {
			accounts = append(accounts, rehearsal.Account{ID: stage.Account, AccessKeyID: key, SecretAccessKey: secret, UserName: stage.Name})
		}
	}
	server, err := rehearsal.Start(rehearsal.Config{Accounts: accounts, Functions: functions})
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

// Close ends the rehearsal, and forgets its accounts.
func (w *World) Close() error {
	if w.Server == nil {
		return nil
	}
	return w.Server.Close()
}
