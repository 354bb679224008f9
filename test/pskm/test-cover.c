/* SPDX-License-Identifier: Apache-2.0 */
/* Tables at rest: what is stored, and what is destroyed. */
#include "config.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "core/layout.h"
#include "test/pskm/fixture.h"

#define LEN (UINT64_C(1) << 20)
#define CHUNK COVER_CHUNK_LEN

/* ---- the bytes themselves --------------------------------------------------------------------------- */

static uint64_t start_of(const struct fixture *f, enum region r)
{
	return f->header.layout.region[r].start;
}

static void cover_of(const struct fixture *f, struct cover *c, const struct secret *key)
{
	cover_init(c, &f->header.table, LEN);
	assert_ok(cover_open(c, f->hub_dir.s));
	assert_ok(cover_unlock(c, key));
}

static void aes_block(const struct secret *key, uint64_t counter, uint8_t out[16])
{
	uint8_t in[16] = {0};
	int n;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	be64_put(in + 8, counter);
	assert_int_equal(EVP_EncryptInit_ex2(ctx, crypto_cipher(CRYPTO_ECB, 32), key->data, NULL, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, in, 16), 1);
	EVP_CIPHER_CTX_free(ctx);
}

/* What is stored, by the formula of format.h and AES alone. */
static void test_formula(void **state)
{
	struct fixture f;
	AUTO(secret) key = fixture_key('K');
	AUTO(secret) chunk_key = {0};
	uint8_t input[ID_LEN + 8 + COVER_SALT_LEN] = {0}, block[16], pad[32];
	const uint64_t n = 9, offset = 3 * 16 + 5, at = n * CHUNK + offset;

	(void)state;
	fixture_stream(&f, LEN, &key);
	memcpy(input, f.header.table.b, ID_LEN);
	input[ID_LEN + 7] = (uint8_t)n;
	AUTO(fd) salts = FD_NONE;
	assert_ok(file_open(&salts, fixture_file(&f.hub_dir, "keys"), O_RDONLY, 0));
	assert_ok(file_pread(salts.n, input + ID_LEN + 8, COVER_SALT_LEN, 4096 + 32 * n));
	assert_ok(secret_alloc(&chunk_key, 32));
	assert_ok(crypto_mac(chunk_key.data, &key, input, sizeof input));
	for (unsigned i = 0; i < 2; i++)
		aes_block(&chunk_key, 3 + i, pad + 16 * i);
	fixture_stored(&f.hub_dir, at, block, sizeof block);
	for (unsigned i = 0; i < sizeof block; i++)
		assert_int_equal(block[i] ^ pad[5 + i], fixture_byte(at + i));
	fixture_drop(&f);
}

/* Any part reads as it was written, across chunks, whatever was read before. */
static void test_any_part(void **state)
{
	struct fixture f;
	AUTO(secret) key = fixture_key('K');
	AUTO(cover) c = {.bytes = FD_NONE, .salts = FD_NONE};
	const uint64_t from = 4096; /* behind the container region */
	uint8_t *got = malloc(3 * CHUNK);

	(void)state;
	fixture_stream(&f, LEN, &key);
	cover_of(&f, &c, &key);
	for (unsigned i = 0; i < 300; i++) {
		uint64_t at = from + (uint64_t)i * 104729 % (LEN - from - 1);
		size_t len = 1 + (size_t)i * 7919 % (i % 10 == 0 ? 3 * CHUNK : 300);
		if (len > LEN - at)
			len = (size_t)(LEN - at);
		assert_ok(cover_read(&c, at, got, len));
		for (size_t j = 0; j < len; j++)
			if (got[j] != fixture_byte(at + j))
				fail_msg("byte %zu of the part at %llu", j, (unsigned long long)at);
	}
	free(got);
	fixture_drop(&f);
}

/* Two tables, and two chunks of one, never share a keystream; without the key the stored bytes say nothing. */
static void test_keystreams_differ(void **state)
{
	struct fixture a, b;
	AUTO(secret) key = fixture_key('K');
	uint8_t x[64], y[64], z[64];

	(void)state;
	fixture_stream(&a, LEN, &key);
	fixture_stream(&b, LEN, &key); /* of the same ID, even */
	fixture_stored(&a.hub_dir, 5 * CHUNK, x, sizeof x);
	fixture_stored(&b.hub_dir, 5 * CHUNK, y, sizeof y);
	fixture_stored(&a.hub_dir, 6 * CHUNK, z, sizeof z);
	assert_memory_not_equal(x, y, sizeof x);
	for (unsigned i = 0; i < sizeof x; i++) {
		x[i] ^= fixture_byte(5 * CHUNK + i);
		z[i] ^= fixture_byte(6 * CHUNK + i);
	}
	assert_memory_not_equal(x, z, sizeof x);
	fixture_drop(&a);
	fixture_drop(&b);
}

/* A salt alone takes its chunk with it, and nothing else. */
static void test_salt_takes_its_chunk(void **state)
{
	struct fixture f;
	AUTO(secret) key = fixture_key('K');
	AUTO(cover) c = {.bytes = FD_NONE, .salts = FD_NONE};
	uint8_t got[64], zeros[64] = {0};

	(void)state;
	fixture_stream(&f, LEN, &key);
	cover_of(&f, &c, &key);
	assert_ok(cover_read(&c, 5 * CHUNK, got, sizeof got)); /* its key is at hand now */
	assert_ok(cover_forget(&c, 5 * CHUNK - 1, 6 * CHUNK + 1));
	assert_true(fixture_forgotten(&f.hub_dir, 5));
	assert_false(fixture_forgotten(&f.hub_dir, 4));
	assert_false(fixture_forgotten(&f.hub_dir, 6));
	assert_false(fixture_zero(&f.hub_dir, 5 * CHUNK, 5 * CHUNK + 64)); /* the data are still there */
	assert_rc(cover_read(&c, 5 * CHUNK + 100, got, sizeof got), CORRUPT);
	assert_memory_equal(got, zeros, sizeof got);
	assert_rc(cover_read(&c, 6 * CHUNK - 1, got, 1), CORRUPT);
	assert_ok(cover_read(&c, 6 * CHUNK, got, sizeof got));
	assert_ok(cover_read(&c, 5 * CHUNK - 64, got, sizeof got));
	fixture_drop(&f);
}

/* Erasing: bytes as they are stored, and the salts of whole chunks, the last and shorter one too. */
static void test_erase(void **state)
{
	struct fixture f;
	AUTO(cover) c = {.bytes = FD_NONE, .salts = FD_NONE};
	uint8_t got[16];
	bool erased;

	(void)state;
	fixture_stream(&f, LEN, NULL);
	cover_of(&f, &c, NULL);
	assert_ok(cover_erase(&c, 3 * CHUNK - 5, 4 * CHUNK + 5));
	assert_true(fixture_zero(&f.hub_dir, 3 * CHUNK - 5, 4 * CHUNK + 5));
	assert_false(fixture_zero(&f.hub_dir, 3 * CHUNK - 21, 3 * CHUNK - 5));
	assert_false(fixture_zero(&f.hub_dir, 4 * CHUNK + 5, 4 * CHUNK + 21));
	assert_ok(cover_is_erased(&c, 3 * CHUNK, 100, &erased));
	assert_true(erased);
	assert_ok(cover_is_erased(&c, 4 * CHUNK, 100, &erased));
	assert_false(erased);
	assert_false(fixture_forgotten(&f.hub_dir, 2));
	assert_true(fixture_forgotten(&f.hub_dir, 3));
	assert_false(fixture_forgotten(&f.hub_dir, 4));
	assert_rc(cover_read(&c, 4 * CHUNK - 11, got, 16), CORRUPT);
	assert_rc(cover_read(&c, 2 * CHUNK + CHUNK - 5, got, 5), OK); /* too short to tell: the ledger must know */
	assert_ok(cover_erase(&c, LEN - CHUNK, LEN));
	assert_true(fixture_forgotten(&f.hub_dir, LEN / CHUNK - 1));
	fixture_drop(&f);
}

/* ---- what the ledger calls used ------------------------------------------------------------------------ */

/* In each chunk of which all is used the salt is gone, on both sides; in the others it is not. */
static void assert_forgotten_by_ledger(const struct path *dir, const struct fixture *f, uint64_t up, uint64_t down)
{
	for (uint64_t i = start_of(f, REGION_UP) / CHUNK + 1; i < LEN / CHUNK; i++) {
		uint64_t from = i * CHUNK, to = from + CHUNK, split = start_of(f, REGION_DOWN);
		bool used = (from >= split || (to < split ? to : split) <= up) && (to <= split || to <= down);
		if (fixture_forgotten(dir, i) != used)
			fail_msg("chunk %llu: %s", (unsigned long long)i, used ? "its key is still there" : "its key is gone");
	}
}

static void test_used_chunks_lose_their_keys(void **state)
{
	struct fixture f;
	struct window *hu, *hd;
	AUTO(pad) p = {0};

	(void)state;
	fixture_active(&f, LEN);
	uint64_t up = start_of(&f, REGION_UP), down = start_of(&f, REGION_DOWN);
	for (unsigned i = 0; i < 4; i++) {
		fixture_lease(&f, 90000, 100000, NULL, NULL, &hu, &hd);
		up += 90000;
		down += 100000;
		assert_forgotten_by_ledger(&f.client_dir, &f, up, down);
		assert_forgotten_by_ledger(&f.hub_dir, &f, up - 90000, down - 100000); /* windows are open */
		assert_ok(window_take(hu, up - 200, 200, &p));
		window_free(hd);
		assert_ok(window_take(hu, up - 90000, 90000 - 200, &p)); /* by taking alone, out of order */
		assert_forgotten_by_ledger(&f.hub_dir, &f, up, down);
		window_free(hu);
	}
	fixture_drop(&f);
}

/* What a crash left is made up for by the next opening: salts as well as bytes. */
static void test_sweep(void **state)
{
	struct fixture f;
	struct window *hu, *hd;
	struct path keys;

	(void)state;
	fixture_active(&f, LEN);
	assert_ok(path_format(&keys, "%s/keys.copy", f.scratch.s));
	fixture_copy(fixture_file(&f.client_dir, "keys"), keys.s);
	fixture_lease(&f, 200000, 200000, NULL, NULL, &hu, &hd);
	uint64_t up = window_end(hu), down = window_end(hd);
	window_free(hu);
	window_free(hd);
	table_close(f.client);
	fixture_copy(keys.s, fixture_file(&f.client_dir, "keys"));
	assert_false(fixture_forgotten(&f.client_dir, up / CHUNK - 1));
	assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
	assert_forgotten_by_ledger(&f.client_dir, &f, up, down);
	fixture_drop(&f);
}

/* ---- the file `keys` ------------------------------------------------------------------------------------- */

static void flip(const char *path, uint64_t at)
{
	AUTO(fd) f = FD_NONE;
	uint8_t b;

	assert_ok(file_open(&f, path, O_RDWR, 0));
	assert_ok(file_pread(f.n, &b, 1, at));
	b ^= 0x10;
	assert_ok(file_pwrite(f.n, &b, 1, at));
}

/* Each byte of the head, each length: never taken for good. */
static void test_damaged_keys(void **state)
{
	struct fixture f;
	const char *keys;
	struct table *t;
	struct stat st;

	(void)state;
	fixture_stream(&f, LEN, NULL);
	keys = strdup(fixture_file(&f.hub_dir, "keys"));
	assert_int_equal(stat(keys, &st), 0);
	assert_int_equal(st.st_size, KEYS_HEAD_LEN + LEN / CHUNK * COVER_SALT_LEN);
	for (uint64_t at = 0; at < KEYS_HEAD_LEN; at += at < 64 || at >= KEYS_AT_SUM - 1 ? 1 : 61) {
		flip(keys, at);
		assert_rc(table_open(&t, f.hub_dir.s, SIDE_CLIENT, NULL), CORRUPT);
		flip(keys, at);
	}
	for (off_t len = st.st_size - 1; len >= 0; len -= len > KEYS_HEAD_LEN ? 1 : 819) {
		assert_int_equal(truncate(keys, len), 0);
		assert_rc(table_open(&t, f.hub_dir.s, SIDE_CLIENT, NULL), CORRUPT);
	}
	assert_int_equal(unlink(keys), 0);
	assert_rc(table_open(&t, f.hub_dir.s, SIDE_CLIENT, NULL), NOT_FOUND);
	free((void *)keys);
	fixture_drop(&f);
}

/* Another table's, sound in itself; and exchanged under a table that is open. */
static void test_foreign_keys(void **state)
{
	struct fixture f, g;
	struct table *t;
	struct table_status s;

	(void)state;
	fixture_stream(&f, LEN, NULL);
	fixture_init(&g, LEN);
	fixture_make(&g);
	assert_ok(table_open(&t, f.hub_dir.s, SIDE_CLIENT, NULL));
	char *from = strdup(fixture_file(&g.hub_dir, "keys"));
	fixture_copy(from, fixture_file(&f.hub_dir, "keys"));
	free(from);
	assert_rc(table_status(t, &s), CORRUPT);
	table_close(t);
	assert_rc(table_open(&t, f.hub_dir.s, SIDE_CLIENT, NULL), CORRUPT);
	fixture_drop(&f);
	fixture_drop(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formula),
		cmocka_unit_test(test_any_part),
		cmocka_unit_test(test_keystreams_differ),
		cmocka_unit_test(test_salt_takes_its_chunk),
		cmocka_unit_test(test_erase),
		cmocka_unit_test(test_used_chunks_lose_their_keys),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_damaged_keys),
		cmocka_unit_test(test_foreign_keys),
	};

	return cmocka_run_group_tests_name("cover", tests, NULL, NULL);
}
