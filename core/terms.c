/* SPDX-License-Identifier: Apache-2.0 */
/* core/terms.c - what holds for any terms, whoever wrote them. */
#include "core/terms.h"

#include <string.h>

size_t terms_share_len(const struct terms *t)
{
	return KEY_TAG_KEY_LEN + terms_tagged_len(t);
}

size_t terms_tagged_len(const struct terms *t)
{
	return (t->confirm ? CONFIRM_MASK_LEN : 0) + (size_t)t->key_len;
}

unsigned key_part_count(uint32_t key_len)
{
	return (key_len + KEY_PART_LEN - 1) / KEY_PART_LEN;
}

size_t key_part_len(uint32_t key_len, unsigned number)
{
	size_t left = key_len - (size_t)number * KEY_PART_LEN;

	return (number == 0 ? KEY_TAG_KEY_LEN : 0) + (left < KEY_PART_LEN ? left : KEY_PART_LEN);
}

unsigned terms_part_count(const struct terms *t)
{
	return key_part_count(t->key_len);
}

size_t terms_part_len(const struct terms *t, unsigned number)
{
	size_t mask = number == 0 && t->confirm ? CONFIRM_MASK_LEN : 0; /* which no long key has */

	return key_part_len(t->key_len, number) + mask;
}

size_t terms_part_offset(const struct terms *t, unsigned number)
{
	(void)t;
	return number == 0 ? 0 : KEY_TAG_KEY_LEN + (size_t)number * KEY_PART_LEN;
}

bool terms_are_long(const struct terms *t)
{
	return t->key_len > KEY_PART_LEN;
}

bool terms_lack_tag(const struct terms *t)
{
	static const struct tag none;

	return memcmp(&t->key_tag, &none, sizeof none) == 0;
}

static const char *const scheme_names[] = {"shamir", "xor", "adapted"};

#define SCHEMES_NAMED (sizeof scheme_names / sizeof scheme_names[0])

const char *scheme_name(enum scheme s)
{
	return (size_t)s < SCHEMES_NAMED ? scheme_names[s] : "?";
}

dske_rc scheme_parse(enum scheme *s, const char *name)
{
	for (size_t i = 0; i < SCHEMES_NAMED; i++) {
		if (strcmp(scheme_names[i], name) == 0) {
			*s = (enum scheme)i;
			return DSKE_OK;
		}
	}
	return FAIL(ARGS, "%s is no scheme: shamir, xor or adapted", name);
}

static int index_of(const struct id *list, size_t count, const struct id *id)
{
	for (size_t i = 0; i < count; i++)
		if (id_equal(&list[i], id))
			return (int)i;
	return -1;
}

static dske_rc distinct_check(const struct id *list, size_t count, const char *what)
{
	char hex[ID_HEX_LEN];

	for (size_t i = 1; i < count; i++)
		if (index_of(list, i, &list[i]) >= 0)
			return FAIL(FORMAT, "%s %s is listed twice", what, id_hex(&list[i], hex));
	return DSKE_OK;
}

/* DSKE 3: the adapted protocol is one of two clients; its parts are told from keys that are used as they are. */
static dske_rc adapted_check(const struct terms *t)
{
	if (t->receiver_count != 1)
		return FAIL(FORMAT, "the adapted protocol has one receiver, not %d", t->receiver_count);
	if (t->scheme == SCHEME_FIRST_PASS && t->key_len != ADAPTED_MATERIAL_LEN(t->n))
		return FAIL(FORMAT, "a first pass of %lu bytes; with n = %d it has %u", (unsigned long)t->key_len, t->n,
			    ADAPTED_MATERIAL_LEN(t->n));
	if (t->confirm)
		return FAIL(FORMAT, "the adapted protocol confirms by itself");
	if (terms_are_long(t))
		return FAIL(FORMAT, "the adapted protocol is for keys of at most %u bytes", KEY_PART_LEN);
	if (t->scheme == SCHEME_ADAPTED && !terms_lack_tag(t))
		return FAIL(FORMAT, "a second pass has no key tag");
	return DSKE_OK;
}

dske_rc terms_check(const struct terms *t)
{
	if (t->k < 1 || t->k > t->n)
		return FAIL(FORMAT, "k = %d and n = %d do not satisfy 1 <= k <= n", t->k, t->n);
	if (t->receiver_count < 1 || t->receiver_count > TERMS_RECEIVERS_MAX)
		return FAIL(FORMAT, "%d receivers; an agreement has 1 to %d", t->receiver_count,
			    TERMS_RECEIVERS_MAX);
	if ((unsigned)t->scheme >= SCHEME_COUNT)
		return FAIL(FORMAT, "scheme %u is not known", (unsigned)t->scheme);
	if (t->scheme == SCHEME_XOR && t->k != t->n)
		return FAIL(FORMAT, "the simple scheme needs n = k, not n = %d and k = %d", t->n, t->k);
	if (t->scheme >= SCHEME_ADAPTED)
		TRY(adapted_check(t));
	if (t->key_len < KEY_LEN_MIN || t->key_len > KEY_LEN_MAX)
		return FAIL(FORMAT, "a key of %lu bytes; %u to %u are possible", (unsigned long)t->key_len,
			    KEY_LEN_MIN, KEY_LEN_MAX);
	if (terms_are_long(t) && t->scheme != SCHEME_SHAMIR && t->scheme != SCHEME_XOR)
		return FAIL(FORMAT, "a key of more than %u bytes by scheme %u", KEY_PART_LEN, (unsigned)t->scheme);
	if (t->confirm && terms_tagged_len(t) > KEY_PART_LEN)
		return FAIL(FORMAT, "a key that is to be confirmed has at most %u bytes", KEY_PART_LEN - CONFIRM_MASK_LEN);
	TRY(distinct_check(t->hub, t->n, "hub"));
	TRY(distinct_check(t->receiver, t->receiver_count, "receiver"));
	if (terms_receiver_index(t, &t->initiator) >= 0)
		return FAIL(FORMAT, "the initiator is among the receivers");
	return DSKE_OK;
}

bool terms_equal(const struct terms *a, const struct terms *b)
{
	return id_equal(&a->initiator, &b->initiator) && id_equal(&a->key_id, &b->key_id) &&
	       a->receiver_count == b->receiver_count &&
	       memcmp(a->receiver, b->receiver, a->receiver_count * sizeof a->receiver[0]) == 0 &&
	       a->n == b->n && a->k == b->k && memcmp(a->hub, b->hub, a->n * sizeof a->hub[0]) == 0 &&
	       a->scheme == b->scheme && a->key_len == b->key_len &&
	       memcmp(&a->key_tag, &b->key_tag, sizeof a->key_tag) == 0 &&
	       a->confirm == b->confirm && a->context_len == b->context_len && memcmp(a->context, b->context, a->context_len) == 0;
}

int terms_hub_index(const struct terms *t, const struct id *hub)
{
	return index_of(t->hub, t->n, hub);
}

int terms_receiver_index(const struct terms *t, const struct id *client)
{
	return index_of(t->receiver, t->receiver_count, client);
}
