//go:build linux || darwin

package bolt

import "syscall"

// diskSpace is what is free for this process on the directory's disk, and what the
// disk holds; 0 where the system does not tell.
func diskSpace(dir string) (free, size int64) {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 0, 0
	}
	block := int64(st.Bsize) //nolint:unconvert // of another type on other systems
	return int64(st.Bavail) * block, int64(st.Blocks) * block
}
