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

/* Takes one frame of a connection and answers it, in the hub's manner. */
void mock_hub_take(struct mock_hub *h, struct mock_conn *c, const struct envelope *e);

#endif
