/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/mailbox-long.c - keys that come in parts (doc/protocol.md, "Long keys").
 *
 * The share's own record has part 0, and its deliveries are there from the SHARE on, so that it counts as one that waits;
 * nobody finds it before it is whole.  Until then it is due when no part has come for a while.
 */
#include <stdlib.h>
#include <string.h>

#include "hub/mailbox-impl.h"

#define UNFINISHED_S 60
#define SWEEP_PARTS 8 /* a tick: a key of 1 GiB at once would hold up everybody for seconds */

/* The head of a part's record; its body is bound with its share and number. */
struct part_head {
	struct part_about {
		int64_t share;
		uint64_t number;
	} about;
	uint32_t due, forget;
	uint32_t is_last;
	uint32_t zero;
	struct tag key_tag; /* with the last one */
};

int64_t long_due(const struct mailbox *m, uint32_t ttl, bool whole)
{
	return m->clock_s + (whole || ttl < UNFINISHED_S ? ttl : UNFINISHED_S);
}

struct long_key *long_new(uint32_t key_len, uint32_t ttl, uint64_t rest)
{
	struct long_key *l = calloc(1, sizeof *l);

	if (l)
		*l = (struct long_key){.key_len = key_len, .ttl = ttl, .next = 1, .count = key_part_count(key_len), .rest = rest};
	return l;
}

void long_free(struct long_key *l)
{
	if (l)
		free(l->part);
	free(l);
}

uint32_t long_part_len(const struct long_key *l, unsigned number)
{
	return journal_len(sizeof(struct part_head), key_part_len(l->key_len, number) + BODY_MORE);
}

dske_rc long_place(struct mailbox *m, struct share *s, unsigned number, struct journal_place place)
{
	struct long_key *l = s->parts;

	if (number >= l->part_cap) {
		unsigned cap = number < 8 ? 8 : 2 * number;
		struct journal_place *more = realloc(l->part, cap * sizeof *more);

		if (!more)
			return rc_make(DSKE_RC_NOMEM);
		l->part = more;
		l->part_cap = cap;
	}
	l->part[number] = place;
	if (number < l->next)
		return DSKE_OK; /* moved */
	l->next = number + 1;
	m->live += long_part_len(l, number);
	return DSKE_OK;
}

dske_rc mailbox_long_find(struct mailbox *m, const struct id *initiator, const struct id *key_id, struct mailbox_long *l)
{
	TRY(mailbox_alive(m));

	struct share *s = share_named(m, initiator, key_id);

	if (!s || !s->parts || s->body_len == 0)
		return rc_make(DSKE_RC_NOT_FOUND);
	*l = (struct mailbox_long){.id = s->id, .key_len = s->parts->key_len, .next = s->parts->next, .ttl = s->parts->ttl};
	return DSKE_OK;
}

/* ---- a part in ---------------------------------------------------------------------------------------- */

/* When it is whole the time to live begins; and what this key supersedes was to be had until now. */
static dske_rc part_apply(struct mailbox *m, struct share *s, const struct part_head *h, struct journal_place place)
{
	TRY(long_place(m, s, (unsigned)h->about.number, place));
	s->forget = h->forget;
	due_change(m, s, h->due);
	if (h->is_last) {
		s->parts->key_tag = h->key_tag;
		if (!s->superseded)
			share_supersede(m, s);
	}
	return DSKE_OK;
}

dske_rc mailbox_part_put(struct mailbox *m, struct mailbox_long *l, const struct secret *part, const struct tag *key_tag)
{
	TRY(mailbox_alive(m));

	struct share *s = share_find(m, l->id);

	if (!s || !s->parts || s->parts->next != l->next || l->next >= s->parts->count)
		return FAIL(IO, "part %u of a long key is not the next one", l->next);

	struct part_head h = {.about = {l->id, l->next}, .is_last = l->next + 1 == s->parts->count,
			      .forget = (uint32_t)(m->clock_s + 2 * (int64_t)l->ttl)};
	struct journal_room room;

	h.due = (uint32_t)long_due(m, l->ttl, h.is_last);
	if (key_tag)
		h.key_tag = *key_tag;
	TRY(mailbox_begin(m, RECORD_PART, sizeof h, part->len + BODY_MORE, &room));
	memcpy(room.head, &h, sizeof h);
	TRY(mailbox_break(m, body_seal(m, (struct storekey_about){&h.about, sizeof h.about}, part, room.body)));
	mailbox_end(m, false);
	TRY(mailbox_break(m, part_apply(m, s, &h, room.place)));
	l->next++;
	return DSKE_OK;
}

/* ---- a part out --------------------------------------------------------------------------------------- */

dske_rc mailbox_part_get(struct mailbox *m, int64_t id, unsigned number, struct secret *part)
{
	AUTO(buf) body = {0};
	struct part_about about = {id, number};

	TRY(mailbox_alive(m));

	struct share *s = share_find(m, id);

	if (!s || !s->parts || number < 1 || number >= s->parts->next)
		return rc_make(DSKE_RC_NOT_FOUND);

	size_t len = key_part_len(s->parts->key_len, number) + BODY_MORE;

	buf_heap(&body, len);

	uint8_t *out = buf_grow(&body, len);

	TRY(buf_rc(&body));
	TRY(journal_read_body(m->journal, s->parts->part[number], sizeof(struct part_head), len, out));

	dske_rc rc = body_open(m, (struct storekey_about){&about, sizeof about}, out, len, part);

	if (!rc_ok(rc))
		secret_drop(part);
	return rc;
}

/* ---- its record, again ---------------------------------------------------------------------------------- */

static bool head_read(const struct journal_record *r, struct part_head *h)
{
	if (r->head_len != sizeof *h || r->body_len < BODY_MORE)
		return false;
	memcpy(h, r->head, sizeof *h);
	return h->about.number >= 1 && h->about.number < KEY_PARTS_MAX;
}

struct share *part_of(struct mailbox *m, const struct journal_record *r, unsigned *number)
{
	struct part_head h;

	if (!head_read(r, &h))
		return NULL;
	*number = (unsigned)h.about.number;

	struct share *s = share_find(m, h.about.share);
	const struct journal_place *at = s && s->parts && *number < s->parts->next ? &s->parts->part[*number] : NULL;

	return at && at->segment == r->place.segment && at->at == r->place.at ? s : NULL;
}

dske_rc part_write_again(struct mailbox *m, struct share *s, unsigned number)
{
	AUTO(buf) bytes = {0};
	struct long_key *l = s->parts;
	size_t body_len = key_part_len(l->key_len, number) + BODY_MORE, len = long_part_len(l, number);
	struct journal_record r;
	struct journal_room room;

	buf_heap(&bytes, len);

	uint8_t *out = buf_grow(&bytes, len);

	TRY(mailbox_break(m, buf_rc(&bytes)));
	TRY(mailbox_break(m, journal_read(m->journal, l->part[number], sizeof(struct part_head), body_len, out, &r)));
	TRY(mailbox_begin(m, RECORD_PART, r.head_len, body_len, &room));
	memcpy(room.head, r.head, r.head_len);
	memcpy(room.body, journal_body(&r), body_len);
	mailbox_end(m, true);
	l->part[number] = room.place;
	return DSKE_OK;
}

/* A share that was written again later brings the places of its parts with it. */
dske_rc part_replay(struct mailbox *m, const struct journal_record *r)
{
	struct part_head h;

	if (!head_read(r, &h))
		return FAIL(CORRUPT, "a part in the mailbox cannot be decoded");

	struct share *s = share_find(m, h.about.share);

	if (!s || !s->parts)
		return DSKE_OK;
	if (h.about.number > s->parts->next || h.about.number >= s->parts->count ||
	    r->body_len != key_part_len(s->parts->key_len, (unsigned)h.about.number) + BODY_MORE)
		return FAIL(CORRUPT, "a part in the mailbox is not the next of its key");
	if (h.about.number < s->parts->next)
		return long_place(m, s, (unsigned)h.about.number, r->place);
	return part_apply(m, s, &h, r->place);
}

dske_rc part_sound(struct mailbox *m, const struct journal_record *r, const uint8_t *body)
{
	AUTO(secret) part = {0};
	struct part_head h;

	if (!head_read(r, &h))
		return rc_make(DSKE_RC_CORRUPT);
	return body_open(m, (struct storekey_about){&h.about, sizeof h.about}, body, r->body_len, &part);
}

/* ---- what is no more ----------------------------------------------------------------------------------- */

void long_bury(struct mailbox *m, struct share *s)
{
	struct long_key *l = s->parts;

	if (!l)
		return;
	s->parts = NULL;
	for (unsigned i = 1; i < l->next; i++)
		m->live -= long_part_len(l, i);
	if (!m->journal || l->next == 1) {
		long_free(l); /* what is left on the disk is found by who looks through it */
		return;
	}
	l->sweep = m->sweep;
	m->sweep = l;
}

dske_rc long_sweep(struct mailbox *m)
{
	for (unsigned n = 0; m->sweep && n < SWEEP_PARTS;) {
		struct long_key *l = m->sweep;

		if (l->next == 1) {
			m->sweep = l->sweep;
			long_free(l);
			continue;
		}
		l->next--;
		TRY(erasure_add(m, l->part[l->next], sizeof(struct part_head),
				(uint32_t)(key_part_len(l->key_len, l->next) + BODY_MORE)));
		n++;
	}
	return DSKE_OK;
}
