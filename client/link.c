/* SPDX-License-Identifier: Apache-2.0 */
/* client/link.c - the state machine of one hub's connection, and the set of them in one poll loop. */
#include <config.h>

#include "client/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "client/convoy.h"
#include "client/policy.h"
#include "client/pool.h"

#define TRIES_MOST 2   /* a first connection, and one more when it is lost */
#define LEASES_MOST 24 /* a restored hub catches up in LEASE_JUMP_SHARE leases */
#define RETAKES_MOST 2
#define DISOWNED_MOST 2 /* in one exchange, however long it goes on and on however many connections */
#define SWITCHES_MOST 4 /* other tables of a hub in one exchange; a note can make us try one, which costs a lease */
#define OVERTAKEN_MOST 2
#define NONSENSE_MOST 16
#define OBJECTIONS_MOST 3 /* notes that would end the matter, if they were true */

/* ---- failing ---------------------------------------------------------------------------------------- */

/* The sentence, without the hub's address in front: whoever reads it sees that beside it. */
static void keep_reason(struct link *l, dske_rc why)
{
	const char *text = rc_detail(why);
	size_t len = strlen(l->hub->address);
	if (strncmp(text, l->hub->address, len) == 0 && strncmp(text + len, ": ", 2) == 0)
		text += len + 2;
	l->code = why.code;
	snprintf(l->why, sizeof l->why, "%s", text);
}

static void begin_tries(struct link *l)
{
	l->tries_left = TRIES_MOST;
	l->leases_left = LEASES_MOST;
	l->retakes_left = RETAKES_MOST;
	l->down_renewed = l->is_enlarged = l->is_outgrown = false;
	l->overtaken_left = OVERTAKEN_MOST;
	l->objections = 0;
}

static void advance(struct link *l);

/* The trouble is this table's, not its hub's. */
static bool is_of_table(dske_rc why)
{
	static const int codes[] = {DSKE_RC_EXHAUSTED, DSKE_RC_LOCKED, DSKE_RC_FROZEN, DSKE_RC_RETIRED, DSKE_RC_NOT_ACTIVE,
				    DSKE_RC_NOT_FOUND, DSKE_RC_CORRUPT, DSKE_RC_SYNC};
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		if (rc_is(why, codes[i]))
			return true;
	}
	return false;
}

uint64_t link_needs_left(const struct link *l)
{
	return l->need_up == 0 ? 0 : l->need_up + l->ahead_up + (l->set->deals ? CONTROL_RESERVE : 0);
}

/* Goes on with another table of the hub, if there is one that can serve this exchange.  A connection speaks for
 * one table, so this takes a new one; what was sent before is sealed afresh. */
static bool switch_table(struct link *l, dske_rc why)
{
	char hex[ID_HEX_LEN];
	if (!is_of_table(why) || l->switches_left == 0 || l->set->is_trunk) /* of others' requests some are under way there */
		return false;
	l->switches_left--;
	struct hub_table *next = pool_successor(l->set->client, l->hub, link_needs_left(l), l->need_down + l->ahead_down);
	if (next == NULL || !rc_ok(fanout_move(l->set->fanout, l->at, next->address)))
		return false;
	log_info("%s: %s; going on with table %s of the same hub", l->hub->name, l->why, id_hex(&next->id, hex));
	l->hub->checked_ms = 0;
	link_hang_up(l);
	l->hub = next;
	l->code = DSKE_RC_OK;
	l->why[0] = '\0';
	begin_tries(l);
	l->tries_left--;
	l->lease_lost = true;
	advance(l);
	return true;
}

void link_fail(struct link *l, dske_rc why)
{
	if (l->state == LINK_FAILED)
		return;
	keep_reason(l, why);
	if (l->trunk != NULL) { /* the call is done with this hub, others are not */
		l->state = LINK_FAILED;
		l->set->ops->failed(l->set->exchange, l);
		return;
	}
	if (switch_table(l, why))
		return;
	l->state = LINK_FAILED;
	if (!rc_is(why, DSKE_RC_UNREACHABLE))
		l->hub->checked_ms = 0; /* perhaps its table is not what it was */
	fanout_close(l->set->fanout, l->at);
	/* A lease that found no hub is repeated when there is one: each costs a slot of the table. */
	if (rc_is(why, DSKE_RC_UNREACHABLE))
		lease_unplug(l);
	else
		lease_drop(l);
	if (l->set->ops != NULL)
		l->set->ops->failed(l->set->exchange, l);
}

void link_hang_up(struct link *l)
{
	if (l->trunk != NULL) {
		convoy_end(l->set->rider);
		return;
	}
	fanout_close(l->set->fanout, l->at);
	lease_drop(l);
	l->state = LINK_IDLE;
}

void link_object(struct link *l, dske_rc why)
{
	keep_reason(l, why);
	if (++l->objections < OBJECTIONS_MOST)
		return;
	link_fail(l, why);
}

dske_rc link_objection(const struct link *l)
{
	return rc_fail(l->code, "%s", l->why);
}

void link_nonsense(struct link *l, const char *what)
{
	if (l->trunk != NULL)
		l = l->trunk;
	if (++l->nonsense >= NONSENSE_MOST)
		link_fail(l, FAIL(TAG, "it sends nonsense (%s): is another program on this address?", what));
}

/* ---- advancing -------------------------------------------------------------------------------------- */

void link_lease(struct link *l)
{
	l->state = LINK_LEASING;
	if (!l->lease.sent && l->leases_left == 0) {
		link_fail(l, FAIL(EXHAUSTED, "it granted no usable range of the table in %d leases", LEASES_MOST));
		return;
	}
	if (!l->lease.sent)
		l->leases_left--;
	dske_rc rc = lease_begin(l);
	if (!rc_ok(rc))
		link_fail(l, hub_table_excuse(l->hub, rc));
}

/* A table that cannot serve is not worth a connection.  (One whose lease is under way may have served already.) */
static void connect_now(struct link *l)
{
	dske_rc rc = l->lease.sent ? DSKE_OK : lease_check_left(l);
	if (!rc_ok(rc)) {
		link_fail(l, hub_table_excuse(l->hub, rc));
		return;
	}
	l->state = LINK_CONNECTING;
	fanout_connect(l->set->fanout, l->at);
}

static void advance(struct link *l)
{
	if (!fanout_is_connected(l->set->fanout, l->at)) {
		connect_now(l);
	} else if (!lease_suffices(l)) {
		link_lease(l);
	} else {
		l->state = LINK_READY;
		if (l->set->ops != NULL)
			l->set->ops->ready(l->set->exchange, l);
	}
}

static void set_need(struct link *l, const struct link_need *need)
{
	l->need_up = need->up;
	l->need_down = need->down;
	l->ahead_up = need->ahead_up;
	l->ahead_down = need->ahead_down;
}

void link_want(struct link *l, uint64_t up_len, uint64_t down_len)
{
	link_want_long(l, &(struct link_need){.up = up_len, .down = down_len});
}

void link_go_on(struct link *l, const struct link_need *need)
{
	set_need(l, need);
	begin_tries(l);
	link_tidy(l);
	if (l->state == LINK_READY && !lease_suffices(l))
		link_lease(l);
}

void link_tidy(struct link *l)
{
	size_t kept = 0;
	for (size_t i = 0; i < LINK_DOWN_WINDOWS; i++) {
		struct window *w = l->down[i];
		l->down[i] = NULL;
		if (w != NULL && window_left(w) > 0)
			l->down[kept++] = w;
		else
			window_free(w);
	}
}

void link_want_long(struct link *l, const struct link_need *need)
{
	set_need(l, need);
	begin_tries(l);
	if (l->trunk != NULL) {
		convoy_want(l);
		return;
	}
	l->switches_left = SWITCHES_MOST;
	l->lease_lost = false;
	l->code = DSKE_RC_OK;
	l->why[0] = '\0';
	if (l->state == LINK_LEASING)
		return; /* the answer to a lease under way advances it */
	if (l->state != LINK_CONNECTING && !fanout_is_connected(l->set->fanout, l->at))
		l->tries_left--;
	advance(l);
}

bool link_is_alive(const struct link *l)
{
	return l->state == LINK_CONNECTING || l->state == LINK_LEASING || l->state == LINK_READY;
}

dske_rc link_send(struct link *l, const uint8_t *frame, size_t len)
{
	struct link *view = l->trunk != NULL ? l : NULL;
	if (view != NULL)
		l = l->trunk;
	dske_rc rc = fanout_send(l->set->fanout, l->at, frame, len);
	if (view == NULL || !rc_is(rc, DSKE_RC_CLOSED) || !link_is_alive(l))
		return rc;
	view->state = LINK_CONNECTING; /* it goes out when the call is told that the hub is there again */
	return DSKE_OK;
}

bool link_can_send(const struct link *l)
{
	return l->state == LINK_READY && (l->trunk == NULL || convoy_serves(l));
}

struct window *link_up_window(struct link *l, uint64_t len)
{
	if (l->trunk != NULL)
		l = l->trunk;
	if (l->up_next != NULL && (l->up == NULL || window_left(l->up) < len)) {
		window_free(l->up);
		l->up = l->up_next;
		l->up_next = NULL;
	}
	return l->up;
}

struct window *link_down_window(struct link *l, uint64_t offset, uint64_t len)
{
	if (l->trunk != NULL)
		l = l->trunk;
	for (size_t i = 0; i < LINK_DOWN_WINDOWS; i++) {
		struct window *w = l->down[i];
		if (w != NULL && offset >= window_start(w) && offset < window_end(w) && len <= window_end(w) - offset)
			return w;
	}
	return NULL;
}

struct envelope link_envelope(const struct link *l, uint8_t type, uint64_t offset, uint32_t length, const struct buf *body)
{
	return (struct envelope){
		.type = type,
		.sender = l->hub->header.client,
		.table = l->hub->id,
		.offset = offset,
		.length = length,
		.body = body->data,
		.body_len = body->len,
	};
}

/* ---- what the fanout tells --------------------------------------------------------------------------- */

static void on_connected(void *context, size_t i)
{
	struct links *s = context;
	s->link[i].nonsense = 0;
	s->link[i].connection++;
	s->link[i].is_asked_again = s->link[i].ahead_failed = false;
	advance(&s->link[i]);
}

static void take_lease_frame(struct link *l, const struct envelope *e)
{
	bool moved = false;
	dske_rc rc = lease_frame(l, e, &moved);
	if (!rc_ok(rc))
		link_fail(l, hub_table_excuse(l->hub, rc));
	else if (moved)
		advance(l);
	else
		link_nonsense(l, "a lease that does not verify");
}

static void on_frame(void *context, size_t i, const struct envelope *e)
{
	struct links *s = context;
	struct link *l = &s->link[i];
	dske_rc why;
	if (l->state == LINK_FAILED)
		return;
	/* A note about a frame that could not be read, or from the wrong hub, names what it knows. */
	if (e->type == MESSAGE_NOTE)
		link_note(l, e);
	else if (!id_equal(&e->sender, &l->hub->hub) || !id_equal(&e->table, &l->hub->id))
		link_nonsense(l, "another hub's name or table");
	else if (e->type == MESSAGE_RETIRED && retire_take(l->hub, e))
		link_fail(l, retire_sentence(l->hub));
	else if (e->type == MESSAGE_FROZEN && activation_take_frozen(l->hub, e, &why))
		link_fail(l, why);
	else if (e->type == MESSAGE_GRANT || e->type == MESSAGE_CLONED)
		take_lease_frame(l, e);
	else if (!policy_answered(l, e) && s->ops != NULL)
		s->ops->frame(s->exchange, l, e);
}

/* Frames that were sent may or may not have arrived: the exchange sends the same bytes again when the
 * link is ready again. */
static void on_lost(void *context, size_t i, dske_rc why)
{
	struct links *s = context;
	struct link *l = &s->link[i];
	lease_unplug(l);
	if (l->state == LINK_FAILED || l->state == LINK_IDLE)
		return;
	bool connected_before = l->state != LINK_CONNECTING;
	if (!connected_before || l->tries_left == 0) {
		if (l->objections > 0)
			why = link_objection(l);
		else if (!rc_is(why, DSKE_RC_UNREACHABLE))
			why = FAIL(UNREACHABLE, "%s", rc_detail(why));
		link_fail(l, why);
		return;
	}
	l->tries_left--;
	advance(l);
}

/* ---- the set ----------------------------------------------------------------------------------------- */

static const struct fanout_ops fanout_ops = {.connected = on_connected, .frame = on_frame, .lost = on_lost};

dske_rc links_new(struct links **out, struct client *c, struct hub_table *const *hubs, size_t count)
{
	struct links *s = calloc(1, sizeof *s + count * sizeof s->link[0]);
	if (s != NULL)
		s->client = c;
	dske_rc rc = s == NULL ? rc_make(DSKE_RC_NOMEM) : fanout_new(&s->fanout, &fanout_ops, s);
	for (size_t i = 0; rc_ok(rc) && i < count; i++) {
		struct link *l = &s->link[i];
		l->set = s;
		l->hub = hubs[i];
		rc = fanout_add(s->fanout, hubs[i]->address, &l->at);
		s->count++;
	}
	if (!rc_ok(rc)) {
		links_free(s);
		s = NULL;
	}
	*out = s;
	return rc;
}

void links_free(struct links *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++) {
		lease_drop(&s->link[i]);
		policy_drop(&s->link[i]);
	}
	fanout_free(s->fanout);
	free(s);
}

void links_begin(struct links *s, const struct link_ops *ops, void *exchange)
{
	if (s->rider != NULL)
		convoy_enter(s->rider);
	s->deals = s->asks_little = false;
	s->down_most = UINT64_MAX;
	s->ops = ops;
	s->exchange = exchange;
	for (size_t i = 0; i < s->count; i++) {
		s->link[i].disowned_left = DISOWNED_MOST;
		if (s->link[i].state == LINK_FAILED)
			s->link[i].state = LINK_IDLE;
	}
}

void link_refresh(struct link *l, bool alone)
{
	l->disowned_left = DISOWNED_MOST;
	l->tries_left = TRIES_MOST;
	if (alone)
		begin_tries(l);
}

void links_end(struct links *s)
{
	if (s->rider != NULL && s->ops != NULL)
		convoy_exit(s->rider);
	s->ops = NULL;
	s->exchange = NULL;
}

dske_rc links_run(struct links *s, int64_t deadline_ms, bool (*done)(void *exchange), const atomic_bool *cancelled)
{
	return links_run_until(s, deadline_ms, done, s->exchange, cancelled);
}

dske_rc links_run_until(struct links *s, int64_t deadline_ms, bool (*done)(void *context), void *context,
			const atomic_bool *cancelled)
{
	if (s->rider != NULL)
		return convoy_run(s->rider, deadline_ms, done, context, cancelled);
	return fanout_run(s->fanout, deadline_ms, done, context, cancelled);
}

void links_end_by(struct links *s, int64_t until_ms)
{
	if (s->rider != NULL)
		convoy_end_by(s->rider, until_ms);
}

void links_step_out(struct links *s)
{
	if (s->rider != NULL)
		convoy_step_out(s->rider);
}

void links_step_in(struct links *s)
{
	if (s->rider != NULL)
		convoy_step_in(s->rider);
}
