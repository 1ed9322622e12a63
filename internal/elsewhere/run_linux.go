package elsewhere

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// hostVariable names the namespace of host names that this process was started from.
const hostVariable = "ROADSHOW_HOST"

// hostName is what the host is called elsewhere.
const hostName = "understudy"

// Run runs a command as Linux allows it: with one processor, and with a name of the host of its
// own, which [Enter] then sets. Where either is not permitted, the command has it as it is here.
// command is asked for once more where its start was refused.
func Run(command func() *exec.Cmd) error {
	host, err := os.Readlink("/proc/self/ns/uts")
	if err != nil {
		return start(command())
	}
	apart := command()
	if apart.SysProcAttr == nil {
		apart.SysProcAttr = &syscall.SysProcAttr{}
	}
	apart.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUTS
	if os.Geteuid() != 0 {
		// Root would lose what is its by being root only, such as files of other users; it needs no
		// namespace of users.
		apart.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		apart.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		apart.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	apart.Env = append(apart.Environ(), hostVariable+"="+host)
	if err := onOneProcessor(apart); err == nil {
		return apart.Wait()
	}
	return start(command())
}

func start(command *exec.Cmd) error {
	if err := onOneProcessor(command); err != nil {
		return err
	}
	return command.Wait()
}

// onOneProcessor starts a command that may use the last of this thread's processors only.
func onOneProcessor(command *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, last unix.CPUSet
	if unix.SchedGetaffinity(0, &all) == nil && all.Count() > 1 {
		for cpu := len(all)*64 - 1; cpu >= 0; cpu-- {
			if all.IsSet(cpu) {
				last.Set(cpu)
				break
			}
		}
		if unix.SchedSetaffinity(0, &last) == nil {
			defer func() { _ = unix.SchedSetaffinity(0, &all) }()
		}
	}
	return command.Start()
}

// Enter gives the host another name, where this process was started by [Run] in a namespace of its
// own.
func Enter() {
	outside := os.Getenv(hostVariable)
	inside, err := os.Readlink("/proc/self/ns/uts")
	if outside == "" || err != nil || inside == outside {
		return // else the machine would be renamed
	}
	_ = syscall.Sethostname([]byte(hostName))
}
