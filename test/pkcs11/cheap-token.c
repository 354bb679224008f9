/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "test/pkcs11/cheap-token.h"

#include <string.h>

#include "pkcs11/slot.h"
#include "store/store.h"

static dske_rc fill(struct store *s, const struct token_words *w, struct secret *table_key)
{
	AUTO(secret) master = {0};
	uint8_t label[STORE_LABEL_LEN];
	slot_pad(label, sizeof label, w->label);
	TRY(store_init(s, w->so_pin, strlen(w->so_pin), label));
	TRY(store_login(s, STORE_PIN_SO, w->so_pin, strlen(w->so_pin), &master));
	TRY(store_set_pin(s, &master, STORE_PIN_USER, w->pin, strlen(w->pin)));
	return table_key != NULL ? store_table_key(s, &master, table_key) : DSKE_OK;
}

static dske_rc make(const char *folder, struct store_cost cost, const struct token_words *words, struct secret *table_key)
{
	struct store *s;
	TRY(store_new(&s, folder, cost));
	dske_rc rc = fill(s, words, table_key);
	store_free(s);
	return rc;
}

dske_rc cheap_token_make(const char *folder, const struct token_words *words, struct secret *table_key)
{
	return make(folder, (struct store_cost){.memory_kib = 8, .passes = 1}, words, table_key);
}

dske_rc costly_token_make(const char *folder, const struct token_words *words, struct secret *table_key)
{
	return make(folder, (struct store_cost){0}, words, table_key);
}
