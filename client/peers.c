/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/peers.c - the list of peers: the file `peers` in the state folder.
 *
 *	[peer bob]
 *	id = 32 digits
 *	hubs_agreed = 5
 *	hubs_asked = 5
 */
#include <config.h>

#include "client/peers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/file.h"

#define PEERS_FILE_MAX (1u << 20)
#define PEERS_MAX CONFIG_PEERS_MAX

static dske_rc peers_path(struct path *p, const struct config *c)
{
	return path_format(p, "%s/peers", c->state.s);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static struct peer *entry(struct peers *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->peer[i].name, name) == 0)
			return &p->peer[i];
	}
	if (p->count == PEERS_MAX)
		return NULL;
	struct peer *grown = reallocarray(p->peer, p->count + 1, sizeof *grown);
	if (grown == NULL)
		return NULL;
	p->peer = grown;
	struct peer *e = &grown[p->count++];
	*e = (struct peer){0};
	memcpy(e->name, name, strlen(name) + 1);
	return e;
}

static dske_rc read_count(unsigned *out, const char *key, const char *value)
{
	uint64_t n = 0;
	TRY(conf_uint(&n, key, value, 0, CONFIG_HUBS_MAX));
	*out = (unsigned)n;
	return DSKE_OK;
}

static dske_rc read_one(void *context, const char *section, const char *name, const char *key, const char *value)
{
	if (strcmp(section, "peer") != 0 || !name_check(name))
		return FAIL(CONFIG, "[%s %s]: not a peer", section, name);
	struct peer *e = entry(context, name);
	if (e == NULL)
		return FAIL(NOMEM, "more peers than memory or the limit of %d allow", PEERS_MAX);
	if (strcmp(key, "id") == 0)
		return rc_ok(id_parse(&e->id, value)) ? DSKE_OK : FAIL(CONFIG, "id: not 32 hexadecimal digits");
	if (strcmp(key, "hubs_agreed") == 0)
		return read_count(&e->hubs_agreed, key, value);
	if (strcmp(key, "hubs_asked") == 0)
		return read_count(&e->hubs_asked, key, value);
	return conf_unknown("peer", key);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct peer *)a)->name, ((const struct peer *)b)->name);
}

static dske_rc check_all(const struct peers *p, const char *path)
{
	for (size_t i = 0; i < p->count; i++) {
		if (id_is_zero(&p->peer[i].id))
			return FAIL(CORRUPT, "%s: the peer %s has no id", path, p->peer[i].name);
		if (peers_by_id(p, &p->peer[i].id) != &p->peer[i])
			return FAIL(CORRUPT, "%s: the peer %s has the id of another peer", path, p->peer[i].name);
	}
	return DSKE_OK;
}

dske_rc peers_read(struct peers *p, const struct config *c)
{
	struct path path;
	*p = (struct peers){0};
	TRY(peers_path(&path, c));
	dske_rc rc = conf_read(path.s, read_one, p);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	if (rc_is(rc, DSKE_RC_CONFIG)) {
		char why[256];
		snprintf(why, sizeof why, "%s", rc_detail(rc));
		rc = FAIL(CORRUPT, "%s", why);
	}
	if (rc_ok(rc))
		rc = check_all(p, path.s);
	if (!rc_ok(rc)) {
		peers_drop(p);
		return rc;
	}
	if (p->count > 0)
		qsort(p->peer, p->count, sizeof p->peer[0], by_name);
	for (size_t i = 0; i < p->count; i++)
		p->peer[i].extract = config_extract_allowed(c, p->peer[i].name);
	return DSKE_OK;
}

const struct peer *peers_by_name(const struct peers *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->peer[i].name, name) == 0)
			return &p->peer[i];
	}
	return NULL;
}

const struct peer *peers_by_id(const struct peers *p, const struct id *id)
{
	for (size_t i = 0; i < p->count; i++) {
		if (id_equal(&p->peer[i].id, id))
			return &p->peer[i];
	}
	return NULL;
}

void peers_drop(struct peers *p)
{
	free(p->peer);
	*p = (struct peers){0};
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static dske_rc write_all(const struct config *c, const struct peers *p)
{
	struct path path;
	AUTO(buf) out = {0};
	TRY(peers_path(&path, c));
	buf_heap(&out, PEERS_FILE_MAX);
	for (size_t i = 0; i < p->count; i++) {
		const struct peer *e = &p->peer[i];
		char hex[ID_HEX_LEN], text[256];
		int len = snprintf(text, sizeof text, "[peer %s]\nid = %s\nhubs_agreed = %u\nhubs_asked = %u\n\n", e->name,
				   id_hex(&e->id, hex), e->hubs_agreed, e->hubs_asked);
		buf_put(&out, text, (size_t)len);
	}
	TRY(buf_rc(&out));
	return file_replace(path.s, out.data, out.len, 0600);
}

/* One writer at a time, among all processes; the lock file stays. */
static dske_rc lock_peers(struct fd *lock, const struct config *c)
{
	struct path path;
	TRY(path_format(&path, "%s/peers.lock", c->state.s));
	TRY(file_open(lock, path.s, O_RDWR | O_CREAT, 0600));
	return file_lock(lock->n, FILE_LOCK_EXCLUSIVE, true);
}

/* A peer's name and ID belong together for good; a change has to be meant (DSKE 2.2). */
static dske_rc check_conflict(const struct peers *p, const struct peer *record, const struct peer **same)
{
	char hex[ID_HEX_LEN];
	const struct peer *named = peers_by_name(p, record->name), *known = peers_by_id(p, &record->id);
	*same = NULL;
	if (named != NULL && named != known)
		return FAIL(EXISTS, "%s is recorded with the ID %s; if it has really changed, remove it first: dske peer remove %s",
			    named->name, id_hex(&named->id, hex), named->name);
	if (known != NULL && known != named)
		return FAIL(EXISTS, "the ID %s is recorded under the name %s; if it has really changed, remove it first: dske peer remove %s",
			    id_hex(&known->id, hex), known->name, known->name);
	*same = named;
	return DSKE_OK;
}

dske_rc peers_add(const struct config *c, const struct peer *record)
{
	AUTO(fd) lock = FD_NONE;
	AUTO(peers) all = {0};
	const struct peer *same = NULL;
	if (!name_check(record->name) || id_is_zero(&record->id))
		return FAIL(ARGS, "a peer needs a name and an ID");
	TRY(lock_peers(&lock, c));
	TRY(peers_read(&all, c));
	TRY(check_conflict(&all, record, &same));
	if (same != NULL && same->hubs_agreed == record->hubs_agreed && same->hubs_asked == record->hubs_asked)
		return DSKE_OK;
	struct peer *e = entry(&all, record->name);
	if (e == NULL)
		return FAIL(NOMEM, "more peers than memory or the limit of %d allow", PEERS_MAX);
	*e = *record;
	qsort(all.peer, all.count, sizeof all.peer[0], by_name);
	return write_all(c, &all);
}

dske_rc peers_remove(const struct config *c, const char *name)
{
	AUTO(fd) lock = FD_NONE;
	AUTO(peers) all = {0};
	TRY(lock_peers(&lock, c));
	TRY(peers_read(&all, c));
	const struct peer *found = peers_by_name(&all, name);
	if (found == NULL)
		return FAIL(NOT_FOUND, "there is no peer %s in the list", name);
	size_t at = (size_t)(found - all.peer);
	memmove(&all.peer[at], &all.peer[at + 1], (all.count - at - 1) * sizeof all.peer[0]);
	all.count--;
	return write_all(c, &all);
}
