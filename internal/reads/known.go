package reads

import (
	"go/types"
	"strings"
)

const awscdk = "github.com/aws/aws-cdk-go/awscdk/v2"

// The kinds of reads, as [parity.Read] says them.
const (
	environment = "environment"
	cdkContext  = "context"
	arguments   = "arguments"
	clock       = "time"
	randomness  = "randomness"
	files       = "files"
	folder      = "working folder"
	network     = "network"
	commands    = "commands"
	host        = "host"
	itself      = "the proof itself"
	mapOrder    = "order of a map"
	goroutines  = "order of goroutines"
	state       = "state of the package"
	build       = "build"
	selected    = "the selected stage"
	lost        = "could not be followed"
)

// knownReads are the names of the standard library by which a program learns something besides what
// it was written with: functions, variables, constants, and methods as (*os.File).Read. A star
// stands for every name of the package. What is made by one of these (a file, a connection) is
// reported where it is made, not where it is used.
var knownReads = expand(map[string]map[string]string{
	environment: {
		"os":      "Getenv LookupEnv Environ ExpandEnv UserHomeDir UserCacheDir UserConfigDir TempDir",
		"syscall": "Getenv Environ", "os/user": "*",
	},
	arguments: {"os": "Args Stdin", "flag": "*", "fmt": "Scan Scanf Scanln"},
	clock: {
		"time":    "Now Since Until After AfterFunc Tick NewTimer NewTicker Local Time.Local",
		"context": "WithDeadline WithDeadlineCause WithTimeout WithTimeoutCause", "os/signal": "*",
		awscdk: "Expiration_After",
	},
	randomness: {
		"math/rand":    "ExpFloat64 Float32 Float64 Int Int31 Int31n Int63 Int63n Intn NormFloat64 Perm Read Shuffle Uint32 Uint64 Seed",
		"math/rand/v2": "ExpFloat64 Float32 Float64 Int Int32 Int32N Int64 Int64N IntN N NormFloat64 Perm Shuffle Uint Uint32 Uint32N Uint64 Uint64N UintN",
		"crypto/rand":  "*", "hash/maphash": "MakeSeed String Bytes Comparable WriteComparable",
	},
	files: {
		"os": "Open OpenFile OpenRoot OpenInRoot ReadFile ReadDir Stat Lstat Readlink DirFS Create CreateTemp MkdirTemp NewFile " +
			"Chdir Chmod Chown Chtimes CopyFS Lchown Link Mkdir MkdirAll Remove RemoveAll Rename Symlink Truncate WriteFile",
		"io/ioutil": "ReadFile ReadDir TempFile TempDir", "path/filepath": "Glob Walk WalkDir EvalSymlinks",
		"text/template": "ParseFiles ParseGlob Template.ParseFiles Template.ParseGlob",
		"html/template": "ParseFiles ParseGlob Template.ParseFiles Template.ParseGlob",
		"archive/zip":   "OpenReader", "time": "LoadLocation",
		"mime": "TypeByExtension ExtensionsByType", "go/parser": "ParseDir", "go/build": "*", "database/sql": "Open OpenDB",
		awscdk: "FileSystem_CopyDirectory FileSystem_Fingerprint FileSystem_IsEmpty FileSystem_Mkdtemp FileSystem_Tmpdir",
	},
	folder:  {"os": "Getwd", "path/filepath": "Abs"},
	network: {"net": "Dial DialTimeout DialIP DialTCP DialUDP DialUnix Dialer Resolver DefaultResolver Listen ListenPacket ListenTCP ListenUDP LookupAddr LookupCNAME LookupHost LookupIP LookupMX LookupNS LookupPort LookupSRV LookupTXT Interfaces InterfaceAddrs InterfaceByName InterfaceByIndex", "net/http": "Get Head Post PostForm Client Transport DefaultClient DefaultTransport ListenAndServe ListenAndServeTLS", "net/smtp": "*", "net/rpc": "*", "crypto/tls": "Dial DialWithDialer Dialer", "crypto/x509": "SystemCertPool"},
	commands: {
		"os/exec": "Command CommandContext LookPath Cmd", "os": "StartProcess FindProcess", "syscall": "Exec ForkExec StartProcess",
		awscdk: "DockerImage_FromBuild DockerImage.Cp DockerImage.Run",
	},
	host: {
		"os":      "Hostname Getpid Getppid Getuid Geteuid Getgid Getegid Getgroups Getpagesize Executable",
		"runtime": "NumCPU GOMAXPROCS NumGoroutine NumCgoCall GOOS GOARCH ReadMemStats MemProfile ReadTrace", "runtime/metrics": "*",
		"runtime/debug": "ReadGCStats SetGCPercent SetMaxStack SetMaxThreads SetMemoryLimit", "expvar": "*",
	},
	build: {"runtime": "Version GOROOT", "runtime/debug": "ReadBuildInfo"},
	itself: {
		"testing": "Testing Short Verbose CoverMode", "runtime": "Caller Callers CallersFrames FuncForPC Stack", "runtime/debug": "Stack PrintStack",
		"runtime/pprof": "*", "runtime/trace": "*",
		// The folder says which part is played, and whether it is for a proof.
		awscdk: "App.Outdir App.AssetOutdir App.Synth Stage.Outdir Stage.AssetOutdir Stage.Synth ISynthesisSession.Outdir",
	},
	goroutines: {"sync": "WaitGroup.Go Pool.Get", "runtime": "AddCleanup SetFinalizer", "weak": "*"},
	mapOrder:   {"reflect": "Value.MapKeys Value.MapRange", "sync": "Map.Range"},
	lost: {
		"reflect": "Value.Call Value.CallSlice Value.Method Value.MethodByName MakeFunc Value.UnsafePointer Value.UnsafeAddr Value.Pointer NewAt",
		"plugin":  "*", "unsafe": "Pointer Slice SliceData String StringData",
		// A template calls the methods that its text names, and the runtime any member of the CDK's
		// that a text names.
		"text/template": "Template.Execute Template.ExecuteTemplate", "html/template": "Template.Execute Template.ExecuteTemplate",
		"github.com/aws/jsii-runtime-go":         "Create Get Invoke InvokeVoid Load Set StaticGet StaticInvoke StaticInvokeVoid StaticSet UnsafeCast",
		"github.com/aws/jsii-runtime-go/runtime": "*",
	},
	selected: {roadshow + "/stack": "App.Selected"},
	cdkContext: {
		"github.com/aws/constructs-go/constructs/v10": "Node.TryGetContext Node.GetContext Node.GetAllContext",
		awscdk:             "Stack.AvailabilityZones", // of cdk.context.json, or names that stand for them
		awscdk + "/awsec2": "NewVpc",                  // asks its stack for them
	},
})

func expand(table map[string]map[string]string) map[string]string {
	kinds := map[string]string{}
	for kind, packages := range table {
		for path, names := range packages {
			for name := range strings.FieldsSeq(names) {
				kinds[path+"."+name] = kind
			}
		}
	}
	return kinds
}

// kindOf is what a program reads by a name; empty where it reads nothing.
func kindOf(object types.Object) string {
	pkg := object.Pkg()
	if pkg == nil {
		return ""
	}
	name := object.Name()
	if fn, isFunc := object.(*types.Func); isFunc {
		if receiver := fn.Signature().Recv(); receiver != nil {
			named := namedOf(receiver.Type())
			if named == nil {
				return ""
			}
			name = named.Obj().Name() + "." + name
		}
	}
	if kind, known := knownReads[pkg.Path()+"."+name]; known {
		return kind
	}
	if kind, known := knownReads[pkg.Path()+".*"]; known && object.Exported() && !strings.Contains(name, ".") {
		return kind
	}
	if pkg.Path() == "syscall" || strings.HasPrefix(pkg.Path(), "golang.org/x/sys/") {
		if _, isFunc := object.(*types.Func); isFunc {
			return host
		}
	}
	if strings.HasPrefix(pkg.Path(), "github.com/aws/aws-cdk-go/") &&
		(strings.HasSuffix(name, "FromLookup") || strings.HasPrefix(name, "ContextProvider_")) {
		return cdkContext
	}
	return ""
}

// namedOf is the named type behind a pointer and an alias.
func namedOf(t types.Type) *types.Named {
	if pointer, ok := types.Unalias(t).(*types.Pointer); ok {
		t = pointer.Elem()
	}
	named, _ := types.Unalias(t).(*types.Named)
	return named
}

// passes tells whether a function of the standard library gives back nothing but what it was given,
// in another form.
func passes(fn *types.Func) bool {
	if fn.Pkg() == nil {
		return true // a method of error
	}
	switch fn.Pkg().Path() {
	case "strings", "strconv", "unicode", "unicode/utf8", "errors", "bytes", "math", "math/bits", "cmp", "path", "slices", "regexp", "sort", "maps",
		"encoding/json", "encoding/base64", "encoding/hex", "html", "net/url", "crypto/sha256", "crypto/sha1", "crypto/md5":
		return true
	case "fmt":
		return strings.HasPrefix(fn.Name(), "Sprint") || fn.Name() == "Errorf"
	case "time":
		return knownReads["time."+fn.Name()] == "" || fn.Name() == "Since" || fn.Name() == "Until"
	case "path/filepath":
		return kindOf(fn) == ""
	}
	return false
}
