package rehearse

import (
	"context"
	"fmt"
	"sync"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/gobuild"
)

// Build compiles the functions of an assembly for this machine, for the hook of the rehearsal that
// asks for a program in the place of a deployed binary: it gives the path of the program by the
// SHA-256 of that binary, in hex. All functions are compiled at once, when the first is asked for,
// with the flags of a deployment, from the code as it is then; moduleRoot is the folder of their
// go.mod. No digest only compiles, and gives no path.
func Build(moduleRoot string, document assembly.Document, options gobuild.Options) func(ctx context.Context, digest string) (string, error) {
	var (
		mu    sync.Mutex
		built map[string]string // by digest
	)
	return func(ctx context.Context, digest string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if built == nil {
			paths, err := compile(ctx, moduleRoot, document, options)
			if err != nil {
				return "", err
			}
			built = paths
		}
		if digest == "" {
			return "", nil
		}
		path, known := built[digest]
		if !known {
			return "", fmt.Errorf("no function: the assembly of %s has none with this binary; synthesize and deploy again", document.Service)
		}
		return path, nil
	}
}

func compile(ctx context.Context, moduleRoot string, document assembly.Document, options gobuild.Options) (map[string]string, error) {
	packages := map[string]string{} // by digest
	for _, stage := range document.Stages {
		for _, function := range stage.Functions {
			if !function.Prebuilt {
				packages[function.Digest] = function.Package
			}
		}
	}
	var digests []string
	var functions []gobuild.Function
	for digest, path := range packages {
		digests = append(digests, digest)
		functions = append(functions, gobuild.Function{Package: path})
	}
	paths, err := gobuild.Native(ctx, moduleRoot, functions, options)
	if err != nil {
		return nil, err
	}
	built := map[string]string{}
	for i, digest := range digests {
		built[digest] = paths[i]
	}
	return built, nil
}
