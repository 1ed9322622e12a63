package child

import (
	"context"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Shell is a line of the user's, as the system's shell runs it. The line stands as it is between two quotes, which cmd takes
// away: quoted as an argument, its own quotes would have backslashes, which cmd does not know.
func Shell(ctx context.Context, line string) *exec.Cmd {
	process := exec.CommandContext(ctx, "cmd")
	process.SysProcAttr = &syscall.SysProcAttr{CmdLine: `cmd /S /C "` + line + `"`}
	return process
}

// bind gives a child a process group of its own, so that an interruption at the terminal is not for it, and asks that group
// to end when the child's context does.
func bind(process *exec.Cmd) { group(process) }

func group(process *exec.Cmd) {
	if process.SysProcAttr == nil {
		process.SysProcAttr = &syscall.SysProcAttr{}
	}
	process.SysProcAttr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP
	process.Cancel = func() error {
		// A group without a console cannot be asked.
		if windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(process.Process.Pid)) == nil {
			return nil
		}
		return process.Process.Kill()
	}
}

// hold puts a child that runs into a job, which ends the child and whatever it starts: with end, and also when this process is
// killed, since then the job's last handle is closed. Where there is no job, the child alone is ended.
// https://learn.microsoft.com/en-us/windows/win32/procthread/job-objects
func hold(process *exec.Cmd) (end func()) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return func() {}
	}
	end = func() { _ = windows.CloseHandle(job) }
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		return end
	}
	handle, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(process.Process.Pid))
	if err != nil {
		return end // it has ended
	}
	defer func() { _ = windows.CloseHandle(handle) }()
	_ = windows.AssignProcessToJobObject(job, handle)
	return end
}
