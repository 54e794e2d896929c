// Package proc is Linux's view of another process: what it has mapped, and
// the ways in which the kernel hands out the bytes behind it.
//
//  1. [Open] pins a process: a [Process] holds file descriptors that the
//     kernel binds to the process's directory and to its address space, never
//     a number that can be reused. Once the address space ends, by exit or by
//     execve, every method answers [ErrGone], for good.
//  2. [Process.Query] asks the kernel for the [Mapping] at one address,
//     [Process.Mappings] reads them all.
//  3. [Process.OpenMapping], [Process.OpenExe], [Process.OpenInRoot],
//     [OpenRegular] and [Process.LowerFiles] offer files. None of them proves
//     that its file is the mapped one: the caller compares them with what
//     [Process.ReadMemory] and the build ID of [Process.Query] tell.
//
// The package knows processes, not ELF, and decides nothing.
//
// Everything that is read here can be chosen by the process under
// inspection: names hold any byte but NUL, files are replaced at any moment,
// and a path can lead to a device or a FIFO. So files are located with O_PATH,
// found to be regular, and only then opened for reading; sizes and counts are
// bounded. What the package cannot bound is the time that a file system takes
// (FUSE, network): calls that can touch one say so.
package proc
