package rehearse

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/internal/jsonfile"
	"github.com/roadshow-go/roadshow/stages"
)

//go:embed bootstrap.yaml
var bootstrapTemplate string

// Deploy brings stages of an assembly to their accounts, as `cdk bootstrap` and `cdk deploy` do, without
// a process for each: it uploads the assets and has CloudFormation make the stacks, or change them where
// they are there. All stages are tried; the error tells of each that failed.
func (w *World) Deploy(ctx context.Context, ready fleet.Assembly, all ...stages.Stage) error {
	assets := packages{known: map[string]func() ([]byte, error){}}
	bootstraps := bootstraps{world: w, known: map[toolkit]func() error{}}
	failed := make([]error, len(all))
	parallel.ForEach(ctx, len(all), all, func(ctx context.Context, i int, stage stages.Stage) {
		if err := w.deploy(ctx, ready, &assets, &bootstraps, stage); err != nil {
			failed[i] = fmt.Errorf("stage %s cannot be rehearsed: %w", stage.Name, err)
		}
	})
	return errors.Join(append(failed, ctx.Err())...)
}

// toolkit is what `cdk bootstrap` makes in an account's region.
type toolkit struct{ account, region, qualifier string }

// bootstraps makes each toolkit once: stages may share an account.
type bootstraps struct {
	world *World
	mu    sync.Mutex
	known map[toolkit]func() error
}

func (b *bootstraps) need(ctx context.Context, client *cloudformation.Client, of toolkit) error {
	b.mu.Lock()
	bootstrap, known := b.known[of]
	if !known {
		bootstrap = sync.OnceValue(func() error {
			asked := request{name: fleet.BootstrapStackName(of.qualifier), body: &bootstrapTemplate}
			if of.qualifier != stages.DefaultQualifier {
				asked.parameters = []types.Parameter{{ParameterKey: aws.String("Qualifier"), ParameterValue: &of.qualifier}}
			}
			return submit(ctx, client, asked)
		})
		b.known[of] = bootstrap
	}
	b.mu.Unlock()
	return bootstrap()
}

func (w *World) deploy(ctx context.Context, ready fleet.Assembly, assets *packages, bootstraps *bootstraps, stage stages.Stage) error {
	one, synthesized := ready.Stage(stage.Name)
	if !synthesized {
		return errors.New("the assembly does not have it")
	}
	config, err := w.Config(ctx, stage.Name)
	if err != nil {
		return err
	}
	asked, err := readRequest(ready, one)
	if err != nil {
		return err
	}
	client := cloudformation.NewFromConfig(config)
	if err := bootstraps.need(ctx, client, toolkit{one.Account, one.Region, asked.qualifier}); err != nil {
		return err
	}
	if err := publish(ctx, s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }), ready, assets, one, asked.bucket); err != nil {
		return err
	}
	asked.url = aws.String(w.Server.URL() + "/" + asked.bucket + "/" + asked.template)
	return submit(ctx, client, asked)
}

// packages are the assets that are folders, packed once for all stages, by their ids.
type packages struct {
	mu    sync.Mutex
	known map[string]func() ([]byte, error)
}

func (p *packages) content(ctx context.Context, asset fleet.Asset) ([]byte, error) {
	if !asset.Folder {
		return os.ReadFile(asset.Path)
	}
	p.mu.Lock()
	pack, known := p.known[asset.ID]
	if !known {
		pack = sync.OnceValues(func() ([]byte, error) {
			var out bytes.Buffer
			err := fleet.PackFolder(ctx, asset.Path, &out, zip.Store)
			return out.Bytes(), err
		})
		p.known[asset.ID] = pack
	}
	p.mu.Unlock()
	return pack()
}

// publish uploads the assets of a stage.
func publish(ctx context.Context, client *s3.Client, ready fleet.Assembly, assets *packages, one assembly.Synthesized, bucket string) error {
	for _, asset := range ready.Assets(one) {
		content, err := assets.content(ctx, asset)
		if err != nil {
			return err
		}
		for _, key := range asset.Keys {
			// Without WriteTo: the SDK closes the body of a request that was answered, and net/http reads on.
			body := struct{ io.ReadSeeker }{bytes.NewReader(content)}
			if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: body}); err != nil {
				return err
			}
		}
	}
	return nil
}

// request is a stack as CloudFormation is asked for it.
type request struct {
	name       string
	body, url  *string
	role       string
	tags       []types.Tag
	parameters []types.Parameter
	protect    bool
	// bucket is the toolkit's, template the key of the template in it, qualifier the toolkit's own.
	bucket, template, qualifier string
}

// readRequest reads what the assembly's manifest says of a stack.
// https://docs.aws.amazon.com/cdk/api/v2/docs/cloud-assembly-schema-readme.html
func readRequest(ready fleet.Assembly, one assembly.Synthesized) (request, error) {
	var manifest struct {
		Artifacts map[string]struct {
			Type       string
			Properties struct {
				Tags, Parameters               map[string]string
				TerminationProtection          bool
				StackTemplateAssetObjectURL    string
				CloudFormationExecutionRoleArn string
			}
		}
	}
	file := filepath.Join(ready.Dir, filepath.Dir(filepath.FromSlash(one.File)), "manifest.json")
	if err := jsonfile.Read(file, &manifest); err != nil {
		return request{}, err
	}
	asked := request{name: one.StackName}
	concrete := strings.NewReplacer("${AWS::Partition}", stages.Partition(one.Region), "${AWS::AccountId}", one.Account, "${AWS::Region}", one.Region)
	for _, artifact := range manifest.Artifacts {
		if artifact.Type != "aws:cloudformation:stack" {
			continue
		}
		for key, value := range artifact.Properties.Tags {
			asked.tags = append(asked.tags, types.Tag{Key: &key, Value: &value})
		}
		for key, value := range artifact.Properties.Parameters {
			asked.parameters = append(asked.parameters, types.Parameter{ParameterKey: &key, ParameterValue: &value})
		}
		asked.protect = artifact.Properties.TerminationProtection
		asked.role = concrete.Replace(artifact.Properties.CloudFormationExecutionRoleArn)
		asked.bucket, asked.template, _ = strings.Cut(strings.TrimPrefix(concrete.Replace(artifact.Properties.StackTemplateAssetObjectURL), "s3://"), "/")
	}
	before, _, found := strings.Cut(asked.bucket, "-assets-"+one.Account+"-"+one.Region)
	if asked.qualifier = strings.TrimPrefix(before, "cdk-"); !found || asked.template == "" {
		return request{}, fmt.Errorf("its assembly uploads the template to bucket %q, which no cdk bootstrap makes; the rehearsal knows the CDK's default synthesizer only", asked.bucket)
	}
	return asked, nil
}

var capabilities = []types.Capability{types.CapabilityCapabilityNamedIam, types.CapabilityCapabilityAutoExpand}

// submit makes a stack or changes it, and waits for the end.
func submit(ctx context.Context, client *cloudformation.Client, asked request) error {
	stack, err := stacks.Describe(ctx, client, asked.name).Found()
	if err != nil {
		return err
	}
	var role *string
	if asked.role != "" {
		role = &asked.role
	}
	if stack == nil {
		_, err = client.CreateStack(ctx, &cloudformation.CreateStackInput{
			StackName: &asked.name, TemplateBody: asked.body, TemplateURL: asked.url, Tags: asked.tags, Parameters: asked.parameters,
			EnableTerminationProtection: &asked.protect, Capabilities: capabilities, RoleARN: role,
		})
	} else {
		_, err = client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: &asked.name, TemplateBody: asked.body, TemplateURL: asked.url, Tags: asked.tags, Parameters: asked.parameters,
			Capabilities: capabilities, RoleARN: role,
		})
		if err != nil && strings.Contains(err.Error(), "No updates are to be performed") {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("stack %s: %w", asked.name, err)
	}
	return await(ctx, client, asked.name)
}

// pollInterval is short: what is waited for is in this process.
const pollInterval = 20 * time.Millisecond

// await waits until a stack is settled. The error of one that failed has the reasons.
func await(ctx context.Context, client *cloudformation.Client, name string) error {
	for {
		stack, err := stacks.Describe(ctx, client, name).Found()
		switch {
		case err != nil:
			return err
		case stack == nil:
			return fmt.Errorf("stack %s is gone", name)
		case stacks.IsSettled(string(stack.StackStatus)):
			return nil
		case !stacks.IsChanging(string(stack.StackStatus)):
			return fmt.Errorf("stack %s is %s\n  %s", name, stack.StackStatus, stacks.Failure(ctx, client, name))
		}
		if err := parallel.Wait(ctx, pollInterval); err != nil {
			return err
		}
	}
}
