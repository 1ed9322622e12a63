// A program that reads its environment.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/roadshow-go/roadshow/stack"
)

var early = os.Getenv("EARLY") // want "environment: os.Getenv\(\"EARLY\"\)"

var unused = os.Getenv("UNUSED")

var app = stack.App{Service: "shop", Define: Shop}

func main() { app.Main() }

func Shop(s *stack.Stack) {
	memory := 256
	if os.Getenv("AWS_PROFILE") == "production" { // want "environment: os.Getenv\(\"AWS_PROFILE\"\)"
		memory = 512
	}
	if name, set := os.LookupEnv("NAME"); set { // want "environment: os.LookupEnv\(\"NAME\"\)"
		memory += len(name)
	}
	get := os.Getenv // want "environment: os.Getenv"
	fn := stack.NewFunction(s, "a", stack.FunctionConfig{Memory: memory, Description: early + get("X")})
	helped(s, fn)
	if os.Getenv("ROADSHOW_ASK") != "" { // want "the proof itself: os.Getenv\(\"ROADSHOW_ASK\"\)"
		return
	}
	if os.Getenv("DEBUG") != "" {
		log.Println("defining")
	}
	verbose := os.Getenv("VERBOSE")
	fmt.Fprintln(os.Stderr, "verbose is", verbose)
}

func helped(s *stack.Stack, fn *stack.Function) {
	func() {
		_ = stack.NewFunction(s, os.ExpandEnv("$ID"), stack.FunctionConfig{}) // want "environment: os.ExpandEnv"
	}()
}

// never is not called by a definition.
func never() string { return os.Getenv("NEVER") }
