/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mailbox beside a simple model of it, under operations by chance, in small segments, so that they are used again.
 *
 * A copy of the folder, taken at any moment, is what a crash leaves: opened, it has to be the model as of the last commit, or
 * as of one of the operations since.  So has the folder itself after a write or a sync that failed.
 */
#include "config.h"

#include "test/hub/box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "hub/mailbox-impl.h"

#define KEYS 48
#define CONTEXTS 3
#define STATES 16 /* since the last commit */
#define SMALL_SEGMENT (UINT32_C(32) << 10)

struct entry {
	bool taken, waits, superseded;
	uint8_t receivers, left; /* bit 0: bob, bit 1: carol */
	uint8_t context, ready, attested, parts, next;
	int64_t id, due, forget, ttl;
	unsigned wasted[2];
};

struct model {
	struct entry key[KEYS];
	int64_t clock;
	struct quota_use used[2];
	uint64_t policy; /* its version; 0: none */
};

static struct model model, states[STATES];
static size_t state_count;
static int64_t now_ms;
static uint32_t segment_len;
static bool with_long;
static const struct id *const receivers[2] = {&bob, &carol};

/* ---- calls that fail ------------------------------------------------------------------------------------------ */

static unsigned fail_in; /* calls; 0: never */
static bool halfway;

static bool fails_now(void)
{
	return fail_in > 0 && --fail_in == 0;
}

dske_rc __real_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
dske_rc __wrap_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
dske_rc __wrap_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset)
{
	if (!fails_now())
		return __real_file_pwrite(fd, bytes, len, offset);
	if (halfway)
		assert_ok(__real_file_pwrite(fd, bytes, len / 2, offset));
	return FAIL(IO, "no space is left, as far as this test says");
}

dske_rc __real_file_sync(int fd);
dske_rc __wrap_file_sync(int fd);
dske_rc __wrap_file_sync(int fd)
{
	return fails_now() ? FAIL(SYNC, "the disk is gone, as far as this test says") : __real_file_sync(fd);
}

/* ---- the model ------------------------------------------------------------------------------------------------ */

static unsigned bits(unsigned n)
{
	return (unsigned)__builtin_popcount(n);
}

static bool is_whole(const struct entry *e)
{
	return e->parts == 1 || e->next == e->parts;
}

static void supersede(struct model *s, const struct entry *by)
{
	for (size_t i = 0; i < KEYS; i++) {
		struct entry *e = &s->key[i];

		if (e->waits && e->id < by->id && e->context == by->context && e->receivers == by->receivers && bits(e->left) == bits(by->left))
			e->superseded = true;
	}
}

static void bury(struct entry *e)
{
	e->waits = false;
	e->superseded = true;
	e->left = 0;
}

static void model_tick(struct model *s, int64_t seconds)
{
	s->clock += seconds;
	for (size_t i = 0; i < KEYS; i++) {
		struct entry *e = &s->key[i];

		if (!e->taken || e->due > s->clock)
			continue;
		bury(e);
		e->due = e->forget;
		if (e->forget <= s->clock)
			*e = (struct entry){0};
	}
}

/* ---- operations, on both --------------------------------------------------------------------------------------- */

static unsigned draw(unsigned n)
{
	return (unsigned)rand() % n;
}

static void terms_of(struct terms *t, uint8_t key, const struct entry *e)
{
	char context[2] = {(char)('a' + e->context)};

	terms_make(t, key, context);
	t->key_id.b[1] = 1;
	t->confirm = e->attested > 0;
	t->receiver_count = 0;
	for (size_t i = 0; i < 2; i++)
		if (e->receivers & 1u << i)
			t->receiver[t->receiver_count++] = *receivers[i];
	if (e->parts > 1)
		t->key_len = e->parts * KEY_PART_LEN;
}

/* attested: 0, nothing to confirm; 1, not yet; 2, yes. */
static dske_rc do_put(uint8_t key)
{
	struct entry e = {.taken = true, .waits = true, .receivers = (uint8_t)(1 + draw(3)), .context = (uint8_t)draw(CONTEXTS),
			  .attested = draw(4) == 0, .parts = with_long && draw(3) == 0 ? 3 : 1, .next = 1, .ttl = 5 + draw(120)};
	struct terms t;
	dske_rc rc;

	terms_of(&t, key, &e);
	rc = put_terms(&t, (uint32_t)e.ttl, &e.id);
	if (model.key[key].taken) {
		assert_string_equal(rc_name(rc), m->broken ? "IO" : "EXISTS");
		return m->broken ? rc : DSKE_OK;
	}
	e.left = e.receivers;
	e.due = model.clock + (e.parts > 1 && e.ttl > 60 ? 60 : e.ttl);
	e.forget = model.clock + 2 * e.ttl;
	if (!rc_ok(rc))
		e.id = m->last_id + 1;
	if (e.parts == 1)
		supersede(&model, &e);
	model.key[key] = e;
	return rc;
}

static dske_rc do_part(uint8_t key)
{
	static const struct tag tag = {{7}};
	AUTO(secret) part = {0};
	struct entry *e = &model.key[key];
	struct mailbox_long l;
	struct id key_id = {{key, 1}};

	if (!e->waits || is_whole(e))
		return DSKE_OK;
	TRY(mailbox_long_find(m, &alice, &key_id, &l));
	assert_int_equal(l.next, e->next);
	assert_ok(secret_alloc(&part, key_part_len(l.key_len, l.next)));
	memset(part.data, (int)l.next, part.len);
	e->next++;
	e->due = model.clock + (!is_whole(e) && e->ttl > 60 ? 60 : e->ttl);
	e->forget = model.clock + 2 * e->ttl;
	if (is_whole(e) && !e->superseded)
		supersede(&model, e);
	return mailbox_part_put(m, &l, &part, l.next + 1 == e->parts ? &tag : NULL);
}

static dske_rc do_receipt(uint8_t key, unsigned who)
{
	struct entry *e = &model.key[key];

	if (!e->taken || !is_whole(e))
		return DSKE_OK;
	if (e->waits && e->left & 1u << who) {
		e->left &= (uint8_t)~(1u << who);
		if (e->left == 0)
			bury(e);
	}
	return mailbox_receipt(m, e->id, receivers[who]);
}

static dske_rc do_wasted(uint8_t key, unsigned who)
{
	struct entry *e = &model.key[key];

	if (!e->taken)
		return DSKE_OK;
	e->wasted[who] += e->waits && e->left & 1u << who;
	return mailbox_wasted(m, e->id, receivers[who]);
}

static dske_rc do_ready(uint8_t key, unsigned who)
{
	struct entry *e = &model.key[key];

	if (!e->waits || !e->attested || !(e->left & 1u << who))
		return DSKE_OK;
	e->ready |= (uint8_t)(1u << who);
	return mailbox_ready(m, e->id, receivers[who]);
}

static dske_rc do_attest(uint8_t key)
{
	const struct confirmation said = {.point.b = {key}};
	struct entry *e = &model.key[key];

	if (!e->taken || !e->attested)
		return DSKE_OK;
	e->attested = 2;
	return mailbox_attest(m, e->id, &said);
}

static dske_rc do_tick(void)
{
	int64_t seconds = draw(8) == 0 ? draw(100) : draw(3);
	size_t expired;

	now_ms += 1000 * seconds;
	model_tick(&model, seconds);
	return mailbox_tick(m, now_ms, &expired);
}

static dske_rc do_purge(unsigned who)
{
	size_t count;

	for (size_t i = 0; i < KEYS; i++) {
		struct entry *e = &model.key[i];

		if (e->waits && who == 2)
			bury(e);
		else if (e->waits && e->left & 1u << who) {
			e->left &= (uint8_t)~(1u << who);
			if (e->left == 0)
				bury(e);
		}
	}
	model.policy = who == 0 ? 0 : model.policy;
	return mailbox_purge(m, who == 2 ? &alice : receivers[who], &count);
}

static dske_rc do_charge(unsigned which)
{
	const struct mailbox_account a = {.scope = (int)which, .from = alice};

	quota_charge(&model.used[which], mailbox_clock_s(m), 100);
	return mailbox_account_write(m, &a, &model.used[which]);
}

static dske_rc do_policy(void)
{
	struct policy p = {.version = ++model.policy, .waiting = 1};

	return mailbox_policy_write(m, &bob, &p);
}

static dske_rc do_any(void)
{
	uint8_t key = (uint8_t)draw(KEYS);
	unsigned what = draw(100);

	if (what < 40)
		return do_put(key);
	if (what < 60)
		return do_receipt(key, draw(2));
	if (what < 68)
		return do_part(key);
	if (what < 73)
		return do_wasted(key, draw(2));
	if (what < 80)
		return do_ready(key, draw(2));
	if (what < 83)
		return do_attest(key);
	if (what < 90)
		return do_charge(draw(2));
	if (what < 92)
		return do_policy();
	return what == 92 ? do_purge(draw(3)) : do_tick();
}

/* ---- comparing -------------------------------------------------------------------------------------------------- */

static bool same_share(const struct entry *e, uint8_t key)
{
	AUTO(secret) share = {0};
	struct terms t, expected;
	dske_rc rc = mailbox_get(m, e->id, &t, &share);

	if (!e->waits)
		return rc_is(rc, DSKE_RC_NOT_FOUND);
	terms_of(&expected, key, e);
	if (e->parts > 1 && is_whole(e))
		expected.key_tag.b[0] = 7;
	if (!rc_ok(rc) || !terms_equal(&t, &expected))
		return false;
	for (size_t i = 0; i < share.len; i++)
		if (share.data[i] != key)
			return false;
	for (unsigned i = 1; i < e->next; i++) {
		AUTO(secret) part = {0};

		if (!rc_ok(mailbox_part_get(m, e->id, i, &part)) || part.data[0] != i || part.data[part.len - 1] != i)
			return false;
	}
	return share.len == terms_part_len(&expected, 0);
}

static bool same_rest(const struct entry *e, uint8_t key)
{
	struct id key_id = {{key, 1}};
	struct mailbox_found found;
	struct mailbox_round round;
	uint8_t digest[FRAME_DIGEST_LEN];
	AUTO(buf) frame = {0};

	for (unsigned who = 0; who < 2; who++) {
		struct msg_wait w = {.initiator = alice, .selector = WAIT_KEY_ID, .value = key_id.b, .value_len = ID_LEN, .takes_long = true};
		bool finds = rc_ok(mailbox_find(m, receivers[who], &w, 0, &found));

		if (finds != (e->waits && is_whole(e) && (e->left & 1u << who)) || (finds && found.wasted != e->wasted[who]))
			return false;
	}
	memset(digest, key, sizeof digest);
	buf_heap(&frame, 64);
	if (!rc_ok(mailbox_answer(m, &alice, key, digest, &frame)) || frame.len != 6)
		return false;
	if (!e->attested)
		return rc_is(mailbox_round_read(m, e->id, &round), DSKE_RC_NOT_FOUND);
	return rc_ok(mailbox_round_read(m, e->id, &round)) && round.ready_count == bits(e->ready) &&
	       round.attested == (e->attested == 2) && round.receivers == bits(e->receivers);
}

/* What a wait by context finds, in order. */
static bool same_found(const struct model *s, unsigned who, uint8_t context)
{
	uint8_t value = (uint8_t)('a' + context);
	struct msg_wait w = {.initiator = alice, .selector = WAIT_CONTEXT, .value = &value, .value_len = 1, .takes_long = true};
	struct mailbox_found found = {0};
	size_t count = 0, expected = 0;

	for (size_t i = 0; i < KEYS; i++)
		expected += s->key[i].waits && !s->key[i].superseded && s->key[i].context == context && is_whole(&s->key[i]) &&
			    (s->key[i].left & 1u << who);
	for (int64_t last = 0; rc_ok(mailbox_find(m, receivers[who], &w, last, &found)); last = found.id, count++) {
		size_t i = 0;

		while (i < KEYS && !(s->key[i].waits && s->key[i].id == found.id))
			i++;
		if (found.id <= last || i == KEYS || s->key[i].superseded || s->key[i].context != context)
			return false;
	}
	return count == expected;
}

static bool same_counts(const struct model *s)
{
	size_t waits = 0, names = 0, due[2] = {0}, count;
	uint64_t held, size;

	for (size_t i = 0; i < KEYS; i++) {
		waits += s->key[i].waits;
		names += s->key[i].taken;
		for (unsigned who = 0; who < 2; who++)
			due[who] += s->key[i].waits && s->key[i].left & 1u << who;
	}
	assert_ok(mailbox_count(m, &count));
	if (count != waits)
		return false;
	for (unsigned who = 0; who < 2; who++) {
		assert_ok(mailbox_pair_count(m, &alice, receivers[who], &count));
		if (count != due[who])
			return false;
	}
	assert_ok(mailbox_holding(m, &alice, &held));
	assert_ok(mailbox_size(m, &size));
	return held >= names * MAILBOX_NAME_BYTES && size >= held && (waits > 0 || held == names * MAILBOX_NAME_BYTES);
}

static bool same_policy(const struct model *s)
{
	static struct policy p;

	return rc_ok(mailbox_policy_read(m, &bob, &p)) ? p.version == s->policy : s->policy == 0;
}

static bool same(const struct model *s)
{
	int64_t lost = s->clock - mailbox_clock_s(m);
	size_t names = 0;

	for (size_t i = 0; i < KEYS; i++)
		names += s->key[i].taken;
	if (names > 0 && (lost < 0 || lost > MAILBOX_CLOCK_STEP_S))
		return false; /* where nothing ages the clock is not kept */
	for (uint8_t key = 0; key < KEYS; key++) {
		const struct entry *e = &s->key[key];
		struct id key_id = {{key, 1}};
		bool taken;

		assert_ok(mailbox_named(m, &alice, &key_id, &taken));
		if (taken != e->taken || (taken && (!same_share(e, key) || !same_rest(e, key))))
			return false;
	}
	for (unsigned i = 0; i < 2 * CONTEXTS; i++)
		if (!same_found(s, i % 2, (uint8_t)(i / 2)))
			return false;
	return same_counts(s) && same_policy(s);
}

static bool same_accounts(const struct model *s)
{
	struct quota_use use;

	for (unsigned i = 0; i < 2; i++) {
		const struct mailbox_account a = {.scope = (int)i, .from = alice};

		assert_ok(mailbox_account_read(m, &a, &use));
		if (memcmp(&use, &s->used[i], sizeof use) != 0)
			return false;
	}
	return true;
}

/* ---- crashes ----------------------------------------------------------------------------------------------------- */

static void open_again(void)
{
	now_ms = 0;
	assert_ok(mailbox_open_as(&m, folder.s, 0, segment_len));
}

/* Which of the states since the last commit is it?  The model goes on from there. */
static void assert_one_of(void)
{
	size_t i = state_count;

	while (i > 0 && !same(&states[i - 1]))
		i--;
	assert_true(i > 0);
	model = states[i - 1];
	/* Accounts are written when the batch ends: of a batch that has not, they may be missing. */
	while (i > 0 && !same_accounts(&states[i - 1]))
		i--;
	assert_true(i > 0);
	memcpy(model.used, states[i - 1].used, sizeof model.used);
	model.clock = mailbox_clock_s(m);
	states[0] = model;
	state_count = 1;
}

static void crash(void)
{
	struct path copy;

	assert_ok(path_format(&copy, "%s-copy", folder.s));
	scratch_copy(folder.s, copy.s);
	mailbox_close(m);
	scratch_copy(copy.s, folder.s);
	scratch_remove(&copy);
	open_again();
	assert_one_of();
}

static void state_add(void)
{
	assert_true(state_count < STATES);
	states[state_count++] = model;
}

static void committed(void)
{
	states[0] = model;
	state_count = 1;
}

/* All of it, what is lazy too. */
static dske_rc commit(void)
{
	m->lazy_ms = 0;
	return mailbox_commit(m);
}

static void step(bool may_fail)
{
	dske_rc rc = DSKE_OK;

	if (may_fail && draw(20) == 0) {
		fail_in = 1 + draw(12);
		halfway = draw(2) == 0;
	}
	for (unsigned n = 1 + draw(STATES - 2); n > 0 && rc_ok(rc); n--) {
		rc = do_any();
		state_add();
	}
	if (rc_ok(rc) && draw(4) != 0) {
		rc = commit();
		if (rc_ok(rc))
			committed();
	} else if (rc_ok(rc)) {
		fail_in = 0;
		crash();
	}
	fail_in = 0;
	if (rc_ok(rc) && draw(20) > 0)
		return;
	if (!rc_ok(rc)) {
		assert_false(rc_ok(mailbox_commit(m)));
		assert_false(rc_ok(do_policy()));
		model = states[state_count - 1];
	} else {
		assert_ok(commit());
		committed();
	}
	mailbox_close(m);
	open_again();
	assert_one_of();
}

static void run(unsigned steps, bool may_fail)
{
	unsigned seed = getenv("DSKE_MODEL_SEED") ? (unsigned)atoi(getenv("DSKE_MODEL_SEED")) : (unsigned)time(NULL);

	print_message("# DSKE_MODEL_SEED=%u\n", seed);
	srand(seed);
	model = (struct model){0};
	committed();
	open_again();
	while (steps-- > 0) {
		step(may_fail);
		if (steps % 8 == 0)
			assert_true(same(&model) && same_accounts(&model));
	}
	/* Room is found again: at most twice what is needed, and some segments. */
	for (int i = 0; i < 200; i++) {
		assert_ok(do_tick());
		assert_ok(commit());
	}
	assert_true(journal_disk(m->journal) <= 2 * m->live + 4 * (uint64_t)segment_len);
	mailbox_close(m);
	scratch_remove(&folder);
}

static void test_small(void **state)
{
	(void)state;
	scratch_make(&folder);
	segment_len = SMALL_SEGMENT;
	with_long = false;
	run(400, false);
}

static void test_failures(void **state)
{
	(void)state;
	scratch_make(&folder);
	segment_len = SMALL_SEGMENT;
	with_long = false;
	run(400, true);
}

static void test_long_keys(void **state)
{
	(void)state;
	scratch_make(&folder);
	segment_len = UINT32_C(3) << 20;
	with_long = true;
	run(60, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small), cmocka_unit_test(test_failures), cmocka_unit_test(test_long_keys),
	};
	return cmocka_run_group_tests_name("mailbox model", tests, NULL, NULL);
}
