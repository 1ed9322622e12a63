package fleet

import "context"

// Run starts the cdk command as whatever deploys and bootstraps does, and gives the lines that it prints.
func (c CDK) Run(ctx context.Context, profiles *Profiles, profile Profile, arguments ...string) (lines []string, err error) {
	err = c.run(ctx, profile, profiles.Redactor(), c.Dir, func(line string) { lines = append(lines, line) }, arguments...)
	return lines, err
}
