/* SPDX-License-Identifier: Apache-2.0 */
/* A hub's window reads ahead in blocks: the bytes are the client's, each once, in whatever order they are asked for. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "pskm/block.h"
#include "test/pskm/fixture.h"

#define LEN (UINT64_C(1) << 20)
#define WINDOW 40000
#define RANGES 200
#define RANGE_MOST 2500

static struct fixture f;
static struct window *client_up, *hub_up;

static int set_up(void **state)
{
	(void)state;
	fixture_active(&f, LEN);
	fixture_lease(&f, WINDOW, 0, &client_up, NULL, &hub_up, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	window_free(client_up);
	window_free(hub_up);
	fixture_drop(&f);
	return 0;
}

static uint64_t at(uint64_t distance)
{
	return window_start(hub_up) + distance;
}

static bool file_zero(uint64_t from, uint64_t to)
{
	return fixture_zero(&f.hub_dir, at(from), at(to));
}

/* Both ends take that range: peeked first, and the same bytes; and not again. */
static void take_both(uint64_t distance, size_t len)
{
	uint8_t first[TAG_KEY_LEN];
	size_t peeked = len < sizeof first ? len : sizeof first;
	AUTO(pad) a = {0};
	AUTO(pad) b = {0};

	assert_ok(window_peek(hub_up, at(distance), first, peeked));
	assert_ok(window_take(hub_up, at(distance), len, &a));
	assert_ok(window_take(client_up, at(distance), len, &b));
	assert_memory_equal(a.bytes.data, b.bytes.data, len);
	assert_memory_equal(first, b.bytes.data, peeked);
	pad_drop(&a);
	assert_rc(window_take(hub_up, at(distance), len, &a), USED);
	assert_true(file_zero(distance, distance + len));
}

static void test_a_block_leaves_the_file_at_once(void **state)
{
	(void)state;
	assert_false(file_zero(0, 16));
	take_both(0, 100);
	assert_true(file_zero(0, BLOCK_LEN));
	assert_false(file_zero(BLOCK_LEN, BLOCK_LEN + 16));
	for (uint64_t done = 100; done < (uint64_t)3 * BLOCK_LEN; done += 100)
		take_both(done, 100);
}

/* What anybody can make the hub look at stays where it is. */
static void test_a_peek_moves_nothing(void **state)
{
	uint8_t first[TAG_KEY_LEN], second[TAG_KEY_LEN];

	(void)state;
	assert_ok(window_peek(hub_up, at(9000), first, sizeof first));
	assert_false(file_zero(9000, 9016));
	assert_ok(window_peek(hub_up, at(9000), second, sizeof second));
	assert_memory_equal(first, second, sizeof first);
	take_both(9000, 144);
	take_both(0, 144);
}

static void test_long_ranges_take_no_more(void **state)
{
	(void)state;
	take_both(100, 10000);
	assert_false(file_zero(10100, 10116));
	assert_false(file_zero(84, 100));
	take_both(10100, 144);
	take_both(10244, 8000); /* partly in the block behind that one */
}

static void test_straddling(void **state)
{
	(void)state;
	take_both(0, 144);
	take_both(BLOCK_LEN - 10, 144);  /* begins in the first block, ends in the next */
	take_both((uint64_t)2 * BLOCK_LEN - 20, 40);
	take_both(144, BLOCK_LEN - 154); /* what was left of the first */
}

/* Two blocks with holes stay; from then on ranges are read one by one. */
static void test_holes(void **state)
{
	(void)state;
	for (uint64_t i = 0; i + 1 < WINDOW / 300; i += 2)
		take_both(i * 300, 300);
	assert_false(file_zero(WINDOW - 300, WINDOW - 284));
	for (uint64_t i = 1; i < WINDOW / 300; i += 2)
		take_both(i * 300, 300);
	assert_true(file_zero(0, WINDOW / 300 * 300));
}

static void test_the_end_of_the_window(void **state)
{
	(void)state;
	take_both(WINDOW - 200, 144);
	assert_true(file_zero(WINDOW - 200, WINDOW));
	assert_false(file_zero(WINDOW, WINDOW + 16)); /* the next lease's */
	take_both(WINDOW - 56, 56);
	take_both(WINDOW - 201, 1);
}

static void test_any_order(void **state)
{
	static struct {
		uint64_t from;
		size_t len;
	} range[RANGES];
	size_t count = 0;
	uint64_t end = 0;

	(void)state;
	srand(7);
	while (count < RANGES && end < WINDOW) {
		size_t len = (size_t)rand() % (rand() % 8 == 0 ? RANGE_MOST : 300) + 1;
		range[count].from = end;
		range[count].len = len < WINDOW - end ? len : (size_t)(WINDOW - end);
		end += range[count++].len;
	}
	for (size_t i = 0; i < count; i++) {
		size_t j = i + (size_t)rand() % (i % 3 == 0 ? count - i : count - i < 5 ? count - i : 5);
		uint64_t from = range[j].from;
		size_t len = range[j].len;
		range[j] = range[i];
		take_both(from, len);
	}
	assert_true(file_zero(0, end));
}

static void test_freed(void **state)
{
	(void)state;
	take_both(300, 144);
	window_free(hub_up);
	hub_up = NULL;
	uint64_t start = window_start(client_up);
	assert_true(fixture_zero(&f.hub_dir, start, start + WINDOW));
	assert_false(fixture_zero(&f.hub_dir, start + WINDOW, start + WINDOW + 16));
}

/* Of a chunk that has nothing left in the file the salt goes, though its last bytes are in a block. */
static void test_salts_go(void **state)
{
	AUTO(pad) p = {0};
	struct window *up;
	bool gone;

	(void)state;
	fixture_lease(&f, (uint64_t)4 * COVER_CHUNK_LEN, 0, NULL, NULL, &up, NULL);
	uint64_t first = (window_start(up) / COVER_CHUNK_LEN + 1) * COVER_CHUNK_LEN;
	struct path keys;
	uint8_t salt[COVER_SALT_LEN];
	AUTO(fd) file = FD_NONE;
	assert_ok(window_take(up, first, COVER_CHUNK_LEN - 1100, &p));
	pad_drop(&p);
	assert_ok(path_format(&keys, "%s/" TABLE_FILE_KEYS, f.hub_dir.s));
	assert_ok(file_open(&file, keys.s, 0, 0));
	assert_ok(file_pread(file.n, salt, sizeof salt, KEYS_HEAD_LEN + first / COVER_CHUNK_LEN * COVER_SALT_LEN));
	gone = salt[0] == 0 && memcmp(salt, salt + 1, sizeof salt - 1) == 0;
	assert_false(gone);
	/* The block goes on into the next chunk. */
	assert_ok(window_take(up, first + COVER_CHUNK_LEN - 1100, 100, &p));
	assert_ok(file_pread(file.n, salt, sizeof salt, KEYS_HEAD_LEN + first / COVER_CHUNK_LEN * COVER_SALT_LEN));
	gone = salt[0] == 0 && memcmp(salt, salt + 1, sizeof salt - 1) == 0;
	assert_true(gone);
	window_free(up);
}

/* ---- blocks --------------------------------------------------------------------------------------- */

#define MANY 1000

static void test_blocks(void **state)
{
	static struct block b[MANY];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < MANY; i++) {
			b[i] = block_take();
			assert_non_null(b[i].bytes);
			for (size_t j = 0; j < BLOCK_LEN; j++)
				assert_int_equal(b[i].bytes[j], 0);
			memset(b[i].bytes, (int)(i % 255) + 1, BLOCK_LEN);
		}
		for (size_t i = 0; i < MANY; i++) {
			size_t j = (i * 7) % MANY;
			assert_int_equal(b[j].bytes[0], j % 255 + 1);
			assert_int_equal(b[j].bytes[BLOCK_LEN - 1], j % 255 + 1);
			block_give(&b[j]);
			assert_null(b[j].bytes);
		}
	}
	block_give(&b[0]); /* none */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_a_block_leaves_the_file_at_once), T(test_a_peek_moves_nothing), T(test_long_ranges_take_no_more),
		T(test_straddling), T(test_holes), T(test_the_end_of_the_window), T(test_any_order), T(test_freed),
		T(test_salts_go), cmocka_unit_test(test_blocks),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
