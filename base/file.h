/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h - files that survive a power cut: whole reads and writes, sync, lock, replace. */
#ifndef DSKE_BASE_FILE_H
#define DSKE_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/rc.h"

/* An open descriptor that closes itself: AUTO(fd) f = FD_NONE; */
struct fd {
	int n; /* -1 when empty */
};
#define FD_NONE {-1}
void fd_drop(struct fd *f);

/* A host may have closed its standard descriptors; what is opened next would get their numbers, and what it says on standard
 * error.  So a fresh descriptor (or -1, and errno) is moved above them, close-on-exec; -1 and errno if there is none. */
int fd_above_standard(int n);

/* open(2) with O_CLOEXEC; retries EINTR; the sentence names the path.  What f held before is closed.
 * Errors: NOT_FOUND (ENOENT), EXISTS (O_EXCL), DENIED (EACCES, EPERM), IO. */
dske_rc file_open(struct fd *f, const char *path, int flags, mode_t mode);

/* The same for what may lie there by another's hand, on a medium for instance: what is no ordinary file is refused, and
 * opened without waiting for it, as a FIFO or a terminal would have it.  A link is followed but with O_NOFOLLOW.
 * Errors: as file_open, FORMAT. */
dske_rc file_open_ordinary(struct fd *f, const char *path, int flags, mode_t mode);

/* Reads or writes exactly len bytes at offset; a short read is CORRUPT.  Errors: IO, CORRUPT. */
dske_rc file_pread(int fd, void *out, size_t len, uint64_t offset);
dske_rc file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);

/* fdatasync; never retried after a failure.  Errors: SYNC. */
dske_rc file_sync(int fd);

/* Overwrites a range with zeros and then gives its blocks back where the file system can
 * (FALLOC_FL_PUNCH_HOLE).  Not synced.  Errors: IO. */
dske_rc file_erase(int fd, uint64_t offset, uint64_t len);

/* The same in two steps, for who does not want to wait for the disk: zeros, which go there from now on; and later, with
 * the wait that is left, the blocks.  Errors: IO. */
dske_rc file_erase_begin(int fd, uint64_t offset, uint64_t len);
dske_rc file_erase_end(int fd, uint64_t offset, uint64_t len);

/* As file_erase for what is there of [from, to); holes are erased already.  Errors: IO. */
dske_rc file_erase_data(int fd, uint64_t from, uint64_t to);

/* Takes (or waits for) an advisory lock on the whole file, by open file description (F_OFD_SETLK).
 * Errors: BUSY (only when not waiting), IO. */
enum file_lock { FILE_LOCK_SHARED, FILE_LOCK_EXCLUSIVE };
dske_rc file_lock(int fd, enum file_lock kind, bool wait);
void file_unlock(int fd);

/* Reads a whole file of at most max bytes into *out, which it makes a heap buffer (the caller drops it;
 * empty after a failure).  Errors: as file_open, TOOBIG, NOMEM. */
dske_rc file_read_all(struct buf *out, const char *path, size_t max);

/* The same of an ordinary file that no link leads to.  Errors: also FORMAT. */
dske_rc file_read_ordinary(struct buf *out, const char *path, size_t max);

/* ftruncate(2); retries EINTR.  Errors: IO. */
dske_rc file_resize(int fd, uint64_t len);

/* Replaces path durably: a temporary beside it, written, synced, renamed over, folder synced.
 * Errors: as file_open, SYNC. */
dske_rc file_replace(const char *path, const void *bytes, size_t len, mode_t mode);

/* Syncs the folder that holds path, so that a new name survives.  Errors: SYNC. */
dske_rc file_sync_dir_of(const char *path);

/* When a file or folder was changed last, in nanoseconds, to be compared with a later answer; 0 when there is none.
 * FILE_FRESH: so lately that another change may not show; whoever looks for changes takes it for one each time. */
#define FILE_FRESH INT64_C(-1)
int64_t file_change_time(const char *path);

/* mkdir for each missing part, mode for the new ones.  Errors: DENIED, IO, TOOBIG. */
dske_rc file_make_dirs(const char *path, mode_t mode);

/* A hub or a client runs as the owner of its folder, and could not open what another user, such as root,
 * put there.  Errors: DENIED (this process is not the owner's), IO. */
dske_rc file_check_owner(const char *folder);

/* printf into a path of less than PATH_MAX bytes.  Errors: TOOBIG. */
struct path {
	char s[4096];
};
dske_rc path_format(struct path *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The folder part of a path: "." for a bare name, "/" for a name in the root.  Errors: TOOBIG. */
dske_rc path_folder(struct path *folder, const char *path);

/* As seen from the current folder, so that a later chdir changes nothing.  Errors: TOOBIG, IO. */
dske_rc path_absolute(struct path *out, const char *path);

#endif
