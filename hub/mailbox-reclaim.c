/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/mailbox-reclaim.c - what is done little by little: bodies are erased; what is needed of the oldest segment is written
 * once more at the end, and the segment is used again.
 *
 * Records that change a share lie behind its own, so whatever of the oldest segment is not a share, a part, an account or
 * a policy that is needed as it lies there has done its work: what it changed is in records that are written again.
 */
#include "hub/mailbox-impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/net.h"

/* ---- bodies ------------------------------------------------------------------------------------------------ */

dske_rc erasure_add(struct mailbox *m, struct journal_place at, uint32_t head_len, uint32_t body_len)
{
	if (m->erasures == m->erasures_cap) {
		size_t cap = m->erasures_cap ? 2 * m->erasures_cap : 64;
		struct erasure *more = realloc(m->erasure, cap * sizeof *more);

		if (!more)
			return mailbox_break(m, rc_make(DSKE_RC_NOMEM));
		m->erasure = more;
		m->erasures_cap = cap;
	}
	m->erasure[m->erasures++] = (struct erasure){at, head_len, body_len};
	return DSKE_OK;
}

/* What was received in the batch that it came in waits for the next one: until then zeros would look like a torn end. */
dske_rc erasures_run(struct mailbox *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->erasures; i++) {
		struct erasure e = m->erasure[i];

		if (journal_is_settled(m->journal, e.at))
			TRY(mailbox_break(m, journal_erase(m->journal, e.at, e.head_len, e.body_len)));
		else
			m->erasure[kept++] = e;
	}
	m->erasures = kept;
	return DSKE_OK;
}

/* A crash may have come between a receipt and the erasing. */
static bool is_needed(struct mailbox *m, const struct journal_record *r)
{
	struct share *s;
	unsigned number;
	int64_t id;

	if (r->type != RECORD_SHARE)
		return r->type == RECORD_PART && part_of(m, r, &number);
	memcpy(&id, r->head, sizeof id);
	s = share_find(m, id);
	return s && s->at.segment == r->place.segment && s->at.at == r->place.at;
}

static dske_rc erase_if_left(struct mailbox *m, const struct journal_record *r)
{
	struct share *s = NULL;
	uint32_t head_len = r->head_len, body_len = r->body_len;
	struct journal_place place = r->place;
	bool left = false;
	int64_t id;

	if (body_len == 0)
		return DSKE_OK;
	if (is_needed(m, r)) {
		if (r->type != RECORD_SHARE)
			return DSKE_OK;
		memcpy(&id, r->head, sizeof id);
		s = share_find(m, id);
		if (s->body_len > 0)
			return DSKE_OK;
	}

	uint8_t *body = malloc(body_len);

	if (!body)
		return rc_make(DSKE_RC_NOMEM);

	dske_rc rc = journal_read_body(m->journal, place, head_len, body_len, body);

	for (size_t i = 0; i < body_len; i++)
		left = left || body[i] != 0;
	free(body);
	TRY(rc);
	return left ? erasure_add(m, place, head_len, body_len) : DSKE_OK;
}

static bool is_before(struct journal_place a, struct journal_place b)
{
	return a.segment < b.segment || (a.segment == b.segment && a.at < b.at);
}

/* Looks through what was there when the mailbox was opened. */
static dske_rc look_through(struct mailbox *m, uint64_t budget)
{
	struct journal_record r;

	while (budget > 0 && is_before(m->swept_to, m->sweep_end)) {
		struct journal_place first = journal_first(m->journal);

		if (m->swept_to.segment < first.segment) {
			m->swept_to = first; /* erased as a whole */
			continue;
		}

		dske_rc rc = journal_next(m->journal, &m->swept_to, &r);

		if (rc_is(rc, DSKE_RC_NOT_FOUND))
			continue;
		TRY(rc);

		uint64_t len = journal_len(r.head_len, r.body_len);

		TRY(erase_if_left(m, &r));
		budget -= len < budget ? len : budget;
	}
	return DSKE_OK;
}

/* ---- segments ------------------------------------------------------------------------------------------------ */

static dske_rc move(struct mailbox *m, const struct journal_record *r)
{
	struct account *a;
	struct party *p;
	struct share *s;
	unsigned number;
	int64_t id;

	switch (r->type) {
	case RECORD_SHARE:
		if (!is_needed(m, r))
			return DSKE_OK;
		memcpy(&id, r->head, sizeof id);
		return share_write_again(m, share_find(m, id));
	case RECORD_PART:
		s = part_of(m, r, &number);
		return s ? part_write_again(m, s, number) : DSKE_OK;
	case RECORD_ACCOUNT:
		a = account_of(m, r);
		return a ? account_write_again(m, a) : DSKE_OK;
	case RECORD_POLICY:
		p = policy_of(m, r);
		return p ? policy_write_again(m, p) : DSKE_OK;
	default:
		return DSKE_OK;
	}
}

/* The disk holds at most twice what is needed, and three segments. */
static bool has_to_move(const struct mailbox *m)
{
	size_t segments = journal_segments(m->journal);

	if (segments < 3)
		return false;

	uint64_t disk = journal_disk(m->journal);

	return disk > 2 * m->live + 2 * (disk / segments);
}

static dske_rc move_some(struct mailbox *m, uint64_t budget)
{
	struct journal_record r;

	if (!m->moving && !has_to_move(m))
		return DSKE_OK;
	if (!m->moving)
		m->moved_to = journal_first(m->journal);
	m->moving = true;
	while (budget > 0) {
		dske_rc rc = journal_next(m->journal, &m->moved_to, &r);

		if (rc_is(rc, DSKE_RC_NOT_FOUND)) {
			m->moving = false;
			m->lazy_ms = m->lazy_ms < INT64_MAX ? m->lazy_ms : clock_ms() + MAILBOX_LAZY_MS;
			return mailbox_break(m, journal_release(m->journal));
		}
		TRY(rc);

		uint64_t len = journal_len(r.head_len, r.body_len);

		TRY(move(m, &r));
		budget -= len < budget ? len : budget;
	}
	return DSKE_OK;
}

dske_rc mailbox_upkeep(struct mailbox *m, uint64_t budget)
{
	TRY(mailbox_break(m, look_through(m, budget)));
	m->is_upkeep = true;

	dske_rc rc = mailbox_break(m, move_some(m, budget));

	m->is_upkeep = false;
	TRY(rc);
	return mailbox_break(m, journal_tend(m->journal, budget));
}
