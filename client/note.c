/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/note.c - what a hub says untagged (doc/protocol.md, 8.5).
 *
 * A note proves nothing: anyone on the wire can write one, or make the hub write one by a frame that he changed or
 * sent a second time.  So one that names no frame whose answer is still waited for is passed over; one that does changes
 * nothing that outlives this exchange, except that it may prompt a lease; and one that would end the matter is first
 * answered by the same bytes once more, since what it is about may have been another's.
 */
#include <config.h>

#include "client/link.h"

#define NOTED_SHARE 16 /* of what is left of the down region, a note makes us ask for no larger a part */

enum note_effect { NOTE_FAILS, NOTE_RENEWS, NOTE_SKIPS, NOTE_ENLARGES };

static const struct note_row {
	unsigned note;
	enum note_effect effect;
	int code;
	const char *advice;
} note_rows[] = {
	{NOTE_BAD_TAG, NOTE_FAILS, DSKE_RC_TAG, "the two copies of the table differ; get a new PSKM"},
	{NOTE_NO_LEASE, NOTE_RENEWS, DSKE_RC_WINDOW, ""},
	{NOTE_SLOT_TAKEN, NOTE_SKIPS, DSKE_RC_USED, ""},
	{NOTE_UNKNOWN_TABLE, NOTE_FAILS, DSKE_RC_NOT_FOUND, "is this the hub that made the PSKM? If a distributor made it, has the hub got its report?"},
	{NOTE_RANGE_USED, NOTE_RENEWS, DSKE_RC_USED, ""},
	{NOTE_WINDOW_SPENT, NOTE_ENLARGES, DSKE_RC_WINDOW, ""},
	{NOTE_NOT_ACTIVE, NOTE_FAILS, DSKE_RC_NOT_ACTIVE, "run: dske pskm activate"},
	{NOTE_TABLE_FROZEN, NOTE_FAILS, DSKE_RC_FROZEN, "someone else had this PSKM; get a new one"},
	{NOTE_TOO_BIG, NOTE_FAILS, DSKE_RC_TOOBIG, "ask for a shorter key"},
	{NOTE_BUSY, NOTE_FAILS, DSKE_RC_BUSY, "try again later"},
	{NOTE_VERSION, NOTE_FAILS, DSKE_RC_UNSUPPORTED, "bring both to the same version"},
	{NOTE_ENVELOPE, NOTE_FAILS, DSKE_RC_FORMAT, "bring both to the same version"},
	{NOTE_TABLE_MOVED, NOTE_FAILS, DSKE_RC_EXHAUSTED, "import the PSKM that its operator made of it"},
	{NOTE_TABLE_RETIRED, NOTE_FAILS, DSKE_RC_RETIRED, "ask its operator why; dske pskm retire ends it here too"},
	{NOTE_TABLE_LOCKED, NOTE_FAILS, DSKE_RC_LOCKED, "its operator has to look at its disk"},
};

/* ---- what it is about ------------------------------------------------------------------------------- */

/* A frame that the hub could not read has no name in its note. */
static bool names_nothing(const struct envelope *e)
{
	static const struct id none;

	return id_equal(&e->table, &none) && e->offset == 0 && e->length == 0;
}

static bool concerns_us(const struct link *l, const struct envelope *e)
{
	if (names_nothing(e))
		return l->state == LINK_LEASING || l->state == LINK_READY;
	if (!id_equal(&e->table, &l->hub->id))
		return false;
	if (l->lease.sent && e->offset == layout_lease_offset(&l->hub->header.layout, l->lease.slot))
		return true;
	return l->set->ops != NULL && l->set->ops->awaits(l->set->exchange, l, e->offset);
}

/* ---- what comes of it ------------------------------------------------------------------------------- */

static void ask_again(struct link *l)
{
	if (l->state == LINK_LEASING) {
		link_lease(l);
	} else if (l->state == LINK_READY && l->set->ops != NULL) {
		l->is_asked_again = true; /* of this one alone, in a convoy: noted_offset */
		l->set->ops->ready(l->set->exchange, l);
		l->is_asked_again = false;
	}
}

static void object(struct link *l, const struct note_row *row)
{
	link_object(l, rc_fail(row->code, "%s: %s", note_text(row->note), row->advice));
	if (link_is_alive(l))
		ask_again(l);
}

static void renew(struct link *l)
{
	if (l->state != LINK_READY)
		return;
	if (l->disowned_left == 0) {
		link_fail(l, FAIL(WINDOW, "it disowns every window that it grants"));
		return;
	}
	l->disowned_left--;
	lease_unplug(l); /* what was sealed for us in the old window may be on its way */
	l->lease_lost = true;
	link_lease(l);
}

static void skip_slot(struct link *l, uint64_t next_slot)
{
	dske_rc rc = l->lease.sent ? lease_slot_taken(l, next_slot) : DSKE_OK;

	if (!rc_ok(rc))
		link_fail(l, rc);
	else if (l->state == LINK_LEASING)
		link_lease(l);
}

/* What a note may make us ask for: what is asked for is gone. */
static uint64_t noted_most(const struct link *l)
{
	struct table_status s;

	if (!rc_ok(table_status(l->hub->table, &s)))
		return 0;
	return s.down_left / NOTED_SHARE < l->set->down_most ? s.down_left / NOTED_SHARE : l->set->down_most;
}

/* After a note that the down window is too small though it is as we wanted it: asks for another one, and from the second
 * note on for a larger one.  (The hub's window is smaller than ours when CONFIRMs of two connections overtook each
 * other: where none may be larger, that may happen a few times in turn.) */
static void enlarge(struct link *l)
{
	uint64_t most = noted_most(l), more = l->need_down * 4;
	bool may_grow = l->need_down < most;

	l->is_outgrown = l->down_renewed && !may_grow && l->overtaken_left == 0;
	if (l->is_outgrown)
		return;
	l->is_enlarged = l->down_renewed; /* no longer than it has to be */
	if (l->down_renewed && may_grow)
		l->need_down = more < most ? more : most;
	else if (l->down_renewed)
		l->overtaken_left--;
	l->down_renewed = true;
	lease_unplug_down(l);
	link_lease(l);
}

static void want_more_down(struct link *l)
{
	if (l->state != LINK_READY || l->need_down == 0)
		return;
	if (lease_down_suffices(l))
		enlarge(l);
	else
		link_lease(l); /* it was used up by what came */
}

static void act(struct link *l, const struct note_row *row, uint64_t hint, uint64_t offset)
{
	l->noted_offset = offset;
	switch (row->effect) {
	case NOTE_FAILS:
		object(l, row);
		break;
	case NOTE_RENEWS:
		renew(l);
		break;
	case NOTE_SKIPS:
		skip_slot(l, hint);
		break;
	case NOTE_ENLARGES:
		want_more_down(l);
		break;
	}
}

void link_note(struct link *l, const struct envelope *e)
{
	struct msg_note note;

	if (!rc_ok(msg_note_read(&note, e->body, e->body_len))) {
		link_nonsense(l, "a note that cannot be read");
		return;
	}
	for (size_t i = 0; i < sizeof note_rows / sizeof note_rows[0]; i++) {
		if (note_rows[i].note != note.code)
			continue;
		if (concerns_us(l, e))
			act(l, &note_rows[i], note.hint, e->offset);
		return;
	}
	link_nonsense(l, "an unknown note");
}
