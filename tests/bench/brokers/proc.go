//go:build linux

package brokers

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// PID is the process id of the broker.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// clockTick is the unit of /proc/PID/stat, 100 a second on every Linux.
const clockTick = 10 * time.Millisecond

// CPU is the processor time that the broker has used, in user space and in the
// kernel on its behalf, to 10 ms.
func (p *Process) CPU() (time.Duration, error) {
	data, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, fmt.Errorf("read processor time of %s: %w", p.Kind, err)
	}
	return parseStat(string(data))
}

// parseStat takes utime and stime, the fields 14 and 15 of proc(5). The second
// field is a name in parentheses and may hold anything.
func parseStat(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("read processor time: %q is too short", stat)
	}
	var ticks time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		ticks += time.Duration(n)
	}
	return ticks * clockTick, nil
}

// RSS is the resident memory of the broker in bytes; Peak is the most it was.
func (p *Process) RSS() (int64, error) { return p.memory("VmRSS:") }

// Peak is the most resident memory that the broker had so far, in bytes.
func (p *Process) Peak() (int64, error) { return p.memory("VmHWM:") }

func (p *Process) memory(field string) (int64, error) {
	data, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, fmt.Errorf("read memory of %s: %w", p.Kind, err)
	}
	return parseStatus(string(data), field)
}

// parseStatus finds a field that counts in kB.
func parseStatus(status, field string) (int64, error) {
	for line := range strings.Lines(status) {
		rest, ok := strings.CutPrefix(line, field)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s %w", field, err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("read memory: no %s", field)
}

func (p *Process) proc(file string) string {
	return filepath.Join("/proc", strconv.Itoa(p.PID()), file)
}

// RaiseFileLimit lets this process and the brokers it starts have many files
// open: as many as wanted, or as the system allows.
func RaiseFileLimit(wanted uint64) error {
	// Asking for more than the hard limit is the privilege of root.
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: wanted, Max: wanted}) == nil {
		return nil
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read the limit of open files: %w", err)
	}
	// Set even where it is not raised: Go then leaves it to the children too.
	limit.Cur = min(limit.Max, wanted)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raise the limit of open files: %w", err)
	}
	return nil
}
