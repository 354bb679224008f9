/* SPDX-License-Identifier: Apache-2.0 */
/* Tables under a table key: one that is not known, not the right one, not there; and media that are not there. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/layout.h"
#include "pskm/entropy.h"
#include "pskm/table-key.h"
#include "test/pskm/fixture.h"

#define LEN (UINT64_C(1) << 20)

static uint64_t start_of(const struct fixture *f, enum region r)
{
	return f->header.layout.region[r].start;
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

/* Made, imported and activated, each side under a key of its own. */
static void active_under(struct fixture *f, const struct secret *hub, const struct secret *client)
{
	static const struct kdf_cost cheap = CHEAP;
	AUTO(entropy) kernel = {0};
	struct pskm_header read;
	struct id nonce;

	fixture_init(f, LEN);
	assert_ok(entropy_open(&kernel, ENTROPY_KERNEL, ENTROPY_STALL_MS));
	assert_ok(container_make(&f->header,
				 &(struct making){.tables_dir = f->hub_tables.s,
						  .container_path = f->container.s,
						  .table_key = hub,
						  .bytes = entropy_bytes(&kernel),
						  .fresh = entropy_bytes(&kernel),
						  .cost = &cheap},
				 f->passphrase));
	assert_ok(container_import(f->container.s, f->passphrase, &f->header.client, f->client_tables.s, client, &read, NULL,
				   NULL));
	assert_ok(table_folder(&f->hub_dir, f->hub_tables.s, &f->header.table));
	assert_ok(table_folder(&f->client_dir, f->client_tables.s, &f->header.table));
	assert_ok(table_open(&f->hub, f->hub_dir.s, SIDE_HUB, hub));
	assert_ok(table_open(&f->client, f->client_dir.s, SIDE_CLIENT, client));
	assert_ok(table_activation_begin(f->client, &nonce));
	assert_ok(table_activate(f->hub, &nonce));
	assert_ok(table_activation_done(f->client));
}

static void test_two_keys(void **state)
{
	struct fixture f;
	AUTO(secret) hub = fixture_key('H');
	AUTO(secret) client = fixture_key('C');
	uint8_t ours[64], theirs[64];

	(void)state;
	active_under(&f, &hub, &client);
	fixture_lease(&f, 5000, 5000, NULL, NULL, NULL, NULL);
	fixture_plain(&f.hub_dir, &hub, LEN - 64, ours, 64);
	fixture_plain(&f.client_dir, &client, LEN - 64, theirs, 64);
	assert_memory_equal(ours, theirs, 64);
	fixture_drop(&f);
}

static struct ledger ledger_of(const struct path *dir)
{
	AUTO(fd) f = FD_NONE;
	struct ledger l;

	assert_ok(file_open(&f, fixture_file(dir, "ledger"), O_RDONLY, 0));
	assert_ok(ledger_read(f.n, &l));
	return l;
}

/* Without the key: everything that reads no bytes works, everything else fails and uses nothing up. */
static void test_locked(void **state)
{
	struct fixture f;
	AUTO(secret) hub = fixture_key('H');
	AUTO(secret) client = fixture_key('C');
	AUTO(secret) wrong = fixture_key('W');
	AUTO(lease_keys) keys = {0};
	struct table_status s;
	struct window *up, *down;
	uint8_t key[TAG_KEY_LEN], digest[LEASE_DIGEST_LEN] = {1};
	uint64_t slot, lowest;

	(void)state;
	active_under(&f, &hub, &client);
	table_relock(f.client);
	table_relock(f.hub);
	uint64_t seq = ledger_of(&f.client_dir).seq, hub_seq = ledger_of(&f.hub_dir).seq;
	assert_ok(table_status(f.client, &s));
	assert_true(s.needs_key);
	assert_rc(table_lease_take(f.client, &slot, &lowest, &keys), KEY);
	assert_rc(table_lease_granted(f.client, start_of(&f, REGION_UP), start_of(&f, REGION_UP) + 100, 100, &up, &down), KEY);
	assert_rc(table_activation_key(f.client, ACTIVATION_KEY_FROZEN, key), KEY);
	assert_rc(table_lease_keys(f.hub, 0, &keys), KEY);
	assert_rc(table_lease_grant(f.hub, 0, digest, 0, 100, 100, &up), KEY);
	assert_rc(table_lease_confirm(f.hub, start_of(&f, REGION_DOWN), start_of(&f, REGION_DOWN) + 10, &down), KEY);
	assert_rc(table_unlock(f.client, &wrong), KEY);
	assert_rc(table_unlock(f.client, &hub), KEY);
	assert_rc(table_lease_take(f.client, &slot, &lowest, &keys), KEY);
	assert_int_equal(ledger_of(&f.client_dir).seq, seq);
	assert_int_equal(ledger_of(&f.hub_dir).seq, hub_seq);

	assert_ok(table_unlock(f.client, &client));
	assert_ok(table_unlock(f.hub, &hub));
	assert_ok(table_status(f.client, &s));
	assert_false(s.needs_key);
	fixture_lease(&f, 5000, 5000, NULL, NULL, NULL, NULL);
	fixture_drop(&f);
}

/* At the opening: a wrong key is told; no key is none yet; what needs no bytes works, the sweep too. */
static void test_opened_without(void **state)
{
	struct fixture f;
	AUTO(secret) key = fixture_key('K');
	AUTO(secret) wrong = fixture_key('W');
	struct table_status s;
	struct table *t;

	(void)state;
	active_under(&f, &key, &key);
	fixture_lease(&f, 200000, 5000, NULL, NULL, NULL, NULL);
	table_close(f.client);
	assert_rc(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, &wrong), KEY);
	assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
	assert_true(fixture_forgotten(&f.client_dir, (start_of(&f, REGION_UP) + 200000) / COVER_CHUNK_LEN - 1));
	assert_ok(table_freeze(f.client));
	assert_ok(table_lock(f.client));
	assert_ok(table_status(f.client, &s));
	assert_int_equal(s.state, TABLE_LOCKED);
	fixture_drop(&f);
	/* a table without outer key needs none, and takes any */
	fixture_stream(&f, LEN, NULL);
	assert_ok(table_open(&t, f.hub_dir.s, SIDE_CLIENT, &wrong));
	assert_ok(table_status(t, &s));
	assert_false(s.needs_key);
	table_relock(t);
	assert_ok(table_status(t, &s));
	assert_false(s.needs_key);
	table_close(t);
	fixture_drop(&f);
}

/* Not activated without its key either: no nonce is chosen. */
static void test_activation_locked(void **state)
{
	struct fixture f;
	AUTO(secret) key = fixture_key('K');
	struct table *t;
	struct id nonce;

	(void)state;
	fixture_stream(&f, LEN, &key);
	assert_ok(table_open(&t, f.hub_dir.s, SIDE_CLIENT, NULL));
	assert_rc(table_activation_begin(t, &nonce), KEY);
	assert_int_equal(ledger_of(&f.hub_dir).state, TABLE_IMPORTED);
	assert_ok(table_unlock(t, &key));
	assert_ok(table_activation_begin(t, &nonce));
	table_close(t);
	fixture_drop(&f);
}

/* ---- the key file ------------------------------------------------------------------------------------------ */

static void test_key_file(void **state)
{
	struct path dir;
	AUTO(secret) a = {0};
	AUTO(secret) b = {0};
	struct stat st;
	/* printf '%s' 'thirty-two bytes, not one fewer!' | openssl dgst -sha256 -hmac 'DSKE table key 1' */
	static const uint8_t known[] = {
		0x48, 0x3b, 0x97, 0x0c, 0x3e, 0x19, 0xec, 0x68, 0xc1, 0x08, 0x57, 0x43, 0x1e, 0x9a, 0x70, 0x9e,
		0xc5, 0x17, 0xe2, 0x80, 0x45, 0x8d, 0xe1, 0x2e, 0x4c, 0x18, 0x91, 0xb5, 0x2a, 0x12, 0xed, 0x9e};

	(void)state;
	scratch_make(&dir);
	char *path = strdup(scratch_path(&dir, "table.key"));
	assert_rc(table_key_read(&a, path), NOT_FOUND);
	assert_non_null(strstr(rc_detail((dske_rc){DSKE_RC_NOT_FOUND}), path));
	assert_ok(table_key_make(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 65);
	assert_ok(table_key_read(&a, path));
	assert_int_equal(a.len, COVER_KEY_LEN);
	assert_ok(table_key_make(path)); /* what is there stays */
	assert_ok(table_key_read(&b, path));
	assert_memory_equal(a.data, b.data, a.len);
	assert_int_equal(truncate(path, 31), 0);
	assert_rc(table_key_read(&b, path), FORMAT);
	assert_rc(table_key_make(path), FORMAT);
	scratch_write(&dir, "table.key", "thirty-two bytes, not one fewer!", 32);
	assert_ok(table_key_read(&b, path));
	assert_memory_equal(b.data, known, sizeof known);
	assert_int_equal(truncate(path, TABLE_KEY_FILE_MAX + 1), 0);
	assert_rc(table_key_read(&b, path), TOOBIG);
	assert_rc(table_key_read(&b, dir.s), FORMAT);
	free(path);
	scratch_remove(&dir);
}

/* ---- media ------------------------------------------------------------------------------------------------- */

static unsigned open_below(const struct path *dir)
{
	unsigned count = 0;
	char name[64], target[4096];
	DIR *fds = opendir("/proc/self/fd");

	assert_non_null(fds);
	for (const struct dirent *d; (d = readdir(fds)) != NULL;) {
		(void)snprintf(name, sizeof name, "/proc/self/fd/%.20s", d->d_name);
		ssize_t n = readlink(name, target, sizeof target - 1);
		if (n > 0) {
			target[n] = '\0';
			count += strncmp(target, dir->s, strlen(dir->s)) == 0;
		}
	}
	closedir(fds);
	return count;
}

/* A client that has nothing to do holds no file, windows or not; so its medium can go, and come back. */
static void test_medium_goes_and_comes(void **state)
{
	struct fixture f;
	struct window *up, *down;
	struct table_status s;
	struct path away;
	AUTO(lease_keys) keys = {0};
	AUTO(pad) p = {0};
	uint64_t slot, lowest;

	(void)state;
	fixture_active(&f, LEN);
	fixture_lease(&f, 5000, 5000, &up, &down, NULL, NULL);
	assert_int_equal(open_below(&f.client_dir), 0);
	assert_true(open_below(&f.hub_dir) > 0);
	assert_ok(path_format(&away, "%s/away", f.scratch.s));
	assert_int_equal(rename(f.client_dir.s, away.s), 0);
	assert_rc(table_status(f.client, &s), NOT_FOUND);
	assert_rc(table_lease_take(f.client, &slot, &lowest, &keys), NOT_FOUND);
	assert_non_null(strstr(rc_detail((dske_rc){DSKE_RC_NOT_FOUND}), "medium"));
	assert_ok(window_reserve(up, 100, &p)); /* it is in memory */
	assert_int_equal(rename(away.s, f.client_dir.s), 0);
	assert_ok(table_lease_take(f.client, &slot, &lowest, &keys));
	assert_int_equal(open_below(&f.client_dir), 0);
	window_free(up);
	window_free(down);
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_keys),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_opened_without),
		cmocka_unit_test(test_activation_locked),
		cmocka_unit_test(test_key_file),
		cmocka_unit_test(test_medium_goes_and_comes),
	};

	return cmocka_run_group_tests_name("table-key", tests, NULL, NULL);
}
