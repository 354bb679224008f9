/* SPDX-License-Identifier: Apache-2.0 */
/* hub/directory.c - three balanced trees (tsearch): by ID, by name, and by what a reader sees of a name. */
#define _GNU_SOURCE /* tdestroy, twalk_r */
#include "hub/directory.h"

#include <openssl/evp.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alike.h"
#include "base/log.h"

#define LOCAL_DIGEST_LEN 32
#define LOCAL_LEN 8 /* bytes of the digest that the identifier shows */

#define RECENT 1024 /* a power of two */

struct directory {
	struct id hub;
	struct hub_client **recent; /* owned; RECENT of them, each the last that was found in its place, or NULL */
	void *by_id, *by_name, *by_look;
	size_t count;
};

static int compare_id(const void *a, const void *b)
{
	const struct hub_client *x = a, *y = b;

	return id_compare(&x->who.id, &y->who.id);
}

static int compare_name(const void *a, const void *b)
{
	const struct hub_client *x = a, *y = b;

	return strcmp(x->who.name, y->who.name);
}

static int compare_look(const void *a, const void *b)
{
	const struct hub_client *x = a, *y = b;
	char seen_x[NAME_MAX_LEN + 1], seen_y[NAME_MAX_LEN + 1];

	name_look(seen_x, x->who.name);
	name_look(seen_y, y->who.name);
	return strcmp(seen_x, seen_y);
}

static struct hub_client *look(void *const *root, const struct hub_client *key, int (*compare)(const void *, const void *))
{
	struct hub_client **node = tfind(key, root, compare);

	return node ? *node : NULL;
}

/* IDs are random, except in tests. */
static size_t recent_place(const struct id *client)
{
	size_t place = 0;

	for (size_t i = 0; i < ID_LEN; i++)
		place = place * 31 + client->b[i];
	return place & (RECENT - 1);
}

/* A client stays where it is, once it is known.  Who is asked for is mostly somebody who was asked for a moment ago,
 * and a tree of many clients is deep. */
static struct hub_client *known(const struct directory *d, const struct id *client)
{
	struct hub_client **recent = &d->recent[recent_place(client)], *found;

	if (*recent && id_equal(&(*recent)->who.id, client))
		return *recent;
	found = look(&d->by_id, &(struct hub_client){.who.id = *client}, compare_id);
	if (found)
		*recent = found;
	return found;
}

struct hub_client *directory_by_id(const struct directory *d, const struct id *client)
{
	struct hub_client *c = known(d, client);

	return c && c->live > 0 ? c : NULL;
}

static struct hub_client *first_of_name(const struct directory *d, const char *name)
{
	struct hub_client key = {0};

	if (strlen(name) > NAME_MAX_LEN)
		return NULL;
	memcpy(key.who.name, name, strlen(name));
	return look(&d->by_name, &key, compare_name);
}

struct hub_client *directory_by_name(const struct directory *d, const char *name)
{
	struct hub_client *c = first_of_name(d, name);

	return c && !c->ambiguous ? c : NULL;
}

/* Derived, so that it stays the same without being stored: "c-" and 64 bits of SHA-256(hub, client). */
static dske_rc local_name(struct hub_client *c, const struct id *hub)
{
	uint8_t input[2 * ID_LEN], digest[LOCAL_DIGEST_LEN];
	char hex[2 * LOCAL_LEN + 1];

	memcpy(input, hub->b, ID_LEN);
	memcpy(input + ID_LEN, c->who.id.b, ID_LEN);
	if (EVP_Digest(input, sizeof input, digest, NULL, EVP_sha256(), NULL) != 1)
		return rc_make(DSKE_RC_NOMEM);
	hex_encode(hex, digest, LOCAL_LEN);
	snprintf(c->local, sizeof c->local, "c-%s", hex);
	return DSKE_OK;
}

/* DSKE 2.2: people read names.  The operator let both in, and may not have seen it. */
static dske_rc look_enter(struct directory *d, struct hub_client *c)
{
	struct hub_client *first = look(&d->by_look, c, compare_look);
	char a[ID_HEX_LEN], b[ID_HEX_LEN];

	if (!first)
		return tsearch(c, &d->by_look, compare_look) ? DSKE_OK : rc_make(DSKE_RC_NOMEM);
	c->alike = first;
	first->alike = c;
	log_warn("the names of clients %s (%s) and %s (%s) look alike: others may take one for the other", first->who.name,
		 id_hex(&first->who.id, a), c->who.name, id_hex(&c->who.id, b));
	return DSKE_OK;
}

/* Two clients of one name: nobody could tell by name which is meant, so neither is. */
static dske_rc name_enter(struct directory *d, struct hub_client *c)
{
	struct hub_client *first = first_of_name(d, c->who.name);
	char a[ID_HEX_LEN], b[ID_HEX_LEN];

	if (!first)
		return tsearch(c, &d->by_name, compare_name) ? look_enter(d, c) : rc_make(DSKE_RC_NOMEM);
	first->ambiguous = c->ambiguous = true;
	log_error("clients %s and %s both have the name %s; neither can be asked for by name until one of the "
		  "tables is removed", id_hex(&first->who.id, a), id_hex(&c->who.id, b), c->who.name);
	return DSKE_OK;
}

static void nothing(void *node)
{
	(void)node;
}

struct naming {
	struct directory *d;
	dske_rc rc;
};

static void name_again(const void *node, VISIT order, void *context)
{
	struct hub_client *c = *(struct hub_client *const *)node;
	struct naming *n = context;

	if ((order != postorder && order != leaf) || c->live == 0 || !rc_ok(n->rc))
		return;
	c->ambiguous = false;
	c->alike = NULL;
	n->rc = name_enter(n->d, c);
}

dske_rc directory_live(struct directory *d, struct hub_client *c, int change)
{
	struct naming n = {d, DSKE_OK};

	c->live += (size_t)change;
	if (change > 0 && c->live == 1) {
		d->count++;
		return name_enter(d, c);
	}
	if (c->live > 0)
		return DSKE_OK;
	/* Its name is free: all are entered anew, since another may have shared it. */
	d->count--;
	tdestroy(d->by_name, nothing);
	d->by_name = NULL;
	tdestroy(d->by_look, nothing);
	d->by_look = NULL;
	c->alike = NULL;
	twalk_r(d->by_id, name_again, &n);
	return n.rc;
}

static dske_rc enter(struct directory *d, struct hub_client *c)
{
	TRY(local_name(c, &d->hub));
	return tsearch(c, &d->by_id, compare_id) ? DSKE_OK : rc_make(DSKE_RC_NOMEM);
}

dske_rc directory_add(struct directory *d, const struct id *client, const char *name, struct hub_client **out)
{
	struct hub_client *c = known(d, client);
	char hex[ID_HEX_LEN];

	*out = c;
	if (c) {
		if (strcmp(c->who.name, name) != 0)
			log_warn("client %s is called %s in one table and %s in another; %s counts",
				 id_hex(client, hex), c->who.name, name, c->who.name);
		return DSKE_OK;
	}
	c = calloc(1, sizeof *c);
	if (!c)
		return rc_make(DSKE_RC_NOMEM);
	c->who.id = *client;
	snprintf(c->who.name, sizeof c->who.name, "%s", name);

	dske_rc rc = enter(d, c);

	if (rc_ok(rc))
		*out = c;
	else
		free(c);
	return rc;
}

size_t directory_count(const struct directory *d)
{
	return d->count;
}

dske_rc directory_new(struct directory **out, const struct id *hub)
{
	*out = calloc(1, sizeof **out);
	if (!*out)
		return rc_make(DSKE_RC_NOMEM);
	(*out)->hub = *hub;
	(*out)->recent = calloc(RECENT, sizeof (*out)->recent[0]);
	if ((*out)->recent)
		return DSKE_OK;
	free(*out);
	*out = NULL;
	return rc_make(DSKE_RC_NOMEM);
}

void directory_free(struct directory *d)
{
	if (!d)
		return;
	tdestroy(d->by_name, nothing); /* the same clients as by_id */
	tdestroy(d->by_look, nothing);
	tdestroy(d->by_id, free);
	free(d->recent);
	free(d);
}
