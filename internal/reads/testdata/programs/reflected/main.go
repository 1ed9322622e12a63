// A program that looks into what it was given, and one that only prints it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"text/template"
	"time"
	"unsafe"

	"example.com/other/settings"
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/roadshow-go/roadshow/stack"
)

var hidden string

type values struct{ Name string }

func (v values) MarshalJSON() ([]byte, error) { return []byte(os.Getenv("JSON")), nil } // want "environment: os.Getenv\(\"JSON\"\)"

func main() {
	defer jsii.Close()
	defer func() { _ = recover() }()
	stack.App{Define: Shop}.Main()
}

func Shop(s *stack.Stack) {
	use := func(...any) { stack.NewFunction(s, hidden, stack.FunctionConfig{}) }
	use(fmt.Sprintf("%v %+v", s, s))
	use(reflect.ValueOf(s).Elem().NumField(), reflect.TypeFor[values]().Field(0).Name, reflect.DeepEqual(s, s))
	use(reflect.ValueOf(s).MethodByName("Name")) // want "could not be followed: reflect.ValueOf\(s\).MethodByName"
	use(json.Marshal(values{}))
	size := 1
	use(fmt.Sprint(&size))         // want "randomness: the address that fmt.Sprint writes of &size"
	use(fmt.Sprintf("%v", Shop))   // want "randomness: the address that fmt.Sprintf writes of Shop"
	use(fmt.Sprint([]*int{&size})) // want "randomness: the address that fmt.Sprint writes of .*"
	use(fmt.Sprint(&values{}, size), fmt.Sprintf("%T", &size), fmt.Errorf("%w", context.Canceled))
	fmt.Fprintln(os.Stderr, &size)
	use(unsafe.Slice(s, 2), unsafe.Sizeof(*s)) // want "could not be followed: unsafe.Slice"
	use(unsafe.StringData(hidden))             // want "could not be followed: unsafe.StringData"
	var out strings.Builder
	use(template.Must(template.New("").Parse("{{.Name}}")).Execute(&out, values{})) // want "could not be followed: template.Must\(template.New\(\"\"\).Parse\(\"{{.Name}}\"\)\).Execute"
	use(awscdk.Stage_Of(s).Outdir())                                                // want "the proof itself: awscdk.Stage_Of\(s\).Outdir"
	use(awscdk.FileSystem_Fingerprint(jsii.String("size")))                         // want "files: awscdk.FileSystem_Fingerprint"
	jsii.StaticGet("aws-cdk-lib.Stack", "name", &hidden)                            // want "could not be followed: jsii.StaticGet" "state of the package: hidden .*"
	use(syscall.Getpid(), syscall.SIGTERM)                                          // want "host: syscall.Getpid"
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)           // want "time: context.WithTimeout"
	defer cancel()
	use(ctx.Err())
	runtime.SetFinalizer(s, nil) // want "order of goroutines: runtime.SetFinalizer"
	use(refused(s), guarded(s))
}

func refused(s *stack.Stack) (told bool) {
	defer func() { told = recover() != nil }() // want "the proof itself: recover\(\)"
	stack.NewFunction(s, "a", stack.FunctionConfig{})
	return false
}

func guarded(s *stack.Stack) error {
	return settings.Try(func() { stack.NewFunction(s, "b", stack.FunctionConfig{}) }) // want "the proof itself: recover\(\), through example.com/other/settings.Try"
}
