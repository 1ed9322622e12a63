// Compiles functions as Roadshow does: all of a program's, those of every stage at once.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/roadshow-go/roadshow/bench/programs/size"
	"github.com/roadshow-go/roadshow/internal/gobuild"
)

func main() {
	root := flag.String("module", "", "root of the module with the functions")
	asked := size.Flags()
	flag.Parse()
	var wanted []gobuild.Function
	for range asked.Stages {
		for i := range asked.Functions {
			wanted = append(wanted, gobuild.Function{Package: "./" + size.Function(i)})
		}
	}
	outputs, err := gobuild.Build(context.Background(), *root, wanted, gobuild.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, output := range outputs {
		fmt.Println(output.ImportPath, output.Dir)
	}
}
