//go:build linux

package report

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Inspect describes this machine in a line: processor, cores, memory, kernel.
func Inspect() string {
	return fmt.Sprintf("%s, %d cores, %s memory, Linux %s",
		field("/proc/cpuinfo", "model name"), runtime.NumCPU(), field("/proc/meminfo", "MemTotal"), firstLine("/proc/sys/kernel/osrelease"))
}

// field is the first value of a name in a file of "name : value" lines.
func field(path, name string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func firstLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return line
}
