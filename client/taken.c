/* SPDX-License-Identifier: Apache-2.0 */
/* client/taken.c - lists of names in files, each under its lock. */
#include <config.h>

#include "client/taken.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define TAKEN_FOLDER "taken.d"
#define VOW_FOLDER "ready.d"

/* As they lie in the files, which do not leave the machine. */
struct name {
	struct id initiator, key_id;
	int64_t entered_s; /* by the wall's clock */
};

struct list_head {
	uint64_t count; /* names behind it, in the order in which they were entered */
	uint64_t unused[4];
};

#define CHUNK 256 /* names read at once */

struct list {
	struct fd file; /* owned; locked for as long as it is open */
	struct path path;
	uint64_t count;
	struct name first; /* of them, if there are any */
};

static void list_drop(struct list *l)
{
	fd_drop(&l->file);
}

static off_t place(uint64_t at)
{
	return (off_t)(sizeof(struct list_head) + at * sizeof(struct name));
}

static int64_t now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

static dske_rc open_file(struct list *l, const char *parent, uint8_t byte)
{
	TRY(path_format(&l->path, "%s/%02x", parent, byte));
	return file_open(&l->file, l->path.s, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
}

/* One of 256 files, so that no look-up reads many names.  *l is dropped by the caller, also after a failure. */
static dske_rc list_open(struct list *l, const struct config *c, const char *folder, const struct id *key_id)
{
	struct path parent;
	struct {
		struct list_head head;
		struct name first;
	} front = {0};
	TRY(path_format(&parent, "%s/%s", c->state.s, folder));
	dske_rc rc = open_file(l, parent.s, key_id->b[0]);
	if (rc_is(rc, DSKE_RC_NOT_FOUND)) { /* the first of all */
		TRY(file_make_dirs(parent.s, 0700));
		rc = open_file(l, parent.s, key_id->b[0]);
	}
	TRY(rc);
	TRY(file_lock(l->file.n, FILE_LOCK_EXCLUSIVE, true));
	ssize_t n = pread(l->file.n, &front, sizeof front, 0);
	if (n < 0)
		return FAIL(IO, "cannot read %s: %m", l->path.s);
	l->count = (size_t)n >= sizeof front.head ? front.head.count : 0; /* a new one */
	l->first = front.first;
	return DSKE_OK;
}

static dske_rc write_count(struct list *l, uint64_t count)
{
	struct list_head head = {.count = count};
	l->count = count;
	return file_pwrite(l->file.n, &head, sizeof head, 0);
}

static bool is_name(const struct name *a, const struct name *b)
{
	return id_equal(&a->initiator, &b->initiator) && id_equal(&a->key_id, &b->key_id);
}

/* *has: is it there?  *old: so many, at the beginning, need not be kept any more. */
static dske_rc list_read(const struct list *l, const struct name *n, bool *has, uint64_t *old)
{
	struct name chunk[CHUNK];
	int64_t since = now_s() - TAKEN_KEPT_S;
	*has = false;
	*old = 0;
	for (uint64_t at = 0; at < l->count; at += CHUNK) {
		size_t count = l->count - at < CHUNK ? (size_t)(l->count - at) : CHUNK;
		TRY(file_pread(l->file.n, chunk, count * sizeof chunk[0], (uint64_t)place(at)));
		for (size_t i = 0; i < count; i++) {
			*has = *has || is_name(&chunk[i], n);
			*old += *old == at + i && chunk[i].entered_s < since;
		}
	}
	return DSKE_OK;
}

/* Moves the others to the front when that writes over old ones alone: who ends in between has lost none. */
static dske_rc drop_old(struct list *l, uint64_t old)
{
	struct name n;
	uint64_t kept = l->count - old;
	if (old == 0 || kept > old)
		return DSKE_OK;
	for (uint64_t i = 0; i < kept; i++) {
		TRY(file_pread(l->file.n, &n, sizeof n, (uint64_t)place(old + i)));
		TRY(file_pwrite(l->file.n, &n, sizeof n, (uint64_t)place(i)));
	}
	TRY(write_count(l, kept));
	return file_resize(l->file.n, (uint64_t)place(kept));
}

static dske_rc look(const struct config *c, const char *folder, const struct name *n, bool *has)
{
	AUTO(list) l = {.file = FD_NONE};
	uint64_t old;
	TRY(list_open(&l, c, folder, &n->key_id));
	return list_read(&l, n, has, &old);
}

/* *has: it was there already; NULL: that may be.  durable: so it is when this returns, the file's own name and its
 * folder's too. */
static dske_rc enter(const struct config *c, const char *folder, struct name *n, bool durable, bool *has)
{
	AUTO(list) l = {.file = FD_NONE};
	bool is_there = false;
	uint64_t old = 0;
	TRY(list_open(&l, c, folder, &n->key_id));
	/* Names lie in the order of their time: where the first is to be kept, nothing has to go. */
	if (has != NULL || (l.count > 0 && l.first.entered_s < now_s() - TAKEN_KEPT_S))
		TRY(list_read(&l, n, &is_there, &old));
	if (has != NULL)
		*has = is_there;
	if (is_there)
		return DSKE_OK;
	TRY(drop_old(&l, old));
	n->entered_s = now_s();
	TRY(file_pwrite(l.file.n, n, sizeof *n, (uint64_t)place(l.count)));
	TRY(write_count(&l, l.count + 1));
	if (!durable)
		return DSKE_OK;
	struct path parent;
	TRY(path_format(&parent, "%s/%s", c->state.s, folder));
	TRY(file_sync(l.file.n));
	TRY(file_sync_dir_of(l.path.s));
	return file_sync_dir_of(parent.s);
}

dske_rc taken_look(const struct config *c, const struct id *initiator, const struct id *key_id, bool *taken)
{
	return look(c, TAKEN_FOLDER, &(struct name){.initiator = *initiator, .key_id = *key_id}, taken);
}

dske_rc taken_enter(const struct config *c, const struct id *initiator, const struct id *key_id)
{
	bool taken = false;
	TRY(enter(c, TAKEN_FOLDER, &(struct name){.initiator = *initiator, .key_id = *key_id}, false, &taken));
	return taken ? FAIL(EXISTS, "another call has taken this key already; let calls at one time differ in their context") : DSKE_OK;
}

dske_rc taken_note(const struct config *c, const struct id *initiator, const struct id *key_id)
{
	return enter(c, TAKEN_FOLDER, &(struct name){.initiator = *initiator, .key_id = *key_id}, false, NULL);
}

dske_rc vow_look(const struct config *c, const struct id *initiator, const struct id *key_id, bool *vowed)
{
	return look(c, VOW_FOLDER, &(struct name){.initiator = *initiator, .key_id = *key_id}, vowed);
}

dske_rc vow_enter(const struct config *c, const struct id *initiator, const struct id *key_id)
{
	bool vowed = false;
	TRY(enter(c, VOW_FOLDER, &(struct name){.initiator = *initiator, .key_id = *key_id}, true, &vowed));
	return vowed ? FAIL(DENIED, "another call is ready for this key already, or was; let calls at one time differ in their context")
		     : DSKE_OK;
}
