/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/door.c - a listener for direct links, and the strangers in front of it.
 *
 * A stranger is let in when he has said HELLO to an agreement that waits here.  Until then he has DIRECT_HELLO_LEN bytes
 * of memory and HELLO_MS of time; of more than STRANGERS_MOST the oldest goes.  So none of them costs the others more
 * than that, however many come.
 */
#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "client/direct.h"
#include "client/pool.h"

#define STRANGERS_MOST 16
#define HELLO_MS 2000
#define LISTEN_AGAIN_MS 50
#define BACKLOG 64

struct stranger {
	struct fd fd;
	int64_t until_ms;
	size_t len;
	uint8_t hello[DIRECT_HELLO_LEN];
};

struct door {
	struct door *next; /* of the client's lock, as is `guests_expected` */
	unsigned guests_expected;
	char text[256];
	struct net_address address;
	pthread_mutex_t lock; /* guards all below */
	struct fd listener;
	int64_t again_ms; /* when to try to listen again */
	int code;         /* why it does not ... */
	char why[300];    /* ... in words */
	struct door_guest *guests;
	struct stranger stranger[STRANGERS_MOST];
};

/* ---- who is here ---------------------------------------------------------------------------------------- */

static void dismiss(struct stranger *s)
{
	fd_drop(&s->fd);
	*s = (struct stranger){.fd = FD_NONE};
}

/* A free place, or that of the one who is about to go. */
static struct stranger *place_for_one(struct door *door)
{
	struct stranger *oldest = &door->stranger[0];
	for (size_t i = 0; i < STRANGERS_MOST; i++) {
		struct stranger *s = &door->stranger[i];
		if (s->fd.n < 0)
			return s;
		if (s->until_ms < oldest->until_ms)
			oldest = s;
	}
	dismiss(oldest);
	return oldest;
}

static void hand_over(struct door_guest *guest, struct stranger *s)
{
	for (size_t i = 0; i < DOOR_INBOX; i++) {
		if (guest->inbox[i].n >= 0)
			continue;
		guest->inbox[i].n = s->fd.n;
		s->fd.n = -1;
		return;
	}
}

static bool is_for(const struct door_guest *guest, const struct direct_item *d, const struct id *peer)
{
	return id_equal(&d->key_id, &guest->names.key_id) && id_equal(&d->sender, &guest->names.peer) &&
	       id_equal(peer, &guest->names.self);
}

/* He has said all of it: to whom? */
static void hear(struct door *door, struct stranger *s)
{
	static const uint8_t head[] = {0, 0, 0, DIRECT_HELLO_LEN - FRAME_HEAD_LEN};
	struct direct_item d;
	struct id peer;
	if (memcmp(s->hello, head, sizeof head) != 0 ||
	    !rc_ok(direct_read(&d, s->hello + sizeof head, DIRECT_HELLO_LEN - sizeof head)) || d.type != DIRECT_HELLO ||
	    !rc_ok(direct_hello_read(&peer, d.body, d.body_len)))
		return;
	for (struct door_guest *g = door->guests; g != NULL; g = g->next) {
		if (is_for(g, &d, &peer)) {
			hand_over(g, s);
			return;
		}
	}
}

/* True: he stays. */
static bool listen_to(struct door *door, struct stranger *s)
{
	size_t done = 0;
	if (!rc_ok(net_read(s->fd.n, s->hello + s->len, sizeof s->hello - s->len, &done)))
		return false;
	s->len += done;
	if (s->len < sizeof s->hello)
		return clock_ms() < s->until_ms;
	hear(door, s);
	return false;
}

static void admit(struct door *door)
{
	for (int i = 0; i < STRANGERS_MOST; i++) {
		AUTO(fd) fd = FD_NONE;
		char from[128];
		if (!rc_ok(net_accept(&fd, door->listener.n, from, sizeof from)) || fd.n < 0)
			return;
		struct stranger *s = place_for_one(door);
		s->fd.n = fd.n;
		fd.n = -1;
		s->until_ms = clock_ms() + HELLO_MS;
	}
}

/* ---- listening ------------------------------------------------------------------------------------------ */

/* Another process of this client may have the port now. */
static void try_to_listen(struct door *door)
{
	if (door->listener.n >= 0 || clock_ms() < door->again_ms)
		return;
	dske_rc rc = net_listen(&door->listener, &door->address, BACKLOG);
	door->again_ms = clock_ms() + LISTEN_AGAIN_MS;
	door->code = rc.code;
	snprintf(door->why, sizeof door->why, "%s", rc_ok(rc) ? "" : rc_detail(rc));
}

static void look(struct door *door)
{
	try_to_listen(door);
	if (door->listener.n < 0)
		return;
	admit(door);
	for (size_t i = 0; i < STRANGERS_MOST; i++) {
		struct stranger *s = &door->stranger[i];
		if (s->fd.n >= 0 && !listen_to(door, s))
			dismiss(s);
	}
}

dske_rc door_turn(struct door *door, struct door_guest *guest, struct fd *f)
{
	pthread_mutex_lock(&door->lock);
	look(door);
	f->n = -1;
	for (size_t i = 0; i < DOOR_INBOX && f->n < 0; i++) {
		f->n = guest->inbox[i].n;
		guest->inbox[i].n = -1;
	}
	dske_rc rc = door->listener.n >= 0 ? DSKE_OK : rc_fail(door->code, "%s", door->why);
	pthread_mutex_unlock(&door->lock);
	return rc;
}

int door_descriptor(struct door *door)
{
	pthread_mutex_lock(&door->lock);
	int n = door->listener.n;
	pthread_mutex_unlock(&door->lock);
	return n;
}

/* ---- entering and leaving --------------------------------------------------------------------------------- */

static dske_rc door_new(struct door **out, const char *text)
{
	struct net_address address;
	TRY(net_address_parse(&address, text));
	struct door *door = calloc(1, sizeof *door);
	if (door == NULL)
		return rc_make(DSKE_RC_NOMEM);
	snprintf(door->text, sizeof door->text, "%s", text);
	door->address = address;
	door->listener.n = -1;
	for (size_t i = 0; i < STRANGERS_MOST; i++)
		door->stranger[i].fd.n = -1;
	pthread_mutex_init(&door->lock, NULL);
	*out = door;
	return DSKE_OK;
}

static void door_free(struct door *door)
{
	for (size_t i = 0; i < STRANGERS_MOST; i++)
		dismiss(&door->stranger[i]);
	fd_drop(&door->listener);
	pthread_mutex_destroy(&door->lock);
	free(door);
}

static dske_rc door_find(struct door **out, struct client *c, const char *text)
{
	for (struct door *d = c->doors; d != NULL; d = d->next) {
		if (strcmp(d->text, text) == 0) {
			*out = d;
			return DSKE_OK;
		}
	}
	TRY(door_new(out, text));
	(*out)->next = c->doors;
	c->doors = *out;
	return DSKE_OK;
}

dske_rc door_enter(struct door **out, struct client *c, const char *address, struct door_guest *guest)
{
	for (size_t i = 0; i < DOOR_INBOX; i++)
		guest->inbox[i].n = -1;
	pthread_mutex_lock(&c->lock);
	dske_rc rc = door_find(out, c, address);
	if (rc_ok(rc))
		(*out)->guests_expected++;
	pthread_mutex_unlock(&c->lock);
	TRY(rc);
	pthread_mutex_lock(&(*out)->lock);
	guest->next = (*out)->guests;
	(*out)->guests = guest;
	look(*out);
	pthread_mutex_unlock(&(*out)->lock);
	return DSKE_OK;
}

static void take_out(struct door *door, const struct door_guest *guest)
{
	for (struct door_guest **at = &door->guests; *at != NULL; at = &(*at)->next) {
		if (*at == guest) {
			*at = guest->next;
			return;
		}
	}
}

void door_leave(struct client *c, struct door *door, struct door_guest *guest)
{
	pthread_mutex_lock(&door->lock);
	take_out(door, guest);
	pthread_mutex_unlock(&door->lock);
	for (size_t i = 0; i < DOOR_INBOX; i++)
		fd_drop(&guest->inbox[i]);
	pthread_mutex_lock(&c->lock);
	bool last = --door->guests_expected == 0;
	for (struct door **at = &c->doors; last && *at != NULL; at = &(*at)->next) {
		if (*at == door) {
			*at = door->next;
			break;
		}
	}
	pthread_mutex_unlock(&c->lock);
	if (last)
		door_free(door);
}
