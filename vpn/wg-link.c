/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/wg-link.h"

#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/net.h"
#include "vpn/nap.h"
#include "vpn/wg-events.h"
#include "vpn/wg-hook.h"
#include "vpn/wg-watch.h"

#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 30000
#define LOOK_MS 2000      /* at the interface, when nothing is told of it */
#define LOOK_SOON_MS 100  /* it is there, and its key is not: nobody tells when a peer comes */
#define HOOK_TRIES 3

struct wg_link {
	const struct wg_link_conf *conf;
	struct wg_hook *hook; /* NULL: there is none */
	struct token *token;
	atomic_bool ending;
	struct wg_events events;
	pthread_t agreer, keeper;
	unsigned threads;
	struct nap nap;       /* its lock is of what follows */
	struct secret key;    /* the last one; empty: none yet */
	struct secret shut;   /* fail closed: what is in place until then */
	int64_t since_ms;     /* when it was agreed */
	bool was_in_place;    /* what belongs there now */
	bool is_due;          /* the initiator shall agree another at once */
	struct wg_watch watch;
	struct wg_link_figures seen;
};

/* Goes on while the machine sleeps, and knows nothing of the date. */
static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- waiting ----------------------------------------------------------------------------------------------- */

/* Until then, or sooner if a key is due at once.  A second at a time: the machine may sleep. */
static bool wait_until(struct wg_link *l, int64_t until, bool may_be_due)
{
	pthread_mutex_lock(&l->nap.lock);
	for (int64_t now; !atomic_load(&l->ending) && (now = now_ms()) < until && !(may_be_due && l->is_due);)
		nap_until(&l->nap, clock_ms() + (until - now < 1000 ? until - now : 1000));
	l->is_due = false;
	pthread_mutex_unlock(&l->nap.lock);
	return !atomic_load(&l->ending);
}

/* ---- putting in place -------------------------------------------------------------------------------------- */

static void note(struct wg_link *l, dske_rc rc)
{
	if (!rc_ok(rc) && strcmp(l->seen.why, rc_detail(rc)) != 0)
		log_warn("%s: %s", l->conf->label, rc_detail(rc));
	snprintf(l->seen.why, sizeof l->seen.why, "%s", rc_ok(rc) ? "" : rc_detail(rc));
}

/* With the lock.  What is in place is the interface's word, so that one made anew gets its key again. */
static dske_rc put_in_place(struct wg_link *l, const struct secret *key, bool *was_there)
{
	AUTO(wg_state) state = {0};
	TRY(wg_look(&l->conf->wg, &state));
	wg_watch_look(&l->watch, &state, now_ms());
	*was_there = mem_equal(state.psk.data, key->data, WG_KEY_LEN);
	return *was_there ? DSKE_OK : wg_set(&l->conf->wg, key);
}

/* With the lock. */
static void look(struct wg_link *l)
{
	bool was_there = false;
	const struct secret *wanted = l->key.len > 0 ? &l->key : &l->shut;
	if (wanted->len == 0) { /* fail open: what is there stays until the first key */
		AUTO(wg_state) state = {0};
		if (rc_ok(wg_look(&l->conf->wg, &state)))
			wg_watch_look(&l->watch, &state, now_ms());
		return;
	}
	dske_rc rc = put_in_place(l, wanted, &was_there);
	if (!rc_ok(rc) || !l->seen.in_place)
		note(l, rc);
	if (rc_ok(rc) && !was_there) {
		l->seen.resets += l->was_in_place;
		wg_watch_changed(&l->watch, now_ms());
	}
	l->was_in_place = l->was_in_place || rc_ok(rc);
	l->seen.in_place = rc_ok(rc);
	l->seen.stuck = rc_ok(rc) && l->key.len > 0 && wg_watch_is_stuck(&l->watch, now_ms());
	if (l->seen.stuck && l->seen.initiates && wg_watch_may_ask(&l->watch, now_ms())) {
		log_warn("%s: handshakes fail: another key is agreed", l->conf->label);
		l->is_due = true;
		nap_wake(&l->nap);
	}
}

/* With the lock.  Traffic could go at any moment under a key that is not the link's. */
static bool is_urgent(const struct wg_link *l)
{
	bool has_key = l->key.len > 0 || l->shut.len > 0;
	return has_key && !l->seen.in_place && if_nametoindex(l->conf->wg.interface) != 0;
}

/* Sees to the interface, while the other thread agrees. */
static void *keep(void *given)
{
	struct wg_link *l = given;
	bool is_soon;
	do {
		pthread_mutex_lock(&l->nap.lock);
		look(l);
		is_soon = is_urgent(l);
		pthread_mutex_unlock(&l->nap.lock);
	} while (wg_events_wait(&l->events, l->conf->wg.interface, is_soon ? LOOK_SOON_MS : LOOK_MS));
	return NULL;
}

/* ---- agreeing ---------------------------------------------------------------------------------------------- */

/* The other end has the key too: who takes it is given more than one chance. */
static dske_rc run_hook(struct wg_link *l, const struct secret *key)
{
	dske_rc rc = DSKE_OK;
	for (int tries = 0; tries < HOOK_TRIES && !atomic_load(&l->ending); tries++) {
		rc = wg_hook_run(l->hook, key);
		if (rc_ok(rc))
			return rc;
	}
	return rc;
}

static dske_rc agree(struct wg_link *l)
{
	AUTO(secret) key = {0};
	const struct wg_link_conf *c = l->conf;
	uint8_t key_id[TOKEN_KEY_ID_LEN];
	char context[128];
	snprintf(context, sizeof context, "dske-wg/%s", c->name);
	struct token_ask ask = {.peer = c->peer, .role = l->seen.initiates ? TOKEN_INITIATES : TOKEN_RECEIVES, .context = context,
				.confirm = true, .key_len = WG_KEY_LEN, .timeout_ms = c->timeout_ms};
	TRY(token_agree(l->token, &ask, &key, key_id));
	if (l->hook != NULL)
		TRY(run_hook(l, &key));
	pthread_mutex_lock(&l->nap.lock);
	secret_move(&l->key, &key);
	l->since_ms = now_ms();
	l->seen.keys++;
	l->seen.in_place = c->wg.interface[0] == '\0';
	l->was_in_place = false;
	note(l, DSKE_OK);
	if (c->wg.interface[0] != '\0')
		look(l);
	pthread_mutex_unlock(&l->nap.lock);
	log_info("%s: a new key is in use", c->label);
	return DSKE_OK;
}

/* The same at both ends: by IDs. */
static bool find_role(struct wg_link *l)
{
	bool initiates = false;
	dske_rc rc = token_initiates(l->token, l->conf->peer, &initiates);
	pthread_mutex_lock(&l->nap.lock);
	l->seen.initiates = initiates;
	if (!rc_ok(rc))
		note(l, rc);
	pthread_mutex_unlock(&l->nap.lock);
	return rc_ok(rc);
}

static void failed(struct wg_link *l, dske_rc rc)
{
	bool is_mere_wait = !l->seen.initiates && rc_is(rc, DSKE_RC_TIMEOUT);
	pthread_mutex_lock(&l->nap.lock);
	bool is_long = now_ms() - l->since_ms > 2 * l->conf->interval_ms + l->conf->timeout_ms;
	if (!is_mere_wait && !rc_is(rc, DSKE_RC_CANCELLED)) {
		l->seen.failures++;
		note(l, rc);
	} else if (is_mere_wait && l->key.len > 0 && is_long) {
		note(l, rc); /* the other end should have come */
	}
	pthread_mutex_unlock(&l->nap.lock);
}

static void *agree_on(void *given)
{
	struct wg_link *l = given;
	int64_t pause = PAUSE_MIN_MS;
	while (!find_role(l)) {
		if (!wait_until(l, now_ms() + PAUSE_MAX_MS, false))
			return NULL;
	}
	for (int64_t next = 0; wait_until(l, next, l->seen.initiates);) {
		int64_t began = now_ms();
		dske_rc rc = agree(l);
		if (rc_ok(rc)) {
			pause = PAUSE_MIN_MS;
			next = l->seen.initiates ? began + l->conf->interval_ms : 0;
			continue;
		}
		failed(l, rc);
		bool is_mere_wait = !l->seen.initiates && rc_is(rc, DSKE_RC_TIMEOUT) && now_ms() - began >= PAUSE_MIN_MS;
		next = now_ms() + (is_mere_wait ? 0 : pause);
		pause = is_mere_wait ? PAUSE_MIN_MS : pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
	return NULL;
}

/* ---- life -------------------------------------------------------------------------------------------------- */

static dske_rc start_threads(struct wg_link *l)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int e = pthread_create(&l->agreer, NULL, agree_on, l);
	l->threads = e == 0 ? 1 : 0;
	if (e == 0 && l->conf->wg.interface[0] != '\0') {
		e = pthread_create(&l->keeper, NULL, keep, l);
		l->threads += e == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e == 0 ? DSKE_OK : FAIL(IO, "no thread for %s: %s", l->conf->label, strerror(e));
}

dske_rc wg_link_start(struct wg_link **out, const struct wg_link_conf *conf, struct wg_hook *hook, struct token *token)
{
	struct wg_link *l = calloc(1, sizeof *l);
	*out = NULL;
	if (l == NULL)
		return rc_make(DSKE_RC_NOMEM);
	l->conf = conf;
	l->hook = hook;
	l->token = token;
	l->events = (struct wg_events)WG_EVENTS_NONE;
	nap_init(&l->nap);
	*out = l;
	if (conf->wg.interface[0] != '\0')
		TRY(wg_events_open(&l->events));
	if (conf->closed && conf->wg.interface[0] != '\0')
		TRY(secret_random(&l->shut, WG_KEY_LEN));
	return start_threads(l);
}

void wg_link_end(struct wg_link *l)
{
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->nap.lock);
	atomic_store(&l->ending, true);
	nap_wake(&l->nap);
	pthread_mutex_unlock(&l->nap.lock);
	wg_events_end(&l->events);
}

void wg_link_free(struct wg_link *l)
{
	if (l == NULL)
		return;
	wg_link_end(l);
	if (l->threads > 0)
		pthread_join(l->agreer, NULL);
	if (l->threads > 1)
		pthread_join(l->keeper, NULL);
	wg_events_drop(&l->events);
	secret_drop(&l->key);
	secret_drop(&l->shut);
	nap_drop(&l->nap);
	free(l);
}

void wg_link_figures(struct wg_link *l, struct wg_link_figures *out)
{
	int64_t now = now_ms();
	pthread_mutex_lock(&l->nap.lock);
	*out = l->seen;
	out->key_ms = l->key.len > 0 ? now - l->since_ms : -1;
	out->handshake_ms = wg_watch_age(&l->watch, now);
	out->closed = l->key.len == 0 && l->shut.len > 0 && l->seen.in_place;
	pthread_mutex_unlock(&l->nap.lock);
}
