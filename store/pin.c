/* SPDX-License-Identifier: Apache-2.0 */
/* store/pin.c - PINs, what they open, and the count of those that were wrong. */
#include <config.h>

#include "store/impl.h"

#include <argon2.h>
#include <string.h>

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

dske_rc pin_wrap(uint8_t *header, enum store_pin which, const void *pin, size_t pin_len, const struct secret *master)
{
	AUTO(secret) key = {0};
	uint8_t *wrap = header + pins[which].wrap, ad[64];

	TRY(random_fill(wrap, SALT_LEN + CRYPTO_NONCE_LEN));
	TRY(pin_key(header, wrap, pin, pin_len, &key));
	if (which == STORE_PIN_USER)
		header[AT_USER_SET] = USER_SET;
	return crypto_seal(wrap + SALT_LEN + CRYPTO_NONCE_LEN, &key, wrap + SALT_LEN, ad, pin_ad(header, which, ad), master->data,
			   master->len);
}

static dske_rc pin_unwrap(const uint8_t *header, enum store_pin which, const void *pin, size_t pin_len, struct secret *master)
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

void pin_clear(uint8_t *state, enum store_pin which)
{
	memset(state + pins[which].failed, 0, STORE_ATTEMPTS);
}

unsigned pin_failed(const uint8_t *state, enum store_pin which)
{
	unsigned n = 0;

	for (unsigned k = 0; k < STORE_ATTEMPTS; k++)
		n += state[pins[which].failed + k] != 0;
	return n;
}

/* From the k-th on. */
static dske_rc failed_write(struct store *s, const struct image *i, enum store_pin which, unsigned k, size_t len)
{
	unsigned at = pins[which].failed + k;

	return image_pwrite(s, i, i->state + at, len, STORE_HEADER_LEN + at);
}

/* *k: which of the bytes counts this attempt. */
static dske_rc attempt_begin(struct store *s, enum store_pin which, uint8_t header[STORE_HEADER_LEN], unsigned *k)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(image_open(s, &i, FILE_LOCK_EXCLUSIVE));
	if (!i.there)
		return FAIL(STATE, "the token is not initialised");
	if (which == STORE_PIN_USER && i.header[AT_USER_SET] == 0)
		return FAIL(STATE, "no user PIN is set");
	if (pin_failed(i.state, which) >= STORE_ATTEMPTS)
		return rc_make(DSKE_RC_PIN_LOCKED);
	for (*k = 0; i.state[pins[which].failed + *k] != 0;)
		++*k;
	i.state[pins[which].failed + *k] = FAILED_BYTE;
	memcpy(header, i.header, sizeof i.header);
	TRY(failed_write(s, &i, which, *k, 1));
	return file_sync(i.file.n);
}

/* Forgets all of them after a success; this one alone if for want of memory nothing was tried.  Nobody waits for the disk: where
 * the power is cut meanwhile, this attempt was a failed one. */
static dske_rc attempt_end(struct store *s, enum store_pin which, unsigned k, bool success)
{
	HOLD(s);
	AUTO(image) i = IMAGE_NONE;

	TRY(image_open(s, &i, FILE_LOCK_EXCLUSIVE));
	if (!i.there)
		return FAIL(STATE, "the token was taken away");
	if (success)
		k = 0;
	memset(i.state + pins[which].failed + k, 0, success ? STORE_ATTEMPTS : 1);
	return failed_write(s, &i, which, k, success ? STORE_ATTEMPTS : 1);
}

dske_rc pin_try(struct store *s, enum store_pin which, const void *pin, size_t pin_len, struct secret *master)
{
	uint8_t header[STORE_HEADER_LEN];
	unsigned k;

	TRY(attempt_begin(s, which, header, &k));
	dske_rc rc = pin_unwrap(header, which, pin, pin_len, master);
	if (rc_is(rc, DSKE_RC_PIN)) {
		struct store_status st;
		TRY(store_status(s, &st));
		unsigned failed = which == STORE_PIN_USER ? st.user_failed : st.so_failed;
		return failed >= STORE_ATTEMPTS ? rc_make(DSKE_RC_PIN_LOCKED) : FAIL(PIN, "the PIN is wrong");
	}
	dske_rc written = attempt_end(s, which, k, rc_ok(rc));
	return rc_ok(rc) ? written : rc;
}
