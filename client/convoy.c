/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "client/convoy.h"

#include <string.h>
#include <unistd.h>

#include "client/convoy-impl.h"
#include "client/reception.h"

#define CANCEL_INTERVAL_MS 100
#define LEASES_LEFT 8      /* of a table, less: each call for itself ... */
#define BYTES_LEFT 16384   /* ... and of either direction, beside what is needed */
#define SLOW_MS 100        /* what a connection may take to begin; longer, and the resolver would hold up everybody */
#define LATE_WAITS_MOST 512 /* WAITs that are left at hubs: they allow 1024 on a connection */

/* ---- what the trunk tells ----------------------------------------------------------------------------- */

static struct link *view_of(const struct rider *r, const struct link *trunk)
{
	return &r->view->link[trunk->at];
}

static bool has_room(const struct window *w, uint64_t len)
{
	return w != NULL && window_left(w) >= len;
}

/* Can this call send what it needs, and be sent it? */
static bool serves(const struct link *trunk, const struct link *view)
{
	bool is_up = trunk->state == LINK_READY || trunk->state == LINK_LEASING;
	if (!is_up || !fanout_is_connected(trunk->set->fanout, trunk->at))
		return false;
	bool can_send = view->need_up == 0 || has_room(trunk->up, view->need_up) || has_room(trunk->up_next, view->need_up);
	return can_send && (view->need_down == 0 || lease_down_suffices(trunk));
}

bool convoy_serves(const struct link *view)
{
	return serves(view->trunk, view);
}

static void copy_reason(struct link *view, const struct link *trunk)
{
	view->code = trunk->code;
	memcpy(view->why, trunk->why, sizeof view->why);
	view->objections = trunk->objections;
	view->is_outgrown = trunk->is_outgrown;
}

static void view_ready(struct rider *r, struct link *view, const struct link *trunk)
{
	view->hub = trunk->hub;
	view->connection = trunk->connection;
	view->state = LINK_READY;
	r->view->ops->ready(r->view->exchange, view);
}

/* What changed for this call: it was not ready, its requests went to a connection that is gone or were in a window that the
 * hub disowned, or a note is about one of them. */
static void tell_ready(struct rider *r, const struct link *trunk)
{
	struct link *view = view_of(r, trunk);
	bool is_asked = trunk->is_asked_again && r->view->ops->awaits(r->view->exchange, view, trunk->noted_offset);
	bool is_news = view->state != LINK_READY || view->connection != trunk->connection || trunk->lease_lost || is_asked;
	if (!view->is_wanted || view->state == LINK_FAILED || !is_news)
		return;
	view->lease_lost = view->lease_lost || trunk->lease_lost;
	view->is_asked_again = is_asked;
	if (trunk->is_asked_again)
		copy_reason(view, trunk);
	if (serves(trunk, view))
		view_ready(r, view, trunk);
	else
		view->state = LINK_LEASING;
	view->is_asked_again = false;
}

static void on_ready(void *exchange, struct link *trunk)
{
	struct convoy *v = exchange;
	for (struct rider *r = v->riders; r != NULL; r = r->next) {
		if (r->is_out)
			continue;
		tell_ready(r, trunk);
		r->is_stirred = true;
	}
	trunk->lease_lost = false;
	lease_look_ahead(trunk);
}

static void on_failed(void *exchange, struct link *trunk)
{
	struct convoy *v = exchange;
	for (struct rider *r = v->riders; r != NULL; r = r->next) {
		struct link *view = view_of(r, trunk);
		if (r->is_out || !view->is_wanted || view->state == LINK_FAILED)
			continue;
		copy_reason(view, trunk);
		view->state = LINK_FAILED;
		r->view->ops->failed(r->view->exchange, view);
		r->is_stirred = true;
	}
}

static bool awaited_by(const struct rider *r, const struct link *trunk, uint64_t offset)
{
	return r->view->ops->awaits(r->view->exchange, view_of(r, trunk), offset);
}

static bool awaits(const void *exchange, const struct link *trunk, uint64_t offset)
{
	const struct convoy *v = exchange;
	for (const struct rider *r = v->riders; r != NULL; r = r->next) {
		if (!r->is_out && awaited_by(r, trunk, offset))
			return true;
	}
	return false;
}

struct rider *convoy_waiting_for(const struct convoy *v, const struct id *key_id)
{
	struct rider *r = v->riders;
	while (r != NULL && !(r->waits_for_key && id_equal(&r->key_id, key_id)))
		r = r->next;
	return r;
}

static bool is_late(const struct convoy *v, const struct id *key_id)
{
	size_t kept = v->late_count < LATE_KEYS ? v->late_count : LATE_KEYS;
	for (size_t i = 0; i < kept; i++) {
		if (id_equal(&v->late[i], key_id))
			return true;
	}
	return false;
}

/* A share for one of the calls; or of a key that one of them had from the other hubs, before it went. */
static void take_instruction(struct convoy *v, struct link *trunk, const struct envelope *e)
{
	AUTO(pad) pad = {0};
	AUTO(secret) reply_key = {0};
	struct id key_id;
	if (!arrival_range(trunk, e, &pad, &reply_key) || !arrival_name(e, &key_id))
		return;
	struct rider *r = convoy_waiting_for(v, &key_id);
	if (r != NULL && !r->is_out) {
		r->view->ops->instruction(r->view->exchange, view_of(r, trunk), e, &pad, &reply_key);
		r->is_stirred = true;
	} else if (r == NULL && is_late(v, &key_id)) {
		(void)arrival_answer_kept(trunk, e, &reply_key);
	} else {
		v->is_over = true;
	}
}

static void on_frame(void *exchange, struct link *trunk, const struct envelope *e)
{
	struct convoy *v = exchange;
	if (e->type == MESSAGE_INSTRUCTION) {
		take_instruction(v, trunk, e);
		return;
	}
	for (struct rider *r = v->riders; r != NULL; r = r->next) {
		if (r->is_out || !awaited_by(r, trunk, e->offset))
			continue;
		r->view->ops->frame(r->view->exchange, view_of(r, trunk), e);
		r->is_stirred = true;
		return;
	}
}

const struct link_ops convoy_trunk_ops = {.ready = on_ready, .frame = on_frame, .failed = on_failed, .awaits = awaits};

/* ---- what a call wants -------------------------------------------------------------------------------- */

/* Of the trunk as much as all of them need together, so that leases grow with their number. */
static void raise_need(const struct convoy *v, struct link *trunk, const struct link *view)
{
	uint64_t up = view->need_up * v->count, down = view->need_down * v->count;
	trunk->need_up = up > 0 ? up : trunk->need_up;
	trunk->need_down = down > 0 ? down : trunk->need_down;
	trunk->set->down_most = view->set->down_most < UINT64_MAX / v->count ? view->set->down_most * v->count : UINT64_MAX;
}

/* Where a table comes to its end, links look for another one, which ends the connection to the hub: each call by itself. */
static bool is_near_its_end(const struct link *trunk)
{
	struct table_status s;
	if (!rc_ok(table_status(trunk->hub->table, &s)))
		return true;
	return s.lease_left < LEASES_LEFT || s.up_left < 2 * trunk->need_up + BYTES_LEFT || s.down_left < 2 * trunk->need_down + BYTES_LEFT;
}

static void refuse(struct convoy *v, struct link *view)
{
	v->is_over = true;
	view->is_refused = true;
	link_fail(view, FAIL(BUSY, "it needs a connection of its own"));
}

static void begin_trunk(struct convoy *v, struct link *trunk)
{
	struct link_need need = {.up = trunk->need_up, .down = trunk->need_down};
	int64_t began = clock_ms();
	if (trunk->state == LINK_FAILED)
		trunk->state = LINK_IDLE;
	link_want_long(trunk, &need);
	if (clock_ms() - began > SLOW_MS)
		v->is_over = true;
}

/* The loss is told in the next step, and the link goes on by itself. */
static bool is_just_lost(const struct link *trunk)
{
	return trunk->state == LINK_READY && !fanout_is_connected(trunk->set->fanout, trunk->at);
}

void convoy_want(struct link *view)
{
	struct convoy *v = view->set->rider->convoy;
	struct link *trunk = view->trunk;
	view->is_wanted = true;
	view->lease_lost = view->is_refused = false;
	view->code = DSKE_RC_OK;
	view->why[0] = '\0';
	view->state = LINK_CONNECTING;
	raise_need(v, trunk, view);
	if (serves(trunk, view)) {
		view_ready(view->set->rider, view, trunk);
		lease_look_ahead(trunk);
	} else if (trunk->state != LINK_CONNECTING && trunk->state != LINK_LEASING && !is_just_lost(trunk)) {
		if (is_near_its_end(trunk))
			refuse(v, view);
		else
			begin_trunk(v, trunk);
	}
}

void convoy_has_range(struct link *view, uint64_t len)
{
	view->need_up -= len < view->need_up ? len : view->need_up;
	lease_look_ahead(view->trunk);
}

/* Others were quicker, and the window that was there is spent. */
static void want_again(struct rider *r)
{
	for (size_t i = 0; i < r->view->count; i++) {
		struct link *view = &r->view->link[i];
		const struct link *trunk = view->trunk;
		bool is_idle = trunk->state == LINK_READY && !trunk->lease.sent;
		if (view->is_wanted && link_is_alive(view) && is_idle && !serves(trunk, view))
			convoy_want(view);
	}
}

void convoy_end(struct rider *r)
{
	r->convoy->is_over = true;
}

void convoy_has_key(struct rider *r, bool incomplete)
{
	struct convoy *v = r->convoy;
	if (!incomplete)
		return;
	v->late[v->late_count++ % LATE_KEYS] = r->key_id;
	r->waits_for_key = false;
	if (v->late_count == LATE_WAITS_MOST)
		v->is_over = true;
}

/* ---- waiting ------------------------------------------------------------------------------------------ */

static void wake(struct convoy *v, struct rider *r)
{
	r->sleeps = false;
	v->awake++;
	v->to_ring |= UINT64_C(1) << r->bell;
}

/* Bells live as long as the convoy: no harm if those who are meant have left. */
static void ring(struct convoy *v, uint64_t bells)
{
	for (; bells != 0; bells &= bells - 1)
		pthread_cond_broadcast(&v->bell[__builtin_ctzll(bells)]);
}

static void unlock_and_ring(struct convoy *v)
{
	uint64_t bells = v->to_ring;
	v->to_ring = 0;
	pthread_mutex_unlock(&v->lock);
	ring(v, bells);
}

static void wake_those_who_are_done(struct convoy *v)
{
	int64_t now_ms = clock_ms();
	for (struct rider *r = v->riders; r != NULL; r = r->next) {
		bool is_stirred = r->is_stirred;
		r->is_stirred = false;
		if (r->sleeps && ((is_stirred && r->done(r->context)) || (r->is_ending && r->end_ms <= now_ms)))
			wake(v, r);
	}
}

/* Until when may be polled? */
static int64_t first_end(const struct convoy *v, int64_t until_ms)
{
	for (const struct rider *r = v->riders; r != NULL; r = r->next) {
		if (r->sleeps && r->is_ending && r->end_ms < until_ms)
			until_ms = r->end_ms;
	}
	return until_ms;
}

void convoy_end_by(struct rider *r, int64_t until_ms)
{
	r->is_ending = true;
	r->end_ms = until_ms < r->end_ms ? until_ms : r->end_ms;
}

static void appoint_a_leader(struct convoy *v)
{
	for (struct rider *r = v->riders; r != NULL && !v->is_led; r = r->next) {
		if (r->sleeps) {
			wake(v, r);
			return;
		}
	}
}

/* Whoever goes last writes what all have queued, and shows the leader what is to be waited for. */
static void rest(struct convoy *v)
{
	static const uint64_t once = 1;
	struct fanout *f = v->trunk->fanout;
	if (--v->awake == 0 && atomic_load(&v->coming) == 0)
		fanout_flush(f);
	if (v->polls && fanout_changes(f) != v->changes_seen) {
		v->changes_seen = fanout_changes(f);
		(void)!write(v->waker.n, &once, sizeof once);
	}
}

static void before_poll(void *context)
{
	struct convoy *v = context;
	v->polls = true;
	v->changes_seen = fanout_changes(v->trunk->fanout);
	unlock_and_ring(v);
}

static void after_poll(void *context)
{
	struct convoy *v = context;
	pthread_mutex_lock(&v->lock);
	v->polls = false;
}

static dske_rc lead(struct convoy *v, int64_t now_ms, int64_t wait_ms)
{
	int64_t until_ms = first_end(v, now_ms + wait_ms);
	struct fanout_pause pause = {.waker = v->waker.n, .before = before_poll, .after = after_poll, .context = v};
	v->is_led = true;
	rest(v);
	dske_rc rc = fanout_step(v->trunk->fanout, until_ms > now_ms ? (int)(until_ms - now_ms) : 0, &pause);
	v->awake++;
	v->is_led = false;
	wake_those_who_are_done(v);
	return rc;
}

static void sleep_until(struct convoy *v, struct rider *r, int64_t until_ms)
{
	struct timespec t = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	r->sleeps = true;
	rest(v);
	ring(v, v->to_ring);
	v->to_ring = 0;
	while (r->sleeps && pthread_cond_timedwait(&v->bell[r->bell], &v->lock, &t) == 0)
		;
	if (r->sleeps)
		v->awake++;
	r->sleeps = false;
}

dske_rc convoy_run(struct rider *r, int64_t deadline_ms, bool (*done)(void *context), void *context, const atomic_bool *cancelled)
{
	struct convoy *v = r->convoy;
	bool late = false; /* what has come by the deadline is still looked at */
	dske_rc rc = DSKE_OK;
	r->done = done;
	r->context = context;
	r->end_ms = deadline_ms;
	r->is_ending = false;
	while (rc_ok(rc) && !done(context)) {
		if (cancelled != NULL && *cancelled) {
			rc = FAIL(CANCELLED, "cancelled while waiting for the hubs");
		} else if (late) {
			rc = FAIL(TIMEOUT, "the deadline came before enough hubs had answered");
		} else {
			want_again(r);
			int64_t now_ms = clock_ms(), most_ms = cancelled != NULL ? CANCEL_INTERVAL_MS : INT32_MAX;
			int64_t wait_ms = r->end_ms - now_ms < most_ms ? r->end_ms - now_ms : most_ms;
			late = now_ms >= r->end_ms;
			if (!v->is_led)
				rc = lead(v, now_ms, late ? 0 : wait_ms);
			else if (!late)
				sleep_until(v, r, now_ms + wait_ms);
		}
	}
	return rc;
}

/* ---- coming and going --------------------------------------------------------------------------------- */

static void become_awake(struct convoy *v)
{
	atomic_fetch_add(&v->coming, 1);
	pthread_mutex_lock(&v->lock);
	atomic_fetch_sub(&v->coming, 1);
	v->awake++;
}

static void become_absent(struct convoy *v)
{
	appoint_a_leader(v);
	rest(v);
	unlock_and_ring(v);
}

void convoy_step_out(struct rider *r)
{
	r->is_out = true;
	become_absent(r->convoy);
}

void convoy_step_in(struct rider *r)
{
	become_awake(r->convoy);
	r->is_out = false;
}

/* Who leads or holds the lock is not to be cancelled there: all others wait for it. */
void convoy_enter(struct rider *r)
{
	struct convoy *v = r->convoy;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &r->cancel_state);
	become_awake(v);
	r->is_out = false;
	v->count++;
	for (size_t i = 0; i < v->trunk->count; i++) {
		r->view->link[i].state = LINK_IDLE;
		r->view->link[i].is_wanted = false;
		link_refresh(&v->trunk->link[i], v->count == 1);
	}
}

void convoy_exit(struct rider *r)
{
	struct convoy *v = r->convoy;
	r->is_out = true;
	v->count--;
	become_absent(v);
	pthread_setcancelstate(r->cancel_state, NULL);
}

