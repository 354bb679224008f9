/* SPDX-License-Identifier: Apache-2.0 */
/* hub/retire.c - RETIRE and RETIRED; purging and destroying. */
#include "hub/retire.h"

#include <time.h>

#include "base/log.h"
#include "hub/limits.h"

#define DESTROY_STEP (UINT64_C(16) << 20) /* bytes a second */

static struct activation_place place_of(const struct vault_table *t)
{
	const struct pskm_header *h = &t->header;

	return (struct activation_place){h->client, h->hub, h->table, layout_retiring_offset(&h->layout)};
}

/* ---- RETIRED ------------------------------------------------------------------------------------ */

/* Always the same bytes.  Errors: STATE (nobody has to be told any more), UNSUPPORTED (a table without the key). */
static dske_rc word(struct vault_table *t, struct buf *frame)
{
	struct activation_place at = place_of(t);
	struct table_status s;
	uint8_t key[TAG_KEY_LEN];

	TRY(table_status(t->table, &s));

	const struct msg_retiring m = {s.retired.reason, s.retired.time, s.retired.repeats};
	dske_rc rc = table_activation_key(t->table, ACTIVATION_KEY_RETIRED, key);

	buf_heap(frame, CONN_ANSWER_LEN_MAX);
	if (rc_ok(rc))
		rc = msg_retiring_frame(frame, MESSAGE_RETIRED, &at, &m, key);
	mem_wipe(key, sizeof key);
	return rc;
}

static void say(struct conn *c, struct vault_table *t)
{
	AUTO(buf) frame = {0};

	if (rc_ok(word(t, &frame)))
		conn_send(c, frame.data, frame.len);
}

void retire_refuse(struct request *r)
{
	say(r->conn, r->t);
	conn_refuse(r->conn, r->e, NOTE_TABLE_RETIRED, 0);
}

/* ---- what follows ------------------------------------------------------------------------------- */

static dske_rc purge(struct hub *h, const struct hub_client *client)
{
	size_t count = 0;

	TRY(mailbox_purge(h->mailbox, &client->who.id, &count));
	limits_forget(h);
	if (count > 0)
		log_info("%zu shares for or from %s are destroyed, since its tables are retired", count, client->who.name);
	return DSKE_OK;
}

void retire_stop(struct hub *h, struct vault_table *t)
{
	for (struct conn *c = t->client->conns; c; c = c->next_of_client)
		if (c->table == t && !c->closing && !c->dead) {
			say(c, t);
			conn_finish(c);
		}
	/* A mailbox that fails is found by its commit, which ends the hub. */
	if (t->client->live == 0)
		(void)purge(h, t->client);
}

struct purging {
	struct hub *hub;
	dske_rc rc;
};

static void purge_client_of(struct vault_table *t, void *context)
{
	struct purging *p = context;

	if (t->client->live == 0 && rc_ok(p->rc))
		p->rc = purge(p->hub, t->client);
}

dske_rc retire_purge_all(struct hub *h)
{
	struct purging p = {h, DSKE_OK};

	vault_each(h->vault, purge_client_of, &p);
	TRY(p.rc);
	return mailbox_commit(h->mailbox);
}

struct destroying {
	struct hub *hub;
	bool did_one;
};

static void destroy_some(struct vault_table *t, void *context)
{
	struct destroying *d = context;
	char hex[ID_HEX_LEN];

	if (!t->retired || t->destroyed || d->did_one || !rc_ok(vault_use(d->hub->vault, t, d->hub->now_ms)))
		return;
	d->did_one = true;

	dske_rc rc = table_destroy(t->table, DESTROY_STEP, &t->destroyed);

	if (!rc_ok(rc)) {
		log_error("table %s of %s is retired, but cannot be destroyed: %s", id_hex(&t->id, hex), t->client->who.name,
			  rc_detail(rc));
		t->destroyed = true; /* the next start tries again */
	}
}

void retire_tick(struct hub *h)
{
	struct destroying d = {.hub = h};

	vault_each(h->vault, destroy_some, &d);
}

/* ---- RETIRE ------------------------------------------------------------------------------------- */

static dske_rc verify(struct request *r, struct msg_retiring *m)
{
	uint8_t key[TAG_KEY_LEN];
	dske_rc rc = table_activation_key(r->t->table, ACTIVATION_KEY_RETIRE, key);

	if (rc_ok(rc) && !frame_verify(r->e, key))
		rc = rc_make(DSKE_RC_TAG);
	mem_wipe(key, sizeof key);
	TRY(rc);
	return msg_retiring_read(m, r->e->body, r->e->body_len);
}

/* The client was first: our word repeats his. */
static dske_rc follow(struct request *r, const struct msg_retiring *m)
{
	struct retiring ours = {.reason = m->reason, .time = m->time, .repeats = true};
	char hex[ID_HEX_LEN];

	if (r->t->retired)
		return DSKE_OK;
	TRY(table_retire(r->t->table, &ours));
	log_warn("%s retired table %s (%s); what was left of it here is destroyed", r->t->client->who.name,
		 id_hex(&r->t->id, hex), retire_reason_name(m->reason));
	return vault_retired(r->hub->vault, r->t);
}

/* His word is the receipt that nothing is left there.  Ours is made before its key may go. */
static dske_rc take(struct request *r, const struct msg_retiring *m, struct buf *answer)
{
	struct table_status s;
	time_t now = time(NULL);

	TRY(follow(r, m));
	TRY(word(r->t, answer));
	TRY(table_status(r->t->table, &s));

	bool repeated = m->repeats && m->reason == s.retired.reason && m->time == s.retired.time;

	TRY(table_retire_receipt(r->t->table, repeated, now > 0 ? (uint64_t)now : 0));
	if (!s.retired.receipted)
		log_info("%s has destroyed what was left of its retired table", r->t->client->who.name);
	return DSKE_OK;
}

static bool is_over(struct request *r)
{
	struct table_status s;

	return rc_ok(table_status(r->t->table, &s)) && s.state == TABLE_RETIRED && s.retired.receipted;
}

void retire_receive(struct request *r)
{
	AUTO(buf) answer = {0};
	struct msg_retiring m;

	if (r->e->offset != layout_retiring_offset(&r->t->header.layout) || r->e->length != RETIRING_LEN) {
		conn_refuse(r->conn, r->e, NOTE_ENVELOPE, 0);
		return;
	}
	if (is_over(r)) { /* the key that would verify it is gone; our word is what it was */
		retire_refuse(r);
		return;
	}

	dske_rc rc = verify(r, &m);

	if (rc_ok(rc))
		rc = take(r, &m, &answer);
	if (!rc_ok(rc)) {
		conn_refuse(r->conn, r->e, rc_is(rc, DSKE_RC_TAG) ? NOTE_BAD_TAG
					   : rc_is(rc, DSKE_RC_FORMAT) ? NOTE_ENVELOPE : NOTE_TABLE_LOCKED, 0);
		return;
	}
	retire_stop(r->hub, r->t);
	if (r->conn->closing) /* it was one of the table's, and has been told */
		return;
	conn_send(r->conn, answer.data, answer.len);
	conn_finish(r->conn);
}
