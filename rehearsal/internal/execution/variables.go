package execution

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// variables are those of the process: Lambda's, over them the function's own, over these the
// reserved ones, which no function can set. Nothing of this process's environment is handed on, but
// what Windows needs to start one.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (e *environment) variables(api string) []string {
	f := e.function
	all := map[string]string{
		"LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin", "TZ": ":UTC", "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
	}
	if runtime.GOOS == "windows" {
		for _, name := range []string{"SYSTEMROOT", "TEMP", "TMP", "PATH"} {
			all[name] = os.Getenv(name)
		}
	}
	maps.Copy(all, f.Variables)
	maps.Copy(all, map[string]string{
		"_HANDLER": f.Handler, "AWS_REGION": f.Region, "AWS_DEFAULT_REGION": f.Region,
		"AWS_LAMBDA_FUNCTION_NAME": f.Name, "AWS_LAMBDA_FUNCTION_VERSION": f.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB), "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": f.LogGroup, "AWS_LAMBDA_LOG_STREAM_NAME": e.log.stream,
		"AWS_LAMBDA_RUNTIME_API": api, "LAMBDA_TASK_ROOT": f.Program.Dir, "LAMBDA_RUNTIME_DIR": f.Program.RuntimeDir,
	})
	if f.JSON {
		// The runtimes write their own lines by these.
		// https://docs.aws.amazon.com/lambda/latest/dg/golang-logging.html
		all["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
	}
	if !strings.HasPrefix(f.Runtime, "provided") {
		all["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + f.Runtime
	}
	if strings.HasPrefix(f.Runtime, "nodejs") {
		// Lambda's Node.js has the AWS SDK; here it is what is installed where the rehearsal was started.
		if folder, err := os.Getwd(); err == nil {
			all["NODE_PATH"] = filepath.Join(folder, "node_modules")
		}
	}
	if e.host.config.Credentials != nil {
		c := e.host.config.Credentials(f)
		all["AWS_ACCESS_KEY_ID"], all["AWS_SECRET_ACCESS_KEY"], all["AWS_SESSION_TOKEN"] = c.AccessKeyID, c.SecretAccessKey, c.SessionToken
	}
	if e.host.config.Endpoint != "" {
		all["AWS_ENDPOINT_URL"] = e.host.config.Endpoint
		// A function has no instance metadata; an SDK that looks for it would ask outside this
		// machine.
		all["AWS_EC2_METADATA_DISABLED"] = "true"
	}
	list := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return list
}
