/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of the mailbox: torn at every byte of the last batch, damaged anywhere else, missing; and what is lazy. */
#include "config.h"

#include "test/hub/box.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/net.h"
#include "hub/journal-impl.h"
#include "hub/mailbox-impl.h"

#define SEGMENT (UINT32_C(32) << 10)

static int set_up(void **state)
{
	(void)state;
	scratch_make(&folder);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
	return 0;
}

static dske_rc open_again(void)
{
	mailbox_close(m);
	m = NULL;
	return mailbox_open_as(&m, folder.s, 0, SEGMENT);
}

/* All of it, what is lazy too. */
static void commit(void)
{
	m->lazy_ms = 0;
	assert_ok(mailbox_commit(m));
}

static const char *segment_path(uint32_t file)
{
	char name[64];

	snprintf(name, sizeof name, "mailbox/segment-%06u", file);
	return scratch_path(&folder, name);
}

static void file_get(uint32_t file, struct buf *bytes)
{
	assert_ok(file_read_all(bytes, segment_path(file), SEGMENT));
	assert_int_equal(bytes->len, SEGMENT);
}

static void file_set(uint32_t file, const struct buf *bytes)
{
	AUTO(fd) f = FD_NONE;

	assert_ok(file_open(&f, segment_path(file), O_RDWR, 0));
	assert_ok(file_pwrite(f.n, bytes->data, bytes->len, 0));
}

static void segment_get(struct buf *bytes)
{
	file_get(1, bytes);
}

static void segment_set(const struct buf *bytes)
{
	file_set(1, bytes);
}

/* Shares that wait, a batch each, until there are so many segments; returns the last one. */
static int64_t fill(size_t segments)
{
	int64_t id = 0;

	while (m->journal->count < segments) {
		struct terms t;

		terms_make(&t, 0, "");
		memcpy(t.key_id.b + 1, &m->last_id, sizeof m->last_id);
		t.key_id.b[15] = 1;
		assert_ok(put_terms(&t, 600, &id));
		assert_ok(mailbox_commit(m));
	}
	return id;
}

static bool waits(int64_t id)
{
	AUTO(secret) share = {0};
	struct terms t;
	dske_rc rc = mailbox_get(m, id, &t, &share);

	assert_true(rc_ok(rc) || rc_is(rc, DSKE_RC_NOT_FOUND));
	return rc_ok(rc);
}

/* ---- a torn end ------------------------------------------------------------------------------------------------- */

static int64_t first_id;
static uint32_t batch_start, batch_end;

/* Two shares; then a batch of three records: a share, a receipt, a share.  *whole: as it was before what was receipted was
 * erased. */
static void batch_make(struct buf *whole)
{
	AUTO(buf) before = {0};
	struct terms t;
	int64_t id;

	first_id = put(1, 600);
	put(2, 600);
	batch_start = m->journal->end;
	segment_get(&before);
	terms_make(&t, 3, "");
	assert_ok(put_terms(&t, 600, &id));
	assert_ok(mailbox_receipt(m, first_id, &bob));
	terms_make(&t, 4, "");
	assert_ok(put_terms(&t, 600, &id));
	assert_ok(mailbox_commit(m));
	batch_end = m->journal->end;
	segment_get(whole);
	memcpy(whole->data, before.data, batch_start);
}

/* How many of the three records are there?  None without those before it. */
static unsigned records_there(void)
{
	bool there[3];

	assert_true(named(1) && named(2));
	there[0] = named(3);
	there[1] = !waits(first_id);
	there[2] = named(4);
	assert_true(there[0] || !there[1]);
	assert_true(there[1] || !there[2]);
	return (unsigned)there[0] + there[1] + there[2];
}

/* The batch up to `at`, and behind it something else. */
static unsigned torn_at(const struct buf *whole, uint32_t at, uint8_t rest)
{
	AUTO(buf) torn = {0};
	unsigned there;

	buf_heap(&torn, SEGMENT);
	buf_put(&torn, whole->data, whole->len);
	assert_ok(buf_rc(&torn));
	memset(torn.data + at, rest, batch_end - at);
	mailbox_close(m);
	segment_set(&torn);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
	there = records_there();
	if (at % 16 != 0)
		return there;
	/* And goes on from there. */
	put(5, 600);
	assert_ok(open_again());
	assert_true(named(5));
	assert_int_equal(records_there(), there);
	return there;
}

static void test_torn_end(void **state)
{
	AUTO(buf) whole = {0};
	unsigned seen[4] = {0}, last = 0;

	(void)state;
	batch_make(&whole);
	assert_int_equal(records_there(), 3);
	/* The code comes first in a record, so all of it may be there when its last bytes, of a body or padding, are not. */
	for (uint32_t at = batch_start; at < batch_end; at++) {
		unsigned there = torn_at(&whole, at, 0);

		assert_true(there >= last);
		last = there;
		seen[there]++;
	}
	assert_true(seen[0] > 100 && seen[1] > 16 && seen[2] > 100);
	for (uint32_t at = batch_start; at < batch_end; at += 7)
		torn_at(&whole, at, 0xa5);
}

/* What an earlier, torn batch left behind it is not taken for what follows. */
static void test_what_is_behind_a_torn_end(void **state)
{
	AUTO(buf) whole = {0};

	(void)state;
	batch_make(&whole);
	whole.data[batch_start + 8] ^= 1; /* the first record of three */
	mailbox_close(m);
	segment_set(&whole);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
	assert_int_equal(records_there(), 0);
	mailbox_close(m);
	buf_drop(&whole);
	segment_get(&whole);
	for (uint32_t at = batch_start; at < SEGMENT; at++)
		assert_int_equal(whole.data[at], 0);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
}

/* The batch that says that the first segment is not needed is torn in what was written again before: the segment is. */
static void test_torn_before_a_release(void **state)
{
	AUTO(buf) first = {0}, last = {0};
	struct share *moved = NULL;
	int64_t count = fill(3);
	uint32_t file;
	size_t body;

	(void)state;
	for (int64_t id = 1; id <= count; id++)
		if (share_find(m, id)->at.segment == 1) {
			moved = share_find(m, id);
			assert_ok(share_write_again(m, moved));
		}
	assert_ok(journal_release(m->journal));
	assert_int_equal(moved->at.segment, m->journal->segment[m->journal->count - 1]->number);
	file_get(1, &first);
	commit();
	file = m->journal->segment[m->journal->count - 1]->file;
	file_get(file, &last);
	body = moved->at.at + journal_len(moved->head_len, 0);
	mailbox_close(m);
	last.data[body + 20] ^= 1;
	file_set(1, &first);
	file_set(file, &last);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
	for (int64_t id = 1; id <= count; id++)
		assert_true(waits(id));
}

/* Of a segment's first batch everything is on the disk but the first page: nothing of it is taken for zeros. */
static void test_torn_beginning(void **state)
{
	AUTO(buf) bytes = {0};
	struct segment *s;

	(void)state;
	mailbox_close(m);
	buf_heap(&bytes, SEGMENT);
	assert_non_null(buf_grow(&bytes, SEGMENT));
	memset(bytes.data, 0, BLOCK);
	memset(bytes.data + BLOCK, 0xa5, SEGMENT - BLOCK);
	segment_set(&bytes);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
	assert_true(waits(put(1, 600)));
	s = m->journal->segment[0];
	buf_drop(&bytes);
	file_get(s->file, &bytes);
	for (uint32_t at = m->journal->end; at < SEGMENT; at++)
		assert_int_equal(bytes.data[at], 0);
}

/* A disk that says that it is done before it is: the receipt is lost, and the body is erased.  That is no damage. */
static void test_erased_before_the_receipt(void **state)
{
	AUTO(buf) whole = {0}, erased = {0};

	(void)state;
	batch_make(&whole);
	segment_get(&erased);
	mailbox_close(m);
	memset(erased.data + batch_start, 0, batch_end - batch_start);
	segment_set(&erased);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
	assert_gone(first_id);
	assert_true(named(1) && !named(3));
	commit();
	assert_ok(open_again());
	assert_gone(first_id);
	assert_there(first_id + 1, 2);
}

/* ---- damage ------------------------------------------------------------------------------------------------------ */

/* One bit of what was synced before the last batch: it is found when the mailbox is opened, or, in a body, when that is fetched;
 * or it was in bytes that nobody uses. */
static void test_damage(void **state)
{
	AUTO(buf) whole = {0};
	size_t at_opening = 0, at_fetching = 0;
	uint32_t start;

	(void)state;
	for (uint8_t key = 1; key <= 3; key++)
		put(key, 600);
	start = m->journal->since;
	put(4, 600);
	segment_get(&whole);
	for (uint32_t at = 0; at < start; at += 3) {
		mailbox_close(m);
		m = NULL;
		whole.data[at] ^= (uint8_t)(1 << at % 8);
		segment_set(&whole);
		whole.data[at] ^= (uint8_t)(1 << at % 8);

		dske_rc rc = mailbox_open_as(&m, folder.s, 0, SEGMENT);

		if (!rc_ok(rc)) {
			assert_rc(rc, CORRUPT);
			assert_non_null(strstr(rc_detail(rc), "mailbox"));
			at_opening++;
			continue;
		}
		for (int64_t id = 1; id <= 4; id++) {
			AUTO(secret) share = {0};
			struct terms t;

			assert_true(named((uint8_t)id));
			rc = mailbox_get(m, id, &t, &share);
			assert_true(rc_ok(rc) || rc_is(rc, DSKE_RC_CORRUPT));
			at_fetching += !rc_ok(rc);
		}
	}
	assert_true(at_opening > 200 && at_fetching > 50);
	mailbox_close(m);
	segment_set(&whole);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
}

static void test_missing_segment(void **state)
{
	AUTO(buf) whole = {0};

	(void)state;
	fill(4);
	assert_int_equal(m->journal->first, 1);
	mailbox_close(m);
	m = NULL;
	assert_ok(file_read_all(&whole, segment_path(2), SEGMENT));
	assert_int_equal(unlink(segment_path(2)), 0);
	assert_rc(mailbox_open_as(&m, folder.s, 0, SEGMENT), CORRUPT);
	assert_non_null(strstr(rc_detail((dske_rc){DSKE_RC_CORRUPT}), "segment 2 "));
	scratch_write(&folder, "mailbox/segment-000002", whole.data, whole.len / 2);
	assert_rc(mailbox_open_as(&m, folder.s, 0, SEGMENT), CORRUPT);
	scratch_write(&folder, "mailbox/segment-000002", whole.data, whole.len);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
}

/* A segment of several batches whose first page is zeros was no spare. */
static void test_lost_head(void **state)
{
	AUTO(buf) whole = {0}, damaged = {0};

	(void)state;
	for (size_t segments = 1; segments <= 2; segments++) {
		uint32_t file;

		fill(segments);
		for (uint8_t i = 0; i < 20; i++)
			put((uint8_t)(100 * segments + i), 600);
		assert_int_equal(m->journal->count, segments);
		file = m->journal->segment[segments - 1]->file;
		mailbox_close(m);
		m = NULL;
		buf_drop(&whole);
		buf_drop(&damaged);
		file_get(file, &whole);
		file_get(file, &damaged);
		memset(damaged.data, 0, BLOCK);
		file_set(file, &damaged);
		assert_rc(mailbox_open_as(&m, folder.s, 0, SEGMENT), CORRUPT);
		assert_non_null(strstr(rc_detail((dske_rc){DSKE_RC_CORRUPT}), "lost its head"));
		file_set(file, &whole);
		assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
	}
}

/* ---- what is erased, and what is lazy -------------------------------------------------------------------------------- */

/* A crash came between a receipt and the erasing. */
static void test_erased_after_a_crash(void **state)
{
	AUTO(buf) before = {0}, after = {0};
	int64_t id = put(1, 600);
	struct share *s = share_find(m, id);
	size_t at = s->at.at + sizeof(struct record) + s->head_len, len = s->body_len - 8;

	(void)state;
	put(2, 600);
	segment_get(&before);
	assert_ok(mailbox_receipt(m, id, &bob));
	commit();
	mailbox_close(m);
	segment_get(&after);
	assert_memory_not_equal(after.data + at + 8, before.data + at + 8, len - 8);
	memcpy(after.data + at, before.data + at, len);
	segment_set(&after);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
	assert_gone(id);
	for (int i = 1; i < 3; i++) {
		tick(1000 * i);
		commit();
	}
	mailbox_close(m);
	buf_drop(&after);
	segment_get(&after);
	for (size_t i = 8; i < len; i++)
		assert_int_equal(after.data[at + i], 0);
	assert_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT));
}

static void test_lazy(void **state)
{
	int64_t id = put(1, 600), now = clock_ms();
	uint32_t end = m->journal->since;

	(void)state;
	assert_true(mailbox_wake_ms(m) == INT64_MAX);
	assert_ok(mailbox_receipt(m, id, &bob));
	assert_in_range(mailbox_wake_ms(m), now + 1, clock_ms() + MAILBOX_LAZY_MS);
	assert_ok(mailbox_commit(m));
	if (clock_ms() < now + MAILBOX_LAZY_MS)
		assert_int_equal(m->journal->since, end);
	while (clock_ms() < mailbox_wake_ms(m))
		usleep(1000);
	assert_ok(mailbox_commit(m));
	assert_true(m->journal->since > end);
	/* With what is not lazy it goes at once. */
	id = put(2, 600);
	assert_ok(mailbox_receipt(m, id, &bob));
	put(3, 600);
	assert_int_equal(m->journal->since, m->journal->end);
}

/* Long after a million keys went through, the disk holds what it holds after a thousand. */
static void test_room_is_used_again(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct terms t;
		int64_t id;

		terms_make(&t, 1, "");
		memcpy(t.key_id.b, &i, sizeof i);
		assert_ok(put_terms(&t, 5, &id));
		if (i % 2 == 0)
			assert_ok(mailbox_receipt(m, id, &bob));
		if (i % 10 == 0)
			tick(100 * i);
	}
	assert_true(m->journal->segment[0]->number > 10);
	assert_true(journal_disk(m->journal) <= 2 * m->live + 4 * SEGMENT);
	assert_in_range(m->journal->next_file, 2, 40);
	tick(400000);
	tick(500000);
	assert_int_equal(m->live, 0);
	assert_int_equal(m->held, 0);
	assert_int_equal(m->parties.count, 0);
	assert_int_equal(m->pairs.count, 0);
	assert_int_equal(m->slots.count, 0);
}

/* ---- what it is made of ------------------------------------------------------------------------------------------------ */

/* Aumasson and Bernstein, appendix A: 15 bytes; and the reference's vectors for none and for 8. */
static void test_siphash(void **state)
{
	static const struct {
		size_t len;
		uint64_t code;
	} known[] = {{15, UINT64_C(0xa129ca6149be45e5)}, {0, UINT64_C(0x726fdb47dd0e0e31)}, {8, UINT64_C(0x93f5f5799a932462)}};
	uint8_t bytes[16];
	struct siphash_key key;

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	memcpy(&key, bytes, sizeof key);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		struct siphash s;

		siphash_begin(&s, &key);
		siphash_add(&s, bytes, known[i].len & ~(size_t)7);
		siphash_add(&s, bytes + (known[i].len & ~(size_t)7), known[i].len & 7);
		assert_true(siphash_end(&s) == known[i].code);
	}
}

static void test_hash(void **state)
{
	enum { MANY = 5000 };
	static struct hash_node nodes[MANY];
	struct hash h;

	(void)state;
	assert_ok(hash_init(&h));
	for (unsigned i = 0; i < MANY; i++)
		hash_add(&h, &nodes[i], (i / 2) * UINT64_C(0x9e3779b97f4a7c15)); /* two of each */
	assert_int_equal(h.count, MANY);
	assert_true(h.used >= MANY);
	for (unsigned i = 0; i < MANY; i += 4)
		hash_remove(&h, &nodes[i]);
	for (unsigned i = 0; i < MANY; i++) {
		uint64_t hash = (i / 2) * UINT64_C(0x9e3779b97f4a7c15);
		struct hash_node *n = hash_first(&h, hash);
		size_t count = 0;

		for (; n; n = hash_next(n)) {
			assert_true(n == &nodes[i & ~1u] || n == &nodes[i | 1]);
			count++;
		}
		assert_int_equal(count, i / 2 % 2 == 0 ? 1 : 2);
	}
	hash_drop(&h);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, mailbox_tear_down)
	const struct CMUnitTest tests[] = {
		T(test_torn_end), T(test_what_is_behind_a_torn_end), T(test_torn_before_a_release), T(test_torn_beginning),
		T(test_erased_before_the_receipt), T(test_damage), T(test_missing_segment), T(test_lost_head),
		T(test_erased_after_a_crash), T(test_lazy), T(test_room_is_used_again),
		cmocka_unit_test(test_siphash), cmocka_unit_test(test_hash),
	};
	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
