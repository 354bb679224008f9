/* SPDX-License-Identifier: Apache-2.0 */
/* test/client/mock-hub-impl.h - mock-hub.c, which answers, and mock-hub-loop.c, which listens. */
#ifndef DSKE_TEST_CLIENT_MOCK_HUB_IMPL_H
#define DSKE_TEST_CLIENT_MOCK_HUB_IMPL_H

#include <stdio.h>
#include <stdlib.h>

#include "test/client/mock-hub.h"

/* Not cmocka's assertions: this runs in a thread of its own. */
#define NEED(e) need((e), #e, __LINE__)
static inline void need_true(bool ok, const char *what, int line)
{
	if (ok)
		return;
	fprintf(stderr, "mock hub, line %d: %s\n", line, what);
	abort();
}

static inline void need(dske_rc rc, const char *what, int line)
{
	if (!rc_ok(rc))
		fprintf(stderr, "%s\n", rc_detail(rc));
	need_true(rc_ok(rc), what, line);
}

/* ---- mock-hub.c, for mock-hub-long.c ---- */

void mock_frame(struct mock_hub *h, struct mock_conn *c, uint8_t type, uint64_t offset, uint64_t length, const struct buf *body,
		const uint8_t *key, bool spoil);
void mock_note(struct mock_hub *h, struct mock_conn *c, const struct envelope *about, unsigned code, uint64_t hint);
void mock_reply(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad, unsigned status);
void mock_push_all(struct mock_hub *h);

/* ---- mock-hub-long.c ---- */

void mock_take_part(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad);

/* MOCK_SWELLS: what is kept is longer from now on. */
void mock_swell(struct mock_hub *h);

/* Room in the down window that is open, or in the next, which then takes its place. */
bool mock_has_room(struct mock_conn *c, uint32_t len);

/* As many pieces of what is being delivered here as the down window has room for. */
void mock_pieces(struct mock_hub *h, struct mock_conn *c);

/* ---- mock-hub-confirm.c ---- */

/* READY, MUSTER or ATTEST. */
void mock_take_confirming(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad);

/* What was held back and can be said now.  A connection ends: nothing is. */
void mock_confirm_turn(struct mock_hub *h);
void mock_confirm_forget(struct mock_hub *h, const struct mock_conn *c);

/* Takes one frame of a connection and answers it, in the hub's manner. */
void mock_hub_take(struct mock_hub *h, struct mock_conn *c, const struct envelope *e);

#endif
