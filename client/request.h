/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/request.h - one tagged message to a hub and its answer.
 *
 * The range of a request is: message-tag key (32), reply-tag key (32), then pad for its ciphertext
 * (doc/protocol.md, "Tags").  A request lives in memory alone; after a crash its range stays used.
 */
#ifndef DSKE_CLIENT_REQUEST_H
#define DSKE_CLIENT_REQUEST_H

#include "client/link.h"
#include "core/pad.h"

struct request {
	uint8_t type;        /* MESSAGE_*; 0: none */
	uint32_t length;     /* of the range */
	uint64_t offset;
	struct secret keys;  /* owned: message-tag key (wiped when it was used), reply-tag key */
	struct pad pad;      /* owned: what is left of the range */
	struct buf frame;    /* owned: as sealed; sent again byte for byte */
	bool answered;
	unsigned connection; /* the link's, on which it was sent last */
};

/* Takes a range of the link's window, durably used already, and its two keys.
 * Errors: EXHAUSTED, FORKED, NOMEM, IO. */
dske_rc request_reserve(struct request *r, struct link *l, uint8_t type, size_t length);

/* Tags the body; once.  Errors: NOMEM, TOOBIG. */
dske_rc request_seal(struct request *r, const struct link *l, const struct buf *body);

/* Sends the sealed frame, or sends it again.  Errors: as fanout_send. */
dske_rc request_send(struct request *r, struct link *l);

/* Is it one, with its range from there on? */
bool request_is_at(const struct request *r, uint64_t offset);

/* Is this frame its answer, of that type, and does the tag hold under the reply key? */
bool request_answered_by(struct request *r, const struct envelope *e, uint8_t answer_type);

/* What a REPLY says, once it is known to be the answer.  Errors: REFUSED with the hub's reason, FORMAT. */
dske_rc request_reply(const struct envelope *e);

void request_drop(struct request *r);

#endif
