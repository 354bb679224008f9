/* SPDX-License-Identifier: Apache-2.0 */
/* client/taken.c - a ring of names in a file, under the file's lock. */
#include <config.h>

#include "client/taken.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

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
static dske_rc ring_open(struct fd *f, const struct config *c)
{
	struct path path;
	struct stat st;
	TRY(path_format(&path, "%s/taken", c->state.s));
	TRY(file_open(f, path.s, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
	TRY(file_lock(f->n, FILE_LOCK_EXCLUSIVE, true));
	if (fstat(f->n, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", path.s);
	if (st.st_size < (off_t)sizeof(struct ring) && ftruncate(f->n, sizeof(struct ring)) != 0)
		return FAIL(IO, "cannot make %s long enough: %m", path.s);
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

static dske_rc look(int fd, const struct name *n, uint64_t *count, bool *taken)
{
	struct ring *r = malloc(sizeof *r);
	if (r == NULL)
		return rc_make(DSKE_RC_NOMEM);
	dske_rc rc = file_pread(fd, r, sizeof *r, 0);
	if (rc_ok(rc)) {
		*count = r->count;
		*taken = ring_has(r, n);
	}
	free(r);
	return rc;
}

dske_rc taken_look(const struct config *c, const struct id *initiator, const struct id *key_id, bool *taken)
{
	AUTO(fd) f = FD_NONE;
	uint64_t count = 0;
	TRY(ring_open(&f, c));
	return look(f.n, &(struct name){*initiator, *key_id}, &count, taken);
}

dske_rc taken_enter(const struct config *c, const struct id *initiator, const struct id *key_id)
{
	AUTO(fd) f = FD_NONE;
	struct name n = {*initiator, *key_id};
	uint64_t count = 0;
	bool taken = false;
	TRY(ring_open(&f, c));
	TRY(look(f.n, &n, &count, &taken));
	if (taken)
		return FAIL(EXISTS, "another call has taken this key already; let calls at one time differ in their context");
	TRY(file_pwrite(f.n, &n, sizeof n, offsetof(struct ring, name) + count % TAKEN_MAX * sizeof n));
	count++;
	return file_pwrite(f.n, &count, sizeof count, 0);
}
