/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/hub/box.h"

#include <string.h>

struct path folder;
struct mailbox *m;
const struct id alice = {{0xa}}, bob = {{0xb}}, carol = {{0xc}};

int mailbox_set_up(void **state)
{
	(void)state;
	scratch_make(&folder);
	assert_ok(mailbox_open(&m, folder.s, 0));
	return 0;
}

int mailbox_tear_down(void **state)
{
	(void)state;
	mailbox_close(m);
	scratch_remove(&folder);
	return 0;
}

void terms_make(struct terms *t, uint8_t key, const char *context)
{
	*t = (struct terms){.initiator = alice, .receiver_count = 1, .n = 1, .k = 1, .key_len = 16};
	t->key_id.b[0] = key;
	t->receiver[0] = bob;
	t->hub[0].b[0] = 1;
	t->context_len = (uint8_t)strlen(context);
	memcpy(t->context, context, t->context_len);
}

dske_rc put_terms(const struct terms *t, uint32_t ttl, int64_t *id)
{
	AUTO(secret) share = {0};
	AUTO(buf) answer = {0};
	struct mailbox_put p = {.terms = t, .share = &share, .ttl = ttl, .table = alice, .offset = t->key_id.b[0],
				.answer = &answer};

	assert_ok(secret_alloc(&share, terms_part_len(t, 0)));
	memset(share.data, t->key_id.b[0], share.len);
	memset(p.digest, t->key_id.b[0], sizeof p.digest);
	buf_heap(&answer, 64);
	buf_put(&answer, "answer", 6);
	return mailbox_put(m, &p, id);
}

int64_t put(uint8_t key, uint32_t ttl)
{
	struct terms t;
	int64_t id;

	terms_make(&t, key, "");
	assert_ok(put_terms(&t, ttl, &id));
	assert_ok(mailbox_commit(m));
	return id;
}

void assert_there(int64_t id, uint8_t key)
{
	AUTO(secret) share = {0};
	struct terms t, expected;

	terms_make(&expected, key, "");
	assert_ok(mailbox_get(m, id, &t, &share));
	assert_true(terms_equal(&t, &expected));
	assert_int_equal(share.len, terms_share_len(&expected));
	for (size_t i = 0; i < share.len; i++)
		assert_int_equal(share.data[i], key);
}

void assert_gone(int64_t id)
{
	AUTO(secret) share = {0};
	struct terms t;

	assert_rc(mailbox_get(m, id, &t, &share), NOT_FOUND);
}

bool named(uint8_t key)
{
	struct id key_id = {{key}};
	bool taken;

	assert_ok(mailbox_named(m, &alice, &key_id, &taken));
	return taken;
}

size_t tick(int64_t now_ms)
{
	size_t expired;

	assert_ok(mailbox_tick(m, now_ms, &expired));
	assert_ok(mailbox_commit(m));
	return expired;
}

void reopen(int64_t now_ms)
{
	mailbox_close(m);
	m = NULL;
	assert_ok(mailbox_open(&m, folder.s, now_ms));
}

int64_t put_long(uint8_t key, uint32_t ttl, uint32_t key_len)
{
	struct terms t;
	int64_t id;

	terms_make(&t, key, "");
	t.key_len = key_len;
	assert_ok(put_terms(&t, ttl, &id));
	assert_ok(mailbox_commit(m));
	return id;
}

dske_rc long_find(uint8_t key, struct mailbox_long *l)
{
	struct id key_id = {{key}};

	return mailbox_long_find(m, &alice, &key_id, l);
}

void add_part(uint8_t key, const struct tag *key_tag)
{
	AUTO(secret) part = {0};
	struct mailbox_long l;

	assert_ok(long_find(key, &l));
	assert_ok(secret_alloc(&part, key_part_len(l.key_len, l.next)));
	memset(part.data, (int)l.next, part.len);
	assert_ok(mailbox_part_put(m, &l, &part, key_tag));
	assert_ok(mailbox_commit(m));
}
