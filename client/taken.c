/* SPDX-License-Identifier: Apache-2.0 */
/* client/taken.c - rings of names in files, under the file's lock. */
#include <config.h>

#include "client/taken.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define TAKEN_FILE "taken"
#define VOW_FILE "ready"

struct name {
	struct id initiator, key_id;
};

/* As it lies in the file, which does not leave the machine. */
struct ring {
	uint64_t count; /* names so far */
	uint64_t unused[3];
	struct name name[TAKEN_MAX];
};

/* Opens and locks it; closing unlocks.  A new one reads as zeros. */
static dske_rc ring_open(struct fd *f, const struct config *c, const char *file, struct path *path)
{
	struct stat st;
	TRY(path_format(path, "%s/%s", c->state.s, file));
	TRY(file_open(f, path->s, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
	TRY(file_lock(f->n, FILE_LOCK_EXCLUSIVE, true));
	if (fstat(f->n, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", path->s);
	if (st.st_size < (off_t)sizeof(struct ring) && ftruncate(f->n, sizeof(struct ring)) != 0)
		return FAIL(IO, "cannot make %s long enough: %m", path->s);
	return DSKE_OK;
}

static bool ring_has(const struct ring *r, const struct name *n)
{
	size_t used = r->count < TAKEN_MAX ? (size_t)r->count : TAKEN_MAX;
	for (size_t i = 0; i < used; i++) {
		if (memcmp(&r->name[i], n, sizeof *n) == 0)
			return true;
	}
	return false;
}

static dske_rc ring_read(int fd, const struct name *n, uint64_t *count, bool *has)
{
	struct ring *r = malloc(sizeof *r);
	if (r == NULL)
		return rc_make(DSKE_RC_NOMEM);
	dske_rc rc = file_pread(fd, r, sizeof *r, 0);
	if (rc_ok(rc)) {
		*count = r->count;
		*has = ring_has(r, n);
	}
	free(r);
	return rc;
}

static dske_rc look(const struct config *c, const char *file, const struct name *n, bool *has)
{
	AUTO(fd) f = FD_NONE;
	struct path path;
	uint64_t count = 0;
	TRY(ring_open(&f, c, file, &path));
	return ring_read(f.n, n, &count, has);
}

/* *has: it was there already.  durable: so it is when this returns, the file's own name too. */
static dske_rc enter(const struct config *c, const char *file, const struct name *n, bool durable, bool *has)
{
	AUTO(fd) f = FD_NONE;
	struct path path;
	uint64_t count = 0;
	TRY(ring_open(&f, c, file, &path));
	TRY(ring_read(f.n, n, &count, has));
	if (*has)
		return DSKE_OK;
	TRY(file_pwrite(f.n, n, sizeof *n, offsetof(struct ring, name) + count % TAKEN_MAX * sizeof *n));
	count++;
	TRY(file_pwrite(f.n, &count, sizeof count, 0));
	if (!durable)
		return DSKE_OK;
	TRY(file_sync(f.n));
	return file_sync_dir_of(path.s);
}

dske_rc taken_look(const struct config *c, const struct id *initiator, const struct id *key_id, bool *taken)
{
	return look(c, TAKEN_FILE, &(struct name){*initiator, *key_id}, taken);
}

dske_rc taken_enter(const struct config *c, const struct id *initiator, const struct id *key_id)
{
	bool taken = false;
	TRY(enter(c, TAKEN_FILE, &(struct name){*initiator, *key_id}, false, &taken));
	return taken ? FAIL(EXISTS, "another call has taken this key already; let calls at one time differ in their context") : DSKE_OK;
}

dske_rc vow_look(const struct config *c, const struct id *initiator, const struct id *key_id, bool *vowed)
{
	return look(c, VOW_FILE, &(struct name){*initiator, *key_id}, vowed);
}

dske_rc vow_enter(const struct config *c, const struct id *initiator, const struct id *key_id)
{
	bool vowed = false;
	TRY(enter(c, VOW_FILE, &(struct name){*initiator, *key_id}, true, &vowed));
	return vowed ? FAIL(DENIED, "another call is ready for this key already, or was; let calls at one time differ in their context")
		     : DSKE_OK;
}
