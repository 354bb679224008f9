/* SPDX-License-Identifier: Apache-2.0 */
/* hub/lease.c - LEASE, GRANT, CONFIRM, CLONED. */
#include "hub/lease.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "hub/limits.h"
#include "hub/lowwater.h"
#include "hub/places.h"
#include "hub/wait.h"

#define BODY_MAX 96

static_assert(LEASE_DIGEST_LEN == FRAME_DIGEST_LEN, "the ledger remembers what frame_digest makes");

static const uint8_t *slot_key(const struct lease_keys *keys, enum message_type type)
{
	return message_key(type, keys->bytes.data);
}

/* Which slot the range is, if it is one. */
static bool slot_of(const struct request *r, uint64_t *slot)
{
	const struct layout *l = &r->t->header.layout;

	*slot = (r->e->offset - l->region[REGION_LEASE].start) / LEASE_SLOT_LEN;
	return r->e->length == LEASE_SLOT_LEN && layout_lease_offset(l, *slot) == r->e->offset;
}

/* The table was active a moment ago, so this is its ledger's failure. */
static void refuse_for(struct request *r, dske_rc rc)
{
	log_error("%s: no lease: %s", r->t->client->who.name, rc_detail(rc));
	conn_refuse(r->conn, r->e, NOTE_TABLE_LOCKED, 0);
}

/* ---- LEASE ---------------------------------------------------------------------------------------- */

static dske_rc grant_send(struct request *r, struct conn_lease *l, const struct msg_lease *m,
			  const struct window *up)
{
	uint8_t bytes[BODY_MAX];
	struct buf body;
	struct msg_grant g = {.nonce_c = m->nonce_c, .nonce_h = l->nonce_h,
			      .policy = limits_version(r->hub, &r->t->client->who.id)};

	if (up) {
		g.start = window_start(up);
		g.end = window_end(up);
	}
	buf_fixed(&body, bytes, sizeof bytes);
	TRY(msg_grant_write(&body, &g));
	lowwater_look(r->hub, r->t);
	log_debug("%s leased %llu bytes", r->t->client->who.name, (unsigned long long)(g.end - g.start));
	return request_send_tagged(r, MESSAGE_GRANT, &body, slot_key(&l->keys, MESSAGE_GRANT), &l->grant);
}

/* Grants are recorded before they are sent, so a client never has more than its hub remembers, unless the hub
 * was put back. */
static void notice_restored(const struct request *r, const struct msg_lease *m)
{
	struct table_status s;

	if (rc_ok(table_status(r->t->table, &s)) &&
	    m->lowest > r->t->header.layout.region[REGION_UP].end - s.up_left)
		log_error("%s: it was granted bytes that this hub does not remember: the hub's folder was restored from an "
			  "older copy; the table goes on above them, but shares that waited since then are lost",
			  r->t->client->who.name);
}

/* Recorded first, durably, then answered.  A LEASE may be a replay, if this hub was restored from a backup: so
 * the window serves nobody before CONFIRM, which answers the nonce of this very GRANT. */
static dske_rc grant(struct request *r, const struct msg_lease *m, struct lease_keys *keys)
{
	struct conn *c = r->conn;
	struct conn_lease *l = &c->lease;
	struct window *up = NULL;
	struct id nonce;

	TRY(id_random(&nonce));
	notice_restored(r, m);
	TRY(table_lease_grant(r->t->table, m->slot, r->digest, m->lowest, m->wanted, r->hub->conf.window_most, &up));
	conn_bind(c, r->t);
	c->active_ms = r->hub->now_ms;
	l->granted = true;
	l->confirmed = false;
	l->nonce_h = nonce;
	l->slot = m->slot;
	memcpy(l->digest, r->digest, sizeof l->digest);
	lease_keys_drop(&l->keys);
	l->keys = *keys;
	*keys = (struct lease_keys){0};

	window_free(l->up);
	l->up = up;
	return grant_send(r, l, m, up);
}

static bool is_last_granted(const struct request *r, uint64_t slot)
{
	const struct conn_lease *l = &r->conn->lease;

	return r->conn->table == r->t && l->granted && l->slot == slot &&
	       memcmp(l->digest, r->digest, sizeof l->digest) == 0;
}

static void refuse_slot(struct request *r, const struct msg_lease *m, const struct lease_keys *keys,
			enum lease_kind kind, uint64_t next_free)
{
	uint8_t bytes[BODY_MAX];
	struct buf body;

	if (kind == LEASE_CLONE)
		log_error("%s: two different leases on one slot: a copy of the table is in use, or was restored from "
			  "a backup", r->t->client->who.name);
	if (!rc_ok(table_lease_refuse(r->t->table, m->slot, kind))) {
		conn_refuse(r->conn, r->e, NOTE_SLOT_TAKEN, next_free); /* the slot's fourth key is used up */
		return;
	}
	if (kind == LEASE_STALE)
		log_warn("%s: a lease on a slot too old to be remembered: a folder restored from an old backup, or frames "
			 "that somebody recorded", r->t->client->who.name);
	buf_fixed(&body, bytes, sizeof bytes);

	dske_rc rc = msg_cloned_write(&body, &(struct msg_cloned){.nonce_c = m->nonce_c, .next_slot = next_free});

	if (rc_ok(rc))
		rc = request_send_tagged(r, MESSAGE_CLONED, &body, slot_key(keys, MESSAGE_CLONED), NULL);
	if (!rc_ok(rc))
		log_error("%s: cannot answer a LEASE: %s", r->t->client->who.name, rc_detail(rc));
}

static void lease_take(struct request *r, const struct msg_lease *m, struct lease_keys *keys)
{
	enum lease_kind kind = LEASE_STALE;
	uint64_t next_free = 0;

	if (is_last_granted(r, m->slot)) {
		conn_send(r->conn, r->conn->lease.grant.data, r->conn->lease.grant.len);
		return;
	}

	dske_rc rc = table_lease_classify(r->t->table, m->slot, r->digest, &kind, &next_free);

	if (rc_ok(rc) && kind == LEASE_FRESH && !r->conn->table && !places_for_client(r->hub, r->t->client)) {
		conn_refuse(r->conn, r->e, NOTE_BUSY, 0);
		conn_finish(r->conn);
		return;
	}
	if (rc_ok(rc) && kind == LEASE_FRESH)
		rc = grant(r, m, keys);
	else if (rc_ok(rc) && kind == LEASE_REPEATED)
		conn_refuse(r->conn, r->e, NOTE_SLOT_TAKEN, next_free);
	else if (rc_ok(rc))
		refuse_slot(r, m, keys, kind, next_free);
	if (!rc_ok(rc))
		refuse_for(r, rc);
}

void lease_receive(struct request *r)
{
	struct lease_keys keys = {0};
	struct msg_lease m;
	uint64_t slot;

	/* One connection, one table: what it is limited by must be known from its first lease on. */
	if (!slot_of(r, &slot) || (r->conn->table && r->conn->table != r->t)) {
		conn_refuse(r->conn, r->e, NOTE_ENVELOPE, 0);
		return;
	}

	dske_rc rc = table_lease_keys(r->t->table, slot, &keys);

	if (!rc_ok(rc))
		refuse_for(r, rc);
	else if (!frame_verify(r->e, slot_key(&keys, MESSAGE_LEASE)))
		conn_refuse(r->conn, r->e, NOTE_BAD_TAG, 0);
	else if (!rc_ok(msg_lease_read(&m, r->e->body, r->e->body_len)) || m.slot != slot)
		conn_refuse(r->conn, r->e, NOTE_ENVELOPE, 0);
	else
		lease_take(r, &m, &keys);
	lease_keys_drop(&keys);
}

/* ---- CONFIRM -------------------------------------------------------------------------------------- */

static void confirm(struct request *r, const struct msg_confirm *m)
{
	struct conn *c = r->conn;
	struct window *down = NULL;

	c->lease.confirmed = true;
	conn_window_add(&c->up, c->lease.up);
	c->lease.up = NULL;
	c->active_ms = r->hub->now_ms;
	if (m->start == m->end)
		return; /* nothing is left, or wanted */

	dske_rc rc = table_lease_confirm(r->t->table, m->start, m->end, &down);

	if (!rc_ok(rc)) {
		log_warn("%s: confirmed a down window that cannot be: %s", conn_who(c), rc_detail(rc));
		conn_refuse(c, r->e, rc_is(rc, DSKE_RC_REGION) ? NOTE_ENVELOPE : NOTE_TABLE_LOCKED, 0);
		return;
	}
	conn_window_add(&c->down, down);
	lowwater_look(r->hub, r->t);
	wait_new_window(c);
}

void lease_confirm_receive(struct request *r)
{
	struct conn_lease *l = &r->conn->lease;
	struct msg_confirm m;
	uint64_t slot;

	if (r->conn->table != r->t || !l->granted || !slot_of(r, &slot) || slot != l->slot)
		conn_refuse(r->conn, r->e, NOTE_NO_LEASE, 0);
	else if (!frame_verify(r->e, slot_key(&l->keys, MESSAGE_CONFIRM)))
		conn_refuse(r->conn, r->e, NOTE_BAD_TAG, 0);
	else if (!rc_ok(msg_confirm_read(&m, r->e->body, r->e->body_len)) || !id_equal(&m.nonce_h, &l->nonce_h))
		conn_refuse(r->conn, r->e, NOTE_ENVELOPE, 0);
	else if (!l->confirmed)
		confirm(r, &m); /* the same CONFIRM again says nothing new */
}
