//go:build !linux

// Command bench compares fitmq with other brokers. It needs Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: needs Linux: it reads /proc and uses epoll")
	os.Exit(1)
}
