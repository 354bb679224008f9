/* SPDX-License-Identifier: Apache-2.0 */
/* client/policy.c - from the configuration to hubs. */
#include <config.h>

#include "client/policy.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "client/request.h"

/* As it lies in the file, which does not leave the machine. */
struct edition {
	uint64_t version;
	uint8_t digest[FRAME_DIGEST_LEN]; /* of the body with version 1 */
};

static bool has_limits(const struct config *c)
{
	if (quota_is_set(&c->receive) || c->waiting != 0)
		return true;
	for (size_t i = 0; i < c->peer_count; i++) {
		if (quota_is_set(&c->peers[i].receive))
			return true;
	}
	return false;
}

static int by_id(const void *a, const void *b)
{
	return id_compare(&((const struct policy_peer *)a)->id, &((const struct policy_peer *)b)->id);
}

/* Peers that are not in the list have no ID yet. */
static void gather(struct policy *p, const struct config *c, const struct peers *peers)
{
	*p = (struct policy){.version = 1, .waiting = c->waiting, .all = c->receive};
	for (size_t i = 0; i < c->peer_count; i++) {
		const struct peer *peer = peers_by_name(peers, c->peers[i].name);
		if (peer == NULL || !quota_is_set(&c->peers[i].receive))
			continue;
		if (p->peer_count == POLICY_PEERS_MAX) {
			log_warn("hubs hold the limits of %d peers at most: those of %s hold here alone", POLICY_PEERS_MAX, peer->name);
			continue;
		}
		p->peer[p->peer_count++] = (struct policy_peer){.id = peer->id, .quota = c->peers[i].receive};
	}
	qsort(p->peer, p->peer_count, sizeof p->peer[0], by_id);
}

static dske_rc digest_make(uint8_t digest[FRAME_DIGEST_LEN], const struct policy *p)
{
	uint8_t room[POLICY_BODY_MAX];
	struct buf body;
	buf_fixed(&body, room, sizeof room);
	TRY(msg_policy_write(&body, p));
	frame_digest(&(struct envelope){.item = body.data, .item_len = body.len}, digest);
	return DSKE_OK;
}

/* Gives the limits their version: the one that they had, or one above all that was ever heard of. */
static dske_rc number(struct policy *p, const struct config *c, uint64_t of_hub)
{
	AUTO(fd) f = FD_NONE;
	struct path path;
	struct edition was = {0}, now = {0};
	struct stat st;
	TRY(digest_make(now.digest, p));
	TRY(path_format(&path, "%s/policy", c->state.s));
	TRY(file_open(&f, path.s, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
	TRY(file_lock(f.n, FILE_LOCK_EXCLUSIVE, true));
	if (fstat(f.n, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", path.s);
	if (st.st_size >= (off_t)sizeof was)
		TRY(file_pread(f.n, &was, sizeof was, 0));
	p->version = was.version;
	if (was.version != 0 && memcmp(was.digest, now.digest, sizeof now.digest) == 0)
		return DSKE_OK;
	now.version = p->version = (was.version > of_hub ? was.version : of_hub) + 1;
	TRY(file_pwrite(f.n, &now, sizeof now, 0));
	TRY(file_sync(f.n));
	return file_sync_dir_of(path.s);
}

static dske_rc send(struct link *l, const struct policy *p)
{
	AUTO(buf) body = {0};
	buf_heap(&body, POLICY_BODY_MAX);
	policy_drop(l);
	l->policy = calloc(1, sizeof *l->policy);
	if (l->policy == NULL)
		return rc_make(DSKE_RC_NOMEM);
	TRY(request_reserve(l->policy, l, MESSAGE_POLICY, MSG_POLICY_RANGE_LEN));
	TRY(msg_policy_write(&body, p));
	TRY(request_seal(l->policy, l, &body));
	return request_send(l->policy, l);
}

static dske_rc tell(struct link *l, uint64_t version)
{
	AUTO(peers) peers = {0};
	struct policy p;
	const struct config *c = client_config(l->set->client);
	TRY(client_peers(l->set->client, &peers));
	gather(&p, c, &peers);
	TRY(number(&p, c, version));
	if (p.version > version)
		return send(l, &p);
	if (p.version < version)
		log_warn("%s has later limits of this client (version %llu) than this folder (%llu): is it restored from a backup? "
			 "Change a limit, and these replace them",
			 l->hub->name, (unsigned long long)version, (unsigned long long)p.version);
	return DSKE_OK;
}

uint64_t policy_room(const struct link *l)
{
	const struct config *c = client_config(l->set->client);
	struct path path;
	if (!l->set->asks_little)
		return 0; /* such a window has room as a rule */
	bool told = rc_ok(path_format(&path, "%s/policy", c->state.s)) && access(path.s, F_OK) == 0;
	return told || has_limits(c) ? MSG_POLICY_RANGE_LEN : 0;
}

void policy_tell(struct link *l, uint64_t version)
{
	bool has_room = l->up != NULL && window_left(l->up) >= l->need_up + MSG_POLICY_RANGE_LEN;
	if (!has_room || (version == 0 && !has_limits(client_config(l->set->client))))
		return;
	dske_rc rc = tell(l, version);
	if (!rc_ok(rc))
		log_warn("%s is not told this client's limits: %s", l->hub->name, rc_detail(rc));
}

bool policy_answered(struct link *l, const struct envelope *e)
{
	if (l->policy == NULL || !request_answered_by(l->policy, e, MESSAGE_REPLY))
		return false;
	dske_rc rc = request_reply(e);
	if (!rc_ok(rc))
		log_warn("%s does not take this client's limits: %s", l->hub->name, rc_detail(rc));
	policy_drop(l);
	return true;
}

void policy_drop(struct link *l)
{
	if (l->policy != NULL)
		request_drop(l->policy);
	free(l->policy);
	l->policy = NULL;
}
