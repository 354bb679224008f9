/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/arrival.c - INSTRUCTION in, RECEIPT out (DSKE 2.3.2).
 *
 * Order on receipt (doc/protocol.md, "Frames"): the range lies in a window of this connection and is unused;
 * tag; record (a window's bytes are recorded already); decode; length; policy; decrypt.  A frame that fails
 * before its tag holds uses nothing up.
 */
#include <config.h>

#include <string.h>

#include "base/log.h"
#include "client/adapted.h"
#include "client/convoy.h"
#include "client/intake.h"
#include "client/reception.h"
#include "client/taken.h"

#define FLUSH_MS 200

/* ---- in -------------------------------------------------------------------------------------------------- */

bool arrival_range(struct link *l, const struct envelope *e, struct pad *pad, struct secret *reply_key)
{
	AUTO(secret) keys = {0};
	struct window *w = link_down_window(l, e->offset, e->length);
	if (w == NULL || e->length < PAD_KEYS_LEN || !rc_ok(window_check(w, e->offset, e->length)))
		return false;
	if (!rc_ok(secret_alloc(&keys, TAG_KEY_LEN)) || !rc_ok(window_peek(w, e->offset, keys.data, TAG_KEY_LEN)))
		return false;
	if (!frame_verify(e, keys.data)) {
		link_nonsense(l, "an instruction that does not verify");
		return false;
	}
	if (!rc_ok(window_take(w, e->offset, e->length, pad)) || !rc_ok(secret_alloc(reply_key, TAG_KEY_LEN)))
		return false;
	return rc_ok(pad_take(pad, keys.data, TAG_KEY_LEN)) && rc_ok(pad_take(pad, reply_key->data, TAG_KEY_LEN));
}

/* By its key ID, or its context. */
static bool is_asked_for(const struct agree_request *q, const struct terms *t)
{
	if (q->has_key_id)
		return id_equal(&t->key_id, &q->key_id);
	return t->context_len == q->context_len && memcmp(t->context, q->context, q->context_len) == 0;
}

static dske_rc check_instruction(const struct envelope *e, const struct msg_instruction *m)
{
	size_t share_len = terms_part_len(&m->terms, 0);
	TRY(terms_check(&m->terms));
	if (m->share_len != share_len || e->length != PAD_KEYS_LEN + share_len)
		return FAIL(FORMAT, "its share has not the length that the key needs");
	return DSKE_OK;
}

static dske_rc decrypt_and_offer(struct reception *v, const struct link *l, const struct msg_instruction *m, struct pad *pad)
{
	AUTO(secret) share = {0};
	TRY(secret_alloc(&share, m->share_len));
	TRY(pad_xor(pad, share.data, m->share, m->share_len));
	return receiver_offer(v->receiver, &l->hub->hub, &m->terms, &share);
}

static void owe(struct owed *owed, enum receipt_verdict verdict)
{
	owed->is_due = true;
	owed->verdict = verdict;
}

/* What can never become this call's key is refused at once: else it would come again in each call, under fresh pad.  The
 * material of an adapted agreement is no key.  (Accounts that cannot be read are told of at the end.) */
static dske_rc check_wanted(const struct reception *v, const struct terms *t)
{
	uint32_t wanted = v->a->q->key_len;
	if (t->scheme == SCHEME_FIRST_PASS)
		return DSKE_OK;
	if (wanted != 0 && t->key_len != wanted)
		return FAIL(ARGS, "%s agreed on a key of %u bytes, this call asks for %u", v->a->peer.name, t->key_len, wanted);
	dske_rc rc = agree_admits(v->a, t->key_len);
	return rc_is(rc, DSKE_RC_DENIED) ? rc : DSKE_OK;
}

static void refuse(struct reception *v, struct link *l, struct owed *owed, dske_rc why)
{
	owe(owed, RECEIPT_REFUSED);
	exchange_settle(&v->a->x, l, why);
}

/* It stays at the hub, for a call that asks for it. */
static void leave_there(struct reception *v, struct link *l, struct owed *owed, const struct terms *t, dske_rc why)
{
	owed->is_left = true;
	v->arrival[l->at].is_dirty = true;
	if (v->a->q->has_key_id && is_asked_for(v->a->q, t))
		exchange_settle(&v->a->x, l, why);
}

/* A share of the agreement that is awaited.  Its receipt waits for the key's verdict, also when it came before (EXISTS): a
 * hub that is told of a key forgets the share.  A refusal needs none. */
static bool take_share(struct reception *v, struct link *l, const struct msg_instruction *m, struct pad *pad,
		       struct owed *owed)
{
	owed->key_id = m->terms.key_id;
	dske_rc rc = decrypt_and_offer(v, l, m, pad);
	if (rc_is(rc, DSKE_RC_EXISTS))
		return false;
	if (rc_is(rc, DSKE_RC_TOOBIG)) {
		leave_there(v, l, owed, &m->terms, rc);
		return false;
	}
	if (!rc_ok(rc))
		owe(owed, RECEIPT_REFUSED);
	exchange_settle(&v->a->x, l, rc);
	return rc_ok(rc);
}

/* The first part of a long key.  It counts when it is whole; what this call cannot take is left at the hub. */
static void take_long(struct reception *v, struct link *l, const struct msg_instruction *m, struct pad *pad, struct owed *owed)
{
	owed->key_id = m->terms.key_id;
	if (v->intake != NULL && intake_is_open(v->intake, l)) { /* it shall not push out what came; on a later connection it comes again */
		v->arrival[l->at].is_dirty = true;
		intake_go_on(v->intake, l);
		return;
	}
	dske_rc rc = v->intake == NULL ? FAIL(TOOBIG, "%s agreed on a key of %u bytes, which has to go to a file", v->a->peer.name,
					      m->terms.key_len)
				       : intake_begin(v->intake, l, m, pad);
	if (rc_is(rc, DSKE_RC_DENIED) || rc_is(rc, DSKE_RC_FORMAT))
		owe(owed, RECEIPT_REFUSED);
	if (!rc_ok(rc))
		v->arrival[l->at].is_dirty = true; /* its other parts are on the way, or wait for windows */
	if (!rc_ok(rc) && !rc_is(rc, DSKE_RC_EXISTS) && !rc_is(rc, DSKE_RC_BUSY))
		exchange_settle(&v->a->x, l, rc);
}

/* One of a key that this client has, whose RECEIPT was lost: the hub may forget it now.  A key that is asked for
 * by its ID is meant, and comes again; that another call has the fallback that is waited for is to be told. */
static bool is_taken(struct reception *v, const struct terms *t)
{
	bool taken = false;
	if (v->a->q->has_key_id || id_equal(&v->fresh, &t->key_id) || second_is_fallback(v->a->second, &t->key_id))
		return false;
	dske_rc rc = taken_look(&v->a->x.client->config, &t->initiator, &t->key_id, &taken);
	if (!rc_ok(rc))
		log_error("cannot tell whether a key is new: %s", rc_detail(rc)); /* taken_enter decides */
	if (!taken)
		v->fresh = t->key_id; /* its other shares need not be looked up */
	return taken;
}

/* A share of the second pass. */
static void take_second(struct reception *v, const struct link *l, const struct msg_instruction *m, struct pad *pad, struct owed *owed)
{
	owed->key_id = m->terms.key_id;
	dske_rc rc = second_take(v->a->second, v, l, m, pad);
	if (!rc_ok(rc) && !rc_is(rc, DSKE_RC_EXISTS))
		owe(owed, RECEIPT_REFUSED);
}

/* A second pass that does not follow from a first one here; beside one that does, another first pass. */
static bool is_out_of_turn(const struct reception *v, const struct terms *t)
{
	return t->scheme == SCHEME_ADAPTED || (v->a->second != NULL && t->scheme == SCHEME_FIRST_PASS);
}

/* One of a key of which READY was said, by a process that ended or by another one that waits: nobody else can take it.  Who
 * waits may need the share yet, to be told the confirmation on another connection. */
static bool is_vowed(struct reception *v, const struct terms *t)
{
	bool vowed = false;
	if (!t->confirm || ready_has_vowed(v, &t->key_id))
		return false;
	dske_rc rc = vow_look(&v->a->x.client->config, &t->initiator, &t->key_id, &vowed);
	if (!rc_ok(rc))
		log_error("cannot tell whether a key may be confirmed: %s", rc_detail(rc)); /* vow_enter decides */
	return vowed;
}

static bool take_wanted(struct reception *v, struct link *l, const struct msg_instruction *m, struct pad *pad,
			struct owed *owed)
{
	dske_rc rc = check_wanted(v, &m->terms);
	if (v->first_ms <= 0)
		v->first_ms = clock_fine_ms();
	if (!rc_ok(rc))
		refuse(v, l, owed, rc);
	else if (!terms_are_long(&m->terms))
		return take_share(v, l, m, pad, owed);
	else
		take_long(v, l, m, pad, owed);
	return false;
}

/* What takes links of its own comes to it on those, once this call has them. */
static bool is_for_own_links(const struct reception *v, const struct terms *t)
{
	return v->a->x.set->rider != NULL && (terms_are_long(t) || t->confirm || t->scheme > SCHEME_XOR);
}

/* Behind its tag: nothing of it was decoded so far. */
static bool take_body(struct reception *v, struct link *l, const struct envelope *e, struct pad *pad, struct owed *owed)
{
	struct msg_instruction m;
	dske_rc rc = msg_instruction_read(&m, e->body, e->body_len);
	if (rc_ok(rc))
		rc = check_instruction(e, &m);
	if (!rc_ok(rc)) {
		owe(owed, RECEIPT_CORRUPT);
		exchange_settle(&v->a->x, l, rc);
	} else if (is_for_own_links(v, &m.terms)) {
		v->a->needs_own = v->a->needs_own || !v->is_over; /* a key that stands is not waited for again */
		leave_there(v, l, owed, &m.terms, FAIL(BUSY, "it comes on other links"));
		reception_over(v, rc_make(DSKE_RC_BUSY));
	} else if (second_is_meant(v->a->second, &m.terms)) {
		take_second(v, l, &m, pad, owed);
	} else if (!group_is_addressed(&v->a->group, &m.terms) || !is_asked_for(v->a->q, &m.terms) || is_out_of_turn(v, &m.terms)) {
		v->a->x.other_group = v->a->x.other_group || is_asked_for(v->a->q, &m.terms);
		leave_there(v, l, owed, &m.terms, FAIL(DENIED, "that key is for other clients than were named here: every member names "
						"all the others"));
	} else if (v->a->confirm && !m.terms.confirm) {
		v->a->x.unconfirmed = true;
		leave_there(v, l, owed, &m.terms, FAIL(DENIED, "its initiator does not confirm that key, and here that is asked for"));
	} else if (is_taken(v, &m.terms)) {
		owe(owed, RECEIPT_KEPT);
	} else if (is_vowed(v, &m.terms)) {
		leave_there(v, l, owed, &m.terms, FAIL(DENIED, "a call before this one is ready for that key, or was and ended: "
						"agree on another key ID"));
	} else {
		return take_wanted(v, l, &m, pad, owed);
	}
	return false;
}

/* What comes again of a key that waits to be confirmed, on another connection, takes the place of what came before: it must
 * not use up those of the next key. */
static void keep(const struct reception *v, struct arrival *arrival)
{
	struct owed *last = &arrival->owed[arrival->count];
	for (size_t n = 0; n < arrival->count; n++) {
		struct owed *o = &arrival->owed[n];
		if (o->is_due || last->is_due || !id_equal(&o->key_id, &last->key_id) || !ready_has_vowed(v, &o->key_id))
			continue;
		secret_drop(&o->key);
		*o = *last;
		*last = (struct owed){0};
		return;
	}
	arrival->count++;
}

bool arrival_take_open(struct reception *v, struct link *l, const struct envelope *e, struct pad *pad, struct secret *reply_key)
{
	struct arrival *arrival = &v->arrival[l->at];
	if (arrival->count == INSTRUCTIONS_MOST) {
		arrival->is_dirty = true;
		return false;
	}
	struct owed *owed = &arrival->owed[arrival->count];
	*owed = (struct owed){.offset = e->offset, .length = e->length};
	secret_move(&owed->key, reply_key);
	bool is_share = take_body(v, l, e, pad, owed);
	if (owed->is_left)
		secret_drop(&owed->key); /* others' keys must not keep the awaited one out, however many wait */
	else
		keep(v, arrival);
	return is_share;
}

bool arrival_take(struct reception *v, struct link *l, const struct envelope *e)
{
	AUTO(pad) pad = {0};
	AUTO(secret) reply_key = {0};
	if (v->arrival[l->at].count == INSTRUCTIONS_MOST) {
		v->arrival[l->at].is_dirty = true;
		return false;
	}
	return arrival_range(l, e, &pad, &reply_key) && arrival_take_open(v, l, e, &pad, &reply_key);
}

bool arrival_name(const struct envelope *e, struct id *key_id)
{
	struct msg_instruction m;
	if (!rc_ok(msg_instruction_read(&m, e->body, e->body_len)))
		return false;
	*key_id = m.terms.key_id;
	return true;
}

/* ---- out ------------------------------------------------------------------------------------------------- */

static dske_rc send_receipt(struct link *l, const struct owed *o)
{
	uint8_t room[16], frame_room[256];
	struct buf body, frame;
	buf_fixed(&body, room, sizeof room);
	buf_fixed(&frame, frame_room, sizeof frame_room);
	TRY(msg_receipt_write(&body, &(struct msg_receipt){.verdict = o->verdict}));
	struct envelope e = link_envelope(l, MESSAGE_RECEIPT, o->offset, o->length, &body);
	TRY(frame_write(&frame, &e, o->key.data));
	return link_send(l, frame.data, frame.len);
}

dske_rc arrival_answer_kept(struct link *l, const struct envelope *e, const struct secret *reply_key)
{
	return send_receipt(l, &(struct owed){.verdict = RECEIPT_KEPT, .offset = e->offset, .length = e->length, .key = *reply_key});
}

/* The hub keeps a share until its RECEIPT; shares of another agreement stay there. */
static void mark_due(struct reception *v, struct arrival *arrival, enum share_verdict verdict)
{
	for (size_t n = 0; n < arrival->count; n++) {
		struct owed *o = &arrival->owed[n];
		if (o->is_due)
			continue;
		bool is_kept = v->terms != NULL && id_equal(&o->key_id, &v->terms->key_id);
		bool is_vowed = ready_has_vowed(v, &o->key_id);
		o->is_due = is_kept || is_vowed;
		if (is_vowed && (!is_kept || v->refuses))
			o->verdict = RECEIPT_REFUSED; /* READY was said of it: no other call can take it either */
		else
			o->verdict = verdict == SHARE_CORRUPT ? RECEIPT_CORRUPT : RECEIPT_KEPT;
		arrival->is_dirty = arrival->is_dirty || !o->is_due;
	}
}

static bool is_flushed(void *exchange)
{
	return !fanout_has_unsent(((const struct reception *)exchange)->a->x.set->fanout);
}

void arrivals_answer(struct reception *v)
{
	struct links *set = v->a->x.set;
	for (size_t h = 0; h < v->a->n; h++) {
		struct arrival *arrival = &v->arrival[h];
		mark_due(v, arrival, v->a->x.outcome[h].verdict);
		for (size_t n = 0; n < arrival->count; n++) {
			if (arrival->owed[n].is_due && !rc_ok(send_receipt(&set->link[h], &arrival->owed[n])))
				arrival->is_dirty = true;
		}
	}
	if (set->rider == NULL) /* else whoever comes to rest last writes them */
		(void)links_run(set, clock_ms() + FLUSH_MS, is_flushed, NULL);
}

void arrivals_refuse(struct reception *v, const struct id *key_id)
{
	for (size_t h = 0; h < v->a->n; h++) {
		struct arrival *arrival = &v->arrival[h];
		size_t kept = 0;
		for (size_t n = 0; n < arrival->count; n++) {
			struct owed *o = &arrival->owed[n];
			if (o->is_due || !id_equal(&o->key_id, key_id)) {
				arrival->owed[kept++] = *o;
				continue;
			}
			owe(o, RECEIPT_REFUSED);
			if (!rc_ok(send_receipt(&v->a->x.set->link[h], o)))
				arrival->is_dirty = true; /* it comes again, and is left there */
			secret_drop(&o->key);
		}
		memset(&arrival->owed[kept], 0, (arrival->count - kept) * sizeof arrival->owed[0]);
		arrival->count = kept;
	}
}

/* Others that use the connections tell a hub that its share is not needed any more. */
static bool can_be_late(const struct reception *v)
{
	return v->a->x.set->rider != NULL && v->terms != NULL && !v->refuses;
}

/* Connections on which our WAIT is still unanswered are let go: what it asked for would come to whoever
 * uses them next. */
void arrivals_drop(struct reception *v)
{
	bool is_silent = false;
	for (size_t h = 0; h < v->a->n; h++) {
		struct arrival *arrival = &v->arrival[h];
		bool has_none = arrival->wait.type != 0 && arrival->count == 0;
		is_silent = is_silent || has_none;
		bool is_open = v->intake != NULL && intake_is_open(v->intake, &v->a->x.set->link[h]);
		if (is_open || arrival->is_dirty || (has_none && !can_be_late(v)))
			link_hang_up(&v->a->x.set->link[h]);
		request_drop(&arrival->wait);
		for (size_t n = 0; n < arrival->count; n++)
			secret_drop(&arrival->owed[n].key);
	}
	if (can_be_late(v))
		convoy_has_key(v->a->x.set->rider, is_silent);
}
