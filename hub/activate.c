/* SPDX-License-Identifier: Apache-2.0 */
/* hub/activate.c - ACTIVATE, and what answers it. */
#include "hub/activate.h"

#include "base/log.h"
#include "hub/stranger.h"

#define BODY_MAX 32

static void send(struct request *r, unsigned type, enum activation_key which, const struct id *nonce)
{
	uint8_t key[TAG_KEY_LEN], bytes[BODY_MAX];
	struct envelope at = *r->e;
	struct request answer = *r; /* shares the pad, which is not touched */
	struct buf body;

	at.offset = r->t->header.layout.region[REGION_ACTIVATION].start;
	at.length = ACTIVATION_LEN;
	answer.e = &at;
	buf_fixed(&body, bytes, sizeof bytes);

	dske_rc rc = msg_activation_write(&body, &(struct msg_activation){.nonce = *nonce});

	if (rc_ok(rc))
		rc = table_activation_key(r->t->table, which, key);
	if (rc_ok(rc))
		rc = request_send_tagged(&answer, type, &body, key, NULL);
	if (!rc_ok(rc))
		log_error("%s: cannot answer: %s", r->t->client->who.name, rc_detail(rc));
	mem_wipe(key, sizeof key);
	mem_wipe(answer.reply_key, sizeof answer.reply_key);
}

void activate_send_frozen(struct request *r)
{
	static const struct id zero;

	send(r, MESSAGE_FROZEN, ACTIVATION_KEY_FROZEN, &zero);
}

static dske_rc verify(struct request *r)
{
	uint8_t key[TAG_KEY_LEN];
	dske_rc rc = table_activation_key(r->t->table, ACTIVATION_KEY_ACTIVATE, key);

	if (rc_ok(rc) && !frame_verify(r->e, key))
		rc = rc_make(DSKE_RC_TAG);
	mem_wipe(key, sizeof key);
	return rc;
}

static void activate(struct request *r, const struct id *nonce)
{
	const char *who = r->t->client->who.name;
	char hex[ID_HEX_LEN];
	struct table_status before = {0};

	(void)table_status(r->t->table, &before);

	dske_rc rc = table_activate(r->t->table, nonce);

	if (rc_ok(rc)) {
		if (before.state != TABLE_ACTIVE) {
			log_info("%s activated table %s", who, id_hex(&r->t->id, hex));
			r->conn->active_ms = r->hub->now_ms;
		}
		send(r, MESSAGE_ACTIVATED, ACTIVATION_KEY_ACTIVATED, nonce);
	} else if (rc_is(rc, DSKE_RC_FROZEN)) {
		if (before.state != TABLE_FROZEN)
			log_error("table %s of %s was activated a second time, so somebody has a copy of its PSKM: it "
				  "is frozen; make a new PSKM for %s", id_hex(&r->t->id, hex), who, who);
		activate_send_frozen(r);
		conn_finish_table(r->t);
	} else {
		log_error("%s: activation failed: %s", who, rc_detail(rc));
		conn_refuse(r->conn, r->e, NOTE_TABLE_LOCKED, 0);
		return;
	}
	/* Who lost the answer gets it again.  Anybody may have recorded the question. */
	if (before.state == TABLE_ACTIVE || before.state == TABLE_FROZEN)
		stranger_repeats(r);
}

void activate_receive(struct request *r)
{
	struct msg_activation m;

	if (r->e->offset != r->t->header.layout.region[REGION_ACTIVATION].start || r->e->length != ACTIVATION_LEN) {
		conn_refuse(r->conn, r->e, NOTE_ENVELOPE, 0);
		return;
	}

	dske_rc rc = verify(r);

	if (!rc_ok(rc))
		conn_refuse(r->conn, r->e, rc_is(rc, DSKE_RC_TAG) ? NOTE_BAD_TAG : NOTE_TABLE_LOCKED, 0);
	else if (!rc_ok(msg_activation_read(&m, r->e->body, r->e->body_len)) || id_is_zero(&m.nonce))
		conn_refuse(r->conn, r->e, NOTE_ENVELOPE, 0);
	else
		activate(r, &m.nonce);
}
