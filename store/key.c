/* SPDX-License-Identifier: Apache-2.0 */
/* store/key.c - the key of the tables, which the token's PINs open. */
#include <config.h>

#include "store/impl.h"

#define TABLE_KEY_LEN 32

const struct id table_key_name = {{'D', 'S', 'K', 'E', ' ', 't', 'a', 'b', 'l', 'e', ' ', 'k', 'e', 'y'}};

dske_rc image_table_key(const struct store *s, const struct image *i, struct secret *key)
{
	struct secret plain = {0}; /* borrowed */
	const struct place *p = index_find(&s->index, &table_key_name);
	struct view w = {.fd = i->file.n};

	if (p == NULL)
		return DSKE_OK;
	dske_rc rc = place_open(s, &w, i, p, &plain);
	if (rc_ok(rc) && plain.len != TABLE_KEY_LEN)
		rc = FAIL(CORRUPT, "%s is damaged: it holds no whole key of the tables", s->file.s);
	if (rc_ok(rc))
		rc = secret_from(key, plain.data, plain.len);
	view_drop(&w);
	return rc;
}

/* Durable before anything is encrypted under it. */
static dske_rc add_key(struct store *s, struct image *i, const struct secret *master, struct secret *key)
{
	AUTO(secret) fresh = {0};
	struct record r = {.kind = KIND_OBJECT, .name = table_key_name, .version = 1};

	TRY(secret_random(&fresh, TABLE_KEY_LEN));
	TRY(image_append(s, i, master, &r, &fresh));
	secret_move(key, &fresh);
	return DSKE_OK;
}

dske_rc store_table_key(struct store *s, const struct secret *master, struct secret *key)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(image_for_change(s, &i, master, LOAD_NEW));
	TRY(image_table_key(s, &i, key));
	return key->len > 0 ? DSKE_OK : add_key(s, &i, master, key);
}

dske_rc store_open_table_key(const char *dir, const void *pin, size_t pin_len, struct secret *key)
{
	struct store *s = NULL;
	AUTO(secret) master = {0};

	TRY(store_new(&s, dir, (struct store_cost){0}));
	dske_rc rc = store_login(s, STORE_PIN_USER, pin, pin_len, &master);
	if (rc_ok(rc))
		rc = store_table_key(s, &master, key);
	store_free(s);
	return rc;
}
