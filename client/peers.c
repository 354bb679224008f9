/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/peers.c - the list of peers: the file `peers` in the state folder.
 *
 *	[peer bob]
 *	id = 32 digits
 *	hubs_agreed = 5
 *	hubs_asked = 5
 *	confirmed = yes
 *	contradicted_by = 32 digits, of a hub; a line each
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

static bool contradicts(const struct peers *p, const struct id *peer, const struct id *hub)
{
	for (size_t i = 0; i < p->contradiction_count; i++) {
		if (id_equal(&p->contradiction[i].peer, peer) && id_equal(&p->contradiction[i].hub, hub))
			return true;
	}
	return false;
}

static dske_rc contradiction_add(struct peers *p, const struct id *peer, const struct id *hub)
{
	if (contradicts(p, peer, hub))
		return DSKE_OK;
	struct contradiction *grown = reallocarray(p->contradiction, p->contradiction_count + 1, sizeof *grown);
	if (grown == NULL)
		return rc_make(DSKE_RC_NOMEM);
	p->contradiction = grown;
	grown[p->contradiction_count++] = (struct contradiction){*peer, *hub};
	return DSKE_OK;
}

static dske_rc read_contradiction(struct peers *p, const struct peer *e, const char *value)
{
	struct id hub;
	if (!rc_ok(id_parse(&hub, value)) || id_is_zero(&e->id))
		return FAIL(CONFIG, "contradicted_by: 32 hexadecimal digits of a hub, behind the peer's id");
	return contradiction_add(p, &e->id, &hub);
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
	if (strcmp(key, "confirmed") == 0)
		return conf_bool(&e->confirmed, key, value);
	if (strcmp(key, "contradicted_by") == 0)
		return read_contradiction(context, e, value);
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
	for (size_t i = 0; i < p->count; i++) {
		const struct config_peer *own = config_peer(c, p->peer[i].name);
		p->peer[i].extract = own != NULL && own->extract;
		p->peer[i].refused = own != NULL && own->refused;
	}
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

size_t peers_left_out(const struct peers *p, const struct id *peer, struct id *hubs, size_t cap)
{
	size_t count = 0;
	for (size_t i = 0; i < p->contradiction_count && count < cap; i++) {
		if (id_equal(&p->contradiction[i].peer, peer))
			hubs[count++] = p->contradiction[i].hub;
	}
	return count;
}

void peers_drop(struct peers *p)
{
	free(p->peer);
	free(p->contradiction);
	*p = (struct peers){0};
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static void write_one(struct buf *out, const struct peers *p, const struct peer *e)
{
	char hex[ID_HEX_LEN], text[256];
	int len = snprintf(text, sizeof text, "[peer %s]\nid = %s\nhubs_agreed = %u\nhubs_asked = %u\n%s", e->name,
			   id_hex(&e->id, hex), e->hubs_agreed, e->hubs_asked, e->confirmed ? "confirmed = yes\n" : "");
	buf_put(out, text, (size_t)len);
	for (size_t i = 0; i < p->contradiction_count; i++) {
		const struct contradiction *k = &p->contradiction[i];
		if (!id_equal(&k->peer, &e->id))
			continue;
		len = snprintf(text, sizeof text, "contradicted_by = %s\n", id_hex(&k->hub, hex));
		buf_put(out, text, (size_t)len);
	}
	buf_put_u8(out, '\n');
}

static dske_rc write_all(const struct config *c, const struct peers *p)
{
	struct path path;
	AUTO(buf) out = {0};
	TRY(peers_path(&path, c));
	buf_heap(&out, PEERS_FILE_MAX);
	for (size_t i = 0; i < p->count; i++)
		write_one(&out, p, &p->peer[i]);
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
static dske_rc check_conflict(const struct peers *p, const struct peer *record, bool may_change)
{
	char hex[ID_HEX_LEN], other[ID_HEX_LEN];
	const struct peer *named = peers_by_name(p, record->name), *known = peers_by_id(p, &record->id);
	if (known != NULL && known != named)
		return FAIL(EXISTS, "the ID %s is recorded under the name %s; if it has really changed, remove it first: dske peer remove %s",
			    id_hex(&known->id, hex), known->name, known->name);
	if (named != NULL && named != known && !may_change)
		return FAIL(EXISTS, "%s is recorded with the ID %s, which stands, and is %s by now. Ask %s by another way; if the ID has "
			    "really changed, confirm that: dske peer verify %s --id %s", named->name, id_hex(&named->id, hex),
			    id_hex(&record->id, other), named->name, named->name, other);
	return DSKE_OK;
}

/* Of this peer: what these hubs say, or (NULL) all. */
static void contradictions_forget(struct peers *p, const struct id *peer, const struct hub_word *words, size_t word_count)
{
	size_t kept = 0;
	for (size_t i = 0; i < p->contradiction_count; i++) {
		bool forget = words == NULL;
		for (size_t w = 0; words != NULL && w < word_count; w++)
			forget = forget || id_equal(&words[w].hub, &p->contradiction[i].hub);
		if (!forget || !id_equal(&p->contradiction[i].peer, peer))
			p->contradiction[kept++] = p->contradiction[i];
	}
	p->contradiction_count = kept;
}

static dske_rc put(struct peers *all, const struct peer *record, const struct hub_word *words, size_t word_count)
{
	struct peer *e = entry(all, record->name);
	if (e == NULL)
		return FAIL(NOMEM, "more peers than memory or the limit of %d allow", PEERS_MAX);
	bool same = id_equal(&e->id, &record->id), confirmed = e->confirmed;
	if (!same)
		contradictions_forget(all, &e->id, NULL, 0);
	*e = *record;
	e->confirmed = record->confirmed || (same && confirmed);
	if (words != NULL)
		contradictions_forget(all, &record->id, words, word_count);
	for (size_t i = 0; i < word_count; i++) {
		if (words[i].contradicts)
			TRY(contradiction_add(all, &record->id, &words[i].hub));
	}
	qsort(all->peer, all->count, sizeof all->peer[0], by_name);
	return DSKE_OK;
}

static dske_rc record_write(const struct config *c, const struct peer *record, const struct hub_word *words, size_t word_count,
			    bool may_change)
{
	AUTO(fd) lock = FD_NONE;
	AUTO(peers) all = {0};
	if (!name_check(record->name) || id_is_zero(&record->id))
		return FAIL(ARGS, "a peer needs a name and an ID");
	TRY(lock_peers(&lock, c));
	TRY(peers_read(&all, c));
	TRY(check_conflict(&all, record, may_change));
	TRY(put(&all, record, words, word_count));
	return write_all(c, &all);
}

dske_rc peers_add(const struct config *c, const struct peer *record, const struct hub_word *words, size_t word_count)
{
	return record_write(c, record, words, word_count, false);
}

dske_rc peers_change(const struct config *c, const struct peer *record, const struct hub_word *words, size_t word_count)
{
	return record_write(c, record, words, word_count, true);
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
