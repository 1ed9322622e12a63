package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// isolate gives a process a network namespace of its own, in which nothing but loopback exists, and a user
// namespace, in which an ordinary user may make one. The process is root there, and is nobody else outside.
func isolate(process *exec.Cmd) {
	process.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

// useLoopback brings loopback up: in a new namespace it is down.
func useLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(socket)
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, loopback); err != nil {
		return fmt.Errorf("state of loopback: %w", err)
	}
	loopback.SetUint16(loopback.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback); err != nil {
		return fmt.Errorf("bring loopback up: %w", err)
	}
	return nil
}

// leftBehind lists the processes of this run that still exist, but for this one.
func leftBehind() []string {
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil
	}
	var left []string
	for _, path := range environments {
		environ, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(environ), variableRun+"="+folder) {
			continue
		}
		// What Setenv adds is not in this process's own file.
		command, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if err == nil {
			left = append(left, strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " ")))
		}
	}
	return left
}

// requireOnlyLoopback requires that no other machine can be reached, by any protocol or name.
func requireOnlyLoopback(t *testing.T) {
	t.Helper()
	interfaces, err := net.Interfaces()
	require.NoError(t, err)
	for _, one := range interfaces {
		require.True(t, one.Flags&net.FlagLoopback != 0 || one.Flags&net.FlagUp == 0, "%s is up", one.Name)
	}
	for _, address := range []string{"192.0.2.1:443", "[2001:db8::1]:443"} {
		_, err := net.Dial("tcp", address)
		require.ErrorIs(t, err, unix.ENETUNREACH, address)
	}
	_, err = net.Dial("udp", "192.0.2.1:53")
	require.ErrorIs(t, err, unix.ENETUNREACH)
}
