/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/stock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/net.h"

#define NEWEST_NAMED 48         /* of the pads in a word; the others take turns */
#define FORGET_AFTER_MS 30000   /* a pad that a later one has followed, of which packets may be on their way still */
#define UNHELD_MS 60000         /* to send: who speaks, and does not name it for so long, will not get it */

/* The sender frees what is sent under; others set `gone`.  Of what is received under, whoever has the lock may free all but
 * `current`, which the receiver has in its hands. */
struct kept {
	struct kept *next;
	struct pad pad;
	bool held;           /* to send: the other end has said so */
	atomic_bool gone;
	uint64_t order;      /* to receive: when it was added, counted */
	int64_t added_ms;
	int64_t used_ms;     /* to receive: when traffic last came under it; 0: never */
};

struct list {
	struct kept *first, **end;
	struct kept *current; /* its user's own: taken without the lock */
};

struct stock {
	pthread_mutex_t lock;
	struct list out, in;
	struct kept *over;       /* of both: in nobody's hands any more, to be wiped and freed */
	uint64_t hold_max, held; /* bytes to receive under */
	uint64_t boot, number;
	uint64_t peer_boot, peer_number, peer_keeps;
	uint64_t peer_order; /* the newest pad that this run of the other end spoke under */
	uint64_t unknown[WORD_UNKNOWN_MAX];
	size_t unknown_count, unknown_next, turn;
	atomic_bool due;
	int64_t (*clock)(void);
	struct stock_figures seen; /* what only grows */
};

/* ---- life -------------------------------------------------------------------------------------------------- */

dske_rc stock_new(struct stock **out, uint64_t hold_max)
{
	struct stock *s = calloc(1, sizeof *s);
	*out = NULL;
	if (s == NULL)
		return rc_make(DSKE_RC_NOMEM);
	dske_rc rc = random_fill(&s->boot, sizeof s->boot);
	if (!rc_ok(rc)) {
		free(s);
		return rc;
	}
	s->boot |= 1; /* zero is nobody's */
	s->hold_max = hold_max;
	s->clock = clock_ms;
	s->out.end = &s->out.first;
	s->in.end = &s->in.first;
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return DSKE_OK;
}

void stock_set_clock(struct stock *s, int64_t (*clock)(void))
{
	s->clock = clock;
}

/* Returns how many. */
static size_t kept_free(struct kept *first)
{
	size_t count = 0;
	for (struct kept *k = first, *next; k != NULL; k = next) {
		next = k->next;
		pad_drop(&k->pad);
		free(k);
		count++;
	}
	return count;
}

void stock_free(struct stock *s)
{
	if (s == NULL)
		return;
	kept_free(s->out.first);
	kept_free(s->in.first);
	kept_free(s->over);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

size_t stock_tidy(struct stock *s)
{
	pthread_mutex_lock(&s->lock);
	struct kept *over = s->over;
	s->over = NULL;
	pthread_mutex_unlock(&s->lock);
	return kept_free(over);
}

/* Takes *at out of its list, for stock_tidy; with the lock, by who may. */
static void list_take_out(struct stock *s, struct list *l, struct kept **at)
{
	struct kept *k = *at;
	bool is_lost = atomic_load(&k->gone) && l == &s->out;
	s->seen.used[l == &s->in] += (uint64_t)k->pad.units * PAD_UNIT - (is_lost ? k->pad.left : 0);
	*at = k->next;
	if (k->next == NULL)
		l->end = at;
	if (l->current == k)
		l->current = NULL;
	k->next = s->over;
	s->over = k;
}

static struct kept *list_find(const struct list *l, uint64_t name)
{
	struct kept *k = l->first;
	while (k != NULL && (k->pad.name != name || atomic_load(&k->gone)))
		k = k->next;
	return k;
}

/* Beyond what is kept to receive under, the oldest goes. */
static void make_room(struct stock *s)
{
	for (struct kept **at = &s->in.first; *at != NULL && s->held > s->hold_max;) {
		struct kept *k = *at;
		if (!atomic_exchange(&k->gone, true))
			s->held -= (uint64_t)k->pad.units * PAD_UNIT;
		if (k != s->in.current)
			list_take_out(s, &s->in, at);
		else
			at = &k->next;
	}
}

dske_rc stock_add(struct stock *s, enum pad_side side, uint64_t name, struct secret *key)
{
	struct kept *k = calloc(1, sizeof *k);
	if (k == NULL)
		return rc_make(DSKE_RC_NOMEM);
	dske_rc rc = pad_init(&k->pad, side, name, key);
	if (!rc_ok(rc)) {
		free(k);
		return rc;
	}
	struct list *l = side == PAD_SENDS ? &s->out : &s->in;
	k->added_ms = s->clock();
	pthread_mutex_lock(&s->lock);
	*l->end = k;
	l->end = &k->next;
	if (side == PAD_RECEIVES) {
		s->held += (uint64_t)k->pad.units * PAD_UNIT;
		k->order = ++s->seen.received_pads;
		make_room(s);
	} else {
		s->seen.sent_pads++;
	}
	pthread_mutex_unlock(&s->lock);
	atomic_store(&s->due, true);
	stock_tidy(s); /* lest the memory of what went for it is held besides */
	return DSKE_OK;
}

/* ---- sending ----------------------------------------------------------------------------------------------- */

static bool pad_has(const struct pad *p, size_t len)
{
	return len <= (size_t)(p->units - p->next) * PAD_UNIT;
}

/* What others gave up; by the sender. */
static void sweep(struct stock *s)
{
	for (struct kept **at = &s->out.first; *at != NULL;) {
		struct kept *k = *at;
		if (atomic_load(&k->gone)) {
			s->seen.given_up += k->pad.left;
			list_take_out(s, &s->out, at);
		} else {
			at = &k->next;
		}
	}
}

/* Of pads that are held: the first with room; those before it have too little left for anybody. */
static struct kept *next_held(struct stock *s, size_t len)
{
	struct kept **at = &s->out.first;
	sweep(s);
	while (*at != NULL) {
		struct kept *k = *at;
		if (k->held && pad_has(&k->pad, len)) {
			return k;
		} else if (k->held) {
			list_take_out(s, &s->out, at);
		} else {
			at = &k->next;
		}
	}
	return NULL;
}

struct pad *stock_sending(struct stock *s, size_t len)
{
	struct kept *k = s->out.current;
	if (k == NULL || atomic_load_explicit(&k->gone, memory_order_relaxed) || !pad_has(&k->pad, len)) {
		pthread_mutex_lock(&s->lock);
		k = s->out.current = next_held(s, len);
		pthread_mutex_unlock(&s->lock);
	}
	return k == NULL ? NULL : &k->pad;
}

struct pad *stock_sending_new(struct stock *s, size_t len)
{
	struct kept *newest = NULL;
	pthread_mutex_lock(&s->lock);
	for (struct kept *k = s->out.first; k != NULL; k = k->next) {
		if (!k->held && !atomic_load(&k->gone) && pad_has(&k->pad, len))
			newest = k;
	}
	pthread_mutex_unlock(&s->lock);
	return newest == NULL ? NULL : &newest->pad;
}

/* ---- receiving --------------------------------------------------------------------------------------------- */

/* Nothing is due for it: anybody can send names, and words cost pads.  The last ones stay, so that strangers do not keep
 * out what the other end sends on and on. */
static void note_unknown(struct stock *s, uint64_t name)
{
	for (size_t i = 0; i < s->unknown_count; i++) {
		if (s->unknown[i] == name)
			return;
	}
	s->unknown[s->unknown_next++ % WORD_UNKNOWN_MAX] = name;
	s->unknown_count += s->unknown_count < WORD_UNKNOWN_MAX;
}

/* Of what is used up, or was given up by others, or has had a successor for long. */
static void forget_used(struct stock *s, int64_t now)
{
	struct kept *last_used = NULL;
	for (struct kept *k = s->in.first; k != NULL; k = k->next) {
		if (k->used_ms != 0)
			last_used = k;
	}
	bool before = last_used != NULL;
	for (struct kept **at = &s->in.first; *at != NULL;) {
		struct kept *k = *at;
		before = before && k != last_used;
		bool is_followed = before && k->used_ms != 0 && now - k->used_ms > FORGET_AFTER_MS;
		if ((k->pad.left == 0 || is_followed) && !atomic_exchange(&k->gone, true))
			s->held -= (uint64_t)k->pad.units * PAD_UNIT;
		if (atomic_load(&k->gone))
			list_take_out(s, &s->in, at);
		else
			at = &k->next;
	}
}

struct pad *stock_receiving(struct stock *s, uint64_t name)
{
	struct kept *k = s->in.current;
	if (k != NULL && k->pad.name == name && !atomic_load_explicit(&k->gone, memory_order_relaxed))
		return &k->pad;
	pthread_mutex_lock(&s->lock);
	forget_used(s, s->clock());
	k = s->in.current = list_find(&s->in, name);
	if (k == NULL)
		note_unknown(s, name);
	pthread_mutex_unlock(&s->lock);
	return k == NULL ? NULL : &k->pad;
}

void stock_used(struct stock *s, int64_t now_ms)
{
	if (s->in.current != NULL)
		s->in.current->used_ms = now_ms;
}

/* ---- words ------------------------------------------------------------------------------------------------- */

static bool names_has(const uint64_t *names, size_t count, uint64_t name)
{
	for (size_t i = 0; i < count; i++) {
		if (names[i] == name)
			return true;
	}
	return false;
}

/* Is this word of the run that the other end is in, and newer than the last?  A run has only pads that were agreed since it
 * began: what says that it is another run, and comes under no newer pad than this one spoke under, is of one before. */
static bool is_news(struct stock *s, const struct word *w, bool *is_restart)
{
	uint64_t order = s->in.current != NULL ? s->in.current->order : 0;
	*is_restart = false;
	if (w->boot == s->peer_boot) {
		s->peer_order = order > s->peer_order ? order : s->peer_order;
		bool is_newer = w->number > s->peer_number;
		s->peer_number = is_newer ? w->number : s->peer_number;
		return is_newer;
	}
	*is_restart = s->peer_boot != 0;
	if (*is_restart && order <= s->peer_order)
		return false;
	s->seen.restarts += *is_restart;
	s->peer_boot = w->boot;
	s->peer_order = order;
	s->peer_number = w->number;
	return true;
}

void stock_take_word(struct stock *s, const struct word *w)
{
	bool is_restart;
	int64_t now = s->clock();
	pthread_mutex_lock(&s->lock);
	bool is_new = is_news(s, w, &is_restart);
	s->peer_keeps = is_new ? w->keeps : s->peer_keeps;
	for (struct kept *k = s->out.first; is_new && k != NULL; k = k->next) {
		bool was_held = k->held;
		bool is_named = names_has(w->held, w->held_count, k->pad.name);
		bool is_unknown = names_has(w->unknown, w->unknown_count, k->pad.name);
		k->held = k->held || is_named;
		bool is_lost = was_held ? is_restart || is_unknown : now - k->added_ms > UNHELD_MS;
		if (is_lost && !is_named)
			atomic_store(&k->gone, true);
	}
	pthread_mutex_unlock(&s->lock);
}

/* The newest pads, and of the others some in turn. */
static void name_held(struct stock *s, struct word *w)
{
	size_t count = 0, at = 0;
	for (const struct kept *k = s->in.first; k != NULL; k = k->next)
		count += !atomic_load(&k->gone);
	size_t newest = count < NEWEST_NAMED ? count : NEWEST_NAMED;
	size_t others = count - newest, turns = WORD_HELD_MAX - newest;
	size_t from = others > turns ? s->turn % others : 0;
	for (const struct kept *k = s->in.first; k != NULL; k = k->next) {
		if (atomic_load(&k->gone))
			continue;
		bool is_its_turn = at < others && (at + others - from) % others < turns;
		if (is_its_turn || at >= others)
			w->held[w->held_count++] = k->pad.name;
		at++;
	}
	s->turn = from + turns;
}

void stock_make_word(struct stock *s, struct word *w)
{
	atomic_store(&s->due, false);
	pthread_mutex_lock(&s->lock);
	sweep(s);
	*w = (struct word){.boot = s->boot, .number = ++s->number, .keeps = s->hold_max};
	name_held(s, w);
	w->unknown_count = (uint16_t)s->unknown_count;
	memcpy(w->unknown, s->unknown, s->unknown_count * sizeof s->unknown[0]);
	s->unknown_count = s->unknown_next = 0;
	pthread_mutex_unlock(&s->lock);
}

bool stock_word_due(const struct stock *s)
{
	return atomic_load(&s->due);
}

/* ---- for others -------------------------------------------------------------------------------------------- */

bool stock_is_waiting(struct stock *s, uint64_t name)
{
	pthread_mutex_lock(&s->lock);
	const struct kept *k = list_find(&s->out, name);
	bool is_waiting = k != NULL && !k->held;
	pthread_mutex_unlock(&s->lock);
	return is_waiting;
}

void stock_give_up(struct stock *s, uint64_t name)
{
	pthread_mutex_lock(&s->lock);
	struct kept *k = list_find(&s->out, name);
	if (k != NULL && !k->held)
		atomic_store(&k->gone, true);
	pthread_mutex_unlock(&s->lock);
}

void stock_figures(struct stock *s, struct stock_figures *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->seen;
	out->other_keeps = s->peer_keeps;
	for (const struct kept *k = s->out.first; k != NULL; k = k->next) {
		out->used[PAD_SENDS] += (uint64_t)k->pad.units * PAD_UNIT - k->pad.left;
		if (!atomic_load(&k->gone))
			*(k->held ? &out->send_left : &out->send_unconfirmed) += k->pad.left;
	}
	for (const struct kept *k = s->in.first; k != NULL; k = k->next) {
		out->used[PAD_RECEIVES] += (uint64_t)k->pad.units * PAD_UNIT - k->pad.left;
		out->receive_left += atomic_load(&k->gone) ? 0 : k->pad.left;
	}
	pthread_mutex_unlock(&s->lock);
}
