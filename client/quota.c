/* SPDX-License-Identifier: Apache-2.0 */
/* client/quota.c - accounts in a file, under the file's lock. */
#include <config.h>

#include "client/quota.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"

/* As it lies in the file, which does not leave the machine.  A zero peer: all of them together. */
struct account {
	struct id peer;
	uint64_t side;
	struct quota_use use;
};

#define ACCOUNTS_MAX (QUOTA_SIDES * (CONFIG_PEERS_MAX + 1))

/* The file, locked for as long as it is open. */
struct book {
	struct fd file; /* owned */
	struct path path;
	uint64_t count;
};

static void book_drop(struct book *b)
{
	fd_drop(&b->file);
}

static dske_rc damaged(const struct book *b)
{
	return FAIL(CORRUPT, "%s is damaged: remove it, and the quotas count from now", b->path.s);
}

/* *b is dropped by the caller, also after a failure.  Errors: as file_open, file_lock; CORRUPT. */
static dske_rc book_open(struct book *b, const struct config *c)
{
	struct stat st;
	TRY(path_format(&b->path, "%s/quotas", c->state.s));
	TRY(file_open(&b->file, b->path.s, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
	TRY(file_lock(b->file.n, FILE_LOCK_EXCLUSIVE, true));
	if (fstat(b->file.n, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", b->path.s);
	if (st.st_size < 0 || (uint64_t)st.st_size % sizeof(struct account) != 0 ||
	    (uint64_t)st.st_size / sizeof(struct account) > ACCOUNTS_MAX)
		return damaged(b);
	b->count = (uint64_t)st.st_size / sizeof(struct account);
	return DSKE_OK;
}

/* Its account, or a new one behind the others.  *at: where it lies. */
static dske_rc account_find(const struct book *b, const struct id *peer, enum quota_side side, struct account *a, uint64_t *at)
{
	for (*at = 0; *at < b->count; ++*at) {
		TRY(file_pread(b->file.n, a, sizeof *a, *at * sizeof *a));
		if (!id_equal(&a->peer, peer) || a->side != side)
			continue;
		return quota_use_is_sound(&a->use) ? DSKE_OK : damaged(b);
	}
	*a = (struct account){.peer = *peer, .side = side};
	return DSKE_OK;
}

static int64_t now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

/* One limit that applies. */
struct claim {
	const struct quota *quota;
	struct id peer;
	const char *name; /* "" for all together */
};

static dske_rc claim_check(const struct book *b, const struct config *c, const struct claim *k, enum quota_side side, uint64_t bytes)
{
	static const char *const verbs[QUOTA_SIDES] = {[QUOTA_WE_SEND] = "to send", [QUOTA_WE_RECEIVE] = "to receive"};
	struct account a;
	uint64_t at;
	char what[64];
	TRY(account_find(b, &k->peer, side, &a, &at));
	if (quota_admits(k->quota, &a.use, now_s(), bytes, what))
		return DSKE_OK;
	return FAIL(DENIED, "the quota %s%s%s is used up: %s; wait, or raise it in %s", verbs[side],
		    k->name[0] == '\0' ? "" : side == QUOTA_WE_SEND ? " to " : " from ", k->name, what, c->file.s);
}

static dske_rc claim_charge(struct book *b, const struct claim *k, enum quota_side side, uint64_t bytes)
{
	struct account a;
	uint64_t at;
	TRY(account_find(b, &k->peer, side, &a, &at));
	if (at == ACCOUNTS_MAX)
		return FAIL(IO, "more accounts than the limit of %d: remove the file quotas, and they count from now", (int)ACCOUNTS_MAX);
	quota_charge(&a.use, now_s(), bytes);
	TRY(file_pwrite(b->file.n, &a, sizeof a, at * sizeof a));
	b->count += at == b->count;
	return DSKE_OK;
}

static size_t claims_gather(struct claim *claims, const struct config *c, enum quota_side side, const struct peer *peers, size_t count)
{
	size_t n = 0;
	const struct quota *all = side == QUOTA_WE_SEND ? &c->send : &c->receive;
	if (quota_is_set(all))
		claims[n++] = (struct claim){all, {{0}}, ""};
	for (size_t i = 0; i < count; i++) {
		const struct config_peer *p = config_peer(c, peers[i].name);
		const struct quota *of_peer = p == NULL ? NULL : side == QUOTA_WE_SEND ? &p->send : &p->receive;
		if (of_peer != NULL && quota_is_set(of_peer))
			claims[n++] = (struct claim){of_peer, peers[i].id, peers[i].name};
	}
	return n;
}

uint64_t quotas_longest(const struct config *c, const struct peer *peer)
{
	struct claim claims[2];
	uint64_t longest = UINT64_MAX;
	size_t n = claims_gather(claims, c, QUOTA_WE_RECEIVE, peer, 1);
	for (size_t i = 0; i < n; i++) {
		for (size_t p = 0; p < QUOTA_PERIODS; p++) {
			uint64_t most = claims[i].quota->most[p][QUOTA_BYTES];
			longest = most != 0 && most < longest ? most : longest;
		}
	}
	return longest;
}

dske_rc quotas_use(const struct config *c, enum quota_side side, const struct peer *peers, size_t count, uint64_t bytes, bool charge)
{
	struct claim claims[TERMS_RECEIVERS_MAX + 1];
	AUTO(book) b = {.file = FD_NONE};
	size_t n = claims_gather(claims, c, side, peers, count < TERMS_RECEIVERS_MAX ? count : TERMS_RECEIVERS_MAX);
	if (n == 0)
		return DSKE_OK;
	TRY(book_open(&b, c));
	for (size_t i = 0; i < n; i++)
		TRY(claim_check(&b, c, &claims[i], side, bytes));
	for (size_t i = 0; i < n && charge; i++)
		TRY(claim_charge(&b, &claims[i], side, bytes));
	return DSKE_OK;
}
