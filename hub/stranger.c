/* SPDX-License-Identifier: Apache-2.0 */
/* hub/stranger.c - counting lines and repetitions. */
#include "hub/stranger.h"

#include "base/log.h"

bool stranger_logs(struct hub *h, const struct conn *c)
{
	if (c && c->table)
		return true;
	if (h->stranger_lines < STRANGER_LINES) {
		h->stranger_lines++;
		return true;
	}
	h->stranger_left_out++;
	return false;
}

/* A leased one counts no more. */
static size_t counts(const struct conn *c)
{
	size_t held = c->table || c->dead ? 0 : stream_held(&c->in);

	return held > STRANGER_FREE ? held : 0;
}

bool stranger_may_hold(struct conn *c)
{
	struct hub *h = c->hub;
	size_t held = counts(c);

	h->stranger_bytes += held - c->counted;
	c->counted = held;
	return held == 0 || h->stranger_bytes <= STRANGER_BYTES;
}

void stranger_leaves(struct conn *c)
{
	c->hub->stranger_bytes -= c->counted;
	c->counted = 0;
}

void stranger_tick(struct hub *h)
{
	if (h->stranger_left_out > 0)
		log_warn("%zu lines more about connections without a lease were left out", h->stranger_left_out);
	h->stranger_lines = h->stranger_left_out = 0;
}

void stranger_repeats(struct request *r)
{
	if (r->conn->table != r->t)
		conn_failed(r->conn);
}
