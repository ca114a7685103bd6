package bolt

import "syscall"

// forgetMapped lets the kernel drop the first size bytes of the mapping from this process. They stay in the kernel's cache, from where the next look takes
// them back 64 KB at a time; no data is at stake, as bbolt writes to the file and never to the mapping. Advice that is not taken costs nothing.
func forgetMapped(at uintptr, size int64) {
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, at, uintptr(size), syscall.MADV_DONTNEED)
}
