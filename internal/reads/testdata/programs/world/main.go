// A program that looks at the world around it.
package main

import (
	crand "crypto/rand"
	"flag"
	"log"
	"math/rand"
	randv2 "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
	"unsafe"

	"github.com/roadshow-go/roadshow/stack"
)

var size = flag.Int("size", 1, "the size") // want "arguments: flag.Int"

func main() {
	flag.Parse() // want "arguments: flag.Parse"
	stack.App{Service: "shop", Define: func(s *stack.Stack) { define(s) }}.Main()
}

func define(s *stack.Stack) {
	use := func(...any) { stack.NewFunction(s, "a", stack.FunctionConfig{}) }
	use(*size, os.Args[1], flag.Arg(0)) // want "arguments: os.Args" "arguments: flag.Arg\(0\)"
	use(time.Now())                     // want "time: time.Now"
	use(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	use(time.Local)     // want "time: time.Local"
	use(rand.Intn(3))   // want "randomness: rand.Intn\(3\)"
	use(randv2.IntN(3)) // want "randomness: randv2.IntN\(3\)"
	use(crand.Text())   // want "randomness: crand.Text"
	use(rand.New(rand.NewSource(1)).Intn(3))
	data, _ := os.ReadFile("size.txt") // want "files: os.ReadFile"
	use(data)
	use(filepath.Glob("*")) // want "files: filepath.Glob"
	use(os.Getwd())         // want "working folder: os.Getwd"
	use(filepath.Abs("."))  // want "working folder: filepath.Abs"
	use(filepath.Join("a", "b"))
	use(net.LookupHost("a"))        // want "network: net.LookupHost"
	use(http.Get("http://a"))       // want "network: http.Get"
	use(exec.Command("a").Output()) // want "commands: exec.Command"
	use(os.Hostname())              // want "host: os.Hostname"
	use(runtime.NumCPU())           // want "host: runtime.NumCPU"
	use(runtime.GOOS)               // want "host: runtime.GOOS"
	use(debug.ReadBuildInfo())      // want "build: debug.ReadBuildInfo"
	use(testing.Testing())          // want "the proof itself: testing.Testing"
	use(runtime.Caller(0))          // want "the proof itself: runtime.Caller"
	use(s.Node.TryGetContext("a"))  // want "context: s.Node.TryGetContext"
	use(s.Node.Id())
	use(reflect.ValueOf(use).Call(nil)) // want "could not be followed: reflect.ValueOf\(use\).Call"
	use(unsafe.Pointer(s))              // want "could not be followed: unsafe.Pointer"
	start := time.Now()
	defer func() { log.Println("took", time.Since(start).Round(time.Second)) }()
}
