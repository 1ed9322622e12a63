// Package rehearse brings a program's stages to a rehearsal on this machine: it starts the accounts,
// deploys an assembly to them as the cdk command would, compiles its functions for this machine, and
// says in the program's own words what the functions do there.
package rehearse
