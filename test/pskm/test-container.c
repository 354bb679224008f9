/* SPDX-License-Identifier: Apache-2.0 */
/* A PSKM made, carried and imported; and every way of spoiling it on the way. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/layout.h"
#include "pskm/passphrase.h"
#include "test/pskm/fixture.h"

#define SMALL TABLE_LEN_MIN

static void round_trip(uint64_t len)
{
	struct fixture f;
	uint8_t *ours = malloc(len), *theirs = malloc(len);

	fixture_init(&f, len);
	fixture_make(&f);
	assert_ok(fixture_import(&f));
	const struct range *r = f.header.layout.region;
	uint64_t from = r[REGION_ACTIVATION].start; /* what precedes is erased */
	fixture_plain(&f.hub_dir, NULL, from, ours, len - from);
	fixture_plain(&f.client_dir, NULL, from, theirs, len - from);
	assert_memory_equal(ours, theirs, len - from);
	fixture_stored(&f.client_dir, from, ours, len - from);
	assert_memory_not_equal(ours, theirs, len - from);
	assert_true(fixture_zero(&f.hub_dir, r[REGION_CONTAINER].start, r[REGION_CONTAINER].end));
	for (uint64_t at = r[REGION_ACTIVATION].start; at + 4096 <= len; at += 4096)
		assert_false(fixture_zero(&f.hub_dir, at, at + 64));
	free(ours);
	free(theirs);
	fixture_drop(&f);
}

static void test_round_trip(void **state)
{
	(void)state;
	round_trip(TABLE_LEN_MIN);
	round_trip(TABLE_CHUNK_LEN);
	round_trip(2 * TABLE_CHUNK_LEN + 64);
}

/* Under another name the file is still there to look at: nothing of head's end and chunks is left in it. */
static void test_destroyed(void **state)
{
	struct fixture f;
	struct stat st;
	struct path other;
	uint8_t *bytes;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_ok(fixture_import(&f));
	assert_ok(path_format(&other, "%s/other", f.scratch.s));
	assert_int_equal(link(f.container.s, other.s), 0);
	assert_int_equal(stat(other.s, &st), 0);
	assert_ok(container_destroy(f.container.s));
	assert_int_equal(access(f.container.s, F_OK), -1);
	bytes = malloc((size_t)st.st_size);
	AUTO(fd) left = FD_NONE;
	assert_ok(file_open(&left, other.s, O_RDONLY, 0));
	assert_ok(file_pread(left.n, bytes, (size_t)st.st_size, 0));
	for (off_t i = 0; i < st.st_size; i++)
		assert_int_equal(bytes[i], 0);
	free(bytes);
	assert_rc(container_destroy(f.container.s), NOT_FOUND);
	assert_rc(container_destroy(other.s), FORMAT);
	assert_rc(container_destroy(fixture_file(&f.client_dir, "table")), FORMAT); /* it destroys PSKMs, nothing else */
	fixture_drop(&f);
}

/* Stopped behind its first step: the passphrase opens nothing any more. */
static void test_half_destroyed(void **state)
{
	struct fixture f;
	struct container_head head;
	struct pskm_header h;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	AUTO(fd) file = FD_NONE;
	assert_ok(file_open(&file, f.container.s, O_RDWR, 0));
	assert_ok(head_read(&head, file.n));
	assert_ok(file_erase(file.n, head.after, head.len - head.after));
	assert_rc(container_verify(f.container.s, f.passphrase, &h, NULL, NULL), CORRUPT);
	fixture_drop(&f);
}

static void test_header_survives(void **state)
{
	struct fixture f;
	struct pskm_header peeked;
	struct table_entry *list;
	size_t count;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_ok(container_peek(&peeked, f.container.s));
	assert_true(id_equal(&peeked.table, &f.header.table));
	assert_string_equal(peeked.hub_name, "hub1");
	assert_string_equal(peeked.hub_address, "127.0.0.1:7001");
	assert_int_equal(peeked.created, f.header.created);
	assert_memory_equal(&peeked.layout, &f.header.layout, sizeof peeked.layout);
	assert_ok(fixture_import(&f));
	assert_ok(table_list(f.client_tables.s, &list, &count));
	assert_int_equal(count, 1);
	assert_ok(list[0].rc);
	assert_int_equal(list[0].status.state, TABLE_IMPORTED);
	assert_true(id_equal(&list[0].header.client, &f.header.client));
	free(list);
	fixture_drop(&f);
}

static void test_permissions(void **state)
{
	static const char *const names[] = {"header", "table", "keys", "ledger"};
	struct fixture f;
	struct stat st;

	(void)state;
	mode_t before = umask(0);
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_int_equal(stat(f.container.s, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(f.hub_dir.s, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_int_equal(stat(fixture_file(&f.hub_dir, names[i]), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	umask(before);
	fixture_drop(&f);
}

/* Nothing of an import that failed stays behind. */
static void assert_nothing_imported(const struct fixture *f)
{
	if (access(f->client_tables.s, F_OK) == 0)
		assert_int_equal(scratch_count(&f->client_tables), 0);
}

static const char *const parts[] = {"header", "table", "keys", "ledger", "making"};
#define PARTS (sizeof parts / sizeof parts[0])

/* What would hold up who opens it: a FIFO, or a link to one. */
static void plant(const char *path, bool by_link)
{
	struct path fifo;

	if (!by_link) {
		assert_int_equal(mkfifo(path, 0600), 0);
		return;
	}
	assert_ok(path_format(&fifo, "%s.fifo", path));
	(void)mkfifo(fifo.s, 0600);
	assert_int_equal(symlink(fifo.s, path), 0);
}

/* Where the next import erases what an unfinished one left. */
static void test_import_waits_for_no_fifo(void **state)
{
	char hex[ID_HEX_LEN];
	struct fixture f;
	struct path dir;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_ok(path_format(&dir, "%s/.new-%s", f.client_tables.s, id_hex(&f.header.table, hex)));
	assert_ok(file_make_dirs(dir.s, 0700));
	alarm(60);
	for (size_t i = 0; i < PARTS; i++)
		plant(fixture_file(&dir, parts[i]), false);
	assert_ok(fixture_import(&f));
	assert_int_equal(access(dir.s, F_OK), -1);
	alarm(0);
	fixture_drop(&f);
}

static void test_tables_wait_for_no_fifo(void **state)
{
	struct table_entry *list;
	struct fixture f;
	size_t count;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_ok(fixture_import(&f));
	alarm(60);
	for (size_t i = 0; i < 2 * (PARTS - 1); i++) {
		struct path file, aside;
		bool in_list = strchr("hl", parts[i / 2][0]) != NULL; /* header and ledger are */
		struct table *t = NULL;

		assert_ok(path_format(&file, "%s", fixture_file(&f.client_dir, parts[i / 2])));
		assert_ok(path_format(&aside, "%s.aside", file.s));
		assert_int_equal(rename(file.s, aside.s), 0);
		plant(file.s, i % 2 != 0);
		assert_false(rc_ok(table_open(&t, f.client_dir.s, SIDE_CLIENT, NULL)));
		assert_ok(table_list(f.client_tables.s, &list, &count));
		assert_int_equal(count, 1);
		assert_int_equal(rc_ok(list[0].rc), !in_list);
		free(list);
		assert_int_equal(rename(aside.s, file.s), 0);
	}
	alarm(0);
	assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
	fixture_drop(&f);
}

static void test_containers_are_files(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, SMALL);
	alarm(60);
	plant(f.container.s, false);
	assert_rc(fixture_import(&f), FORMAT);
	assert_rc(container_peek(&f.header, f.container.s), FORMAT);
	assert_rc(container_destroy(f.container.s), FORMAT);
	alarm(0);
	fixture_drop(&f);
}

static void test_wrong_reader(void **state)
{
	struct fixture f;
	struct pskm_header h;
	struct id other = {{1}};
	char wrong[PASSPHRASE_TEXT_MAX];
	uint8_t bits[PASSPHRASE_LEN];

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_rc(container_import(f.container.s, f.passphrase, &other, f.client_tables.s, NULL, &h, NULL, NULL), DENIED);
	assert_ok(passphrase_read(bits, f.passphrase));
	bits[3] ^= 1;
	passphrase_write(wrong, bits);
	assert_rc(container_import(f.container.s, wrong, &f.header.client, f.client_tables.s, NULL, &h, NULL, NULL), PIN);
	assert_nothing_imported(&f);
	assert_ok(fixture_import(&f));
	fixture_drop(&f);
}

static void test_imported_once(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_ok(fixture_import(&f));
	assert_rc(fixture_import(&f), EXISTS);
	assert_int_equal(scratch_count(&f.client_tables), 1);
	fixture_drop(&f);
}

static void test_interrupted_import_is_cleaned_up(void **state)
{
	struct fixture f;
	struct path left, hex_dir;
	char hex[ID_HEX_LEN];
	struct table_entry *list;
	size_t count;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_ok(path_format(&left, "%s/.new-%s", f.client_tables.s, id_hex(&f.header.table, hex)));
	assert_ok(file_make_dirs(left.s, 0700));
	scratch_write(&left, "table", "rest", 4);
	scratch_write(&left, "keys", "rest", 4);
	scratch_write(&left, "ledger", "rest", 4);
	assert_ok(table_list(f.client_tables.s, &list, &count));
	assert_int_equal(count, 0);
	free(list);
	assert_ok(fixture_import(&f));
	assert_int_equal(scratch_count(&f.client_tables), 1);
	assert_ok(table_folder(&hex_dir, f.client_tables.s, &f.header.table));
	assert_int_equal(scratch_count(&hex_dir), 4);
	fixture_drop(&f);
}

static void test_container_is_not_overwritten(void **state)
{
	struct fixture f;
	static const struct kdf_cost cheap = CHEAP;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_rc(container_make_at_cost(&f.header, f.hub_tables.s, f.container.s, f.passphrase, &cheap, NULL, NULL),
		  EXISTS);
	assert_int_equal(access(f.container.s, F_OK), 0);
	assert_int_equal(scratch_count(&f.hub_tables), 1);
	fixture_drop(&f);
}

static bool stop_at(void *context, uint64_t done, uint64_t total)
{
	uint64_t *limit = context;

	return done < *limit && done <= total;
}

static void test_cancel(void **state)
{
	struct fixture f;
	struct pskm_header h;
	uint64_t limit = TABLE_CHUNK_LEN;
	static const struct kdf_cost cheap = CHEAP;

	(void)state;
	fixture_init(&f, 2 * TABLE_CHUNK_LEN);
	assert_rc(container_make_at_cost(&f.header, f.hub_tables.s, f.container.s, f.passphrase, &cheap, stop_at,
					 &limit),
		  CANCELLED);
	assert_int_equal(scratch_count(&f.hub_tables), 0);
	assert_int_not_equal(access(f.container.s, F_OK), 0);
	fixture_make(&f);
	assert_rc(container_import(f.container.s, f.passphrase, &f.header.client, f.client_tables.s, NULL, &h, stop_at,
				   &limit),
		  CANCELLED);
	assert_nothing_imported(&f);
	fixture_drop(&f);
}

/* Keeps the unfinished table's bytes in sight, and cancels behind the first chunk. */
static bool link_and_stop(void *context, uint64_t done, uint64_t total)
{
	const struct fixture *f = context;
	char hex[ID_HEX_LEN];
	struct path table, link;

	(void)total;
	if (done < TABLE_CHUNK_LEN)
		return true;
	assert_ok(path_format(&table, "%s/.new-%s/table", f->client_tables.s, id_hex(&f->header.table, hex)));
	assert_ok(path_format(&link, "%s/kept", f->scratch.s));
	assert_int_equal(linkat(AT_FDCWD, table.s, AT_FDCWD, link.s, 0), 0);
	return false;
}

/* The next import uses the very bytes that a cancelled one had written. */
static void test_cancelled_bytes_are_erased(void **state)
{
	struct fixture f;
	struct pskm_header h;
	struct path link;
	AUTO(fd) kept = FD_NONE;
	uint8_t bytes[4096];

	(void)state;
	fixture_init(&f, 2 * TABLE_CHUNK_LEN);
	fixture_make(&f);
	assert_rc(container_import(f.container.s, f.passphrase, &f.header.client, f.client_tables.s, NULL, &h, link_and_stop,
				   &f),
		  CANCELLED);
	assert_ok(path_format(&link, "%s/kept", f.scratch.s));
	assert_ok(file_open(&kept, link.s, O_RDONLY, 0));
	for (uint64_t at = 0; at < 2 * TABLE_CHUNK_LEN; at += sizeof bytes) {
		assert_ok(file_pread(kept.n, bytes, sizeof bytes, at));
		for (size_t i = 0; i < sizeof bytes; i++)
			assert_int_equal(bytes[i], 0);
	}
	fixture_drop(&f);
}

static void test_every_byte_counts(void **state)
{
	struct fixture f;
	AUTO(fd) file = FD_NONE;
	struct stat st;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_int_equal(stat(f.container.s, &st), 0);
	assert_ok(file_open(&file, f.container.s, O_RDWR, 0));
	/* every byte of the head and the end, a stride of the middle */
	for (off_t at = 0; at < st.st_size; at += at < 512 || at > st.st_size - 64 ? 1 : 311) {
		uint8_t byte, spoilt;
		assert_ok(file_pread(file.n, &byte, 1, (uint64_t)at));
		spoilt = (uint8_t)(byte ^ (1u << at % 8));
		assert_ok(file_pwrite(file.n, &spoilt, 1, (uint64_t)at));
		assert_false(rc_ok(fixture_import(&f)));
		assert_nothing_imported(&f);
		assert_ok(file_pwrite(file.n, &byte, 1, (uint64_t)at));
	}
	assert_ok(fixture_import(&f));
	fixture_drop(&f);
}

static void test_every_cut_is_noticed(void **state)
{
	struct fixture f;
	AUTO(buf) whole = {0};

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_ok(file_read_all(&whole, f.container.s, 16u << 20));
	for (size_t len = 0; len < whole.len; len += len < 512 || len > whole.len - 64 ? 1 : 509) {
		assert_int_equal(truncate(f.container.s, (off_t)len), 0);
		assert_false(rc_ok(fixture_import(&f)));
		AUTO(fd) file = FD_NONE;
		assert_ok(file_open(&file, f.container.s, O_RDWR, 0));
		assert_ok(file_pwrite(file.n, whole.data + len, whole.len - len, len));
	}
	AUTO(fd) file = FD_NONE;
	assert_ok(file_open(&file, f.container.s, O_RDWR, 0));
	assert_ok(file_pwrite(file.n, "+", 1, whole.len));
	assert_rc(fixture_import(&f), CORRUPT);
	assert_nothing_imported(&f);
	fixture_drop(&f);
}

/* Two chunks of one container exchanged: each is sealed for its place. */
static void test_swapped_chunks(void **state)
{
	struct fixture f;
	struct container_head head;
	AUTO(fd) file = FD_NONE;
	const size_t sealed = TABLE_CHUNK_LEN + 32;
	uint8_t *a = malloc(sealed), *b = malloc(sealed);

	(void)state;
	fixture_init(&f, 2 * TABLE_CHUNK_LEN);
	fixture_make(&f);
	assert_ok(file_open(&file, f.container.s, O_RDWR, 0));
	assert_ok(head_read(&head, file.n));
	assert_ok(file_pread(file.n, a, sealed, head.len));
	assert_ok(file_pread(file.n, b, sealed, head.len + sealed));
	assert_ok(file_pwrite(file.n, b, sealed, head.len));
	assert_ok(file_pwrite(file.n, a, sealed, head.len + sealed));
	assert_rc(fixture_import(&f), CORRUPT);
	free(a);
	free(b);
	fixture_drop(&f);
}

/* Whoever knows the passphrase's key can reseal a chunk, but cannot make the tag h' of it. */
static void test_resealed_chunk(void **state)
{
	struct fixture f;
	struct container_head head;
	AUTO(fd) file = FD_NONE;
	AUTO(secret) key = {0};
	AUTO(aead) aead = {0};
	static uint8_t plain[SMALL + 16], sealed[SMALL + 32];

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	assert_ok(file_open(&file, f.container.s, O_RDWR, 0));
	assert_ok(head_read(&head, file.n));
	assert_ok(head_unwrap(&head, f.passphrase, &key));
	assert_ok(aead_init(&aead, key.data));
	struct aead_context c = {.data = head.bytes, .data_len = head.len};
	aead_nonce(c.nonce, 0);
	assert_ok(file_pread(file.n, sealed, sizeof sealed, head.len));
	assert_ok(aead_open(&aead, &c, sealed, sizeof plain, plain));
	plain[5000] ^= 1;
	assert_ok(aead_seal(&aead, &c, plain, sizeof plain, sealed));
	assert_ok(file_pwrite(file.n, sealed, sizeof sealed, head.len));
	assert_rc(fixture_import(&f), CORRUPT);
	plain[5000] ^= 1;
	assert_ok(aead_seal(&aead, &c, plain, sizeof plain, sealed));
	assert_ok(file_pwrite(file.n, sealed, sizeof sealed, head.len));
	assert_ok(fixture_import(&f));
	fixture_drop(&f);
}

static void test_cost_is_bounded(void **state)
{
	static const struct kdf_cost dear[] = {{0, 8, 1}, {17, 8, 1}, {1, 7, 1}, {1, 512u << 10, 1}, {1, 64, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof dear / sizeof dear[0]; i++)
		assert_rc(kdf_cost_check(&dear[i]), FORMAT);
	static const struct kdf_cost usual = KDF_COST_DEFAULT;
	assert_ok(kdf_cost_check(&usual));
}

/* Written by another encoder, from doc/dske.cddl. */
static void test_header_known(void **state)
{
	static const char hex[] =
		"890150000102030405060708090a0b0c0d0e0f501111111111111111111111111111111150c1c1c1"
		"c1c1c1c1c1c1c1c1c1c1c1c1c1646875623165616c6963656e3132372e302e302e313a373030311a"
		"6553f10085188019018019818019c0c01a00010000";
	uint8_t known[sizeof hex / 2], bytes[PSKM_HEADER_MAX];
	struct fixture f;
	struct buf out;

	(void)state;
	fixture_init(&f, SMALL);
	assert_ok(layout_make(&f.header.layout, SMALL));
	for (uint8_t i = 0; i < ID_LEN; i++)
		f.header.table.b[i] = i;
	assert_ok(hex_decode(known, sizeof known, hex));
	buf_fixed(&out, bytes, sizeof bytes);
	assert_ok(pskm_header_write(&out, &f.header));
	assert_int_equal(out.len, sizeof known);
	assert_memory_equal(bytes, known, sizeof known);
	fixture_drop(&f);
}

static void test_header_refused(void **state)
{
	struct fixture f;
	uint8_t bytes[PSKM_HEADER_MAX];
	struct buf out;
	struct pskm_header read;

	(void)state;
	fixture_init(&f, SMALL);
	fixture_make(&f);
	buf_fixed(&out, bytes, sizeof bytes);
	assert_ok(pskm_header_write(&out, &f.header));
	assert_ok(pskm_header_read(&read, bytes, out.len));
	for (size_t len = 0; len < out.len; len++)
		assert_rc(pskm_header_read(&read, bytes, len), FORMAT);
	for (size_t at = 0; at < out.len; at++) {
		uint8_t again_bytes[PSKM_HEADER_MAX];
		struct buf again;
		bytes[at] ^= 0x40;
		/* another header, or none: never the same one */
		if (rc_ok(pskm_header_read(&read, bytes, out.len))) {
			buf_fixed(&again, again_bytes, sizeof again_bytes);
			assert_ok(pskm_header_write(&again, &read));
			assert_int_equal(again.len, out.len);
			assert_memory_equal(again_bytes, bytes, out.len);
		}
		bytes[at] ^= 0x40;
	}
	/* The address is shown to people, on their terminals. */
	uint8_t *address = memmem(bytes, out.len, f.header.hub_address, strlen(f.header.hub_address));
	assert_non_null(address);
	for (unsigned c = 0; c <= UINT8_MAX; c++) {
		uint8_t was = address[1];
		address[1] = (uint8_t)c;
		assert_int_equal(rc_ok(pskm_header_read(&read, bytes, out.len)), c >= ' ' && c <= '~');
		address[1] = was;
	}
	strcpy(f.header.hub_name, "no name");
	buf_reset(&out);
	assert_rc(pskm_header_write(&out, &f.header), FORMAT);
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_header_survives),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_import_waits_for_no_fifo),
		cmocka_unit_test(test_tables_wait_for_no_fifo),
		cmocka_unit_test(test_containers_are_files),
		cmocka_unit_test(test_wrong_reader),
		cmocka_unit_test(test_imported_once),
		cmocka_unit_test(test_interrupted_import_is_cleaned_up),
		cmocka_unit_test(test_container_is_not_overwritten),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancelled_bytes_are_erased),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_every_cut_is_noticed),
		cmocka_unit_test(test_swapped_chunks),
		cmocka_unit_test(test_resealed_chunk),
		cmocka_unit_test(test_cost_is_bounded),
		cmocka_unit_test(test_destroyed),
		cmocka_unit_test(test_half_destroyed),
		cmocka_unit_test(test_header_known),
		cmocka_unit_test(test_header_refused),
	};

	return cmocka_run_group_tests_name("container", tests, NULL, NULL);
}
