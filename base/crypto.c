/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/crypto.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/gate.h"

#define KEY_LENS 3 /* 16, 24, 32 */
#define BLOCK_LEN 16

/* What a process fetches once.  `older` keeps a parent's reachable: its locks may be held by threads
 * that do not exist in the child, so it is neither used nor freed. */
struct crypto {
	unsigned char *mark; /* a page that a fork empties: 1 if it is ours; NULL where the kernel does not do that */
	pid_t pid;           /* asked for then */
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *provider;
	EVP_CIPHER *cipher[CRYPTO_CIPHERS][KEY_LENS];
	EVP_MD *hash[CRYPTO_HASHES];
	EVP_MAC *maker[CRYPTO_MAKERS];
	EVP_KDF *pbkdf2;
	struct crypto *older;
};

static _Atomic(struct crypto *) current;

bool crypto_is_alive(void)
{
	/* Once OPENSSL_cleanup() has begun, this answers 0 and touches nothing; before, it asks for nothing. */
	return OPENSSL_init_crypto(0, NULL) == 1;
}

bool crypto_quiet_begin(void)
{
	if (!gate_enter())
		return false;
	ERR_set_mark();
	return true;
}

void crypto_quiet_end(void)
{
	ERR_pop_to_mark();
	gate_leave();
}

/* Is it this process's, and not its parent's? */
static bool crypto_is_ours(const struct crypto *c)
{
	return c->mark != NULL ? *c->mark != 0 : c->pid == getpid();
}

static void mark_begin(struct crypto *c)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	c->pid = getpid();
	c->mark = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->mark != MAP_FAILED && madvise(c->mark, page, MADV_WIPEONFORK) == 0) {
		*c->mark = 1;
		return;
	}
	if (c->mark != MAP_FAILED)
		munmap(c->mark, page);
	c->mark = NULL;
}

static void crypto_free(struct crypto *c)
{
	if (c->mark != NULL)
		munmap(c->mark, (size_t)sysconf(_SC_PAGESIZE));
	for (size_t which = 0; which < CRYPTO_CIPHERS; which++)
		for (size_t i = 0; i < KEY_LENS; i++)
			EVP_CIPHER_free(c->cipher[which][i]);
	for (size_t which = 0; which < CRYPTO_HASHES; which++)
		EVP_MD_free(c->hash[which]);
	for (size_t which = 0; which < CRYPTO_MAKERS; which++)
		EVP_MAC_free(c->maker[which]);
	EVP_KDF_free(c->pbkdf2);
	if (c->provider != NULL)
		OSSL_PROVIDER_unload(c->provider);
	OSSL_LIB_CTX_free(c->lib);
	free(c);
}

static bool fetch_ciphers(struct crypto *c)
{
	static const char *const names[CRYPTO_CIPHERS][KEY_LENS] = {
		[CRYPTO_GCM] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"},
		[CRYPTO_CBC] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"},
		[CRYPTO_ECB] = {"AES-128-ECB", "AES-192-ECB", "AES-256-ECB"},
		[CRYPTO_CTR] = {"AES-128-CTR", "AES-192-CTR", "AES-256-CTR"},
		[CRYPTO_CCM] = {"AES-128-CCM", "AES-192-CCM", "AES-256-CCM"},
		[CRYPTO_CTS] = {"AES-128-CBC-CTS", "AES-192-CBC-CTS", "AES-256-CBC-CTS"},
		[CRYPTO_KW] = {"AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP"},
		[CRYPTO_KWP] = {"AES-128-WRAP-PAD", "AES-192-WRAP-PAD", "AES-256-WRAP-PAD"},
		[CRYPTO_CHACHA20] = {NULL, NULL, "ChaCha20"},
		[CRYPTO_CHACHA20_POLY1305] = {NULL, NULL, "ChaCha20-Poly1305"},
	};
	bool all = true;

	for (size_t which = 0; which < CRYPTO_CIPHERS; which++)
		for (size_t i = 0; i < KEY_LENS; i++) {
			if (names[which][i] == NULL)
				continue;
			c->cipher[which][i] = EVP_CIPHER_fetch(c->lib, names[which][i], NULL);
			all = all && c->cipher[which][i] != NULL;
		}
	return all;
}

static const char *const hash_names[CRYPTO_HASHES] = {
	[CRYPTO_SHA1] = "SHA1",
	[CRYPTO_SHA224] = "SHA2-224",
	[CRYPTO_SHA256] = "SHA2-256",
	[CRYPTO_SHA384] = "SHA2-384",
	[CRYPTO_SHA512] = "SHA2-512",
	[CRYPTO_SHA512_224] = "SHA2-512/224",
	[CRYPTO_SHA512_256] = "SHA2-512/256",
	[CRYPTO_SHA3_224] = "SHA3-224",
	[CRYPTO_SHA3_256] = "SHA3-256",
	[CRYPTO_SHA3_384] = "SHA3-384",
	[CRYPTO_SHA3_512] = "SHA3-512",
};

static bool fetch_hashes(struct crypto *c)
{
	bool all = true;

	for (size_t which = 0; which < CRYPTO_HASHES; which++) {
		c->hash[which] = EVP_MD_fetch(c->lib, hash_names[which], NULL);
		all = all && c->hash[which] != NULL;
	}
	return all;
}

static bool fetch_makers(struct crypto *c)
{
	static const char *const names[CRYPTO_MAKERS] = {"HMAC", "CMAC", "GMAC", "POLY1305"};
	bool all = true;

	for (size_t which = 0; which < CRYPTO_MAKERS; which++) {
		c->maker[which] = EVP_MAC_fetch(c->lib, names[which], NULL);
		all = all && c->maker[which] != NULL;
	}
	c->pbkdf2 = EVP_KDF_fetch(c->lib, "PBKDF2", NULL);
	return all && c->pbkdf2 != NULL;
}

static bool fetch(struct crypto *c)
{
	c->lib = OSSL_LIB_CTX_new();
	if (c->lib == NULL)
		return false;
	c->provider = OSSL_PROVIDER_load(c->lib, "default");
	if (c->provider == NULL)
		return false;
	return fetch_ciphers(c) && fetch_hashes(c) && fetch_makers(c);
}

/* Of two threads that come first at once, one throws its own away. */
static const struct crypto *crypto_make(struct crypto *c)
{
	struct crypto *made = calloc(1, sizeof *made);

	if (made == NULL || !crypto_quiet_begin()) {
		free(made);
		return NULL;
	}
	mark_begin(made);
	made->older = c;
	bool ready = fetch(made);
	if (!ready || !atomic_compare_exchange_strong(&current, &c, made)) {
		crypto_free(made);
		made = ready ? c : NULL;
	}
	crypto_quiet_end();
	return made;
}

/* This process's, or NULL. */
static const struct crypto *crypto_get(void)
{
	struct crypto *c = atomic_load_explicit(&current, memory_order_acquire);

	if (c != NULL && crypto_is_ours(c))
		return c;
	return crypto_is_alive() ? crypto_make(c) : NULL;
}

/* Names of errors are looked up by whoever prints them, but their tables are filled at the first error, under a lock. */
bool crypto_start(void)
{
	gate_start();
	if (!crypto_quiet_begin())
		return false;
	bool ready = OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL) == 1 && crypto_get() != NULL;
	crypto_quiet_end();
	return ready;
}

const EVP_CIPHER *crypto_cipher(enum crypto_cipher which, size_t key_len)
{
	const struct crypto *c = crypto_get();
	size_t i = key_len == 16 ? 0 : key_len == 24 ? 1 : key_len == 32 ? 2 : KEY_LENS;

	return c != NULL && i < KEY_LENS ? c->cipher[which][i] : NULL;
}

/* ---- digests and HMAC ------------------------------------------------------------------------------- */

const EVP_MD *crypto_hash(enum crypto_hash which)
{
	const struct crypto *c = crypto_get();

	return c != NULL ? c->hash[which] : NULL;
}

EVP_MAC *crypto_maker(enum crypto_maker which)
{
	const struct crypto *c = crypto_get();

	return c != NULL ? c->maker[which] : NULL;
}

EVP_KDF *crypto_pbkdf2(void)
{
	const struct crypto *c = crypto_get();

	return c != NULL ? c->pbkdf2 : NULL;
}

static dske_rc fail_gone(void)
{
	return FAIL(NOMEM, "libcrypto has been cleaned up: the process ends");
}

static dske_rc digest(enum crypto_hash which, uint8_t *out, const void *bytes, size_t len)
{
	const EVP_MD *md = crypto_hash(which);

	if (!crypto_quiet_begin())
		return fail_gone();
	bool done = md != NULL && EVP_Digest(bytes, len, out, NULL, md, NULL) == 1;
	crypto_quiet_end();
	return done ? DSKE_OK : FAIL(NOMEM, "libcrypto could not compute a digest");
}

dske_rc crypto_sha1(uint8_t out[CRYPTO_SHA1_LEN], const void *bytes, size_t len)
{
	return digest(CRYPTO_SHA1, out, bytes, len);
}

dske_rc crypto_sha256(uint8_t out[CRYPTO_SHA256_LEN], const void *bytes, size_t len)
{
	return digest(CRYPTO_SHA256, out, bytes, len);
}

void crypto_settle(void)
{
	static atomic_bool settled;
	uint8_t out[CRYPTO_SHA1_LEN];

	if (atomic_load_explicit(&settled, memory_order_acquire) || !crypto_is_alive())
		return;
	(void)crypto_sha1(out, "", 0);
	atomic_store_explicit(&settled, true, memory_order_release);
}

EVP_MAC_CTX *crypto_mac_new(const struct secret *key)
{
	EVP_MAC *hmac = crypto_maker(CRYPTO_HMAC);
	OSSL_PARAM params[2] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
				OSSL_PARAM_construct_end()};

	EVP_MAC_CTX *ctx = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
	if (ctx == NULL)
		return NULL;
	if (EVP_MAC_init(ctx, key->data, key->len, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

bool crypto_mac_update(EVP_MAC_CTX *c, const uint8_t *in, size_t len)
{
	return len == 0 || EVP_MAC_update(c, in, len) == 1;
}

bool crypto_mac_final(EVP_MAC_CTX *c, uint8_t mac[CRYPTO_MAC_LEN])
{
	size_t len = 0;

	return EVP_MAC_final(c, mac, &len, CRYPTO_MAC_LEN) == 1 && len == CRYPTO_MAC_LEN;
}

void crypto_mac_free(EVP_MAC_CTX *c)
{
	if (c == NULL || !gate_enter_to_free())
		return;
	EVP_MAC_CTX_free(c);
	gate_leave();
}

dske_rc crypto_mac(uint8_t mac[CRYPTO_MAC_LEN], const struct secret *key, const void *bytes, size_t len)
{
	if (!crypto_quiet_begin())
		return fail_gone();
	EVP_MAC_CTX *c = crypto_mac_new(key);
	bool done = c != NULL && crypto_mac_update(c, bytes, len) && crypto_mac_final(c, mac);
	crypto_mac_free(c);
	crypto_quiet_end();
	return done ? DSKE_OK : FAIL(NOMEM, "libcrypto could not compute a HMAC");
}

/* ---- a keystream -------------------------------------------------------------------------------------- */

/* From the block that holds byte `at` on; what precedes that byte in it is produced and thrown away. */
static bool ctr_run(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const struct secret *key, uint64_t at, uint8_t *out,
		    const uint8_t *in, size_t len)
{
	static const uint8_t zeros[BLOCK_LEN];
	uint8_t counter[BLOCK_LEN] = {0}, front[BLOCK_LEN];
	uint64_t block = at / BLOCK_LEN;
	int skip = (int)(at % BLOCK_LEN), n = 0;

	for (int i = BLOCK_LEN - 1; block != 0; i--, block >>= 8)
		counter[i] = (uint8_t)block;
	if (len > INT_MAX || EVP_EncryptInit_ex2(ctx, cipher, key->data, counter, NULL) != 1)
		return false;
	if (skip > 0 && EVP_EncryptUpdate(ctx, front, &n, zeros, skip) != 1)
		return false;
	mem_wipe(front, sizeof front);
	return len == 0 || EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1;
}

dske_rc crypto_ctr(const struct secret *key, uint64_t at, void *out, const void *in, size_t len)
{
	const EVP_CIPHER *cipher = crypto_cipher(CRYPTO_CTR, key->len);

	if (!crypto_quiet_begin()) {
		mem_wipe(out, len);
		return fail_gone();
	}
	EVP_CIPHER_CTX *ctx = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
	bool done = ctx != NULL && ctr_run(ctx, cipher, key, at, out, in, len);
	EVP_CIPHER_CTX_free(ctx);
	crypto_quiet_end();
	if (done)
		return DSKE_OK;
	mem_wipe(out, len);
	return FAIL(NOMEM, "libcrypto could not encrypt");
}

/* ---- AES-256-GCM in one piece ------------------------------------------------------------------------- */

struct crypto_box {
	const struct secret *key;
	const uint8_t *nonce;
	const void *ad;
	size_t ad_len;
};

/* One direction, after key and nonce; tag is written or checked. */
static bool gcm_message(EVP_CIPHER_CTX *ctx, const void *ad, size_t ad_len, bool encrypt, uint8_t *out, const uint8_t *in,
			size_t len, uint8_t tag[CRYPTO_TAG_LEN])
{
	int n = 0;

	if (ad_len > INT_MAX || len > INT_MAX)
		return false;
	if (!encrypt && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_LEN, tag) != 1)
		return false;
	if (ad_len > 0 && EVP_CipherUpdate(ctx, NULL, &n, ad, (int)ad_len) != 1)
		return false;
	if (len > 0 && EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1)
		return false;
	if (EVP_CipherFinal_ex(ctx, out + len, &n) != 1)
		return false;
	return !encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_LEN, tag) == 1;
}

static bool gcm_run(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const struct crypto_box *box, bool encrypt, uint8_t *out,
		    const uint8_t *in, size_t len, uint8_t tag[CRYPTO_TAG_LEN])
{
	return EVP_CipherInit_ex2(ctx, cipher, box->key->data, box->nonce, encrypt, NULL) == 1 &&
	       gcm_message(ctx, box->ad, box->ad_len, encrypt, out, in, len, tag);
}

/* Memory is had, or not, before anything is decided. */
static bool gcm(const struct crypto_box *box, bool encrypt, uint8_t *out, const uint8_t *in, size_t len,
		uint8_t tag[CRYPTO_TAG_LEN], bool *tried)
{
	const EVP_CIPHER *cipher = crypto_cipher(CRYPTO_GCM, box->key->len);

	*tried = false;
	if (!crypto_quiet_begin())
		return false;
	EVP_CIPHER_CTX *ctx = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
	*tried = ctx != NULL;
	bool done = ctx != NULL && gcm_run(ctx, cipher, box, encrypt, out, in, len, tag);
	EVP_CIPHER_CTX_free(ctx);
	crypto_quiet_end();
	return done;
}

dske_rc crypto_seal(uint8_t *out, const struct secret *key, const uint8_t nonce[CRYPTO_NONCE_LEN], const void *ad,
		    size_t ad_len, const void *bytes, size_t len)
{
	const struct crypto_box box = {key, nonce, ad, ad_len};
	bool tried;

	return gcm(&box, true, out, bytes, len, out + len, &tried) ? DSKE_OK : FAIL(NOMEM, "libcrypto could not encrypt");
}

dske_rc crypto_open(uint8_t *out, const struct secret *key, const uint8_t nonce[CRYPTO_NONCE_LEN], const void *ad,
		    size_t ad_len, const uint8_t *sealed, size_t len)
{
	const struct crypto_box box = {key, nonce, ad, ad_len};
	uint8_t tag[CRYPTO_TAG_LEN];
	bool tried;

	memcpy(tag, sealed + len, sizeof tag);
	if (gcm(&box, false, out, sealed, len, tag, &tried))
		return DSKE_OK;
	mem_wipe(out, len);
	return tried ? rc_make(DSKE_RC_TAG) : FAIL(NOMEM, "libcrypto could not decrypt");
}

dske_rc crypto_opener_new(EVP_CIPHER_CTX **c, const struct secret *key)
{
	const EVP_CIPHER *cipher = crypto_cipher(CRYPTO_GCM, key->len);

	*c = NULL;
	if (!crypto_quiet_begin())
		return fail_gone();
	*c = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
	if (*c != NULL && EVP_DecryptInit_ex2(*c, cipher, key->data, NULL, NULL) != 1) {
		EVP_CIPHER_CTX_free(*c);
		*c = NULL;
	}
	crypto_quiet_end();
	return *c != NULL ? DSKE_OK : FAIL(NOMEM, "libcrypto could not decrypt");
}

dske_rc crypto_opener_open(EVP_CIPHER_CTX *c, uint8_t *out, const uint8_t nonce[CRYPTO_NONCE_LEN], const void *ad, size_t ad_len,
			   const uint8_t *sealed, size_t len)
{
	uint8_t tag[CRYPTO_TAG_LEN];

	memcpy(tag, sealed + len, sizeof tag);
	if (!crypto_quiet_begin())
		return fail_gone();
	bool done = EVP_DecryptInit_ex2(c, NULL, NULL, nonce, NULL) == 1 &&
		    gcm_message(c, ad, ad_len, false, out, sealed, len, tag);
	crypto_quiet_end();
	if (done)
		return DSKE_OK;
	mem_wipe(out, len);
	return rc_make(DSKE_RC_TAG);
}

void crypto_opener_free(EVP_CIPHER_CTX *c)
{
	if (c == NULL || !gate_enter_to_free())
		return;
	EVP_CIPHER_CTX_free(c);
	gate_leave();
}
