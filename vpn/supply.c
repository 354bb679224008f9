/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/supply.h"

#include <endian.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/net.h"
#include "vpn/day.h"
#include "vpn/nap.h"

#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 30000
#define WAITED_MS 500 /* a receiver that waited at least so long did wait */
#define HELD_WAIT_MS 10000 /* for the other end's word on a pad */
#define LOOK_MS 10
#define LIMITED_LOOK_MS 1000 /* whether what was used is a day ago */
#define CALL_LEN 4096
#define CALL_AFTER_MS 3000 /* of silence */
#define CALL_LEAST_MS 60000 /* between two, in the end */

struct worker {
	struct supply *s;
	enum pad_side side;
	unsigned number; /* of its context; conf.threads: it calls */
	pthread_t thread;
};

struct supply {
	struct supply_conf conf;
	struct token *token;
	struct stock *stock;
	atomic_bool stopping;
	struct nap nap; /* its lock is of what follows */
	struct supply_figures seen;
	uint64_t under_way;   /* bytes to send under that are being agreed */
	struct day day;
	size_t worker_count;
	struct worker workers[2 * (SUPPLY_THREADS_MAX + 1)];
};

/* ---- how much ---------------------------------------------------------------------------------------------- */

/* By the clock that goes on when no program runs. */
static int64_t date_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

/* With the lock: may so many bytes more be agreed?  Where that cannot be recorded, nothing is. */
static bool may_agree(struct supply *s, size_t len)
{
	bool granted = false;
	dske_rc rc = day_take(&s->day, date_s(), len, &granted);
	if (!rc_ok(rc) && strcmp(s->seen.why, rc_detail(rc)) != 0)
		log_error("no pad to send under: %s", rc_detail(rc));
	if (!rc_ok(rc))
		snprintf(s->seen.why, sizeof s->seen.why, "%s", rc_detail(rc));
	s->seen.is_limited = rc_ok(rc) && !granted;
	return granted;
}

/* What the other end would not keep is agreed for nothing.  Beside what is left fit the next, and what is gone of the one in use. */
static uint64_t most_ahead(const struct supply *s, const struct stock_figures *f)
{
	uint64_t beside = 2 * (uint64_t)s->conf.block;
	uint64_t kept = f->other_keeps > beside ? f->other_keeps - beside : 0;
	return f->other_keeps == 0 || s->conf.ahead < kept ? s->conf.ahead : kept;
}

/* Is another pad wanted, and allowed?  Then it is under way.  Otherwise *pause is for how long not to ask again. */
static bool begin_one(struct supply *s, int64_t *pause)
{
	struct stock_figures f;
	stock_figures(s->stock, &f);
	pthread_mutex_lock(&s->nap.lock);
	bool wanted = f.send_left + f.send_unconfirmed + s->under_way < most_ahead(s, &f);
	bool begins = wanted && may_agree(s, s->conf.block);
	s->seen.is_limited = s->seen.is_limited && wanted;
	s->under_way += begins ? s->conf.block : 0;
	*pause = wanted && !begins ? LIMITED_LOOK_MS : LOOK_MS;
	pthread_mutex_unlock(&s->nap.lock);
	return begins;
}

static bool is_call(const struct worker *w)
{
	return w->number == w->s->conf.threads;
}

static size_t len_of(const struct worker *w)
{
	return is_call(w) ? CALL_LEN : w->s->conf.block;
}

/* Nobody there in time is no failure of a receiver: it waits on.  But without hubs the same comes at once. */
static bool is_failure(const struct worker *w, dske_rc rc, int64_t took_ms)
{
	return !rc_ok(rc) && !(w->side == PAD_RECEIVES && rc_is(rc, DSKE_RC_TIMEOUT) && took_ms >= WAITED_MS);
}

static void end_one(struct worker *w, dske_rc rc, bool is_failed)
{
	struct supply *s = w->s;
	pthread_mutex_lock(&s->nap.lock);
	if (w->side == PAD_SENDS && !is_call(w)) {
		s->under_way -= s->conf.block;
		if (!rc_ok(rc))
			day_give_back(&s->day, s->conf.block);
	}
	if (rc_ok(rc)) {
		s->seen.agreed[w->side]++;
		s->seen.agreed_bytes[w->side] += len_of(w);
	} else if (is_failed && !rc_is(rc, DSKE_RC_CANCELLED)) {
		s->seen.failed[w->side]++;
	}
	if (w->side == PAD_SENDS)
		snprintf(s->seen.why, sizeof s->seen.why, "%s", rc_ok(rc) ? "" : rc_detail(rc));
	pthread_mutex_unlock(&s->nap.lock);
}

/* ---- threads ----------------------------------------------------------------------------------------------- */

/* False: the supply is being stopped. */
static bool pause_for(struct supply *s, int64_t ms)
{
	int64_t until = clock_ms() + ms;
	pthread_mutex_lock(&s->nap.lock);
	while (!atomic_load(&s->stopping) && nap_until(&s->nap, until))
		continue;
	pthread_mutex_unlock(&s->nap.lock);
	return !atomic_load(&s->stopping);
}

static dske_rc agree(struct worker *w, uint64_t *name)
{
	AUTO(secret) key = {0};
	struct supply *s = w->s;
	char context[256];
	uint8_t key_id[TOKEN_KEY_ID_LEN];
	if (is_call(w))
		snprintf(context, sizeof context, "dske-vpn/%s/call", s->conf.name);
	else
		snprintf(context, sizeof context, "dske-vpn/%s/%u", s->conf.name, w->number);
	struct token_ask ask = {.peer = s->conf.peer, .role = w->side == PAD_SENDS ? TOKEN_INITIATES : TOKEN_RECEIVES,
				.context = context, .key_len = len_of(w), .timeout_ms = s->conf.timeout_ms};
	TRY(token_agree(s->token, &ask, &key, key_id));
	memcpy(name, key_id, sizeof *name);
	*name = be64toh(*name);
	return stock_add(s->stock, w->side, *name, &key);
}

/* The next SHARE of this context would supersede one that the other end has not fetched. */
static void wait_until_held(struct supply *s, uint64_t name)
{
	int64_t until = clock_ms() + HELD_WAIT_MS;
	while (stock_is_waiting(s->stock, name) && clock_ms() < until && pause_for(s, LOOK_MS))
		continue;
}

static int64_t next_pause(int64_t pause)
{
	return pause == 0 ? PAUSE_MIN_MS : pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
}

static void complain(const struct worker *w, dske_rc rc, int64_t pause)
{
	if (pause == 0 && !rc_is(rc, DSKE_RC_CANCELLED))
		log_warn("no pad to %s: %s", w->side == PAD_SENDS ? "send under" : "receive under", rc_detail(rc));
}

static void *work(void *given)
{
	struct worker *w = given;
	struct supply *s = w->s;
	int64_t pause = 0, after_failure = 0;
	while (pause_for(s, pause)) {
		uint64_t name = 0;
		stock_tidy(s->stock);
		if (w->side == PAD_SENDS && !begin_one(s, &pause))
			continue;
		int64_t began = clock_ms();
		dske_rc rc = agree(w, &name);
		bool is_failed = is_failure(w, rc, clock_ms() - began);
		end_one(w, rc, is_failed);
		if (is_failed)
			complain(w, rc, after_failure);
		pause = after_failure = is_failed ? next_pause(after_failure) : 0;
		if (rc_ok(rc) && w->side == PAD_SENDS)
			wait_until_held(s, name);
	}
	return NULL;
}

/* Calls while it is silent.  Each call supersedes the one before at the hubs, whose pad would be kept for nothing. */
static void *call(void *given)
{
	struct worker *w = given;
	struct supply *s = w->s;
	int64_t pause = CALL_AFTER_MS;
	uint64_t last = 0;
	while (pause_for(s, pause)) {
		uint64_t name = 0;
		if (s->conf.silent_ms(s->conf.silent_context) < CALL_AFTER_MS) {
			pause = CALL_AFTER_MS;
			continue;
		}
		dske_rc rc = agree(w, &name);
		end_one(w, rc, !rc_ok(rc));
		if (rc_ok(rc)) {
			stock_give_up(s->stock, last);
			last = name;
		}
		pause = 2 * pause < CALL_LEAST_MS ? 2 * pause : CALL_LEAST_MS;
	}
	return NULL;
}

/* ---- life -------------------------------------------------------------------------------------------------- */

static dske_rc start_threads(struct supply *s)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int e = 0;
	for (unsigned i = 0; i < 2 * (s->conf.threads + 1) && e == 0; i++) {
		struct worker *w = &s->workers[i];
		*w = (struct worker){.s = s, .side = i % 2 == 0 ? PAD_SENDS : PAD_RECEIVES, .number = i / 2};
		e = pthread_create(&w->thread, NULL, is_call(w) && w->side == PAD_SENDS ? call : work, w);
		s->worker_count += e == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e == 0 ? DSKE_OK : FAIL(IO, "no thread to agree keys in: %s", strerror(e));
}

dske_rc supply_start(struct supply **out, const struct supply_conf *conf, struct token *token, struct stock *stock)
{
	struct supply *s = calloc(1, sizeof *s);
	*out = NULL;
	if (s == NULL)
		return rc_make(DSKE_RC_NOMEM);
	s->conf = *conf;
	s->token = token;
	s->stock = stock;
	nap_init(&s->nap);
	dske_rc rc = day_open(&s->day, conf->day_file, conf->day_limit, conf->block);
	if (rc_ok(rc))
		rc = start_threads(s);
	if (!rc_ok(rc)) {
		token_cancel(token);
		supply_stop(s);
		return rc;
	}
	*out = s;
	return DSKE_OK;
}

void supply_stop(struct supply *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->nap.lock);
	atomic_store(&s->stopping, true);
	nap_wake(&s->nap);
	pthread_mutex_unlock(&s->nap.lock);
	for (size_t i = 0; i < s->worker_count; i++)
		pthread_join(s->workers[i].thread, NULL);
	day_drop(&s->day);
	nap_drop(&s->nap);
	free(s);
}

void supply_figures(struct supply *s, struct supply_figures *out)
{
	pthread_mutex_lock(&s->nap.lock);
	*out = s->seen;
	out->today = day_used(&s->day, date_s());
	pthread_mutex_unlock(&s->nap.lock);
}
