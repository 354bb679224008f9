/* SPDX-License-Identifier: Apache-2.0 */
/* libcrypto as a module inside a host may use it: its own context in each process, and many messages under one key. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"

/* A child's algorithms are its own, whose locks no thread of its parent holds; and its child's again. */
static void a_child_has_its_own(void **state)
{
	const EVP_CIPHER *ours = crypto_cipher(CRYPTO_GCM, 32);
	int status = 0;

	(void)state;
	assert_non_null(ours);
	assert_ptr_equal(crypto_cipher(CRYPTO_GCM, 32), ours);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		const EVP_CIPHER *own = crypto_cipher(CRYPTO_GCM, 32);
		bool good = own != NULL && own != ours && own == crypto_cipher(CRYPTO_GCM, 32);
		pid_t grandchild = fork();
		if (grandchild == 0) {
			const EVP_CIPHER *third = crypto_cipher(CRYPTO_GCM, 32);
			_exit(third != NULL && third != own && third != ours ? 0 : 1);
		}
		good = good && waitpid(grandchild, &status, 0) == grandchild && status == 0;
		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_ptr_equal(crypto_cipher(CRYPTO_GCM, 32), ours);
}

/* Messages of many lengths, one after the other; one that was changed is told, and disturbs none after it. */
static void an_opener_opens_many(void **state)
{
	enum { MOST = 300 };
	uint8_t text[MOST], sealed[MOST + CRYPTO_TAG_LEN], nonce[CRYPTO_NONCE_LEN] = {0}, out[MOST];
	AUTO(secret) key = {0};
	EVP_CIPHER_CTX *opener;

	(void)state;
	memset(text, 0x5a, sizeof text);
	assert_true(rc_ok(secret_random(&key, 32)));
	assert_true(rc_ok(crypto_opener_new(&opener, &key)));
	for (size_t len = 0; len < MOST; len++) {
		nonce[0] = (uint8_t)len;
		nonce[1] = (uint8_t)(len >> 8);
		assert_true(rc_ok(crypto_seal(sealed, &key, nonce, "head", len % 5, text, len)));
		sealed[len / 2] ^= 1;
		assert_true(rc_is(crypto_opener_open(opener, out, nonce, "head", len % 5, sealed, len), DSKE_RC_TAG));
		for (size_t k = 0; k < len; k++)
			assert_int_equal(out[k], 0);
		sealed[len / 2] ^= 1;
		assert_true(rc_ok(crypto_opener_open(opener, out, nonce, "head", len % 5, sealed, len)));
		assert_memory_equal(out, text, len);
		assert_true(rc_is(crypto_opener_open(opener, out, nonce, "heap", 4, sealed, len), DSKE_RC_TAG));
		nonce[2] ^= 1;
		assert_true(rc_is(crypto_opener_open(opener, out, nonce, "head", len % 5, sealed, len), DSKE_RC_TAG));
		nonce[2] ^= 1;
	}
	crypto_opener_free(opener);
	crypto_opener_free(NULL);
}

/* A key of a length that there is none of. */
static void an_opener_needs_a_key(void **state)
{
	AUTO(secret) key = {0};
	EVP_CIPHER_CTX *opener;

	(void)state;
	assert_true(rc_ok(secret_random(&key, 20)));
	assert_true(rc_is(crypto_opener_new(&opener, &key), DSKE_RC_NOMEM));
	assert_null(opener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_has_its_own),
		cmocka_unit_test(an_opener_opens_many),
		cmocka_unit_test(an_opener_needs_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
