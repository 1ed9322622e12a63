// Package jsiicache knows where jsii's kernel keeps the packages that it has unpacked: 37 MB of the CDK take it
// seconds.
package jsiicache

import (
	"os"
	"path/filepath"
	"runtime"
)

// Variable names another folder to the kernel.
const Variable = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"

// Root is the folder as the kernel finds it in this process's environment. It need not exist.
func Root() string {
	home, local := os.Getenv("HOME"), os.Getenv("LOCALAPPDATA")
	switch root := os.Getenv(Variable); {
	case root != "":
		return root
	case runtime.GOOS == "darwin" && home != "":
		return filepath.Join(home, "Library", "Caches", "com.amazonaws.jsii", "package-cache")
	case runtime.GOOS == "linux" && home != "":
		return filepath.Join(home, ".cache", "aws", "jsii", "package-cache")
	case runtime.GOOS == "windows" && local != "":
		return filepath.Join(local, "AWS", "jsii", "package-cache")
	}
	return filepath.Join(os.TempDir(), "aws-jsii-package-cache")
}
