/* SPDX-License-Identifier: Apache-2.0 */
/* A PSKM checked without importing it: each kind of damage is found, named and placed. */
#include "config.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/layout.h"
#include "pskm/passphrase.h"
#include "test/pskm/fixture.h"

#define SMALL TABLE_LEN_MIN
#define SEALED_LEN (TABLE_CHUNK_LEN + 32)

static dske_rc verify(struct fixture *f)
{
	struct pskm_header read;

	return container_verify(f->container.s, f->passphrase, &read, NULL, NULL);
}

/* Fails with that code, and with both pieces of text. */
static void assert_fault(struct fixture *f, const char *name, const char *what, const char *where)
{
	dske_rc rc = verify(f);

	assert_string_equal(rc_name(rc), name);
	assert_non_null(strstr(rc_detail(rc), what));
	assert_non_null(strstr(rc_detail(rc), where));
}

/* The container as whoever has the passphrase can write it. */
static void open_chunks(const struct fixture *f, struct chunks *c)
{
	AUTO(secret) key = {0};

	*c = (struct chunks)CHUNKS_EMPTY;
	assert_ok(file_open(&c->file, f->container.s, O_RDWR, 0));
	assert_ok(head_read(&c->head, c->file.n));
	assert_ok(head_unwrap(&c->head, f->passphrase, &key));
	assert_ok(chunks_start(c, &key));
}

static void flip(const struct fixture *f, uint64_t at)
{
	AUTO(fd) file = FD_NONE;
	uint8_t byte;

	assert_ok(file_open(&file, f->container.s, O_RDWR, 0));
	assert_ok(file_pread(file.n, &byte, 1, at));
	byte ^= (uint8_t)(1u << at % 8);
	assert_ok(file_pwrite(file.n, &byte, 1, at));
}

static uint64_t head_len(const struct fixture *f)
{
	struct container_head head;
	AUTO(fd) file = FD_NONE;

	assert_ok(file_open(&file, f->container.s, O_RDONLY, 0));
	assert_ok(head_read(&head, file.n));
	return head.len;
}

static void test_whole(void **state)
{
	static const uint64_t lens[] = {SMALL, TABLE_CHUNK_LEN, 2 * TABLE_CHUNK_LEN + 64};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct pskm_header h;
		AUTO(buf) before = {0};
		AUTO(buf) after = {0};

		fixture_init(&f, lens[i]);
		fixture_make(&f);
		assert_ok(file_read_all(&before, f.container.s, 16u << 20));
		assert_ok(container_verify(f.container.s, f.passphrase, &h, NULL, NULL));
		assert_true(id_equal(&h.table, &f.header.table));
		assert_string_equal(h.client_name, "alice");
		/* nothing is written: no table, and the container is as it was */
		assert_int_not_equal(access(f.client_tables.s, F_OK), 0);
		assert_ok(file_read_all(&after, f.container.s, 16u << 20));
		assert_int_equal(after.len, before.len);
		assert_memory_equal(after.data, before.data, before.len);
		/* before and behind an import alike */
		assert_ok(fixture_import(&f));
		assert_ok(verify(&f));
		fixture_drop(&f);
	}
}

static void test_wrong_passphrase(void **state)
{
	struct fixture f;
	uint8_t bits[PASSPHRASE_LEN];

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_ok(passphrase_read(bits, f.passphrase));
	bits[3] ^= 1;
	passphrase_write(f.passphrase, bits);
	assert_fault(&f, "PIN", "wrong passphrase", "");
	fixture_drop(&f);
}

static void test_no_pskm(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_int_equal(unlink(f.container.s), 0);
	assert_rc(verify(&f), NOT_FOUND);
	scratch_write(&f.scratch, "alice.pskm", "something else altogether", 25);
	assert_fault(&f, "FORMAT", "no PSKM", "");
	fixture_drop(&f);
}

/* The first chunk, one between, the last, and the end: with the place in the file, and no other. */
static void test_damaged_chunk(void **state)
{
	struct fixture f;
	char where[96];

	(void)state;
	fixture_init(&f, 3 * TABLE_CHUNK_LEN - 64);
	fixture_make(&f);
	uint64_t head = head_len(&f);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t from = head + i * SEALED_LEN, to = from + SEALED_LEN - (i == 2 ? 64 : 0);
		const uint64_t places[] = {from, from + 500000, to - 1};

		snprintf(where, sizeof where, "chunk %u of 3 of the PSKM (bytes %llu to %llu of the file)", i + 1,
			 (unsigned long long)from, (unsigned long long)to);
		for (size_t j = 0; j < 3; j++) {
			flip(&f, places[j]);
			assert_fault(&f, "CORRUPT", "damaged or was changed", where);
			flip(&f, places[j]);
		}
	}
	flip(&f, head + 3 * SEALED_LEN - 64 + 5);
	assert_fault(&f, "CORRUPT", "damaged or was changed", "the end of the PSKM");
	flip(&f, head + 3 * SEALED_LEN - 64 + 5);
	assert_ok(verify(&f));
	fixture_drop(&f);
}

/* Of several, the first is named. */
static void test_first_fault(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, 3 * TABLE_CHUNK_LEN);
	fixture_make(&f);
	uint64_t head = head_len(&f);
	flip(&f, head + 2 * SEALED_LEN);
	assert_fault(&f, "CORRUPT", "", "chunk 3 of 3");
	flip(&f, head + SEALED_LEN);
	assert_fault(&f, "CORRUPT", "", "chunk 2 of 3");
	fixture_drop(&f);
}

static void test_swapped_chunks(void **state)
{
	struct fixture f;
	static uint8_t a[SEALED_LEN], b[SEALED_LEN];
	AUTO(fd) file = FD_NONE;

	(void)state;
	fixture_init(&f, 2 * TABLE_CHUNK_LEN);
	fixture_make(&f);
	uint64_t head = head_len(&f);
	assert_ok(file_open(&file, f.container.s, O_RDWR, 0));
	assert_ok(file_pread(file.n, a, sizeof a, head));
	assert_ok(file_pread(file.n, b, sizeof b, head + sizeof a));
	assert_ok(file_pwrite(file.n, b, sizeof b, head));
	assert_ok(file_pwrite(file.n, a, sizeof a, head + sizeof b));
	assert_fault(&f, "CORRUPT", "damaged or was changed", "chunk 1 of 2");
	fixture_drop(&f);
}

/* Whoever has the passphrase can seal, but not make the tag h' of bytes that he changes. */
static void test_resealed(void **state)
{
	struct fixture f;
	AUTO(chunks) c = CHUNKS_EMPTY;
	static uint8_t plain[CHUNK_PLAIN_MAX];

	(void)state;
	fixture_init(&f, 2 * TABLE_CHUNK_LEN);
	fixture_make(&f);
	open_chunks(&f, &c);
	const uint64_t number[] = {0, 1, CONTAINER_END_CHUNK};
	const char *const where[] = {"chunk 1 of 2", "chunk 2 of 2", "the end of the PSKM"};
	for (size_t i = 0; i < 3; i++) {
		size_t len = chunks_len(&c, number[i]);
		const size_t at[] = {len, len + TAG_LEN - 1, len / 2}; /* the tag, and the chunk */

		assert_ok(chunks_open(&c, number[i], plain));
		for (size_t j = 0; j < 3; j++) {
			plain[at[j]] ^= 1;
			assert_ok(chunks_seal(&c, number[i], plain));
			assert_fault(&f, "CORRUPT", "somebody who has the passphrase", where[i]);
			plain[at[j]] ^= 1;
		}
		assert_ok(chunks_seal(&c, number[i], plain));
		assert_ok(verify(&f));
	}
	fixture_drop(&f);
}

/* The head changed and its checksum mended: the key no longer opens. */
static void test_changed_head(void **state)
{
	struct fixture f;
	struct container_head head;
	AUTO(fd) file = FD_NONE;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	flip(&f, 30);
	assert_fault(&f, "CORRUPT", "head is damaged", "");
	flip(&f, 30);
	assert_ok(file_open(&file, f.container.s, O_RDWR, 0));
	assert_ok(head_read(&head, file.n));
	for (size_t at = head.after; at < head.after + CONTAINER_AFTER_SUM; at++) {
		if (at >= head.after + CONTAINER_AFTER_PASSES && at < head.after + CONTAINER_AFTER_NONCE)
			continue; /* the cost: another test's */
		head.bytes[at] ^= 1;
		SHA256(head.bytes, head.after + CONTAINER_AFTER_SUM, head.bytes + head.after + CONTAINER_AFTER_SUM);
		assert_ok(file_pwrite(file.n, head.bytes, head.len, 0));
		assert_fault(&f, "PIN", "somebody changed the PSKM's head", "");
		head.bytes[at] ^= 1;
	}
	fixture_drop(&f);
}

static void test_every_byte_counts(void **state)
{
	struct fixture f;
	struct stat st;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_int_equal(stat(f.container.s, &st), 0);
	for (off_t at = 0; at < st.st_size; at += at < 512 || at > st.st_size - 64 ? 1 : 311) {
		flip(&f, (uint64_t)at);
		assert_false(rc_ok(verify(&f)));
		flip(&f, (uint64_t)at);
	}
	assert_ok(verify(&f));
	fixture_drop(&f);
}

static void test_cut_and_longer(void **state)
{
	struct fixture f;
	AUTO(buf) whole = {0};
	AUTO(fd) file = FD_NONE;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_ok(file_read_all(&whole, f.container.s, 16u << 20));
	size_t head = head_len(&f);
	assert_ok(file_open(&file, f.container.s, O_RDWR, 0));
	for (size_t len = 0; len < whole.len; len += len < 512 || len > whole.len - 64 ? 1 : 509) {
		assert_int_equal(truncate(f.container.s, (off_t)len), 0);
		if (len >= head)
			assert_fault(&f, "CORRUPT", "it is cut off", "copy it again");
		else
			assert_false(rc_ok(verify(&f)));
		assert_ok(file_pwrite(file.n, whole.data + len, whole.len - len, len));
	}
	assert_ok(verify(&f));
	assert_ok(file_pwrite(file.n, "+", 1, whole.len));
	assert_fault(&f, "CORRUPT", "has something behind its end", "copy it again");
	fixture_drop(&f);
}

static bool stop(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)total;
	return done == 0;
}

static void test_cancel(void **state)
{
	struct fixture f;
	struct pskm_header h;

	(void)state;
	fixture_init(&f, 2 * TABLE_CHUNK_LEN);
	fixture_make(&f);
	assert_rc(container_verify(f.container.s, f.passphrase, &h, stop, NULL), CANCELLED);
	fixture_drop(&f);
}

/* The keys of a table of more than 21 GiB fill more than a chunk: any range comes out right, across chunks too. */
static void test_peek(void **state)
{
	struct fixture f;
	AUTO(chunks) c = CHUNKS_EMPTY;
	const uint64_t places[] = {TABLE_CHUNK_LEN - 1,  TABLE_CHUNK_LEN - 47, 2 * TABLE_CHUNK_LEN - 16, 5000,
				   TABLE_CHUNK_LEN - 48, TABLE_CHUNK_LEN,      3 * TABLE_CHUNK_LEN - 48};
	uint8_t wanted[48], got[48];

	(void)state;
	fixture_init(&f, 3 * TABLE_CHUNK_LEN);
	fixture_make(&f);
	open_chunks(&f, &c);
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		fixture_plain(&f.hub_dir, NULL, places[i], wanted, sizeof wanted);
		assert_ok(chunks_peek(&c, places[i], got, sizeof got));
		assert_memory_equal(got, wanted, sizeof got);
	}
	/* and a chunk that does not open is not taken for one that did */
	flip(&f, c.head.len + SEALED_LEN);
	assert_rc(chunks_peek(&c, TABLE_CHUNK_LEN + 100, got, sizeof got), CORRUPT);
	assert_rc(chunks_peek(&c, TABLE_CHUNK_LEN + 100, got, sizeof got), CORRUPT);
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_wrong_passphrase),
		cmocka_unit_test(test_no_pskm),
		cmocka_unit_test(test_damaged_chunk),
		cmocka_unit_test(test_first_fault),
		cmocka_unit_test(test_swapped_chunks),
		cmocka_unit_test(test_resealed),
		cmocka_unit_test(test_changed_head),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_cut_and_longer),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_peek),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
