// Command judge has another endpoint, or AWS itself, judge the rehearsal: it deploys the same templates to both, compares
// what comes back, and removes what it made. README.md of the folder above says what it costs.
//
// Usage: go run ./e2e/judge --account ACCOUNT (--endpoint URL | --aws) [--profile NAME] [--region REGION] [--only PATTERN]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// Exit codes: everything agrees, something differs, it could not be determined.
const (
	agrees = iota
	differs
	undetermined
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// named is what the command was told.
type named struct {
	account, endpoint, profile, region string
	aws                                bool
	only                               *regexp.Regexp
}

func run(ctx context.Context, arguments []string, out, complaints io.Writer) int {
	options, err := read(arguments, complaints)
	if err == nil {
		var found int
		if found, err = judge(ctx, options, out); err == nil && found > 0 {
			return differs
		}
	}
	if err != nil {
		fmt.Fprintf(complaints, "judge: %v\n", err)
		return undetermined
	}
	return agrees
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// read refuses to guess: an account is created and deleted in, so it is named, and so is the endpoint.
func read(arguments []string, complaints io.Writer) (named, error) {
	var options named
	flags := flag.NewFlagSet("judge", flag.ContinueOnError)
	flags.SetOutput(complaints)
	flags.StringVar(&options.account, "account", "", "the `account` that is deployed to; it holds nothing else")
	flags.StringVar(&options.endpoint, "endpoint", "", "the `URL` of the endpoint")
	flags.BoolVar(&options.aws, "aws", false, "deploy to AWS itself, which costs money")
	flags.StringVar(&options.profile, "profile", "", "a `profile` of your AWS config")
	flags.StringVar(&options.region, "region", "us-east-1", "where stacks are deployed that are of no region")
	only := flags.String("only", "", "a `pattern` of the cases to try")
	if err := flags.Parse(arguments); err != nil {
		return options, errors.New("the arguments cannot be read. Run it with --help")
	}
	switch {
	case !accountID.MatchString(options.account):
		return options, fmt.Errorf("no account is named (--account is %q). Write --account with the 12 digits of an account that holds nothing else", options.account)
	case options.aws == (options.endpoint != ""):
		return options, errors.New("no endpoint is named. Write --endpoint URL, or --aws for AWS itself")
	}
	var err error
	if options.only, err = regexp.Compile(*only); err != nil {
		return options, fmt.Errorf("--only is %q: %w", *only, err)
	}
	return options, nil
}

// judge tries each case in both places, and says where they differ.
func judge(ctx context.Context, options named, out io.Writer) (differences int, err error) {
	cases, skipped, err := cases(options.account, options.region)
	if err != nil {
		return 0, err
	}
	theirs, err := other(ctx, options)
	if err != nil {
		return 0, err
	}
	server, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{{ID: options.account, AccessKeyID: "AKIAREHEARSAL", SecretAccessKey: "rehearsal"}}})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	ours := backend{
		name: "the rehearsal", account: options.account, endpoint: server.URL(), pause: time.Millisecond,
		config: aws.Config{BaseEndpoint: aws.String(server.URL()), Credentials: credentials.NewStaticCredentialsProvider("AKIAREHEARSAL", "rehearsal", "")},
	}
	tried := 0
	for _, one := range cases {
		if !options.only.MatchString(one.name) {
			continue
		}
		tried++
		expected, err := ours.try(ctx, one)
		if err != nil {
			return differences, fmt.Errorf("%s in %s: %w", one.name, ours.name, err)
		}
		got, err := theirs.try(ctx, one)
		if err != nil {
			return differences, fmt.Errorf("%s in %s: %w", one.name, theirs.name, err)
		}
		found := compare(expected, got)
		if len(found) == 0 {
			fmt.Fprintf(out, "agrees   %s\n", one.name)
			continue
		}
		differences++
		fmt.Fprintf(out, "differs  %s\n", one.name)
		for _, difference := range found {
			fmt.Fprintf(out, "           %s\n             the rehearsal: %s\n             %s: %s\n", difference.what, difference.ours, theirs.name, difference.theirs)
		}
	}
	if tried == 0 {
		return 0, fmt.Errorf("no case matches %q", options.only)
	}
	fmt.Fprintf(out, "\n%d cases were tried, %d differ. %d rows of the book need a person's hands and were not tried.\n", tried, differences, len(skipped))
	return differences, nil
}

// other is the backend that judges. Its credentials must be of the account that was named.
func other(ctx context.Context, options named) (backend, error) {
	loaded, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(options.profile), config.WithRegion(options.region))
	if err != nil {
		return backend{}, err
	}
	p := backend{name: "AWS", account: options.account, config: loaded, pause: 5 * time.Second}
	if options.endpoint != "" {
		p.name, p.endpoint, p.pause = options.endpoint, options.endpoint, 50*time.Millisecond
		p.config.BaseEndpoint = aws.String(options.endpoint)
	}
	identity, err := sts.NewFromConfig(p.config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return p, fmt.Errorf("%s does not say whose the credentials are: %w", p.name, err)
	}
	if got := aws.ToString(identity.Account); got != options.account {
		return p, fmt.Errorf("the credentials are of account %s, and account %s was named. Use a profile of that one", got, options.account)
	}
	return p, nil
}
