//go:build linux

package brokers

import (
	"context"
	"debug/buildinfo"
	"os/exec"
	"runtime"
	"strings"
)

// Versions tells what is compared, a line a broker; empty where it is not known.
func (b Binaries) Versions(ctx context.Context) map[Kind]string {
	v := map[Kind]string{FitMQ: "this repository, " + runtime.Version()}
	if out, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		v[FitMQ] = "commit " + strings.TrimSpace(string(out)) + ", " + runtime.Version()
	}
	// With -h mosquitto prints its version and ends with an error code.
	out, _ := exec.CommandContext(ctx, b[Mosquitto], "-h").Output()
	line, _, _ := strings.Cut(string(out), "\n")
	v[Mosquitto] = strings.TrimPrefix(line, "mosquitto version ") + " (Debian), in memory only"
	v[NATS] = goVersion(b[NATS], "github.com/nats-io/nats-server/v2") + ", MQTT over JetStream"
	v[Mochi] = goVersion(b[Mochi], "github.com/mochi-mqtt/server/v2") + ", in memory only"
	return v
}

// goVersion finds a module's version in a Go program.
func goVersion(path, module string) string {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	if info.Main.Path == module && info.Main.Version != "" {
		return info.Main.Version
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return d.Version
		}
	}
	return "unknown"
}
