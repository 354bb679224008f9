/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "client/store-impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* 64 MiB and three passes: about 0.15 s for one guess on one core of 2024. */
#define DEFAULT_MEMORY_KIB (64u << 10)
#define DEFAULT_PASSES 3u
/* ---- life ------------------------------------------------------------------------------------------ */

dske_rc store_new(struct store **out, const char *dir, struct store_cost cost)
{
	struct store *s = calloc(1, sizeof *s);

	if (s == NULL)
		return FAIL(NOMEM, "no memory for the token's store");
	s->cost.memory_kib = cost.memory_kib != 0 ? cost.memory_kib : DEFAULT_MEMORY_KIB;
	s->cost.passes = cost.passes != 0 ? cost.passes : DEFAULT_PASSES;
	pthread_mutex_init(&s->lock, NULL);
	dske_rc rc = path_format(&s->file, "%s/" STORE_FILE_NAME, dir);
	if (rc_ok(rc))
		rc = path_format(&s->lock_file, "%s/" STORE_FILE_NAME ".lock", dir);
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
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- calls: each takes the store's lock and the file's ----------------------------------------------- */

void guard_drop(struct guard *g)
{
	pthread_mutex_unlock(&g->s->lock);
}

struct guard guard_take(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	return (struct guard){s};
}

/* Reads the header alone: it is asked for often, and a token may hold many objects. */
dske_rc store_status(struct store *s, struct store_status *out)
{
	AUTO(fd) f = FD_NONE;
	uint8_t h[STORE_HEADER_LEN];

	*out = (struct store_status){0};
	dske_rc rc = file_open(&f, s->file.s, O_RDONLY, 0);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	TRY(rc);
	rc = file_pread(f.n, h, sizeof h, 0);
	if (rc_is(rc, DSKE_RC_CORRUPT))
		return header_check(s, h, 0);
	TRY(rc);
	TRY(header_check(s, h, sizeof h));
	out->initialised = true;
	out->user_pin_set = h[AT_USER_SET] != 0;
	out->so_failed = h[AT_SO_FAILED];
	out->user_failed = h[AT_USER_FAILED];
	memcpy(out->label, h + AT_LABEL, sizeof out->label);
	return DSKE_OK;
}

dske_rc store_init(struct store *s, const void *so_pin, size_t pin_len, const uint8_t label[STORE_LABEL_LEN])
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	AUTO(secret) former = {0};
	AUTO(secret) master = {0};
	AUTO(secret) table_key = {0};

	TRY(image_read_locked(s, &i));
	if (i.there) {
		TRY(pin_try(s, &i, STORE_PIN_SO, so_pin, pin_len, &former));
		TRY(image_table_key(s, &i, &former, &table_key));
	}
	TRY(secret_random(&master, MASTER_LEN));
	TRY(image_begin(&i, s->cost, label, &master));
	TRY(pin_wrap(i.file.data, STORE_PIN_SO, so_pin, pin_len, &master));
	if (table_key.len > 0)
		TRY(record_append(&i, &master, &table_key, &table_key_name));
	TRY(image_seal(&i, &master));
	return image_write(s, &i);
}

dske_rc store_login(struct store *s, enum store_pin which, const void *pin, size_t pin_len, struct secret *master)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	AUTO(secret) opened = {0};

	TRY(image_read_locked(s, &i));
	if (!i.there)
		return FAIL(STATE, "the token is not initialised");
	TRY(pin_try(s, &i, which, pin, pin_len, &opened));
	TRY(image_visit(s, &i, &opened, visit_nothing, NULL));
	secret_move(master, &opened);
	return DSKE_OK;
}

dske_rc store_set_pin(struct store *s, const struct secret *master, enum store_pin which, const void *pin, size_t pin_len)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(image_read_mine(s, &i, master));
	TRY(pin_wrap(i.file.data, which, pin, pin_len, master));
	if (which == STORE_PIN_USER)
		i.file.data[AT_USER_SET] = 1;
	TRY(image_seal(&i, master));
	return image_write(s, &i);
}

/* ---- objects -------------------------------------------------------------------------------------------- */

bool store_changed(struct store *s)
{
	HOLD(s);
	struct seen now;

	(void)file_now(s, &now);
	return !seen_same(&now, &s->seen);
}

struct objects {
	store_visitor *visit;
	void *context;
};

static dske_rc visit_object(void *context, const struct id *name, const struct secret *plain)
{
	const struct objects *o = context;

	return id_equal(name, &table_key_name) ? DSKE_OK : o->visit(o->context, name, plain);
}

dske_rc store_each(struct store *s, const struct secret *master, store_visitor *visit, void *context)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	struct seen now;

	/* Looked at before it is read: a change in between is seen the next time. */
	(void)file_now(s, &now);
	TRY(image_read(s, &i));
	if (!i.there)
		return FAIL(STATE, "the token was taken away");
	TRY(image_check_master(&i, master));
	TRY(image_visit(s, &i, master, visit_object, &(struct objects){visit, context}));
	s->seen = now;
	return DSKE_OK;
}

dske_rc record_append(struct image *i, const struct secret *master, const struct secret *plain, const struct id *name)
{
	if (plain->len > STORE_RECORD_MAX)
		return FAIL(TOOBIG, "an object is larger than the token can keep");
	uint8_t *record = buf_grow(&i->file, RECORD_HEAD + plain->len + CRYPTO_TAG_LEN);
	if (record == NULL)
		return FAIL(TOOBIG, "the token is full");
	memcpy(record, name->b, ID_LEN);
	store_set_u32(record + ID_LEN, (uint32_t)plain->len);
	TRY(random_fill(record + ID_LEN + 4, CRYPTO_NONCE_LEN));
	TRY(crypto_seal(record + RECORD_HEAD, master, record + ID_LEN + 4, name->b, ID_LEN, plain->data, plain->len));
	store_set_u64(i->file.data + AT_COUNT, store_get_u64(i->file.data + AT_COUNT) + 1);
	return DSKE_OK;
}

static dske_rc record_cut(struct image *i, const struct id *name)
{
	uint8_t *record = record_find(i, name), *end = i->file.data + i->file.len;

	if (record == NULL)
		return FAIL(NOT_FOUND, "the object is not stored any more");
	size_t len = record_len(record);
	memmove(record, record + len, (size_t)(end - record) - len);
	i->file.len -= len;
	store_set_u64(i->file.data + AT_COUNT, store_get_u64(i->file.data + AT_COUNT) - 1);
	return DSKE_OK;
}

dske_rc store_add(struct store *s, const struct secret *master, const struct secret *plain, struct id *name)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(id_random(name));
	TRY(image_read_mine(s, &i, master));
	TRY(record_append(&i, master, plain, name));
	TRY(image_seal(&i, master));
	return image_write(s, &i);
}

dske_rc store_replace(struct store *s, const struct secret *master, const struct secret *plain, const struct id *name)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;
	struct seen now;

	TRY(image_read_mine(s, &i, master));
	if (!file_now(s, &now) || !seen_same(&now, &s->seen))
		return FAIL(BUSY, "another process has changed %s", s->file.s);
	TRY(record_cut(&i, name));
	TRY(record_append(&i, master, plain, name));
	TRY(image_seal(&i, master));
	return image_write(s, &i);
}

dske_rc store_remove(struct store *s, const struct secret *master, const struct id *name)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(image_read_mine(s, &i, master));
	TRY(record_cut(&i, name));
	TRY(image_seal(&i, master));
	return image_write(s, &i);
}
