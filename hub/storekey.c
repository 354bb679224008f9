/* SPDX-License-Identifier: Apache-2.0 */
/* hub/storekey.c - one key a process, derived by HMAC-SHA256. */
#include "hub/storekey.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/file.h"

static dske_rc derive(struct aead *a, const struct secret *root, const uint8_t salt[STOREKEY_SALT_LEN])
{
	AUTO(secret) key = {0};
	unsigned len = 0;

	aead_drop(a);
	TRY(secret_alloc(&key, STOREKEY_LEN));
	if (!HMAC(EVP_sha256(), root->data, (int)root->len, salt, STOREKEY_SALT_LEN, key.data, &len) ||
	    len != STOREKEY_LEN)
		return rc_make(DSKE_RC_NOMEM);
	return aead_init(a, key.data);
}

dske_rc storekey_derive(const struct storekey *k, const char *label, void *out, size_t len)
{
	uint8_t code[EVP_MAX_MD_SIZE];
	unsigned code_len = 0;

	if (!HMAC(EVP_sha256(), k->root.data, (int)k->root.len, (const uint8_t *)label, strlen(label), code, &code_len) ||
	    code_len < len)
		return rc_make(DSKE_RC_NOMEM);
	memcpy(out, code, len);
	mem_wipe(code, sizeof code);
	return DSKE_OK;
}

static dske_rc make(const char *path)
{
	AUTO(secret) key = {0};

	TRY(secret_random(&key, STOREKEY_LEN));
	return file_replace(path, key.data, key.len, 0600);
}

static dske_rc load(struct storekey *k, const char *path)
{
	AUTO(fd) f = FD_NONE;

	TRY(file_open(&f, path, O_RDONLY, 0));
	TRY(secret_alloc(&k->root, STOREKEY_LEN));
	if (!rc_ok(file_pread(f.n, k->root.data, STOREKEY_LEN, 0)))
		return FAIL(CORRUPT, "%s is shorter than a store key: restore it, or remove it together with the "
			    "mailbox beside it (shares that wait are lost then)", path);
	return DSKE_OK;
}

dske_rc storekey_open(struct storekey *k, const char *path, bool may_make)
{
	*k = (struct storekey){0};

	dske_rc rc = load(k, path);

	if (rc_is(rc, DSKE_RC_NOT_FOUND) && may_make) {
		rc = make(path);
		if (rc_ok(rc))
			rc = load(k, path);
	}
	if (rc_ok(rc))
		rc = random_fill(k->salt, sizeof k->salt);
	if (rc_ok(rc))
		rc = derive(&k->own, &k->root, k->salt);
	if (!rc_ok(rc))
		storekey_drop(k);
	return rc;
}

static struct aead_context context_of(const struct storekey_seal *seal, struct storekey_about about)
{
	struct aead_context c = {.data = about.bytes, .data_len = about.len};

	aead_nonce(c.nonce, seal->counter);
	return c;
}

dske_rc storekey_encrypt(struct storekey *k, struct storekey_seal *seal, struct storekey_about about,
			 const void *in, size_t len, uint8_t *out)
{
	memcpy(seal->salt, k->salt, sizeof seal->salt);
	seal->counter = ++k->counter;

	struct aead_context c = context_of(seal, about);

	return aead_seal(&k->own, &c, in, len, out);
}

/* The key of the process that encrypted it: most often this one, else one before it. */
static dske_rc key_of(struct storekey *k, const uint8_t *salt, struct aead **a)
{
	*a = &k->own;
	if (memcmp(salt, k->salt, STOREKEY_SALT_LEN) == 0)
		return DSKE_OK;
	*a = &k->other;
	if (k->other.cipher && memcmp(salt, k->other_salt, STOREKEY_SALT_LEN) == 0)
		return DSKE_OK;
	memcpy(k->other_salt, salt, STOREKEY_SALT_LEN);
	return derive(&k->other, &k->root, salt);
}

dske_rc storekey_decrypt(struct storekey *k, const struct storekey_seal *seal, struct storekey_about about,
			 const uint8_t *in, size_t len, uint8_t *out)
{
	struct aead_context c = context_of(seal, about);
	struct aead *a;

	TRY(key_of(k, seal->salt, &a));

	dske_rc rc = aead_open(a, &c, in, len, out);

	if (rc_is(rc, DSKE_RC_TAG))
		return FAIL(CORRUPT, "a share in the mailbox does not verify under the store key");
	return rc;
}

void storekey_drop(struct storekey *k)
{
	secret_drop(&k->root);
	aead_drop(&k->own);
	aead_drop(&k->other);
}
