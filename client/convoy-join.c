/* SPDX-License-Identifier: Apache-2.0 */
/* client/convoy-join.c - a convoy is made, found, joined and left. */
#include <config.h>

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/heirloom.h"
#include "base/pid.h"
#include "client/convoy-impl.h"
#include "client/pool.h"

static void convoy_free(struct convoy *v)
{
	if (v == NULL)
		return;
	links_free(v->trunk);
	fd_drop(&v->waker);
	if (v->owner == process_id()) {
		pthread_mutex_destroy(&v->lock);
		for (size_t i = 0; i < BELLS; i++)
			pthread_cond_destroy(&v->bell[i]);
	}
	free(v);
}

static void init_lock(struct convoy *v)
{
	pthread_mutexattr_t m;
	pthread_condattr_t c;
	pthread_mutexattr_init(&m);
	pthread_mutexattr_settype(&m, PTHREAD_MUTEX_ADAPTIVE_NP); /* it is held for microseconds */
	pthread_mutex_init(&v->lock, &m);
	pthread_mutexattr_destroy(&m);
	pthread_condattr_init(&c);
	pthread_condattr_setclock(&c, CLOCK_MONOTONIC);
	for (size_t i = 0; i < BELLS; i++)
		pthread_cond_init(&v->bell[i], &c);
	pthread_condattr_destroy(&c);
}

static dske_rc convoy_new(struct convoy **out, struct client *c, struct hub_table *const *hubs, size_t count, bool deals)
{
	struct convoy *v = calloc(1, sizeof *v);
	*out = NULL;
	if (v == NULL)
		return rc_make(DSKE_RC_NOMEM);
	init_lock(v);
	v->owner = process_id();
	v->waker.n = fd_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	heirloom_note(v->waker.n);
	dske_rc rc = v->waker.n < 0 ? FAIL(NOMEM, "no descriptor for waiting together: %m") : links_new(&v->trunk, c, hubs, count);
	if (!rc_ok(rc)) {
		convoy_free(v);
		return rc;
	}
	links_begin(v->trunk, &convoy_trunk_ops, v);
	v->trunk->deals = deals;
	v->trunk->is_trunk = true;
	*out = v;
	return DSKE_OK;
}

static bool is_usable(const struct convoy *v, struct hub_table *const *hubs, size_t count)
{
	return v != NULL && !v->is_over && pool_serves(v->trunk, hubs, count);
}

/* The client's, if it will do; else `made` takes its place (NULL: none does).  What nobody uses then is for the caller to free. */
static struct convoy *find(struct client *c, bool deals, struct hub_table *const *hubs, size_t count, struct convoy *made,
			   struct convoy **unused)
{
	pthread_mutex_lock(&c->lock);
	struct convoy **at = &c->convoy[deals], *v = *at;
	*unused = made;
	if (!is_usable(v, hubs, count)) {
		*unused = v != NULL && v->users == 0 ? v : NULL;
		if (v != NULL)
			v->is_over = true;
		v = *at = made;
	}
	if (v != NULL)
		v->users++;
	pthread_mutex_unlock(&c->lock);
	return v;
}

static dske_rc take(struct convoy **out, struct client *c, bool deals, struct hub_table *const *hubs, size_t count)
{
	struct convoy *made = NULL, *unused;
	*out = find(c, deals, hubs, count, NULL, &unused);
	convoy_free(unused);
	if (*out != NULL)
		return DSKE_OK;
	TRY(convoy_new(&made, c, hubs, count, deals));
	*out = find(c, deals, hubs, count, made, &unused);
	convoy_free(unused);
	return DSKE_OK;
}

static struct links *view_new(struct convoy *v, const struct id *key_id)
{
	size_t count = v->trunk->count;
	struct links *s = calloc(1, sizeof *s + count * sizeof s->link[0]);
	struct rider *r = calloc(1, sizeof *r);
	if (s == NULL || r == NULL) {
		free(s);
		free(r);
		return NULL;
	}
	*r = (struct rider){.convoy = v, .view = s, .is_out = true, .waits_for_key = key_id != NULL};
	if (key_id != NULL)
		r->key_id = *key_id;
	s->client = v->trunk->client;
	s->rider = r;
	s->count = count;
	return s;
}

/* Of the trunk as it is now; or false: another call waits for that very key. */
static bool view_begin(struct links *s)
{
	struct rider *r = s->rider;
	struct convoy *v = r->convoy;
	pthread_mutex_lock(&v->lock);
	r->bell = v->bells_given++ % BELLS;
	bool is_alone = !r->waits_for_key || convoy_waiting_for(v, &r->key_id) == NULL;
	for (size_t i = 0; i < s->count; i++) {
		struct link *l = &s->link[i];
		l->set = s;
		l->at = i;
		l->trunk = &v->trunk->link[i];
		l->hub = l->trunk->hub;
	}
	if (is_alone) {
		r->next = v->riders;
		v->riders = r;
	}
	pthread_mutex_unlock(&v->lock);
	return is_alone;
}

dske_rc convoy_join(struct links **out, struct client *c, struct hub_table *const *hubs, size_t count, const struct id *key_id)
{
	struct convoy *v;
	*out = NULL;
	TRY(take(&v, c, key_id == NULL, hubs, count));
	struct links *s = view_new(v, key_id);
	if (s != NULL && view_begin(s)) {
		*out = s;
		return DSKE_OK;
	}
	bool is_made = s != NULL;
	pthread_mutex_lock(&c->lock);
	v->users--;
	pthread_mutex_unlock(&c->lock);
	free(is_made ? s->rider : NULL);
	free(s);
	return is_made ? DSKE_OK : rc_make(DSKE_RC_NOMEM);
}

/* One that nobody uses and that takes nobody new is not to be found any more. */
static struct convoy *let_go(struct client *c, struct convoy *v)
{
	if (v == NULL || v->users > 0 || !v->is_over)
		return NULL;
	for (size_t i = 0; i < 2; i++)
		c->convoy[i] = c->convoy[i] == v ? NULL : c->convoy[i];
	return v;
}

void convoy_leave(struct client *c, struct links *view)
{
	struct convoy *v = view->rider->convoy;
	pthread_mutex_lock(&v->lock);
	struct rider **at = &v->riders;
	while (*at != view->rider)
		at = &(*at)->next;
	*at = view->rider->next;
	pthread_mutex_unlock(&v->lock);
	free(view->rider);
	free(view);
	pthread_mutex_lock(&c->lock);
	v->users--;
	if (c->is_relocked)
		v->is_over = true;
	struct convoy *gone = let_go(c, v);
	pthread_mutex_unlock(&c->lock);
	convoy_free(gone);
}

void convoy_forget(struct client *c)
{
	struct convoy *gone[2];
	bool is_ours = c->pid == process_id(); /* in a child, nobody else uses the client, nor has the lock a meaning */
	if (is_ours)
		pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < 2; i++) {
		if (c->convoy[i] != NULL)
			c->convoy[i]->is_over = true;
		gone[i] = let_go(c, c->convoy[i]);
	}
	if (is_ours)
		pthread_mutex_unlock(&c->lock);
	convoy_free(gone[0]);
	convoy_free(gone[1]);
}
