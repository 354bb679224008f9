/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/dispatch.h - from a frame to the code of its message, by a table.
 *
 * The order in which a frame is looked at (doc/protocol.md, "Frames"): bound and envelope; the range lies
 * in its region and in a window of this connection, and is unused; tag; the range is recorded; then only
 * is the body decoded, by the message's own code: length, initiator, terms, policy, decryption.
 */
#ifndef DSKE_HUB_DISPATCH_H
#define DSKE_HUB_DISPATCH_H

#include "hub/conn.h"

/* A frame whose table and region are right. */
struct request {
	struct conn *conn;
	struct hub *hub;
	const struct envelope *e;         /* borrowed; dies with the call */
	struct vault_table *t;            /* opened */
	uint8_t digest[FRAME_DIGEST_LEN];
	/* Of messages in the up region, whose tag held and whose range is recorded: */
	uint8_t reply_key[TAG_KEY_LEN];
	struct pad pad;                   /* owned by the dispatcher; what follows the keys */
};

/* One whole item that came on c. */
void dispatch_frame(struct conn *c, const uint8_t *item, size_t len);

/* The answer's frame, tagged with the reply key: the caller sends one of those it makes, no more.
 * Appended to *frame, whose CONN_ANSWER_LEN_MAX bytes are enough.  Errors: TOOBIG, NOMEM. */
dske_rc request_frame(const struct request *r, unsigned type, const struct buf *body, struct buf *frame);

/* Sends an answer and keeps it for when the same bytes come again. */
void request_answer(struct request *r, unsigned type, const struct buf *body);

/* REPLY with a status; anything but ACCEPTED is logged with `why` (or the status's own words). */
void request_reply(struct request *r, enum status status, const char *why);

/* A frame under some key, queued on the connection. */
dske_rc request_send_tagged(struct request *r, unsigned type, const struct buf *body, const uint8_t key[TAG_KEY_LEN],
			    struct buf *keep);

#endif
