/* SPDX-License-Identifier: Apache-2.0 */
/* Tables in place on media: pulled out, plugged in, copied, forged. */
#include <config.h>

#include "test/client/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/media.h"
#include "client/pool.h"
#include "pskm/table-make.h"

static struct world w;
static struct path stick, drawer; /* alice's medium as it is mounted, and where it is otherwise */

/* SCRATCH/media/NAME/dske-tables */
static struct path tables_on(const char *name)
{
	struct path p;
	assert_ok(path_format(&p, "%s/media/%s/" MEDIA_FOLDER, w.scratch.s, name));
	return p;
}

static struct path folder_of(const char *tables, const struct id *table)
{
	struct path p;
	assert_ok(table_folder(&p, tables, table));
	return p;
}

static void move(const char *from, const char *to)
{
	if (rename(from, to) != 0)
		fail_msg("cannot move %s to %s", from, to);
}

static void reopen(void)
{
	client_close(w.alice);
	assert_ok(client_open(&w.alice, w.alice_conf.s));
}

/* The table of alice at this hub lies on the stick from now on. */
static void carry(size_t hub)
{
	struct client_hub *hubs = NULL;
	size_t count = 0;
	struct path own, tables = tables_on("stick");
	assert_ok(client_hubs(w.alice, &hubs, &count));
	assert_ok(path_format(&own, "%s/alice/tables", w.scratch.s));
	assert_ok(file_make_dirs(tables.s, 0700));
	struct path from = folder_of(own.s, &hubs[hub].table), to = folder_of(tables.s, &hubs[hub].table);
	move(from.s, to.s);
	assert_ok(accepted_add(client_config(w.alice), &hubs[hub].header, to.s));
	free(hubs);
}

static int set_up(void **state)
{
	(void)state;
	world_make(&w, 256u << 10, "timeout = 3s\n[client]\nmedia = ../media/*");
	assert_ok(path_format(&stick, "%s/media/stick", w.scratch.s));
	assert_ok(path_format(&drawer, "%s/drawer", w.scratch.s));
	carry(0);
	reopen();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_drop(&w);
	return 0;
}

static struct client_hub hub_now(const char *name)
{
	struct client_hub *hubs = NULL, found = {0};
	size_t count = 0, matches = 0;
	assert_ok(client_refresh(w.alice));
	assert_ok(client_hubs(w.alice, &hubs, &count));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(hubs[i].name, name) == 0) {
			found = hubs[i];
			matches++;
		}
	}
	free(hubs);
	assert_int_equal(matches, 1);
	return found;
}

static void agree(const char *what, bool with_hub1)
{
	struct caller a, b;
	agree_both(&w, what, 3000, 0, &a, &b);
	assert_same_key(&a, &b);
	const struct hub_report *r = report_of(&a.r.report, "hub1");
	assert_int_equal(a.r.n, with_hub1 ? WORLD_HUBS : WORLD_HUBS - 1);
	assert_non_null(r);
	/* With enough of the others it is not waited for. */
	assert_true(with_hub1 ? rc_ok(r->rc) || rc_is(r->rc, DSKE_RC_TIMEOUT) : rc_is(r->rc, DSKE_RC_NOT_FOUND));
	assert_true(with_hub1 || strstr(r->detail, "plug it in") != NULL);
	callers_drop(&a, &b);
}

/* All hubs are heard. */
static void ping(void)
{
	struct report report;
	assert_ok(client_ping(w.alice, 3000, &report));
	assert_non_null(report_of(&report, "hub1"));
	assert_ok(report_of(&report, "hub1")->rc);
	report_drop(&report);
}

/* The ledger is on the medium: what was used before is used afterwards. */
static void pulled_out_and_plugged_in(void **state)
{
	(void)state;
	agree("in place", true);
	struct client_hub before = hub_now("hub1");
	assert_ok(before.rc);
	assert_non_null(strstr(before.medium, "/media/stick/"));
	move(stick.s, drawer.s);
	struct client_hub away = hub_now("hub1");
	assert_rc(away.rc, NOT_FOUND);
	assert_true(away.is_absent);
	assert_int_equal(away.header.layout.len, before.header.layout.len);
	agree("without it", false);
	assert_int_equal(pool_hubs_known(w.alice), WORLD_HUBS);
	move(drawer.s, stick.s);
	struct client_hub back = hub_now("hub1");
	assert_ok(back.rc);
	assert_int_equal(back.status.up_left, before.status.up_left);
	agree("with it again", true);
	ping();
	assert_true(hub_now("hub1").status.up_left < before.status.up_left);
}

/* Plugged in at another port, after another machine has used it. */
static void another_place_and_another_ledger(void **state)
{
	(void)state;
	struct path elsewhere;
	struct report report;
	struct client *other = NULL;
	assert_ok(path_format(&elsewhere, "%s/media/usb1", w.scratch.s));
	move(stick.s, drawer.s);
	assert_int_equal(hub_now("hub1").status.up_left, 0); /* nobody knows */
	move(drawer.s, elsewhere.s);
	assert_ok(client_open(&other, w.alice_conf.s));
	uint64_t before = hub_now("hub1").status.up_left;
	assert_ok(client_ping(other, 2000, &report));
	report_drop(&report);
	client_close(other);
	uint64_t after = hub_now("hub1").status.up_left;
	assert_true(after < before);
	move(elsewhere.s, stick.s);
	assert_int_equal(hub_now("hub1").status.up_left, after);
	agree("in its former place", true);
}

/* A program that starts while it is away knows of it, and reckons with its hub. */
static void started_while_it_is_away(void **state)
{
	(void)state;
	move(stick.s, drawer.s);
	reopen();
	assert_rc(hub_now("hub1").rc, NOT_FOUND);
	assert_int_equal(pool_hubs_known(w.alice), WORLD_HUBS);
	agree("started without it", false);
	move(drawer.s, stick.s);
	assert_ok(hub_now("hub1").rc);
	agree("and with it", true);
}

/* Two sticks with one PSKM: someone has copied it. */
static void a_copied_stick(void **state)
{
	(void)state;
	struct path copy;
	assert_ok(path_format(&copy, "%s/media/copy", w.scratch.s));
	ping();
	scratch_copy(stick.s, copy.s);
	struct client_hub both = hub_now("hub1");
	assert_rc(both.rc, CLONED);
	assert_false(both.is_absent);
	assert_non_null(strstr(both.detail, "one is a copy"));
	struct caller a, b;
	agree_both(&w, "neither is used", 3000, 0, &a, &b);
	assert_same_key(&a, &b);
	assert_int_equal(a.r.n, WORLD_HUBS - 1);
	assert_rc(report_of(&a.r.report, "hub1")->rc, CLONED);
	callers_drop(&a, &b);
	reopen();
	assert_rc(hub_now("hub1").rc, CLONED);
	move(copy.s, drawer.s);
	agree("the copy is away", true);
	ping();
	/* The original pulled out, the copy in: its ledger is behind, and the hub, as witness, says so. */
	struct path safe;
	assert_ok(path_format(&safe, "%s/safe", w.scratch.s));
	move(stick.s, safe.s);
	move(drawer.s, copy.s);
	assert_int_equal(hub_now("hub1").status.clone_alarms, 0);
	ping();
	assert_int_equal(hub_now("hub1").status.clone_alarms, 1);
	struct path locked_away;
	assert_ok(path_format(&locked_away, "%s/locked-away", w.scratch.s));
	move(copy.s, locked_away.s);
	move(safe.s, stick.s);
	ping();
}

/* Pulled out and in at any moment of many agreements, by two threads: each succeeds, with the hub or without it. */
static _Atomic bool stop;

static void *flap(void *context)
{
	(void)context;
	for (unsigned i = 0; !stop; i++) {
		move(stick.s, drawer.s);
		sleep_ms(i % 7);
		move(drawer.s, stick.s);
		sleep_ms(i % 5);
	}
	return NULL;
}

static void a_loose_contact(void **state)
{
	pthread_t hand;
	size_t with = 0;
	(void)state;
	stop = false;
	assert_int_equal(pthread_create(&hand, NULL, flap, NULL), 0);
	for (int i = 0; i < 40; i++) {
		struct caller a, b;
		char context[32];
		snprintf(context, sizeof context, "flap-%d", i);
		agree_both(&w, context, 3000, 0, &a, &b);
		assert_same_key(&a, &b);
		assert_true(a.r.n >= WORLD_HUBS - 1);
		with += a.r.n == WORLD_HUBS;
		callers_drop(&a, &b);
	}
	stop = true;
	assert_int_equal(pthread_join(hand, NULL), 0);
	print_message("# %zu of 40 keys with the flapping hub\n", with);
	assert_ok(hub_now("hub1").rc);
	agree("and steady again", true);
}

/* ---- what an enemy's stick may hold --------------------------------------------------------------------- */

/* A table of ours that nobody accepted here: it adds no hub, and no share goes there. */
static void not_accepted(void **state)
{
	(void)state;
	struct pskm_header h;
	struct table_presence *list = NULL;
	size_t count = 0;
	struct path own, tables = tables_on("evil");
	world_carry(&w, 4, "alice", &w.alice_id, 64u << 10, &h);
	assert_ok(path_format(&own, "%s/alice/tables", w.scratch.s));
	assert_ok(file_make_dirs(tables.s, 0700));
	struct path from = folder_of(own.s, &h.table), to = folder_of(tables.s, &h.table);
	move(from.s, to.s);
	assert_ok(client_refresh(w.alice));
	assert_ok(client_presence(w.alice, &list, &count));
	assert_int_equal(count, WORLD_HUBS);
	free(list);
	/* Accepted, it is there at once; forgotten, it is not. */
	assert_ok(accepted_add(client_config(w.alice), &h, to.s));
	assert_ok(client_refresh(w.alice));
	assert_ok(client_presence(w.alice, &list, &count));
	assert_int_equal(count, WORLD_HUBS + 1);
	free(list);
	assert_ok(accepted_remove(client_config(w.alice), &h.table));
	assert_rc(accepted_remove(client_config(w.alice), &h.table), NOT_FOUND);
	assert_ok(client_refresh(w.alice));
	assert_ok(client_presence(w.alice, &list, &count));
	assert_int_equal(count, WORLD_HUBS);
	free(list);
}

static void for_another_client(void **state)
{
	(void)state;
	struct client_hub hub = hub_now("hub1");
	hub.header.client = w.bob_id;
	assert_rc(accepted_add(client_config(w.alice), &hub.header, hub.medium), DENIED);
}

struct forgery {
	const char *what, *needle;
};

static void assert_refused(const struct forgery *f)
{
	struct client_hub h = hub_now("hub1");
	if (rc_ok(h.rc) || strstr(h.detail, f->needle) == NULL)
		fail_msg("%s: %s", f->what, rc_ok(h.rc) ? "taken" : h.detail);
	assert_int_equal(pool_hubs_known(w.alice), WORLD_HUBS);
}

/* Folders under the name of alice's table, while her own stick is in the drawer. */
static void forged(void **state)
{
	(void)state;
	struct id table = hub_now("hub1").table;
	struct path evil = tables_on("evil"), folder = folder_of(evil.s, &table), file, other, kept, genuine;
	move(stick.s, drawer.s);
	assert_ok(path_format(&genuine, "%s/drawer/" MEDIA_FOLDER, w.scratch.s));
	genuine = folder_of(genuine.s, &table);
	assert_ok(file_make_dirs(evil.s, 0700));

	assert_int_equal(symlink(genuine.s, folder.s), 0);
	assert_refused(&(struct forgery){"a link for the folder", "no folder"});
	assert_int_equal(unlink(folder.s), 0);

	scratch_copy(genuine.s, folder.s);
	assert_int_equal(chmod(folder.s, 0777), 0);
	assert_refused(&(struct forgery){"others may write", "others may write"});
	assert_int_equal(chmod(folder.s, 0700), 0);
	assert_int_equal(chmod(evil.s, 0777), 0);
	assert_refused(&(struct forgery){"others may replace it", "others may write"});
	assert_int_equal(chmod(evil.s, 0700), 0);

	static const char *const names[] = {"header", "table", "ledger"};
	assert_ok(path_format(&kept, "%s/kept", w.scratch.s));
	for (size_t i = 0; i < 3; i++) {
		assert_ok(path_format(&file, "%s/%s", folder.s, names[i]));
		assert_ok(path_format(&other, "%s/%s", genuine.s, names[i]));
		move(file.s, kept.s);
		assert_int_equal(symlink(other.s, file.s), 0);
		reopen();
		assert_refused(&(struct forgery){"a link for a file", "table's own files"});
		assert_int_equal(unlink(file.s), 0);
		assert_int_equal(mkfifo(file.s, 0600), 0);
		reopen(); /* and does not wait for the other end */
		assert_refused(&(struct forgery){"a pipe for a file", "table's own files"});
		assert_int_equal(unlink(file.s), 0);
		assert_int_equal(link(kept.s, file.s), 0);
		reopen();
		assert_refused(&(struct forgery){"a file with another name", "table's own files"});
		assert_int_equal(unlink(kept.s), 0);
	}
	/* Another table under its name. */
	struct path own;
	assert_ok(path_format(&own, "%s/alice/tables", w.scratch.s));
	struct id second = hub_now("hub2").table;
	other = folder_of(own.s, &second);
	assert_ok(path_format(&file, "%s/header", folder.s));
	assert_ok(path_format(&kept, "%s/header", other.s));
	assert_int_equal(unlink(file.s), 0);
	scratch_copy(kept.s, file.s);
	reopen();
	assert_refused(&(struct forgery){"another table", "another table"});
	assert_ok(path_format(&kept, "%s/caught", w.scratch.s));
	move(evil.s, kept.s);
	move(drawer.s, stick.s);
	assert_ok(hub_now("hub1").rc);
}

/* ---- a stick whose maker knows its bytes ----------------------------------------------------------------- */

static dske_rc known_bytes(void *context, void *out, size_t len)
{
	(void)context;
	memset(out, 0x5a, len);
	return DSKE_OK;
}

/* A table of bytes that the enemy chose, with the header that he saw on the way and a ledger that says active. */
static void make_known(const char *tables, const struct pskm_header *h, const char *ledger)
{
	struct pskm_header header = *h;
	struct table_making m = {.tables_dir = tables, .side = SIDE_CLIENT, .bytes = {.fill = known_bytes}};
	struct path folder = folder_of(tables, &h->table), file;
	assert_ok(table_make(&header, &m));
	assert_ok(path_format(&file, "%s/ledger", folder.s));
	assert_int_equal(unlink(file.s), 0);
	scratch_copy(ledger, file.s);
}

static void assert_passes_for_nobody(const char *what)
{
	struct caller a, b;
	assert_refused(&(struct forgery){what, "pass for hub hub1"});
	agree_both(&w, what, 3000, 0, &a, &b);
	assert_same_key(&a, &b);
	assert_int_equal(a.r.n, WORLD_HUBS - 1);
	callers_drop(&a, &b);
}

/* Whoever has such a stick in the machine and himself on the wire would be the hub: with the sticks of k hubs the
 * key would be his. */
static void bytes_that_the_enemy_knows(void **state)
{
	(void)state;
	struct client_hub hub = hub_now("hub1");
	struct path evil = tables_on("known"), ledger, keys, kept;
	assert_ok(hub.rc);
	assert_ok(file_make_dirs(evil.s, 0700));
	assert_ok(path_format(&ledger, "%s/ledger", hub.medium));
	make_known(evil.s, &hub.header, ledger.s);
	move(stick.s, drawer.s);
	assert_passes_for_nobody("known bytes");
	reopen();
	assert_passes_for_nobody("known bytes at the start");
	/* Nor under a table that is open. */
	struct path folder = folder_of(evil.s, &hub.table);
	assert_ok(path_format(&kept, "%s/kept-keys", w.scratch.s));
	assert_ok(path_format(&keys, "%s/keys", folder.s));
	move(keys.s, kept.s);
	move(drawer.s, stick.s);
	assert_ok(path_format(&folder, "%s/known-away", w.scratch.s));
	move(evil.s, folder.s);
	assert_ok(hub_now("hub1").rc);
	assert_ok(path_format(&keys, "%s/keys", hub.medium));
	assert_int_equal(unlink(keys.s), 0);
	scratch_copy(kept.s, keys.s);
	assert_rc(hub_now("hub1").rc, CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pulled_out_and_plugged_in),
		cmocka_unit_test(another_place_and_another_ledger),
		cmocka_unit_test(started_while_it_is_away),
		cmocka_unit_test(a_copied_stick),
		cmocka_unit_test(a_loose_contact),
		cmocka_unit_test(not_accepted),
		cmocka_unit_test(for_another_client),
		cmocka_unit_test(forged),
		cmocka_unit_test(bytes_that_the_enemy_knows),
	};
	return cmocka_run_group_tests_name("media", tests, set_up, tear_down);
}
