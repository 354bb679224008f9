/* SPDX-License-Identifier: Apache-2.0 */
/* test/tls/test-import.c - RFC 9258: known answers, and identities that are none. */
#include "test/core/vectors.h"

#include "tls/import.h"

static size_t identity_of(uint8_t bytes[IMPORT_IDENTITY_MAX], const struct vector *v, uint16_t kdf)
{
	struct imported_identity identity = {.external_len = v->len[1], .context_len = v->len[2],
					     .protocol = IMPORT_PROTOCOL_TLS13, .kdf = kdf};

	memcpy(identity.external, v->field[1], v->len[1]);
	memcpy(identity.context, v->field[2], v->len[2]);
	return import_write(bytes, &identity);
}

static void check_key(const struct vector *v)
{
	uint16_t kdf = v->len[3] == 32 ? IMPORT_KDF_SHA256 : IMPORT_KDF_SHA384;
	uint8_t bytes[IMPORT_IDENTITY_MAX], info[IMPORT_INFO_LEN];
	size_t len = identity_of(bytes, v, kdf);
	AUTO(secret) key = {0};
	AUTO(secret) psk = {0};

	assert_int_equal(import_psk_len(kdf), v->len[3]);
	assert_true(rc_ok(secret_from(&key, v->field[0], v->len[0])));
	assert_true(rc_ok(import_info(info, bytes, len, v->len[3])));
	assert_true(rc_ok(import_psk(&psk, &key, info, v->len[3])));
	assert_int_equal(psk.len, v->len[3]);
	assert_memory_equal(psk.data, v->field[3], psk.len);
}

static void known_answers(void **state)
{
	(void)state;
	vectors_each("importer.txt", 4, check_key);
}

static void check_identity(const struct vector *v)
{
	uint8_t bytes[IMPORT_IDENTITY_MAX + 1] = {0};
	struct imported_identity back;
	size_t len = identity_of(bytes, v, IMPORT_KDF_SHA384);

	assert_true(rc_ok(import_read(&back, bytes, len)));
	assert_int_equal(back.external_len, v->len[1]);
	assert_memory_equal(back.external, v->field[1], v->len[1]);
	assert_int_equal(back.context_len, v->len[2]);
	assert_memory_equal(back.context, v->field[2], v->len[2]);
	assert_int_equal(back.protocol, 0x0304);
	assert_int_equal(back.kdf, 2);
	for (size_t cut = 0; cut < len; cut++)
		assert_true(rc_is(import_read(&back, bytes, cut), DSKE_RC_FORMAT));
	assert_true(rc_is(import_read(&back, bytes, len + 1), DSKE_RC_FORMAT));
}

static void identities(void **state)
{
	(void)state;
	vectors_each("importer.txt", 4, check_identity);
}

/* Whatever one byte of the lengths says, it is refused or read within our bounds. */
static void lengths(void **state)
{
	struct imported_identity back;
	uint8_t bytes[2 + 16 + 2 + 16 + 4] = {0};
	static const size_t at[] = {0, 1, 18, 19};

	(void)state;
	memset(bytes, 0xff, sizeof bytes);
	memcpy(bytes, "\0\20", 2);
	memcpy(bytes + 18, "\0\20", 2);
	assert_true(rc_ok(import_read(&back, bytes, sizeof bytes)));
	for (size_t i = 0; i < 4; i++) {
		for (unsigned value = 0; value < 256; value++) {
			uint8_t before = bytes[at[i]];
			bytes[at[i]] = (uint8_t)value;
			if (value != before)
				assert_true(rc_is(import_read(&back, bytes, sizeof bytes), DSKE_RC_FORMAT));
			bytes[at[i]] = before;
		}
	}
}

static void no_external_identity(void **state)
{
	struct imported_identity back;
	const uint8_t bytes[] = {0, 0, 0, 1, 'x', 3, 4, 0, 1};

	(void)state;
	assert_true(rc_is(import_read(&back, bytes, sizeof bytes), DSKE_RC_FORMAT));
	assert_int_equal(import_psk_len(0), 0);
	assert_int_equal(import_psk_len(3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(identities),
		cmocka_unit_test(lengths),
		cmocka_unit_test(no_external_identity),
	};

	return cmocka_run_group_tests_name("tls import", tests, NULL, NULL);
}
