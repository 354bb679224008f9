/* SPDX-License-Identifier: Apache-2.0 */
/* The token's file under damage: no byte of it is changed unnoticed but where that does no harm, no record is taken out,
 * put back or reordered, and what a writer left that died is either whole or nothing. */
#include <config.h>

#include "test/store/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"

/* Six records: one is dead by the fourth, one by the fifth. */
enum { FIRST, SECOND, THIRD, SECOND_AGAIN, FIRST_GONE, FOURTH, RECORDS };
#define LIVE "the thirdthe second, alteredthe fourth"
static bool is_dead(unsigned k)
{
	return k == FIRST || k == SECOND;
}

static void make_log(struct fixture *f)
{
	struct seen s;

	store_make(f);
	struct id first = store_put(f, "the first object"), second = store_put(f, "the second");
	store_put(f, "the third");
	assert_ok(store_follow(f->store, &f->master, collect, &(struct seen){0}));
	store_alter(f, &second, "the second, altered");
	assert_ok(store_remove(f->store, &f->master, &first));
	store_put(f, "the fourth");
	assert_ok(look(f, &s));
	assert_string_equal(s.text, LIVE);
}

static void byte_put(const struct fixture *f, size_t at, uint8_t byte)
{
	int fd = open(f->file, O_WRONLY);

	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* Which record a byte is in; RECORDS: none. */
static unsigned record_of(const struct map *m, size_t at)
{
	unsigned k = 0;

	while (k < m->count && (at < m->at[k] || at >= m->at[k] + m->len[k]))
		k++;
	return k;
}

/* Where a changed byte does nothing: the newest mark, without which the record after the other one says the same; what is
 * not looked at, what is dead, what is free. */
static bool harmless(const struct map *m, size_t newest, size_t at)
{
	unsigned k = record_of(m, at);

	if (at < STORE_RECORDS_AT)
		return at >= STATE_END || (at >= newest && at < newest + MARK);
	if (k == m->count)
		return true;
	return is_dead(k) && at >= m->at[k] + STORE_RECORD_HEAD && at < m->at[k] + m->len[k] - END;
}

static void assert_named(const struct fixture *f, const struct map *m, size_t at, dske_rc rc)
{
	unsigned k = record_of(m, at);
	char name[32] = "header";

	if (at >= STORE_RECORDS_AT)
		snprintf(name, sizeof name, "record %u (", k + 1);
	if (strstr(rc_detail(rc), name) == NULL || strstr(rc_detail(rc), f->file) == NULL)
		fail_msg("byte %zu, %s: %s", at, name, rc_detail(rc));
}

static void every_byte_counts(void **state)
{
	struct fixture *f = *state;
	struct buf file;
	size_t found = 0;

	make_log(f);
	file_take(f, &file);
	struct map m = map_of(&file);
	size_t newest = mark_at(&file, true);
	assert_int_equal(m.count, RECORDS);
	for (size_t at = 0; at < file.len; at += at < m.end + 200 ? 1 : 97) {
		struct seen s;
		byte_put(f, at, (uint8_t)(file.data[at] ^ 1 << at % 8));
		dske_rc rc = look(f, &s);
		byte_put(f, at, file.data[at]);
		if (harmless(&m, newest, at)) {
			assert_ok(rc);
			assert_string_equal(s.text, LIVE);
			continue;
		}
		if (rc_ok(rc))
			fail_msg("a flipped bit in byte %zu was not found", at);
		assert_rc(rc, DSKE_RC_CORRUPT);
		assert_named(f, &m, at, rc);
		found++;
	}
	assert_in_range(found, STORE_HEADER_LEN + 32 + m.end - STORE_RECORDS_AT - 100, STORE_RECORDS_AT);
	assert_ok(look(f, NULL));
	buf_drop(&file);
}

static void every_cut_counts(void **state)
{
	struct fixture *f = *state;
	struct store_status st;
	struct buf file;

	make_log(f);
	file_take(f, &file);
	struct map m = map_of(&file);
	for (size_t len = 0; len < m.end + 300; len += len < STORE_RECORDS_AT - 100 ? 61 : 1) {
		struct seen s;
		file_put(f, file.data, len);
		dske_rc rc = look(f, &s);
		assert_rc(rc, len < m.end ? DSKE_RC_CORRUPT : DSKE_RC_OK);
		if (len < STORE_RECORDS_AT)
			assert_rc(store_status(f->store, &st), DSKE_RC_CORRUPT);
		if (len >= m.end)
			assert_string_equal(s.text, LIVE);
	}
	buf_drop(&file);
}

/* A record that a writer began and died over: nothing until it is whole, and then all of it. */
static void every_torn_record(void **state)
{
	struct fixture *f = *state;
	struct buf before, after;
	struct seen s;

	make_log(f);
	file_take(f, &before);
	store_put(f, ", the fifth");
	file_take(f, &after);
	struct map m = map_of(&after);
	assert_int_equal(m.count, RECORDS + 1);
	for (size_t len = 0; len <= m.len[RECORDS]; len++) {
		memcpy(before.data + m.at[RECORDS], after.data + m.at[RECORDS], len);
		file_put(f, before.data, before.len);
		assert_ok(look(f, &s));
		assert_string_equal(s.text, len < m.len[RECORDS] ? LIVE : LIVE ", the fifth");
		/* whoever comes next goes on from there */
		store_put(f, "!");
		assert_ok(look(f, &s));
		assert_string_equal(s.text, len < m.len[RECORDS] ? LIVE "!" : LIVE ", the fifth!");
	}
	buf_drop(&before);
	buf_drop(&after);
}

/* What anyone can do who may write the file: the head's checksum needs no key. */
static void renumber(uint8_t *record, uint64_t sequence)
{
	uint8_t sum[CRYPTO_SHA256_LEN];

	for (int i = 7; i >= 0; i--, sequence >>= 8)
		record[8 + i] = (uint8_t)sequence;
	assert_ok(crypto_sha256(sum, record, 52));
	memcpy(record + 52, sum, 12);
}

static void records_keep_their_order(void **state)
{
	struct fixture *f = *state;
	struct buf file, copy;

	struct map m = store_four(f, &file);
	size_t len = m.len[0];
	uint8_t *second = file.data + m.at[1], *third = file.data + m.at[2], kept[200];
	/* two exchanged, with the numbers of their places */
	memcpy(kept, second, len);
	memcpy(second, third, len);
	memcpy(third, kept, len);
	assert_found(f, &file);
	renumber(second, 2);
	renumber(third, 3);
	assert_found(f, &file);
	file_put(f, file.data, file.len);
	buf_drop(&file);
	/* one taken out, and the others moved up */
	assert_rc(look(f, NULL), DSKE_RC_CORRUPT);
	store_teardown(state);
	assert_int_equal(store_setup(state), 0);
	f = *state;
	m = store_four(f, &file);
	buf_heap(&copy, file.len);
	buf_put(&copy, file.data, file.len);
	memmove(copy.data + m.at[1], copy.data + m.at[2], 2 * len);
	assert_found(f, &copy);
	renumber(copy.data + m.at[1], 2);
	renumber(copy.data + m.at[2], 3);
	assert_found(f, &copy);
	/* one a second time, in another's place */
	memcpy(copy.data, file.data, file.len);
	memcpy(copy.data + m.at[3], file.data + m.at[2], len);
	renumber(copy.data + m.at[3], 4);
	assert_found(f, &copy);
	/* and the last cut off, where the marks say that it was done */
	memcpy(copy.data, file.data, file.len);
	memset(copy.data + m.at[3], 0, len);
	assert_found(f, &copy);
	buf_drop(&file);
	buf_drop(&copy);
}

/* Marks are under the key, and neither goes back more than one record: an older file is an older file. */
static void marks_are_not_made_up(void **state)
{
	struct fixture *f = *state;
	struct buf file;

	struct map m = store_four(f, &file);
	size_t newest = mark_at(&file, true), other = mark_at(&file, false);
	assert_int_equal(be(file.data + newest, 8), m.end);
	assert_int_equal(be(file.data + other, 8), m.at[3]);
	/* the end said by the newest moved to before the third */
	memset(file.data + m.at[2], 0, 2 * m.len[2]);
	assert_found(f, &file);
	file.data[newest + 6] = (uint8_t)(m.at[2] >> 8);
	file.data[newest + 7] = (uint8_t)m.at[2];
	assert_found(f, &file);
	memset(file.data + other, 0, MARK);
	assert_found(f, &file);
	buf_drop(&file);
}

/* From the file as it was under another PIN, of the same token and master key. */
static void records_stay_in_their_file(void **state)
{
	struct fixture *f = *state;
	struct buf file, later;

	struct map m = store_four(f, &file);
	assert_ok(store_set_pin(f->store, &f->master, STORE_PIN_USER, "another", 7));
	file_take(f, &later);
	struct map n = map_of(&later);
	assert_int_equal(n.count, m.count);
	memcpy(later.data + n.at[0], file.data + m.at[0], m.end - m.at[0]);
	assert_found(f, &later);
	/* nor do the marks, the counts of attempts aside */
	buf_drop(&later);
	buf_drop(&file);
}

/* What is dead cannot be had back from the file by whoever learns a PIN: not its bytes, nor by a cut. */
static void the_dead_stay_dead(void **state)
{
	struct fixture *f = *state;
	struct buf before, after;
	struct seen s;

	store_make(f);
	struct id name = store_put(f, "a key that shall not come back");
	store_put(f, "another");
	file_take(f, &before);
	assert_ok(store_remove(f->store, &f->master, &name));
	file_take(f, &after);
	struct map m = map_of(&before);
	const uint8_t *sealed = before.data + m.at[0] + STORE_RECORD_HEAD;
	size_t len = m.len[0] - STORE_RECORD_HEAD - END;
	assert_null(memmem(after.data, after.len, sealed, len));
	for (size_t i = 0; i < len; i++)
		assert_int_equal(after.data[m.at[0] + STORE_RECORD_HEAD + i], 0);
	/* The removal undone, with the marks from before it. */
	memcpy(after.data + STATE_AT, before.data + STATE_AT, STATE_END - STATE_AT);
	memset(after.data + m.end, 0, 200);
	file_put(f, after.data, after.len);
	dske_rc rc = look(f, &s);
	assert_rc(rc, DSKE_RC_CORRUPT);
	assert_non_null(strstr(rc_detail(rc), "record 1 ("));
	buf_drop(&before);
	buf_drop(&after);
}

/* Its killer came before the bytes were overwritten: the next login does it. */
static void the_dead_are_swept(void **state)
{
	struct fixture *f = *state;
	struct buf before, after, swept;
	AUTO(secret) master = {0};

	store_make(f);
	struct id name = store_put(f, "a key that shall not come back");
	file_take(f, &before);
	assert_ok(store_remove(f->store, &f->master, &name));
	file_take(f, &after);
	struct map m = map_of(&before);
	memcpy(after.data + m.at[0], before.data + m.at[0], m.len[0]);
	file_put(f, after.data, after.len);
	assert_ok(look(f, NULL));
	assert_ok(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &master));
	file_take(f, &swept);
	assert_null(memmem(swept.data, swept.len, before.data + m.at[0] + STORE_RECORD_HEAD, m.len[0] - STORE_RECORD_HEAD));
	buf_drop(&before);
	buf_drop(&after);
	buf_drop(&swept);
}

/* Two writers killed one after the other: the first before it could move a mark, the second when it had overwritten what was
 * dead in what the first had left.  A mark that stayed behind would have that look like a record nobody ended. */
static void two_writers_that_died(void **state)
{
	struct fixture *f = *state;
	AUTO(secret) master = {0};
	struct buf before, middle, after;
	struct seen s;

	store_make(f);
	store_put(f, "[a]");
	file_take(f, &before);
	struct id b = store_put(f, "[b]");
	assert_ok(store_follow(f->store, &f->master, collect, &s));
	file_take(f, &middle);
	store_alter(f, &b, "[B]");
	store_put(f, "[c]");
	file_take(f, &after);
	struct map m = map_of(&after);
	memcpy(after.data + m.at[1], middle.data + m.at[1], m.len[1]);
	memcpy(after.data + STATE_AT, before.data + STATE_AT, STATE_END - STATE_AT);
	file_put(f, after.data, after.len);
	assert_ok(store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &master));
	assert_ok(look(f, &s));
	assert_string_equal(s.text, "[a][B][c]");
	buf_drop(&after);
	file_take(f, &after);
	assert_null(memmem(after.data, after.len, middle.data + m.at[1] + STORE_RECORD_HEAD, m.len[1] - STORE_RECORD_HEAD - END));
	assert_int_equal(be(after.data + mark_at(&after, true), 8), m.end);
	buf_drop(&before);
	buf_drop(&middle);
	buf_drop(&after);
}

/* A file that another one replaces is overwritten; and so is what a maker of a new one left that died. */
static void old_files_are_overwritten(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[4096];
	char left[320];

	store_make(f);
	store_put(f, "a key");
	int fd = open(f->file, O_RDONLY);
	snprintf(left, sizeof left, "%s.new", f->file);
	int made = open(left, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(made, "half of a file", 14), 14);
	assert_ok(store_set_pin(f->store, &f->master, STORE_PIN_USER, "another", 7));
	for (int k = 0; k < 3; k++) {
		ssize_t n = pread(fd, bytes, sizeof bytes, 4096 * k);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(bytes[i], 0);
	}
	assert_int_equal(pread(made, bytes, 14, 0), 14);
	assert_memory_equal(bytes, (uint8_t[14]){0}, 14);
	assert_int_equal(access(left, F_OK), -1);
	close(fd);
	close(made);
}

static void a_header_of_another_hand(void **state)
{
	enum { AT_LABEL = 24 };
	struct fixture *f = *state;
	struct store_status st;
	struct buf file;

	store_make(f);
	file_take(f, &file);
	file.data[AT_LABEL] ^= 1;
	file_put_mended(f, &file);
	assert_rc(look(f, NULL), DSKE_RC_CORRUPT);
	file.data[AT_LABEL] ^= 1;
	/* The count of failed attempts changes without the key. */
	file.data[STATE_AT + STORE_ATTEMPTS] = 0xa5;
	file_put_mended(f, &file);
	assert_ok(look(f, NULL));
	assert_ok(store_status(f->store, &st));
	assert_int_equal(st.user_failed, 1);
	buf_drop(&file);
}

static void a_damaged_token_refuses_a_login(void **state)
{
	struct fixture *f = *state;
	struct buf file;
	AUTO(secret) out = {0};
	AUTO(secret) key = {0};
	AUTO(secret) again = {0};

	store_make(f);
	assert_ok(store_table_key(f->store, &f->master, &key));
	store_put(f, "the first object");
	file_take(f, &file);
	struct map m = map_of(&file);
	byte_put(f, m.end - 1, file.data[m.end - 1] ^ 0x80);
	dske_rc rc = store_login(f->store, STORE_PIN_USER, USER, strlen(USER), &out);
	assert_rc(rc, DSKE_RC_CORRUPT);
	assert_non_null(strstr(rc_detail(rc), "record 2 ("));
	assert_null(out.data);
	/* It is made anew, and keeps the key of the tables, whose record is whole. */
	assert_ok(store_init(f->store, SO, strlen(SO), label));
	assert_ok(store_login(f->store, STORE_PIN_SO, SO, strlen(SO), &out));
	assert_ok(store_table_key(f->store, &out, &again));
	assert_memory_equal(again.data, key.data, 32);
	/* Not if that is what is damaged. */
	byte_put(f, STORE_RECORDS_AT + STORE_RECORD_HEAD, 0);
	byte_put(f, STORE_RECORDS_AT + STORE_RECORD_HEAD + 1, 0);
	assert_rc(store_init(f->store, SO, strlen(SO), label), DSKE_RC_CORRUPT);
	/* Nor if it may be somewhere behind what is damaged. */
	byte_put(f, STORE_RECORDS_AT, 1);
	assert_rc(store_init(f->store, SO, strlen(SO), label), DSKE_RC_CORRUPT);
	buf_drop(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_byte_counts), TEST(every_cut_counts), TEST(every_torn_record), TEST(records_keep_their_order),
		TEST(marks_are_not_made_up), TEST(records_stay_in_their_file), TEST(the_dead_stay_dead), TEST(the_dead_are_swept),
		TEST(two_writers_that_died), TEST(old_files_are_overwritten), TEST(a_header_of_another_hand),
		TEST(a_damaged_token_refuses_a_login),
	};

	return cmocka_run_group_tests_name("the token's file under damage", tests, NULL, NULL);
}
