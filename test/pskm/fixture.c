/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/pskm/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "pskm/header-file.h"
#include "pskm/table-make.h"

static void fill_header(struct pskm_header *h, uint64_t table_len)
{
	*h = (struct pskm_header){.created = 1700000000, .layout.len = table_len};
	memset(h->hub.b, 0x11, ID_LEN);
	memset(h->client.b, 0xC1, ID_LEN);
	strcpy(h->hub_name, "hub1");
	strcpy(h->client_name, "alice");
	strcpy(h->hub_address, "127.0.0.1:7001");
}

void fixture_init(struct fixture *f, uint64_t table_len)
{
	*f = (struct fixture){0};
	scratch_make(&f->scratch);
	assert_ok(path_format(&f->hub_tables, "%s/hub", f->scratch.s));
	assert_ok(path_format(&f->client_tables, "%s/client", f->scratch.s));
	assert_ok(path_format(&f->container, "%s/alice.pskm", f->scratch.s));
	fill_header(&f->header, table_len);
}

void fixture_make(struct fixture *f)
{
	static const struct kdf_cost cheap = CHEAP;

	assert_ok(container_make_at_cost(&f->header, f->hub_tables.s, f->container.s, f->passphrase, &cheap, NULL,
					 NULL));
	assert_ok(table_folder(&f->hub_dir, f->hub_tables.s, &f->header.table));
	assert_ok(table_folder(&f->client_dir, f->client_tables.s, &f->header.table));
}

dske_rc fixture_import(struct fixture *f)
{
	struct pskm_header read;

	return container_import(f->container.s, f->passphrase, &f->header.client, f->client_tables.s, NULL, &read, NULL,
				NULL);
}

void fixture_active(struct fixture *f, uint64_t table_len)
{
	struct id nonce;

	fixture_init(f, table_len);
	fixture_make(f);
	assert_ok(fixture_import(f));
	assert_ok(table_open(&f->hub, f->hub_dir.s, SIDE_HUB, NULL));
	assert_ok(table_open(&f->client, f->client_dir.s, SIDE_CLIENT, NULL));
	assert_ok(table_activation_begin(f->client, &nonce));
	assert_ok(table_activate(f->hub, &nonce));
	assert_ok(table_activation_done(f->client));
}

struct secret fixture_key(uint8_t first)
{
	static const uint8_t bytes[COVER_KEY_LEN] = "a table key of thirty-two bytes";
	struct secret key = {0};

	assert_ok(secret_from(&key, bytes, sizeof bytes));
	key.data[0] = first;
	return key;
}

uint8_t fixture_byte(uint64_t n)
{
	return (uint8_t)(n * 7 + (n >> 8) * 13 + (n >> 16) + 1);
}

static dske_rc fill_stream(void *context, void *out, size_t len)
{
	uint64_t *at = context;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = fixture_byte((*at)++);
	return DSKE_OK;
}

void fixture_stream(struct fixture *f, uint64_t table_len, const struct secret *key)
{
	uint64_t at = 0;
	struct table_making m = {.side = SIDE_CLIENT, .table_key = key, .bytes = {fill_stream, &at}};

	fixture_init(f, table_len);
	memset(f->header.table.b, 0x7A, ID_LEN);
	m.tables_dir = f->hub_tables.s;
	assert_ok(table_make(&f->header, &m));
	assert_int_equal(at, table_len);
	assert_ok(table_folder(&f->hub_dir, f->hub_tables.s, &f->header.table));
}

void fixture_drop(struct fixture *f)
{
	table_close(f->hub);
	table_close(f->client);
	scratch_remove(&f->scratch);
}

static void give(struct window **out, struct window *w)
{
	if (out != NULL)
		*out = w;
	else
		window_free(w);
}

void fixture_lease(struct fixture *f, uint64_t up_wanted, uint64_t down_wanted, struct window **client_up,
		   struct window **client_down, struct window **hub_up, struct window **hub_down)
{
	AUTO(lease_keys) mine = {0};
	AUTO(lease_keys) theirs = {0};
	struct window *cu, *cd, *hu, *hd;
	uint8_t digest[LEASE_DIGEST_LEN];
	enum lease_kind kind;
	uint64_t slot, lowest, next;

	assert_ok(table_lease_take(f->client, &slot, &lowest, &mine));
	assert_ok(table_lease_keys(f->hub, slot, &theirs));
	assert_memory_equal(mine.bytes.data, theirs.bytes.data, LEASE_SLOT_LEN);
	memcpy(digest, mine.bytes.data, sizeof digest);
	assert_ok(table_lease_classify(f->hub, slot, digest, &kind, &next));
	assert_int_equal(kind, LEASE_FRESH);
	assert_ok(table_lease_grant(f->hub, slot, digest, lowest, up_wanted, UINT64_MAX, &hu));
	assert_ok(table_lease_granted(f->client, window_start(hu), window_end(hu), down_wanted, &cu, &cd));
	assert_ok(table_lease_confirm(f->hub, window_start(cd), window_end(cd), &hd));
	give(client_up, cu);
	give(client_down, cd);
	give(hub_up, hu);
	give(hub_down, hd);
}

void fixture_copy(const char *from, const char *to)
{
	AUTO(buf) bytes = {0};
	AUTO(fd) f = FD_NONE;

	assert_ok(file_read_all(&bytes, from, 16u << 20));
	assert_ok(file_open(&f, to, O_WRONLY | O_CREAT, 0600));
	assert_ok(file_pwrite(f.n, bytes.data, bytes.len, 0));
}

const char *fixture_file(const struct path *dir, const char *name)
{
	return scratch_path(dir, name);
}

void fixture_plain(const struct path *dir, const struct secret *key, uint64_t at, void *out, size_t len)
{
	AUTO(cover) c = {.bytes = FD_NONE, .salts = FD_NONE};
	struct pskm_header h;

	assert_ok(header_file_read(&h, fixture_file(dir, "header")));
	cover_init(&c, &h.table, h.layout.len);
	assert_ok(cover_open(&c, dir->s));
	assert_ok(cover_unlock(&c, key));
	assert_ok(cover_read(&c, at, out, len));
}

void fixture_stored(const struct path *dir, uint64_t at, void *out, size_t len)
{
	AUTO(fd) f = FD_NONE;

	assert_ok(file_open(&f, fixture_file(dir, "table"), O_RDONLY, 0));
	assert_ok(file_pread(f.n, out, len, at));
}

bool fixture_forgotten(const struct path *dir, uint64_t chunk)
{
	AUTO(fd) f = FD_NONE;
	uint8_t any = 0, salt[COVER_SALT_LEN];

	assert_ok(file_open(&f, fixture_file(dir, "keys"), O_RDONLY, 0));
	assert_ok(file_pread(f.n, salt, sizeof salt, KEYS_HEAD_LEN + chunk * COVER_SALT_LEN));
	for (size_t i = 0; i < sizeof salt; i++)
		any |= salt[i];
	return any == 0;
}

bool fixture_zero(const struct path *dir, uint64_t start, uint64_t end)
{
	uint8_t any = 0, bytes[4096];

	for (uint64_t at = start; at < end; at += sizeof bytes) {
		size_t len = end - at < sizeof bytes ? (size_t)(end - at) : sizeof bytes;
		fixture_stored(dir, at, bytes, len);
		for (size_t i = 0; i < len; i++)
			any |= bytes[i];
	}
	return any == 0;
}
