/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/lease.c - the lease: the hub as witness (doc/protocol.md, "The lease").
 *
 *	client                                                hub
 *	takes its next slot, durably
 *	LEASE(slot, nonce_c, wanted, lowest)  key 0  -------->  records the slot and [a, b), durably
 *	                              <-------- key 1  GRANT(nonce_c, nonce_h, [a, b))
 *	records [a, b) and [a', b'), durably
 *	CONFIRM(nonce_h, [a', b'))            key 2  -------->  records [a', b'), durably
 *
 * The client sends from [a, b) alone, the hub from [a', b') alone, on this connection.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "client/link.h"
#include "client/policy.h"

#define WINDOW_LEN_FIRST (UINT64_C(2) << 10)   /* a short-lived process asks for little */
#define WINDOW_LEN_MOST (UINT64_C(256) << 10)
#define WINDOW_SHARE 32                        /* of what is left in the table */
#define AHEAD_MOST ((uint64_t)PAD_KEYS_LEN + KEY_PART_LEN)
#define SKIP_INTERVAL_MS 60000

static const uint8_t *slot_key(const struct lease *lease, unsigned type)
{
	return message_key(type, lease->keys.bytes.data);
}

static void lease_forget(struct lease *lease)
{
	lease_keys_drop(&lease->keys);
	buf_drop(&lease->frame);
	*lease = (struct lease){0};
}

static void drop_up(struct link *l)
{
	window_free(l->up);
	window_free(l->up_next);
	l->up = l->up_next = NULL;
}

void lease_drop(struct link *l)
{
	lease_forget(&l->lease);
	drop_up(l);
	l->renewals = 0;
	for (size_t i = 0; i < LINK_DOWN_WINDOWS; i++) {
		window_free(l->down[i]);
		l->down[i] = NULL;
	}
	l->down_is_old = false;
}

/* The newest window stands first; the oldest goes when there is no room. */
static void push_down(struct link *l, struct window *down)
{
	window_free(l->down[LINK_DOWN_WINDOWS - 1]);
	memmove(&l->down[1], &l->down[0], (LINK_DOWN_WINDOWS - 1) * sizeof l->down[0]);
	l->down[0] = down;
	l->down_is_old = false;
}

/* Those that there are stay: the hub may still take from its four newest. */
void lease_unplug_down(struct link *l)
{
	l->down_is_old = true;
}

void lease_unplug(struct link *l)
{
	drop_up(l);
	l->renewals = 0; /* what is lost with the next connection is little again */
	lease_unplug_down(l);
}

static bool has_left(const struct window *w, uint64_t len)
{
	return w != NULL && window_left(w) >= len;
}

static bool up_suffices(const struct link *l)
{
	return l->need_up == 0 || has_left(l->up, l->need_up) || has_left(l->up_next, l->need_up);
}

bool lease_down_suffices(const struct link *l)
{
	return l->need_down == 0 || (!l->down_is_old && l->down[0] != NULL && window_left(l->down[0]) >= l->need_down);
}

bool lease_suffices(const struct link *l)
{
	return up_suffices(l) && lease_down_suffices(l);
}

/* The table says whether a window that is too small means that the region is used up.  Asked before a lease
 * too, so that what is left is not spent in vain: it may serve a shorter key. */
dske_rc lease_check_left(const struct link *l)
{
	struct table_status status;
	if (lease_suffices(l))
		return DSKE_OK;
	TRY(table_status(l->hub->table, &status));
	if (status.lease_left == 0)
		return FAIL(EXHAUSTED, "its table is used up: no lease slots are left; get a new PSKM from the hub");
	if (!up_suffices(l) && status.up_left < link_needs_left(l))
		return FAIL(EXHAUSTED,
			    "its table is used up: %" PRIu64 " bytes to send are needed, %" PRIu64 " are left%s; get a new PSKM from the hub",
			    l->need_up + l->ahead_up, status.up_left, l->set->deals ? ", the last of them for other than keys" : "");
	if (!lease_down_suffices(l) && status.down_left < l->need_down + l->ahead_down)
		return FAIL(EXHAUSTED,
			    "its table is used up: %" PRIu64 " bytes to receive are needed, %" PRIu64 " are left; get a new PSKM from the hub",
			    l->need_down + l->ahead_down, status.down_left);
	return DSKE_OK;
}

/* The need, or more where there is enough. */
static uint64_t window_len(uint64_t len, uint64_t need, uint64_t left)
{
	if (len > left / WINDOW_SHARE)
		len = left / WINDOW_SHARE;
	return len > need ? len : need;
}

uint64_t client_first_windows(uint64_t need, uint64_t left)
{
	uint64_t count = 0;
	while (left >= need) {
		uint64_t one = window_len(WINDOW_LEN_FIRST, need, left), same = 1; /* windows of the same length */
		if (one == need)
			same = left / one;
		else if (one == WINDOW_LEN_FIRST)
			same = (left - WINDOW_SHARE * one) / one + 1;
		count += same;
		left -= same * one;
	}
	return count;
}

/* How much to ask for: more with use, so that one sync serves many keys.  Of a long key not much at once. */
static uint64_t wanted_len(const struct link *l, uint64_t need, uint64_t ahead, uint64_t left)
{
	if (ahead > 0)
		return need + (ahead < AHEAD_MOST ? ahead : AHEAD_MOST);
	if (l->set->asks_little)
		return need;
	return window_len(l->renewals < 7 ? WINDOW_LEN_FIRST << l->renewals : WINDOW_LEN_MOST, need, left);
}

/* ---- LEASE ------------------------------------------------------------------------------------------ */

static struct envelope lease_envelope(const struct link *l, uint8_t type, const struct buf *body)
{
	uint64_t offset = layout_lease_offset(&l->hub->header.layout, l->lease.slot);
	return link_envelope(l, type, offset, LEASE_SLOT_LEN, body);
}

static dske_rc lease_seal(struct link *l, uint64_t up_wanted, uint64_t lowest)
{
	uint8_t room[128];
	struct buf body;
	struct lease *lease = &l->lease;
	buf_fixed(&body, room, sizeof room);
	TRY(id_random(&lease->nonce));
	TRY(msg_lease_write(&body, &(struct msg_lease){
					   .slot = lease->slot, .nonce_c = lease->nonce, .wanted = up_wanted, .lowest = lowest}));
	struct envelope e = lease_envelope(l, MESSAGE_LEASE, &body);
	buf_heap(&lease->frame, FRAME_MAX_BEFORE_LEASE);
	return frame_write(&lease->frame, &e, slot_key(lease, MESSAGE_LEASE));
}

static bool is_half_spent(const struct window *w)
{
	return w == NULL || window_left(w) < (window_end(w) - window_start(w)) / 2;
}

static bool up_is_low(const struct link *l)
{
	return l->need_up > 0 && l->up_next == NULL && is_half_spent(l->up);
}

static bool down_is_low(const struct link *l)
{
	return l->need_down > 0 && is_half_spent(l->down[0]);
}

static dske_rc lease_make(struct link *l)
{
	struct table_status status;
	uint64_t lowest = 0;
	TRY(lease_check_left(l));
	TRY(table_status(l->hub->table, &status));
	uint64_t up_wanted = up_suffices(l) && !(l->is_ahead && up_is_low(l)) ? 0 : wanted_len(l, l->need_up, l->ahead_up, status.up_left) + policy_room(l);
	/* What notes make us ask for is perhaps asked for in vain. */
	uint64_t down_wanted = l->is_enlarged ? l->need_down : wanted_len(l, l->need_down, l->ahead_down, status.down_left);
	l->lease.down_wanted = lease_down_suffices(l) && !(l->is_ahead && down_is_low(l)) ? 0 : down_wanted;
	TRY(table_lease_take(l->hub->table, &l->lease.slot, &lowest, &l->lease.keys));
	TRY(lease_seal(l, up_wanted, lowest));
	l->lease.sent = true;
	l->renewals++;
	return DSKE_OK;
}

dske_rc lease_begin(struct link *l)
{
	if (!l->lease.sent) {
		dske_rc rc = lease_make(l);
		if (!rc_ok(rc)) {
			lease_forget(&l->lease);
			return rc;
		}
	}
	return fanout_send(l->set->fanout, l->at, l->lease.frame.data, l->lease.frame.len);
}

void lease_look_ahead(struct link *l)
{
	if (l->state != LINK_READY || l->lease.sent || l->ahead_failed || !(up_is_low(l) || down_is_low(l)))
		return;
	l->is_ahead = true;
	l->ahead_failed = !rc_ok(lease_begin(l)); /* then it is begun when there is need, and its failure told */
	l->is_ahead = false;
}

/* ---- GRANT and CONFIRM ------------------------------------------------------------------------------- */

static void take_windows(struct link *l, struct window *up, struct window *down)
{
	if (up != NULL && window_left(up) > 0 && has_left(l->up, 1)) {
		window_free(l->up_next);
		l->up_next = up;
	} else if (up != NULL && window_left(up) > 0) {
		window_free(l->up);
		l->up = up;
	} else {
		window_free(up);
	}
	if (down != NULL && window_left(down) > 0)
		push_down(l, down);
	else
		window_free(down);
}

static dske_rc lease_confirm(struct link *l, const struct id *nonce_h, uint64_t start, uint64_t end)
{
	uint8_t room[64], frame_room[256];
	struct buf body, frame;
	buf_fixed(&body, room, sizeof room);
	buf_fixed(&frame, frame_room, sizeof frame_room);
	TRY(msg_confirm_write(&body, &(struct msg_confirm){.nonce_h = *nonce_h, .start = start, .end = end}));
	struct envelope e = lease_envelope(l, MESSAGE_CONFIRM, &body);
	TRY(frame_write(&frame, &e, slot_key(&l->lease, MESSAGE_CONFIRM)));
	return fanout_send(l->set->fanout, l->at, frame.data, frame.len);
}

static dske_rc lease_granted(struct link *l, const struct msg_grant *m)
{
	struct window *up = NULL, *down = NULL;
	/* Recorded as used before a byte of it is read: no table byte twice, ever. */
	TRY(table_lease_granted(l->hub->table, m->start, m->end, l->lease.down_wanted, &up, &down));
	uint64_t nowhere = l->hub->header.layout.region[REGION_DOWN].start;
	uint64_t start = down != NULL ? window_start(down) : nowhere, end = down != NULL ? window_end(down) : nowhere;
	take_windows(l, up, down);
	dske_rc rc = lease_confirm(l, &m->nonce_h, start, end);
	lease_forget(&l->lease);
	TRY(rc);
	fanout_set_frame_max(l->set->fanout, l->at, FRAME_MAX);
	policy_tell(l, m->policy);
	return lease_check_left(l);
}

/* ---- CLONED ------------------------------------------------------------------------------------------ */

/* The hub tells leases apart only on its last LEASE_MEMORY slots.  Ours was on an older one, and every slot that it has
 * seen since was taken from this very folder: our own threads and processes were quicker.  A folder that was
 * restored has not taken them. */
static bool is_overtaken(const struct link *l, uint64_t next_slot)
{
	struct table_status s;
	return next_slot > l->lease.slot && next_slot - l->lease.slot > LEASE_MEMORY &&
	       rc_ok(table_status(l->hub->table, &s)) && next_slot <= s.lease_slots - s.lease_left;
}

static dske_rc lease_cloned(struct link *l, uint64_t next_slot)
{
	if (is_overtaken(l, next_slot)) {
		log_info("%s: our lease was overtaken by more than %d others; taking a new one", l->hub->name, LEASE_MEMORY);
		lease_forget(&l->lease);
		return DSKE_OK;
	}
	log_error("%s: ANOTHER COPY OF THIS TABLE IS IN USE (or this one was restored from a backup): "
		  "stop one of them; the table %s of %s goes on with bytes that neither had",
		  l->hub->name, l->hub->header.hub_name, l->hub->header.client_name);
	TRY(table_lease_skip(l->hub->table, next_slot, true));
	lease_forget(&l->lease);
	return DSKE_OK;
}

/* A note proves nothing, so it moves our next slot at most once a minute.  A lease that was lost with its
 * connection needs no such move: its slot is behind us already. */
dske_rc lease_slot_taken(struct link *l, uint64_t next_slot)
{
	struct table_status status;
	int64_t now = clock_ms(), before = l->hub->skipped_ms;
	TRY(table_status(l->hub->table, &status));
	lease_forget(&l->lease);
	if (next_slot <= status.lease_slots - status.lease_left && l->retakes_left > 0) {
		l->retakes_left--;
		return DSKE_OK;
	}
	if (before != 0 && now - before < SKIP_INTERVAL_MS)
		return FAIL(CLONED, "it says again and again that our lease slot is taken: "
				    "is another copy of this table in use?");
	l->hub->skipped_ms = now;
	log_warn("%s: the hub says that our lease slot is taken; going on at %" PRIu64, l->hub->name, next_slot);
	return table_lease_skip(l->hub->table, next_slot, false);
}

/* ---- the frames -------------------------------------------------------------------------------------- */

static bool is_ours(const struct link *l, const struct envelope *e)
{
	const struct lease *lease = &l->lease;
	return lease->sent && e->length == LEASE_SLOT_LEN &&
	       e->offset == layout_lease_offset(&l->hub->header.layout, lease->slot) &&
	       frame_verify(e, slot_key(lease, e->type));
}

dske_rc lease_frame(struct link *l, const struct envelope *e, bool *moved)
{
	struct msg_grant grant;
	struct msg_cloned cloned;
	*moved = false;
	if (e->type == MESSAGE_GRANT && is_ours(l, e)) {
		TRY(msg_grant_read(&grant, e->body, e->body_len));
		if (!id_equal(&grant.nonce_c, &l->lease.nonce))
			return DSKE_OK;
		*moved = true;
		return lease_granted(l, &grant);
	}
	if (e->type == MESSAGE_CLONED && is_ours(l, e)) {
		TRY(msg_cloned_read(&cloned, e->body, e->body_len));
		if (!id_equal(&cloned.nonce_c, &l->lease.nonce))
			return DSKE_OK;
		*moved = true;
		return lease_cloned(l, cloned.next_slot);
	}
	return DSKE_OK;
}
