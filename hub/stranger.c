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
