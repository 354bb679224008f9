/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-expiry.c - what is due next: a heap of shares by time. */
#include "hub/mailbox-impl.h"

#include <stdlib.h>

static void put_at(struct mailbox *m, size_t at, struct due_entry e)
{
	m->due[at] = e;
	e.share->place = (uint32_t)at;
}

static void rise(struct mailbox *m, size_t at)
{
	struct due_entry e = m->due[at];

	for (size_t up; at > 0; at = up) {
		up = (at - 1) / 2;
		if (m->due[up].due <= e.due)
			break;
		put_at(m, at, m->due[up]);
	}
	put_at(m, at, e);
}

static void sink(struct mailbox *m, size_t at)
{
	struct due_entry e = m->due[at];

	for (size_t down; (down = 2 * at + 1) < m->due_count; at = down) {
		if (down + 1 < m->due_count && m->due[down + 1].due < m->due[down].due)
			down++;
		if (m->due[down].due >= e.due)
			break;
		put_at(m, at, m->due[down]);
	}
	put_at(m, at, e);
}

dske_rc due_add(struct mailbox *m, struct share *s)
{
	if (m->due_count == m->due_cap) {
		size_t cap = m->due_cap ? 2 * m->due_cap : 64;
		struct due_entry *more = realloc(m->due, cap * sizeof *more);

		if (!more)
			return rc_make(DSKE_RC_NOMEM);
		m->due = more;
		m->due_cap = cap;
	}
	put_at(m, m->due_count, (struct due_entry){s->due, s});
	rise(m, m->due_count++);
	return DSKE_OK;
}

void due_remove(struct mailbox *m, struct share *s)
{
	size_t at = s->place;
	struct due_entry last = m->due[--m->due_count];

	if (last.share == s)
		return;
	put_at(m, at, last);
	rise(m, at);
	sink(m, last.share->place);
}

void due_change(struct mailbox *m, struct share *s, int64_t due_s)
{
	s->due = m->due[s->place].due = (uint32_t)due_s;
	rise(m, s->place);
	sink(m, s->place);
}

/* What has a body expires; what was a tombstone long enough goes; the rest is a tombstone now. */
size_t mailbox_expire(struct mailbox *m)
{
	size_t expired = 0;

	while (m->due_count > 0 && m->due[0].due <= m->clock_s) {
		struct share *s = m->due[0].share;

		expired += s->body_len > 0;
		if (s->forget <= m->clock_s) {
			share_forget(m, s);
			continue;
		}
		share_bury(m, s);
		due_change(m, s, s->forget);
	}
	return expired;
}
