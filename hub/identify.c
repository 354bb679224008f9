/* SPDX-License-Identifier: Apache-2.0 */
/* hub/identify.c - a client's ID, name and this hub's own identifier for it. */
#include "hub/identify.h"

#include <string.h>

#include "base/log.h"
#include "hub/peer.h"

#define BODY_MAX 256

static void answer(struct request *r, const struct msg_identity *m)
{
	uint8_t bytes[BODY_MAX];
	struct buf body;

	buf_fixed(&body, bytes, sizeof bytes);

	dske_rc rc = msg_identity_write(&body, m);

	if (rc_ok(rc))
		request_answer(r, MESSAGE_IDENTITY, &body);
	else
		log_error("%s: cannot answer an IDENTIFY: %s", conn_who(r->conn), rc_detail(rc));
}

static void refuse(struct request *r, enum status status)
{
	log_info("%s: refused an IDENTIFY: %s", conn_who(r->conn), status_text(status));
	answer(r, &(struct msg_identity){.status = status});
}

static void say(struct request *r, const struct hub_client *peer)
{
	struct msg_identity m = {.status = STATUS_ACCEPTED, .id = peer->who.id};

	memcpy(m.name, peer->who.name, sizeof m.name);
	memcpy(m.local, peer->local, sizeof m.local);
	answer(r, &m);
}

void identify_answer(struct request *r)
{
	const struct hub_client *peer;
	struct msg_identify m;

	if (!rc_ok(msg_identify_read(&m, r->e->body, r->e->body_len))) {
		refuse(r, STATUS_MALFORMED);
		return;
	}
	if (r->e->length != MSG_IDENTIFY_RANGE_LEN) {
		refuse(r, STATUS_LENGTH);
		return;
	}
	peer = m.kind == IDENTIFY_ID ? peer_by_id(r->hub, r->t->client, &m.id)
				     : peer_by_name(r->hub, r->t->client, m.name);
	if (peer)
		say(r, peer);
	else
		refuse(r, STATUS_UNKNOWN_CLIENT);
}
