/* SPDX-License-Identifier: Apache-2.0 */
/* A PSKM out of a QKD link's keys: the same table at both ends, and everything that must not become one. */
#include "config.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/layout.h"
#include "pskm/reference-impl.h"
#include "test/pskm/fixture.h"

#define SMALL TABLE_LEN_MIN
#define ROOM 3 /* requests under way */

/* ---- a link: what one end takes fresh, the other finds by ID ---------------------------------------- */

struct link {
	size_t key_len;
	uint8_t *keys;    /* those that were given, one behind the other; ID number n names key n */
	uint64_t given;
	uint64_t seed;
	struct ask {
		bool fresh;
		size_t number;
		struct id *ids;
	} ring[ROOM];
	unsigned first, count;
	/* faults */
	int64_t same_id, same_key, other_key, fail_at, stuck_from; /* number of a key; -1: none */
	bool once;     /* a KME that forgets what it handed out: the bytes are wiped */
};

static void link_init(struct link *l, size_t key_len)
{
	*l = (struct link){.key_len = key_len, .seed = 88172645463325252, .same_id = -1, .same_key = -1, .other_key = -1,
			   .fail_at = -1, .stuck_from = -1};
}

/* As a link that is closed: what is under way is lost. */
static void link_close(struct link *l)
{
	for (; l->count > 0; l->count--, l->first = (l->first + 1) % ROOM)
		free(l->ring[l->first].ids);
}

static void link_free(struct link *l)
{
	link_close(l);
	free(l->keys);
}

static void fill_stream(struct link *l, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		l->seed ^= l->seed << 13;
		l->seed ^= l->seed >> 7;
		l->seed ^= l->seed << 17;
		out[i] = (uint8_t)(l->seed * 0x2545F4914F6CDD1D >> 56);
	}
}

static void id_of(uint64_t n, struct id *id)
{
	memset(id->b, 0xA5, ID_LEN);
	be64_put(id->b + 4, n);
}

static uint8_t *key_of(const struct link *l, uint64_t n)
{
	return l->keys + n * l->key_len;
}

static void give_fresh(struct link *l, size_t number, struct id *ids, uint8_t *keys)
{
	l->keys = realloc(l->keys, (l->given + number) * l->key_len);
	for (size_t i = 0; i < number; i++, l->given++) {
		int64_t n = (int64_t)l->given;

		fill_stream(l, key_of(l, l->given), l->key_len);
		if (n == l->same_key)
			memcpy(key_of(l, l->given), key_of(l, 0), l->key_len);
		if (l->stuck_from >= 0 && n >= l->stuck_from)
			memset(key_of(l, l->given), 0x77, l->key_len - 8);
		id_of(n == l->same_id ? 0 : l->given, &ids[i]);
		memcpy(keys + i * l->key_len, key_of(l, l->given), l->key_len);
	}
}

static dske_rc give_named(struct link *l, const struct ask *a, uint8_t *keys)
{
	for (size_t i = 0; i < a->number; i++) {
		uint64_t n = be64_get(a->ids[i].b + 4);
		struct id whole;

		id_of(n, &whole);
		if (n >= l->given || !id_equal(&whole, &a->ids[i]) || (int64_t)n == l->fail_at)
			return FAIL(REFUSED, "no such key");
		memcpy(keys + i * l->key_len, key_of(l, n), l->key_len);
		if (l->once)
			mem_wipe(key_of(l, n), l->key_len);
		keys[i * l->key_len] ^= (int64_t)n == l->other_key;
	}
	return DSKE_OK;
}

static bool link_has_room(void *context)
{
	return ((struct link *)context)->count < ROOM;
}

static dske_rc link_ask(void *context, const struct id *ids, size_t number)
{
	struct link *l = context;
	struct ask *a = &l->ring[(l->first + l->count++) % ROOM];

	assert_true(l->count <= ROOM && number > 0);
	*a = (struct ask){.fresh = ids == NULL, .number = number};
	if (ids != NULL) {
		a->ids = malloc(number * sizeof *ids);
		memcpy(a->ids, ids, number * sizeof *ids);
	}
	return DSKE_OK;
}

static dske_rc link_take(void *context, struct id *ids, uint8_t *keys)
{
	struct link *l = context;
	struct ask a = l->ring[l->first];
	dske_rc rc = DSKE_OK;

	assert_true(l->count > 0 && a.fresh == (ids != NULL));
	l->count--;
	l->first = (l->first + 1) % ROOM;
	if (!a.fresh)
		rc = give_named(l, &a, keys);
	else if (l->fail_at >= 0 && (int64_t)l->given >= l->fail_at)
		rc = FAIL(TIMEOUT, "the KME gives no answer");
	else
		give_fresh(l, a.number, ids, keys);
	free(a.ids);
	return rc;
}

static struct key_link link_of(struct link *l, size_t batch)
{
	return (struct key_link){.key_len = l->key_len, .batch = batch, .has_room = link_has_room, .ask = link_ask,
				 .take = link_take, .context = l};
}

/* ---- both ends -------------------------------------------------------------------------------------- */

static struct reference_side side_of(const struct fixture *f, const struct path *tables)
{
	return (struct reference_side){.tables_dir = tables->s, .path = f->container.s};
}

static dske_rc make(struct fixture *f, struct link *l, size_t batch)
{
	const struct reference_side side = side_of(f, &f->hub_tables);
	const struct key_link link = link_of(l, batch);

	TRY(reference_make_keys(&f->header, &side, &link));
	TRY(table_folder(&f->hub_dir, f->hub_tables.s, &f->header.table));
	return table_folder(&f->client_dir, f->client_tables.s, &f->header.table);
}

static dske_rc import_as(struct fixture *f, struct link *l, size_t batch, const struct id *self, bool *begun)
{
	const struct reference_side side = side_of(f, &f->client_tables);
	const struct key_link link = link_of(l, batch);
	struct pskm_header read;
	dske_rc rc = reference_import_keys(&read, &side, self, &link, begun);

	if (rc_ok(rc))
		assert_memory_equal(&read.table, &f->header.table, ID_LEN);
	link_close(l);
	return rc;
}

static dske_rc import(struct fixture *f, struct link *l, size_t batch)
{
	bool begun;

	return import_as(f, l, batch, &f->header.client, &begun);
}

static void expect(dske_rc rc, const char *name, const char *says)
{
	if (strcmp(rc_name(rc), name) != 0 || strstr(rc_detail(rc), says) == NULL)
		fail_msg("%s: %s; not %s: %s", rc_name(rc), rc_detail(rc), name, says);
}

static size_t folders(const struct path *tables)
{
	struct stat st;

	return stat(tables->s, &st) == 0 ? scratch_count(tables) : 0;
}

static void expect_same(const struct fixture *f, const struct link *l)
{
	uint64_t from = f->header.layout.region[REGION_ACTIVATION].start, len = f->header.layout.len;
	uint8_t *hub = malloc(len), *client = malloc(len);

	fixture_plain(&f->hub_dir, NULL, from, hub, len - from);
	fixture_plain(&f->client_dir, NULL, from, client, len - from);
	assert_memory_equal(hub, client, len - from);
	assert_memory_equal(hub, l->keys + from, len - from);
	assert_true(fixture_zero(&f->hub_dir, 0, from) && fixture_zero(&f->client_dir, 0, from));
	free(hub);
	free(client);
}

/* No key, nor a piece of one, is in the file. */
static void expect_public(const struct fixture *f, const struct link *l)
{
	AUTO(buf) file = {0};

	assert_ok(file_read_all(&file, f->container.s, 64 << 20));
	for (uint64_t at = 0; at + 8 <= l->given * l->key_len; at += 4096 + 8)
		assert_null(memmem(file.data, file.len, l->keys + at, 8));
}

static void test_both_ends(void **state)
{
	static const struct {
		uint64_t len;
		size_t key_len, batch_hub, batch_client;
	} cases[] = {
		{SMALL, 32, 128, 100}, {SMALL, 8, 1024, 1}, {SMALL, 44, 7, 64}, {SMALL, 8192, 1, 3},
		{TABLE_CHUNK_LEN, 32, 1024, 999}, {2 * TABLE_CHUNK_LEN + 64, 44, 333, 1024}, {TABLE_CHUNK_LEN + 64, 7000, 16, 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f;
		struct link l;
		struct reference r;
		bool is;

		fixture_init(&f, cases[i].len);
		link_init(&l, cases[i].key_len);
		assert_ok(make(&f, &l, cases[i].batch_hub));
		assert_int_equal(l.given, (cases[i].len + cases[i].key_len - 1) / cases[i].key_len);
		assert_ok(reference_recognise(&is, f.container.s));
		assert_true(is);
		assert_ok(reference_read(&r, f.container.s));
		assert_int_equal(r.keys, l.given);
		assert_int_equal(r.key_len, cases[i].key_len);
		assert_ok(import(&f, &l, cases[i].batch_client));
		expect_same(&f, &l);
		expect_public(&f, &l);
		expect(import(&f, &l, 8), "EXISTS", "");
		fixture_drop(&f);
		link_free(&l);
	}
}

/* It is a table like any other: it opens, is activated, and gives windows. */
static void test_table(void **state)
{
	struct fixture f;
	struct link l;
	struct id nonce;

	(void)state;
	fixture_init(&f, SMALL);
	link_init(&l, 32);
	assert_ok(make(&f, &l, 128));
	assert_ok(import(&f, &l, 128));
	assert_ok(table_open(&f.hub, f.hub_dir.s, SIDE_HUB, NULL));
	assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
	assert_ok(table_activation_begin(f.client, &nonce));
	assert_ok(table_activate(f.hub, &nonce));
	assert_ok(table_activation_done(f.client));
	fixture_lease(&f, 1024, 1024, NULL, NULL, NULL, NULL);
	fixture_drop(&f);
	link_free(&l);
}

/* ---- the file --------------------------------------------------------------------------------------- */

static void rewrite(const struct fixture *f, const uint8_t *bytes, size_t len)
{
	AUTO(fd) file = FD_NONE;

	assert_ok(file_open(&file, f->container.s, O_WRONLY | O_TRUNC, 0));
	assert_ok(file_pwrite(file.n, bytes, len, 0));
}

struct made {
	struct fixture f;
	struct link l;
	struct buf file;
};

static void made_init(struct made *m, uint64_t len, size_t key_len)
{
	fixture_init(&m->f, len);
	link_init(&m->l, key_len);
	assert_ok(make(&m->f, &m->l, 64));
	m->file = (struct buf){0};
	assert_ok(file_read_all(&m->file, m->f.container.s, 16 << 20));
}

static void made_drop(struct made *m)
{
	fixture_drop(&m->f);
	link_free(&m->l);
	buf_drop(&m->file);
}

static void test_cut(void **state)
{
	struct made m;
	struct reference r;

	(void)state;
	made_init(&m, SMALL, 4096);
	for (size_t len = 0; len < m.file.len; len++) {
		rewrite(&m.f, m.file.data, len);
		assert_false(rc_ok(reference_read(&r, m.f.container.s)));
		assert_false(rc_ok(import(&m.f, &m.l, 8)));
	}
	uint8_t *longer = calloc(1, m.file.len + 1);
	memcpy(longer, m.file.data, m.file.len);
	rewrite(&m.f, longer, m.file.len + 1);
	expect(reference_read(&r, m.f.container.s), "CORRUPT", "behind its end");
	free(longer);
	assert_int_equal(folders(&m.f.client_tables), 0);
	made_drop(&m);
}

static void test_every_byte(void **state)
{
	struct made m;

	(void)state;
	made_init(&m, SMALL, 4096);
	for (size_t at = 0; at < m.file.len; at++) {
		m.file.data[at] ^= (uint8_t)(1u << at % 8);
		rewrite(&m.f, m.file.data, m.file.len);
		assert_false(rc_ok(import(&m.f, &m.l, 8)));
		m.file.data[at] ^= (uint8_t)(1u << at % 8);
	}
	assert_int_equal(folders(&m.f.client_tables), 0);
	rewrite(&m.f, m.file.data, m.file.len);
	assert_ok(import(&m.f, &m.l, 8));
	made_drop(&m);
}

/* Somebody changes the head and its checksum: the tag tells. */
static void test_head_with_intent(void **state)
{
	struct made m;

	(void)state;
	made_init(&m, SMALL, 4096);
	uint8_t *name = memmem(m.file.data, m.file.len, "127.0.0.1:7001", 14);
	assert_non_null(name);
	name[0] = '9';
	size_t end = REFERENCE_AT_HEADER + be32_get(m.file.data + REFERENCE_AT_HEADER_LEN) + REFERENCE_AFTER_SUM;
	SHA256(m.file.data, end, m.file.data + end);
	rewrite(&m.f, m.file.data, m.file.len);
	expect(import(&m.f, &m.l, 8), "CORRUPT", "the head of the PSKM has a wrong tag");
	made_drop(&m);
}

static void test_ids_exchanged(void **state)
{
	struct made m;
	uint8_t id[ID_LEN];

	(void)state;
	made_init(&m, SMALL, 4096);
	size_t first = m.file.len - 2 * TAG_LEN - 16 * ID_LEN;
	memcpy(id, m.file.data + first, ID_LEN);
	memcpy(m.file.data + first, m.file.data + first + ID_LEN, ID_LEN);
	memcpy(m.file.data + first + ID_LEN, id, ID_LEN);
	rewrite(&m.f, m.file.data, m.file.len);
	expect(import(&m.f, &m.l, 8), "CORRUPT", "chunk 1 of 1 of the PSKM has a wrong tag");
	memcpy(m.file.data + first + ID_LEN, m.file.data + first, ID_LEN);
	rewrite(&m.f, m.file.data, m.file.len);
	expect(import(&m.f, &m.l, 8), "FORMAT", "one key ID twice");
	assert_int_equal(folders(&m.f.client_tables), 0);
	made_drop(&m);
}

/* ---- the link --------------------------------------------------------------------------------------- */

static void expect_no_table(struct link *l, const char *name, const char *says)
{
	struct fixture f;

	fixture_init(&f, SMALL);
	expect(make(&f, l, 64), name, says);
	assert_int_equal(folders(&f.hub_tables), 0);
	assert_int_equal(access(f.container.s, F_OK), -1);
	fixture_drop(&f);
	link_free(l);
}

static void test_link_fails_hub(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, 32);
	l.same_id = 2000;
	expect_no_table(&l, "FORMAT", "one key ID twice");
	link_init(&l, 32);
	l.same_key = 2001;
	expect_no_table(&l, "FORMAT", "one key twice");
	link_init(&l, 32);
	l.stuck_from = 1500;
	expect_no_table(&l, "IO", "stuck");
	link_init(&l, 32);
	l.fail_at = 1000;
	expect_no_table(&l, "TIMEOUT", "no answer");
}

static void test_link_fails_client(void **state)
{
	struct made m;
	bool begun;

	(void)state;
	made_init(&m, 2 * TABLE_CHUNK_LEN, 4096);
	m.l.fail_at = 300;
	expect(import_as(&m.f, &m.l, 64, &m.f.header.client, &begun), "REFUSED", "no such key");
	assert_true(begun);
	m.l.fail_at = -1;
	m.l.other_key = 300;
	expect(import(&m.f, &m.l, 64), "CORRUPT", "chunk 2 of 2");
	m.l.other_key = -1;
	m.l.once = true;
	assert_int_equal(folders(&m.f.client_tables), 0);
	assert_ok(import(&m.f, &m.l, 64));
	made_drop(&m);
}

static void test_before_any_key(void **state)
{
	struct made m;
	struct id other = {{0}};
	bool begun = true;

	(void)state;
	made_init(&m, SMALL, 4096);
	m.l.once = true;
	expect(import_as(&m.f, &m.l, 64, &other, &begun), "DENIED", "this PSKM is for client alice");
	assert_false(begun);
	begun = true;
	m.l.key_len = 2048;
	expect(import_as(&m.f, &m.l, 64, &m.f.header.client, &begun), "ARGS", "keys of 32768 bits");
	assert_false(begun);
	m.l.key_len = 4096;
	assert_ok(import(&m.f, &m.l, 64));
	made_drop(&m);

	struct fixture f;
	struct link l;
	fixture_init(&f, UINT64_C(1) << 30);
	link_init(&l, 32);
	expect(make(&f, &l, 64), "ARGS", "larger keys");
	assert_int_equal(l.given, 0);
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends),	   cmocka_unit_test(test_table),
		cmocka_unit_test(test_cut),		   cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_head_with_intent),   cmocka_unit_test(test_ids_exchanged),
		cmocka_unit_test(test_link_fails_hub),	   cmocka_unit_test(test_link_fails_client),
		cmocka_unit_test(test_before_any_key),
	};

	return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
