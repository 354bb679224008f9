/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "client/store-impl.h"

#include <argon2.h>
#include <string.h>

/* ---- PINs --------------------------------------------------------------------------------------------- */

static const struct pin_place {
	const char *role;
	unsigned wrap, failed;
} pins[] = {
	[STORE_PIN_SO] = {"DSKE token SO PIN", AT_SO_WRAP, AT_SO_FAILED},
	[STORE_PIN_USER] = {"DSKE token user PIN", AT_USER_WRAP, AT_USER_FAILED},
};

static dske_rc pin_key(const uint8_t *header, const uint8_t *salt, const void *pin, size_t pin_len, struct secret *key)
{
	TRY(secret_alloc(key, MASTER_LEN));
	int rc = argon2id_hash_raw(store_get_u32(header + AT_PASSES), store_get_u32(header + AT_MEMORY), 1, pin, pin_len, salt, SALT_LEN,
				   key->data, key->len);
	return rc == ARGON2_OK ? DSKE_OK : FAIL(NOMEM, "cannot compute a key from the PIN: %s", argon2_error_message(rc));
}

/* Role and cost are what the wrapping is bound to. */
static size_t pin_ad(const uint8_t *header, enum store_pin which, uint8_t ad[64])
{
	size_t len = strlen(pins[which].role);

	memcpy(ad, pins[which].role, len);
	memcpy(ad + len, header + AT_MEMORY, 8);
	return len + 8;
}

dske_rc pin_wrap(uint8_t *header, enum store_pin which, const void *pin, size_t pin_len,
			const struct secret *master)
{
	AUTO(secret) key = {0};
	uint8_t *wrap = header + pins[which].wrap, ad[64];

	TRY(random_fill(wrap, SALT_LEN + CRYPTO_NONCE_LEN));
	TRY(pin_key(header, wrap, pin, pin_len, &key));
	header[pins[which].failed] = 0;
	return crypto_seal(wrap + SALT_LEN + CRYPTO_NONCE_LEN, &key, wrap + SALT_LEN, ad, pin_ad(header, which, ad), master->data,
			   master->len);
}

static dske_rc pin_unwrap(const uint8_t *header, enum store_pin which, const void *pin, size_t pin_len,
			  struct secret *master)
{
	AUTO(secret) key = {0};
	const uint8_t *wrap = header + pins[which].wrap;
	uint8_t ad[64];

	TRY(pin_key(header, wrap, pin, pin_len, &key));
	TRY(secret_alloc(master, MASTER_LEN));
	dske_rc rc = crypto_open(master->data, &key, wrap + SALT_LEN, ad, pin_ad(header, which, ad),
				 wrap + SALT_LEN + CRYPTO_NONCE_LEN, MASTER_LEN);
	if (rc_ok(rc))
		return rc;
	secret_drop(master);
	return rc_is(rc, DSKE_RC_TAG) ? FAIL(PIN, "the PIN is wrong") : rc;
}

dske_rc pin_try(struct store *s, struct image *i, enum store_pin which, const void *pin, size_t pin_len,
		       struct secret *master)
{
	uint8_t *failed = i->file.data + pins[which].failed;

	if (which == STORE_PIN_USER && i->file.data[AT_USER_SET] == 0)
		return FAIL(STATE, "no user PIN is set");
	if (*failed >= STORE_ATTEMPTS)
		return rc_make(DSKE_RC_PIN_LOCKED);
	++*failed;
	TRY(image_write(s, i));
	dske_rc rc = pin_unwrap(i->file.data, which, pin, pin_len, master);
	if (rc_is(rc, DSKE_RC_PIN))
		return *failed >= STORE_ATTEMPTS ? rc_make(DSKE_RC_PIN_LOCKED) : rc;
	*failed = rc_ok(rc) ? 0 : (uint8_t)(*failed - 1); /* for want of memory nothing was tried */
	dske_rc written = image_write(s, i);
	return rc_ok(rc) ? written : rc;
}
