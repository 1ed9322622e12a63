package rehearsal

import (
	"fmt"
	"maps"
)

// Console does in one account what a person at AWS's console does: it makes,
// changes and deletes resources outside CloudFormation, to take a name, or to
// free one.
type Console struct {
	store   *store
	account string
}

// Account returns the console of one of the server's accounts. Its methods fail
// for an account that the server does not have.
func (s *Server) Account(id string) Console { return Console{store: s.store, account: id} }

// Create makes a resource of a CloudFormation type with the properties of that
// type. The same rules hold as for a stack: a name that is taken is refused.
func (c Console) Create(region, kind string, properties map[string]any) (Resource, error) {
	if !c.store.accounts[c.account] {
		return Resource{}, fmt.Errorf("rehearsal: there is no account %q", c.account)
	}
	made := &Resource{Account: c.account, Region: region, Type: kind, Properties: maps.Clone(properties), seed: requestID()}
	if err := c.store.make(made); err != nil {
		return Resource{}, err
	}
	return made.copy(), nil
}

// make adds a resource that nobody has named yet.
func (s *store) make(made *Resource) error {
	given := made.LogicalID
	made.LogicalID = orElse(given, "console") // a part of the name, where one is made up
	made.Name = physicalName(made)
	made.LogicalID = given
	return s.create(made)
}

// Change gives a resource other properties, whoever made it, by its physical id or its name: those of a
// CloudFormation type, all of them. No stack is told, as by AWS.
func (c Console) Change(region, kind, identifier string, properties map[string]any) (Resource, error) {
	return c.store.change(place{c.account, region}, kind, identifier, maps.Clone(properties))
}

// Delete deletes a resource, whoever made it, by its physical id or its name.
// One that does not exist is no error; a protected one is kept. A secret can be
// restored for 30 days, in which its name is taken.
func (c Console) Delete(region, kind, identifier string) error {
	found, exists := c.store.find(place{c.account, region}, kind, identifier)
	if err := c.store.remove(place{c.account, region}, kind, identifier); err != nil {
		return err
	}
	if exists && kind == "AWS::SecretsManager::Secret" {
		c.store.mu.Lock()
		defer c.store.mu.Unlock()
		c.store.depart(&found, c.store.now().Add(recovery))
	}
	return nil
}

// CloseAccount closes the account: from now on its credentials, and those of
// its roles, are as unknown as a stranger's. What it holds is not deleted.
func (c Console) CloseAccount() {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	c.store.closed[c.account] = true
}
