/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "store/impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* 64 MiB and three passes: about 0.15 s for one guess on one core of 2024.  Programs that try thousands of PINs a second, in
 * order to find faults, are compiled with less. */
#ifndef DEFAULT_MEMORY_KIB
#define DEFAULT_MEMORY_KIB (64u << 10)
#define DEFAULT_PASSES 3u
#endif

/* ---- life ------------------------------------------------------------------------------------------ */

static dske_rc name_files(struct store *s, const char *dir)
{
	TRY(path_format(&s->file, "%s/" STORE_FILE_NAME, dir));
	TRY(path_format(&s->lock_file, "%s/" STORE_FILE_NAME ".lock", dir));
	TRY(path_format(&s->login_file, "%s/" STORE_FILE_NAME ".login", dir));
	return path_format(&s->new_file, "%s/" STORE_FILE_NAME ".new", dir);
}

dske_rc store_new(struct store **out, const char *dir, struct store_cost cost)
{
	struct store *s = calloc(1, sizeof *s);

	if (s == NULL)
		return FAIL(NOMEM, "no memory for the token's store");
	s->cost.memory_kib = cost.memory_kib != 0 ? cost.memory_kib : DEFAULT_MEMORY_KIB;
	s->cost.passes = cost.passes != 0 ? cost.passes : DEFAULT_PASSES;
	s->watched.n = -1;
	pthread_mutex_init(&s->lock, NULL);
	dske_rc rc = name_files(s, dir);
	if (!rc_ok(rc)) {
		store_free(s);
		return rc;
	}
	*out = s;
	return DSKE_OK;
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	store_unwatch(s);
	index_drop(&s->index);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void guard_drop(struct guard *g)
{
	pthread_mutex_unlock(&g->s->lock);
}

struct guard guard_take(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	return (struct guard){s};
}

/* ---- the token -------------------------------------------------------------------------------------- */

static void status_of(const struct image *i, struct store_status *out)
{
	*out = (struct store_status){0};
	if (!i->there)
		return;
	out->initialised = true;
	out->user_pin_set = i->header[AT_USER_SET] != 0;
	out->user_pin_reset = i->header[AT_USER_SET] == USER_RESET;
	out->so_failed = pin_failed(i->state, STORE_PIN_SO);
	out->user_failed = pin_failed(i->state, STORE_PIN_USER);
	memcpy(out->label, i->header + AT_LABEL, sizeof out->label);
}

/* Does the name still lead to what was read? */
static bool is_named(const struct store *s, const struct image *i)
{
	struct stat st;

	return lstat(s->file.s, &st) == 0 && st.st_dev == i->dev && st.st_ino == i->ino;
}

/* Without a lock: a header is never written in place, and a count of attempts is bytes that stand alone.  But a file that a
 * new one replaces is overwritten; where that came in between it is read once more, with the lock. */
dske_rc store_status(struct store *s, struct store_status *out)
{
	AUTO(image) i = IMAGE_NONE;
	AUTO(image) locked = IMAGE_NONE;

	dske_rc rc = image_read(s, &i);

	if (i.there && !is_named(s, &i)) {
		TRY(image_open(s, &locked, FILE_LOCK_SHARED));
		status_of(&locked, out);
		return DSKE_OK;
	}
	*out = (struct store_status){0};
	if (rc_ok(rc))
		status_of(&i, out);
	return rc;
}

/* Of the token that is there, by its SO's PIN; *master stays empty where there is none. */
static dske_rc former_master(struct store *s, const void *so_pin, size_t pin_len, struct secret *master)
{
	struct store_status st;

	TRY(store_status(s, &st));
	return st.initialised ? pin_try(s, STORE_PIN_SO, so_pin, pin_len, master) : DSKE_OK;
}

/* What a new token takes over from the one that is there. */
static dske_rc former_table_key(struct store *s, struct image *i, const struct secret *master, struct secret *key)
{
	if (i->there != (master->len > 0))
		return FAIL(STATE, "the token was taken away, or put there");
	if (!i->there)
		return DSKE_OK;
	dske_rc rc = image_load(s, i, master, LOAD_WHAT_OPENS);
	s->position.known = false;
	if (!rc_ok(rc) && !rc_is(rc, DSKE_RC_CORRUPT))
		return rc;
	TRY(image_table_key(s, i, key));
	if (!rc_ok(rc) && key->len == 0)
		return FAIL(CORRUPT, "%s is damaged before the key of the tables, if it has one: take it back from a backup, or "
			    "remove it and initialise the token", s->file.s);
	return DSKE_OK;
}

/* The lock is held from when the key of the tables is read until it is in the new file: somebody may just be drawing it. */
dske_rc store_init(struct store *s, const void *so_pin, size_t pin_len, const uint8_t label[STORE_LABEL_LEN])
{
	AUTO(latch) login = LATCH_NONE;
	AUTO(secret) former = {0};
	AUTO(secret) master = {0};
	AUTO(secret) table_key = {0};
	uint8_t header[STORE_HEADER_LEN];

	TRY(latch_take(&login, &s->login_file, FILE_LOCK_EXCLUSIVE));
	TRY(former_master(s, so_pin, pin_len, &former));
	TRY(secret_random(&master, MASTER_LEN));
	TRY(header_begin(header, s->cost, label, &master));
	TRY(pin_wrap(header, STORE_PIN_SO, so_pin, pin_len, &master));
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	TRY(image_open(s, &i, FILE_LOCK_EXCLUSIVE));
	TRY(former_table_key(s, &i, &former, &table_key));
	return image_begin(s, &i, &master, header, &table_key_name, &table_key);
}

/* ---- logging in ------------------------------------------------------------------------------------------ */

static dske_rc visit_one(struct store *s, const struct image *i, struct view *w, struct place *p, store_visitor *visit,
			 void *context)
{
	struct secret plain; /* borrowed */

	if (p->at != 0)
		TRY(place_open(s, w, i, p, &plain));
	if (!id_equal(&p->name, &table_key_name))
		TRY(visit(context, &p->name, p->at != 0 ? &plain : NULL));
	index_told(&s->index, p);
	return DSKE_OK;
}

static dske_rc visit_waiting(struct store *s, const struct image *i, store_visitor *visit, void *context)
{
	struct view w = {.fd = i->file.n};
	dske_rc rc = DSKE_OK;

	while (rc_ok(rc) && s->index.first != NULL)
		rc = visit_one(s, i, &w, s->index.first, visit, context);
	view_drop(&w);
	return rc;
}

static dske_rc check_all(struct store *s, const struct secret *master, store_visitor *visit, void *context, bool *visited)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	i.visit = visit;
	i.visit_context = context;
	TRY(image_for_change(s, &i, master, LOAD_ALL));
	*visited = i.visited;
	return i.visited ? visit_waiting(s, &i, visit, context) : DSKE_OK; /* what is gone */
}

dske_rc store_login_each(struct store *s, enum store_pin which, const void *pin, size_t pin_len, struct secret *master,
			 store_visitor *visit, void *context, bool *visited)
{
	AUTO(secret) opened = {0};

	{
		AUTO(latch) login = LATCH_NONE;
		TRY(latch_take(&login, &s->login_file, FILE_LOCK_EXCLUSIVE));
		TRY(pin_try(s, which, pin, pin_len, &opened));
	}
	TRY(check_all(s, &opened, visit, context, visited));
	secret_move(master, &opened);
	return DSKE_OK;
}

dske_rc store_login(struct store *s, enum store_pin which, const void *pin, size_t pin_len, struct secret *master)
{
	bool visited;

	return store_login_each(s, which, pin, pin_len, master, NULL, NULL, &visited);
}

/* The header as it is; no other PIN changes it while the lock of logins is held. */
static dske_rc header_now(struct store *s, const struct secret *master, uint8_t header[STORE_HEADER_LEN])
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(image_open(s, &i, FILE_LOCK_SHARED));
	if (!i.there)
		return FAIL(STATE, "the token was taken away");
	TRY(image_check_master(&i, master));
	memcpy(header, i.header, sizeof i.header);
	return header_check_mac(s, header, master);
}

static dske_rc set_pin(struct store *s, const struct secret *master, enum store_pin which, const void *pin, size_t pin_len,
		       bool by_so)
{
	AUTO(latch) login = LATCH_NONE;
	uint8_t header[STORE_HEADER_LEN];

	TRY(latch_take(&login, &s->login_file, FILE_LOCK_EXCLUSIVE));
	TRY(header_now(s, master, header));
	bool reset = by_so && header[AT_USER_SET] != 0;
	TRY(pin_wrap(header, which, pin, pin_len, master));
	if (reset)
		header[AT_USER_SET] = USER_RESET;
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	TRY(image_for_change(s, &i, master, LOAD_NEW));
	pin_clear(i.state, which);
	return image_renew(s, &i, master, header, i.state);
}

dske_rc store_set_pin(struct store *s, const struct secret *master, enum store_pin which, const void *pin, size_t pin_len)
{
	return set_pin(s, master, which, pin, pin_len, false);
}

dske_rc store_reset_pin(struct store *s, const struct secret *master, const void *pin, size_t pin_len)
{
	return set_pin(s, master, STORE_PIN_USER, pin, pin_len, true);
}

/* ---- objects -------------------------------------------------------------------------------------------- */

static dske_rc follow(struct store *s, const struct secret *master, bool all, store_visitor *visit, void *context)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(image_open(s, &i, FILE_LOCK_SHARED));
	if (!i.there)
		return FAIL(STATE, "the token was taken away");
	TRY(image_load(s, &i, master, LOAD_NEW));
	if (all)
		TRY(index_tell_all(&s->index));
	return visit_waiting(s, &i, visit, context);
}

dske_rc store_follow(struct store *s, const struct secret *master, store_visitor *visit, void *context)
{
	return follow(s, master, false, visit, context);
}

dske_rc store_each(struct store *s, const struct secret *master, store_visitor *visit, void *context)
{
	return follow(s, master, true, visit, context);
}

dske_rc store_add(struct store *s, const struct secret *master, const struct secret *plain, struct id *name)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	struct record r = {.kind = KIND_OBJECT, .version = 1};

	TRY(id_random(name));
	r.name = *name;
	TRY(image_for_change(s, &i, master, LOAD_NEW));
	return image_append(s, &i, master, &r, plain);
}

/* The place of an object that is there. */
static dske_rc place_of(const struct store *s, const struct id *name, const struct place **p)
{
	*p = index_find(&s->index, name);
	if (*p == NULL || (*p)->at == 0)
		return FAIL(NOT_FOUND, "the object is not stored any more");
	return DSKE_OK;
}

/* What a caller did itself it need not be told of. */
static void done_by_caller(struct store *s, const struct id *name)
{
	struct place *p = index_find(&s->index, name);

	if (p != NULL)
		index_told(&s->index, p);
}

dske_rc store_replace(struct store *s, const struct secret *master, const struct secret *plain, const struct id *name)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	const struct place *p;

	TRY(image_for_change(s, &i, master, LOAD_NEW));
	TRY(place_of(s, name, &p));
	if (p->told != p->version)
		return FAIL(BUSY, "another process has changed the object in %s", s->file.s);
	struct record r = {.kind = KIND_OBJECT, .name = *name, .version = p->version + 1};
	TRY(image_append(s, &i, master, &r, plain));
	done_by_caller(s, name);
	image_compact(s, &i, master);
	return DSKE_OK;
}

dske_rc store_remove(struct store *s, const struct secret *master, const struct id *name)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	const struct place *p;

	TRY(image_for_change(s, &i, master, LOAD_NEW));
	TRY(place_of(s, name, &p));
	struct record r = {.kind = KIND_REMOVED, .name = *name, .version = p->version + 1};
	TRY(image_append(s, &i, master, &r, &(struct secret){0}));
	done_by_caller(s, name);
	image_compact(s, &i, master);
	return DSKE_OK;
}
