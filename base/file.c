/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/heirloom.h"
#include "base/id.h"
#include "base/secret.h"

#define ERASE_STEP ((size_t)16 * 1024)
#define SETTLED_NS INT64_C(100000000) /* longer than a file system's clock stands still */

void fd_drop(struct fd *f)
{
	if (f->n >= 0)
		close(f->n); /* never retried: on Linux the descriptor is gone even after EINTR */
	f->n = -1;
}

int fd_above_standard(int n)
{
	if (n < 0 || n > STDERR_FILENO)
		return n;
	int above = fcntl(n, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int error = errno;
	close(n);
	errno = error;
	return above;
}

/* Turns errno of an operation on a name into a code with a sentence. */
static dske_rc fail_path(const char *verb, const char *path)
{
	switch (errno) {
	case ENOENT:
		return FAIL(NOT_FOUND, "cannot %s %s: %m", verb, path);
	case EEXIST:
		return FAIL(EXISTS, "cannot %s %s: %m", verb, path);
	case EACCES:
	case EPERM:
		return FAIL(DENIED, "cannot %s %s: %m", verb, path);
	default:
		return FAIL(IO, "cannot %s %s: %m", verb, path);
	}
}

dske_rc file_open(struct fd *f, const char *path, int flags, mode_t mode)
{
	int n;

	do
		n = open(path, flags | O_CLOEXEC, mode);
	while (n < 0 && errno == EINTR);
	n = fd_above_standard(n);
	if (n < 0)
		return fail_path((flags & O_CREAT) != 0 ? "create" : "open", path);
	fd_drop(f);
	f->n = n;
	return DSKE_OK;
}

dske_rc file_open_ordinary(struct fd *f, const char *path, int flags, mode_t mode)
{
	AUTO(fd) opened = FD_NONE;
	struct stat st;

	TRY(file_open(&opened, path, flags | O_NONBLOCK | O_NOCTTY, mode));
	if (fstat(opened.n, &st) != 0)
		return fail_path("look at", path);
	if (!S_ISREG(st.st_mode))
		return FAIL(FORMAT, "%s is no ordinary file", path);
	fd_drop(f);
	f->n = opened.n;
	opened.n = -1;
	return DSKE_OK;
}

static const char *advice(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return "; make room there";
	case EIO:
		return "; look after that disk";
	default:
		return "";
	}
}

/* Turns errno of an operation on a descriptor into a sentence that names its file, as the kernel knows it. */
static dske_rc fail_fd(int code, const char *verb, int fd)
{
	char link[32], path[PATH_MAX];
	int error = errno;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof path - 1);
	path[len > 0 ? len : 0] = '\0';
	errno = error;
	return rc_fail(code, "cannot %s %s: %m%s", verb, len > 0 ? path : "a file", advice(error));
}

/* Offsets are unsigned for us and off_t for the kernel. */
static dske_rc check_range(uint64_t offset, uint64_t len)
{
	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return FAIL(IO, "offset %llu is beyond what a file can hold", (unsigned long long)offset);
	return DSKE_OK;
}

dske_rc file_pread(int fd, void *out, size_t len, uint64_t offset)
{
	uint8_t *p = out;

	TRY(check_range(offset, len));
	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_fd(DSKE_RC_IO, "read", fd);
		if (n == 0)
			return FAIL(CORRUPT, "the file ends at offset %llu, %zu bytes too early",
				    (unsigned long long)offset, len);
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return DSKE_OK;
}

dske_rc file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset)
{
	const uint8_t *p = bytes;

	TRY(check_range(offset, len));
	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_fd(DSKE_RC_IO, "write to", fd);
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return DSKE_OK;
}

dske_rc file_sync(int fd)
{
	/* After a failure the kernel may have dropped the dirty pages and call them clean: a second
	 * fdatasync would succeed without having written them.  So the first answer stands; but a signal of the
	 * host's, which interrupts it before there is one (fdatasync(2)), is none. */
	int rc;

	do
		rc = fdatasync(fd);
	while (rc != 0 && errno == EINTR);
	if (rc != 0)
		return fail_fd(DSKE_RC_SYNC, "make durable", fd);
	return DSKE_OK;
}

dske_rc file_resize(int fd, uint64_t len)
{
	int rc;

	TRY(check_range(0, len));
	do
		rc = ftruncate(fd, (off_t)len);
	while (rc != 0 && errno == EINTR);
	if (rc != 0)
		return fail_fd(DSKE_RC_IO, "set the length of", fd);
	return DSKE_OK;
}

static dske_rc write_zeros(int fd, uint64_t offset, uint64_t len)
{
	static const uint8_t zeros[ERASE_STEP];

	TRY(check_range(offset, len));
	for (uint64_t done = 0; done < len;) {
		uint64_t left = len - done;
		size_t step = left < sizeof zeros ? (size_t)left : sizeof zeros;
		TRY(file_pwrite(fd, zeros, step, offset + done));
		done += step;
	}
	return DSKE_OK;
}

dske_rc file_erase_begin(int fd, uint64_t offset, uint64_t len)
{
	TRY(write_zeros(fd, offset, len));
	if (len > 0)
		(void)sync_file_range(fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE); /* _end tells of failures */
	return DSKE_OK;
}

dske_rc file_erase_end(int fd, uint64_t offset, uint64_t len)
{
	if (len == 0)
		return DSKE_OK;
	/* The zeros are what erases; the hole only saves space, so a file system may decline it.  But the zeros
	 * must have gone to the disk before: not every kernel writes out what it is about to give back. */
	int rc = sync_file_range(fd, (off_t)offset, (off_t)len,
				 SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
	if (rc != 0)
		return errno == EIO ? fail_fd(DSKE_RC_IO, "overwrite", fd) : DSKE_OK;
	do
		rc = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len);
	while (rc != 0 && errno == EINTR);
	if (rc != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
		return fail_fd(DSKE_RC_IO, "give back erased blocks of", fd);
	return DSKE_OK;
}

dske_rc file_erase(int fd, uint64_t offset, uint64_t len)
{
	TRY(write_zeros(fd, offset, len));
	return file_erase_end(fd, offset, len);
}

dske_rc file_erase_data(int fd, uint64_t from, uint64_t to)
{
	while (from < to) {
		off_t data = lseek(fd, (off_t)from, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return DSKE_OK;
		if (data < 0)
			return file_erase(fd, from, to - from);
		if ((uint64_t)data >= to)
			return DSKE_OK;
		off_t hole = lseek(fd, data, SEEK_HOLE);
		uint64_t end = hole < 0 || (uint64_t)hole > to ? to : (uint64_t)hole;
		TRY(file_erase(fd, (uint64_t)data, end - (uint64_t)data));
		from = end;
	}
	return DSKE_OK;
}

dske_rc file_lock(int fd, enum file_lock kind, bool wait)
{
	struct flock whole = {.l_type = kind == FILE_LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
	int rc;

	heirloom_note(fd);
	do
		rc = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &whole);
	while (rc != 0 && errno == EINTR);
	if (rc == 0)
		return DSKE_OK;
	if (errno == EAGAIN || errno == EACCES)
		return FAIL(BUSY, "the file is locked by another process");
	return FAIL(IO, "cannot lock the file: %m");
}

void file_unlock(int fd)
{
	struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	(void)fcntl(fd, F_OFD_SETLK, &whole);
}

static dske_rc read_all(struct buf *out, int fd, const char *path, size_t max)
{
	uint8_t piece[4096];
	size_t total = 0;
	dske_rc rc = DSKE_OK;

	buf_heap(out, max);
	while (rc_ok(rc)) {
		ssize_t n = read(fd, piece, sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = FAIL(IO, "cannot read %s: %m", path);
		if (n <= 0)
			break;
		total += (size_t)n;
		buf_put(out, piece, (size_t)n);
		if (total > max)
			rc = FAIL(TOOBIG, "%s is larger than %zu bytes", path, max);
		else
			rc = buf_rc(out);
	}
	mem_wipe(piece, sizeof piece);
	if (!rc_ok(rc))
		buf_drop(out);
	return rc;
}

dske_rc file_read_all(struct buf *out, const char *path, size_t max)
{
	AUTO(fd) f = FD_NONE;

	TRY(file_open(&f, path, O_RDONLY, 0));
	return read_all(out, f.n, path, max);
}

dske_rc file_read_ordinary(struct buf *out, const char *path, size_t max)
{
	AUTO(fd) f = FD_NONE;

	TRY(file_open_ordinary(&f, path, O_RDONLY | O_NOFOLLOW, 0));
	return read_all(out, f.n, path, max);
}

dske_rc path_absolute(struct path *out, const char *path)
{
	char here[PATH_MAX];

	if (path[0] == '/')
		return path_format(out, "%s", path);
	if (getcwd(here, sizeof here) == NULL)
		return FAIL(IO, "the current folder has no name");
	return path_format(out, "%s/%s", here, path);
}

dske_rc path_folder(struct path *folder, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return path_format(folder, ".");
	if (slash == path)
		return path_format(folder, "/");
	if (slash - path >= (ptrdiff_t)sizeof folder->s)
		return FAIL(TOOBIG, "a path is longer than %zu bytes", sizeof folder->s - 1);
	return path_format(folder, "%.*s", (int)(slash - path), path);
}

dske_rc file_sync_dir_of(const char *path)
{
	AUTO(fd) folder = FD_NONE;
	struct path name;

	TRY(path_folder(&name, path));
	if (!rc_ok(file_open(&folder, name.s, O_RDONLY | O_DIRECTORY, 0)))
		return FAIL(SYNC, "cannot open folder %s to make a name durable: %m", name.s);
	int rc;
	do
		rc = fsync(folder.n);
	while (rc != 0 && errno == EINTR);
	if (rc != 0)
		return FAIL(SYNC, "folder %s could not be made durable: %m", name.s);
	return DSKE_OK;
}

/* A name beside path that nobody else has, so that two replacements at once do not mix. */
static dske_rc temporary_name(struct path *temporary, const char *path)
{
	uint8_t random[8];
	char hex[2 * sizeof random + 1];

	TRY(random_fill(random, sizeof random));
	hex_encode(hex, random, sizeof random);
	return path_format(temporary, "%s.%s.tmp", path, hex);
}

static dske_rc write_and_rename(int fd, const char *temporary, const char *path, const void *bytes, size_t len)
{
	TRY(file_pwrite(fd, bytes, len, 0));
	TRY(file_sync(fd));
	if (rename(temporary, path) != 0)
		return fail_path("replace", path);
	return DSKE_OK;
}

dske_rc file_replace(const char *path, const void *bytes, size_t len, mode_t mode)
{
	AUTO(fd) f = FD_NONE;
	struct path temporary;

	TRY(temporary_name(&temporary, path));
	TRY(file_open(&f, temporary.s, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
	dske_rc rc = write_and_rename(f.n, temporary.s, path, bytes, len);
	if (!rc_ok(rc)) {
		unlink(temporary.s);
		return rc;
	}
	return file_sync_dir_of(path);
}

static int64_t timespec_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

int64_t file_change_time(const char *path)
{
	struct timespec now;
	struct stat st;

	if (stat(path, &st) != 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t changed = timespec_ns(&st.st_mtim);
	return timespec_ns(&now) - changed >= SETTLED_NS ? changed : FILE_FRESH;
}

/* One folder of the way; one that is there already will do, whoever made it. */
static dske_rc make_dir(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return DSKE_OK;
	int reason = errno;
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return DSKE_OK;
		return FAIL(IO, "cannot create folder %s: there is a file of that name", path);
	}
	errno = reason;
	if (reason == EACCES || reason == EPERM || reason == EROFS)
		return FAIL(DENIED, "cannot create folder %s: %m", path);
	return FAIL(IO, "cannot create folder %s: %m", path);
}

dske_rc file_make_dirs(const char *path, mode_t mode)
{
	struct path part;

	TRY(path_format(&part, "%s", path));
	for (char *p = part.s + 1; part.s[0] != '\0' && *p != '\0'; p++) {
		if (*p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		TRY(make_dir(part.s, mode));
		*p = '/';
	}
	return make_dir(part.s, mode);
}

dske_rc file_check_owner(const char *folder)
{
	struct stat st;

	if (stat(folder, &st) != 0)
		return FAIL(IO, "%s: %m", folder);
	if (st.st_uid != geteuid())
		return FAIL(DENIED, "%s belongs to user %u: run this as that user, who else could not read what is written there",
			    folder, st.st_uid);
	return DSKE_OK;
}

dske_rc path_format(struct path *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int len = vsnprintf(p->s, sizeof p->s, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof p->s)
		return FAIL(TOOBIG, "a path is longer than %zu bytes", sizeof p->s - 1);
	return DSKE_OK;
}
