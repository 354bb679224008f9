/* SPDX-License-Identifier: Apache-2.0 */
/* client/intake.c - parts in; windows for the next; whole shares to the receiver. */
#include <config.h>

#include "client/intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "client/spool.h"
#include "client/stakes.h"

#define AHEAD_PARTS 2 /* of down window that are open while a share comes */
#define ASKED_MOST 4  /* times that a share which found no room is asked for again: each costs table at its hub */
#define GRACE_LEAST_MS 1000
#define GRACE_MOST_MS 30000

/* What one hub is sending, or was at last. */
struct incoming {
	bool is_open;
	struct terms terms;
	size_t stake;      /* its own, while it is open */
	size_t number;     /* in the spool */
	unsigned next;     /* part */
	unsigned furthest; /* that it ever was, of these terms */
};

struct intake {
	struct reception *v;
	struct spool spool;
	struct stakes stakes;
	bool is_cramped; /* a stake lacks room */
	struct share_source source;
	double begun_ms, enough_ms; /* the first part came; the least shares that can do were whole; or 0 */
	size_t tried;               /* shares that were there when it was last tried to conclude */
	uint64_t most_done;         /* bytes of S, of the hub that is furthest; for progress */
	struct incoming in[];       /* one a hub */
};

/* ---- the source of the receiver --------------------------------------------------------------------------- */

static dske_rc read_block(void *context, size_t share, size_t block, uint8_t *out, size_t len)
{
	struct intake *t = context;
	return spool_read(&t->spool, share, block, out, len);
}

dske_rc intake_new(struct intake **out, struct reception *v)
{
	const struct agree_sink *sink = v->a->q->sink;
	struct intake *t = calloc(1, sizeof *t + v->a->n * sizeof t->in[0]);
	if (t == NULL)
		return rc_make(DSKE_RC_NOMEM);
	t->v = v;
	t->source = (struct share_source){.context = t, .read = read_block};
	dske_rc rc = spool_init(&t->spool, sink->folder != NULL ? sink->folder : v->a->x.client->config.state.s);
	if (rc_ok(rc))
		rc = random_fill(t->source.print_key, sizeof t->source.print_key);
	if (rc_ok(rc)) {
		receiver_set_source(v->receiver, &t->source);
		*out = t;
	} else {
		intake_free(t);
	}
	return rc;
}

void intake_free(struct intake *t)
{
	if (t == NULL)
		return;
	spool_drop(&t->spool);
	stakes_drop(&t->stakes);
	mem_wipe(t->source.print_key, sizeof t->source.print_key);
	free(t);
}

/* ---- room ------------------------------------------------------------------------------------------------------- */

static void forget(struct intake *t, size_t at)
{
	struct stake *s = &t->stakes.all[at];
	if (s->is_whole) {
		receiver_forget(t->v->receiver, &t->v->a->x.set->link[s->hub].hub->hub, &s->terms);
		t->tried = 0; /* those that are left are others than before */
	} else {
		t->in[s->hub].is_open = false;
	}
	spool_forget(&t->spool, s->number);
	s->is_held = s->is_whole = false;
}

/* Another share goes, so that there is room for this one.  Where a key stands none goes that it may have been made of. */
static bool make_room(struct intake *t, size_t at)
{
	size_t victim = t->v->terms == NULL ? stakes_victim(&t->stakes, at) : STAKE_NONE;
	if (victim == STAKE_NONE)
		return false;
	struct link *l = &t->v->a->x.set->link[t->stakes.all[victim].hub];
	log_warn("%s: what it sent of a key of %u bytes makes room in %s for what more hubs say",
		 l->hub->name, t->stakes.all[victim].terms.key_len, t->spool.folder.s);
	exchange_unsettle(&t->v->a->x, l); /* it has to deliver once more, and to be revived for that */
	forget(t, victim);
	t->stakes.all[victim].is_lacking = t->is_cramped = true;
	return true;
}

static dske_rc room_lacks(const struct intake *t, const struct terms *terms)
{
	uint64_t need = spool_need(terms);
	return FAIL(IO, "%u shares of this key need %llu bytes in %s, which has %llu left: make room, or write the key elsewhere",
		    terms->k, (unsigned long long)need * terms->k, t->spool.folder.s, (unsigned long long)spool_left(&t->spool));
}

/* There is no room for this share.  Which of those that compete is the key's is known when k hubs say the same: if its shares
 * alone do not fit, nothing helps; if enough of them do, this one is not needed.  Until then it is put off.  Errors: IO; BUSY
 * (put off). */
static dske_rc put_off(struct intake *t, size_t at)
{
	struct stake *s = &t->stakes.all[at];
	s->is_lacking = t->is_cramped = true;
	if (!stakes_are_agreed(&t->stakes, &s->terms))
		return rc_make(DSKE_RC_BUSY);
	dske_rc rc = room_lacks(t, &s->terms);
	if (stakes_held(&t->stakes, &s->terms) - s->is_held < s->terms.k)
		reception_over(t->v, rc);
	return rc;
}

/* Before anything of it is written. */
static dske_rc find_room(struct intake *t, size_t at)
{
	while (spool_left(&t->spool) < spool_need(&t->stakes.all[at].terms)) {
		if (!make_room(t, at))
			return put_off(t, at);
	}
	return DSKE_OK;
}

/* Would it find room, as things are now? */
static bool may_fit(const struct intake *t, size_t at)
{
	return spool_left(&t->spool) >= spool_need(&t->stakes.all[at].terms) || stakes_victim(&t->stakes, at) != STAKE_NONE;
}

/* What lacks room may have it: is it time to ask for it? */
static bool may_ask(const struct intake *t, size_t at)
{
	const struct stake *s = &t->stakes.all[at];
	return s->asked < ASKED_MOST && !t->in[s->hub].is_open && t->v->a->x.set->link[s->hub].state == LINK_READY &&
	       stakes_are_agreed(&t->stakes, &s->terms) && may_fit(t, at);
}

/* On a new connection it comes again, from part 0; that it did not get on meanwhile shall not end the call. */
static void ask_again(struct intake *t, struct stake *s)
{
	struct link *l = &t->v->a->x.set->link[s->hub];
	if (terms_equal(&t->in[s->hub].terms, &s->terms))
		t->in[s->hub].furthest = 0;
	s->is_lacking = false;
	s->asked++;
	exchange_unsettle(&t->v->a->x, l);
	link_hang_up(l);
	link_want(l, MSG_WAIT_RANGE_LEN, MSG_SHARE_RANGE_LEN(&s->terms));
}

void intake_turn(struct intake *t)
{
	if (!t->is_cramped || t->v->terms != NULL)
		return;
	t->is_cramped = false;
	for (size_t i = 0; i < t->stakes.count; i++) {
		struct stake *s = &t->stakes.all[i];
		if (s->is_lacking && may_ask(t, i))
			ask_again(t, s);
		t->is_cramped = t->is_cramped || s->is_lacking;
	}
}

/* One hub that claims a great length does not decide what is told. */
dske_rc intake_explain(const struct intake *t, dske_rc rc)
{
	for (size_t i = 0; t != NULL && i < t->stakes.count; i++) {
		const struct stake *s = &t->stakes.all[i];
		if (s->is_lacking && stakes_are_agreed(&t->stakes, &s->terms))
			return room_lacks(t, &s->terms);
	}
	return rc;
}

/* ---- parts --------------------------------------------------------------------------------------------------- */

/* A part is whole blocks. */
static dske_rc keep_part(struct intake *t, const struct incoming *in, const struct secret *part)
{
	size_t block = (size_t)in->next * (KEY_PART_LEN / SHARE_BLOCK_LEN), len;
	for (size_t at = 0; at < part->len; at += len, block++) {
		len = share_block_len(&in->terms, block);
		dske_rc rc = spool_write(&t->spool, in->number, block, part->data + at, len);
		while (!rc_ok(rc) && t->spool.is_full && make_room(t, in->stake))
			rc = spool_write(&t->spool, in->number, block, part->data + at, len);
		if (!rc_ok(rc))
			return t->spool.is_full ? put_off(t, in->stake) : rc;
	}
	return DSKE_OK;
}

static dske_rc take_part(struct intake *t, struct incoming *in, const uint8_t *cipher, size_t len, struct pad *pad)
{
	AUTO(secret) part = {0};
	TRY(secret_alloc(&part, len));
	TRY(pad_xor(pad, part.data, cipher, len));
	TRY(keep_part(t, in, &part));
	in->next++;
	return DSKE_OK;
}

/* Ranges that this share still needs of the down region. */
static uint64_t ranges_left(const struct incoming *in)
{
	unsigned count = terms_part_count(&in->terms);
	if (in->next >= count)
		return 0;
	return (uint64_t)PAD_KEYS_LEN * (count - in->next) + terms_share_len(&in->terms) - terms_part_offset(&in->terms, in->next);
}

/* Of the windows that are open, as many whole parts as fit. */
static uint64_t room_left(const struct link *l)
{
	const uint64_t part = PAD_KEYS_LEN + KEY_PART_LEN;
	uint64_t room = 0;
	for (size_t i = 0; i < LINK_DOWN_WINDOWS; i++)
		room += l->down[i] != NULL ? window_left(l->down[i]) / part * part : 0;
	return room;
}

/* Windows are renewed while there is still room for a part, so that the hub need not wait. */
static void renew_window(const struct incoming *in, struct link *l)
{
	const uint64_t most = AHEAD_PARTS * (uint64_t)(PAD_KEYS_LEN + KEY_PART_LEN);
	uint64_t left = ranges_left(in), room;
	link_tidy(l);
	room = room_left(l);
	uint64_t down = left <= room ? 0 : left - room;
	link_go_on(l, &(struct link_need){.up = MSG_WAIT_RANGE_LEN, .down = down < most ? down : most});
}

/* Have as many hubs as the key needs come as far with it as this one?  Fewer of them might lead on for ever. */
static bool has_company(const struct intake *t, const struct incoming *in)
{
	size_t hubs = 0;
	for (size_t h = 0; h < t->v->a->n; h++)
		hubs += t->in[h].furthest >= in->furthest && terms_equal(&t->in[h].terms, &in->terms);
	return hubs >= in->terms.k;
}

static void tell_progress(struct intake *t, struct incoming *in)
{
	const struct agree_sink *sink = t->v->a->q->sink;
	uint64_t done = (uint64_t)in->next * KEY_PART_LEN, total = in->terms.key_len;
	if (in->next > in->furthest) {
		in->furthest = in->next;
		if (has_company(t, in))
			agree_progress(t->v->a);
	}
	if (done <= t->most_done)
		return;
	t->most_done = done;
	if (sink->progress != NULL)
		sink->progress(sink->context, done < total ? done : total, total);
}

static void drop(struct intake *t, struct incoming *in)
{
	if (in->is_open)
		forget(t, in->stake);
}

/* A file for its parts. */
static dske_rc open_share(struct intake *t, struct incoming *in, size_t at)
{
	struct stake *s = &t->stakes.all[at];
	if (s->is_held)
		return FAIL(EXISTS, "its share of this key is there already");
	TRY(find_room(t, at));
	TRY(spool_new(&t->spool, &in->number));
	s->number = in->number;
	s->is_held = true;
	s->is_lacking = false;
	in->stake = at;
	in->is_open = true;
	return DSKE_OK;
}

dske_rc intake_begin(struct intake *t, struct link *l, const struct msg_instruction *m, struct pad *pad)
{
	struct incoming *in = &t->in[l->at];
	size_t at;
	TRY(receiver_accepts(t->v->receiver, &l->hub->hub, &m->terms));
	drop(t, in);
	TRY(stakes_note(&t->stakes, l->at, &m->terms, &at));
	if (!terms_equal(&in->terms, &m->terms))
		in->furthest = 0;
	in->terms = m->terms;
	in->next = 0;
	TRY(open_share(t, in, at));
	dske_rc rc = take_part(t, in, m->share, m->share_len, pad);
	if (!rc_ok(rc)) {
		drop(t, in);
		return rc;
	}
	if (t->begun_ms <= 0)
		t->begun_ms = clock_fine_ms();
	tell_progress(t, in);
	renew_window(in, l);
	return DSKE_OK;
}

void intake_go_on(struct intake *t, struct link *l)
{
	renew_window(&t->in[l->at], l);
}

static dske_rc check_piece(const struct incoming *in, const struct envelope *e, const struct msg_piece *m)
{
	if (!id_equal(&m->initiator, &in->terms.initiator) || !id_equal(&m->key_id, &in->terms.key_id))
		return FAIL(FORMAT, "it sent a part of another key than it had begun");
	if (m->number != in->next || in->next >= terms_part_count(&in->terms))
		return FAIL(FORMAT, "it sent part %u where part %u was the next", m->number, in->next);
	if (m->share_len != terms_part_len(&in->terms, m->number) || e->length != PAD_KEYS_LEN + m->share_len)
		return FAIL(FORMAT, "part %u has not the length that the key needs", m->number);
	return DSKE_OK;
}

static dske_rc take_piece(struct intake *t, struct incoming *in, const struct envelope *e, struct pad *pad)
{
	struct msg_piece m;
	TRY(msg_piece_read(&m, e->body, e->body_len));
	TRY(check_piece(in, e, &m));
	return take_part(t, in, m.share, m.share_len, pad);
}

/* The share is whole.  Its room in the spool is the receiver's from now on. */
static dske_rc offer(struct intake *t, struct incoming *in, const struct link *l)
{
	dske_rc rc = receiver_offer_number(t->v->receiver, &l->hub->hub, &in->terms, in->number);
	if (!rc_ok(rc))
		forget(t, in->stake);
	in->is_open = false;
	t->stakes.all[in->stake].is_whole = rc_ok(rc);
	if (rc_ok(rc) && t->v->first_ms <= 0)
		t->v->first_ms = t->begun_ms;
	return rc_is(rc, DSKE_RC_EXISTS) ? DSKE_OK : rc;
}

bool intake_piece(struct intake *t, struct link *l, const struct envelope *e)
{
	struct incoming *in = &t->in[l->at];
	AUTO(pad) pad = {0};
	AUTO(secret) reply_key = {0};
	if (!arrival_range(l, e, &pad, &reply_key))
		return false;
	if (!in->is_open) /* of a share that was given up */
		return false;
	dske_rc rc = take_piece(t, in, e, &pad);
	bool is_whole = rc_ok(rc) && in->next == terms_part_count(&in->terms);
	if (rc_ok(rc)) {
		tell_progress(t, in);
		renew_window(in, l);
	}
	if (is_whole)
		rc = offer(t, in, l);
	if (!rc_ok(rc))
		drop(t, in);
	if (is_whole || (!rc_ok(rc) && !rc_is(rc, DSKE_RC_BUSY)))
		exchange_settle(&t->v->a->x, l, rc);
	return is_whole && rc_ok(rc);
}

bool intake_restart(struct intake *t, struct link *l)
{
	struct incoming *in = &t->in[l->at];
	if (in->is_open)
		link_go_on(l, &(struct link_need){.up = MSG_WAIT_RANGE_LEN, .down = MSG_SHARE_RANGE_LEN(&in->terms)});
	drop(t, in);
	return l->state == LINK_READY;
}

bool intake_is_open(const struct intake *t, const struct link *l)
{
	return t->in[l->at].is_open;
}

/* ---- the end --------------------------------------------------------------------------------------------------- */

static double grace(const struct intake *t)
{
	double took = (t->enough_ms - t->begun_ms) / 4;
	return took < GRACE_LEAST_MS ? GRACE_LEAST_MS : took > GRACE_MOST_MS ? GRACE_MOST_MS : took;
}

/* Each look at a long key costs seconds: not before there is hope, and not twice at the same shares. */
bool intake_is_due(struct intake *t, bool all_delivered)
{
	size_t count = receiver_share_count(t->v->receiver);
	double now = clock_fine_ms();
	if (count < t->v->a->k_b || count == t->tried || t->begun_ms <= 0)
		return false;
	if (t->enough_ms <= 0)
		t->enough_ms = now;
	if (!all_delivered && now < t->enough_ms + grace(t))
		return false;
	t->tried = count;
	return true;
}

/* Nothing but the key's own shares is needed any more, and the key itself may go to the same disk. */
static void forget_others(struct intake *t)
{
	for (size_t i = 0; i < t->stakes.count; i++) {
		if (t->stakes.all[i].is_held && !terms_equal(&t->stakes.all[i].terms, t->v->terms))
			forget(t, i);
	}
}

dske_rc intake_emit(struct intake *t)
{
	const struct agree_sink *sink = t->v->a->q->sink;
	AUTO(secret) block = {0};
	TRY(secret_alloc(&block, SHARE_BLOCK_MAX));
	forget_others(t);
	for (size_t i = 0; i < share_block_count(t->v->terms); i++) {
		size_t len = 0;
		TRY(receiver_key_block(t->v->receiver, i, block.data, &len));
		TRY(sink->write(sink->context, block.data, len));
	}
	return DSKE_OK;
}
