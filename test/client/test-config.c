/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file and the list of peers. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those four before it */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/config.h"
#include "client/peers.h"
#include "test/lib/scratch.h"

#define assert_ok(e) assert_string_equal(rc_name(e), "OK")
#define assert_rc(e, name) assert_string_equal(rc_name(e), #name)

#define WHO "[client]\nname = alice\nid = 000102030405060708090a0b0c0d0e0f\n"

static struct path scratch;

static int set_up(void **state)
{
	(void)state;
	scratch_make(&scratch);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove(&scratch);
	return 0;
}

static dske_rc read_text(struct config *c, const char *text)
{
	return config_read(c, scratch_write(&scratch, "dske.conf", text, strlen(text)));
}

static void defaults(void **state)
{
	(void)state;
	struct config c;
	assert_ok(read_text(&c, WHO));
	assert_string_equal(c.name, "alice");
	assert_int_equal(c.id.b[15], 15);
	assert_string_equal(c.state.s, scratch.s);
	assert_int_equal(c.k, 0);
	assert_int_equal(c.timeout_ms, 10000);
	assert_int_equal(c.ttl_s, 3600);
	assert_int_equal(c.key_len, 32);
	assert_int_equal(c.scheme, SCHEME_SHAMIR);
	assert_string_equal(c.log, "none");
	assert_int_equal(c.low_water.percent, 10);
	assert_int_equal(c.low_water.lasts_s, 7 * 86400);
	assert_true(c.pad_send_ahead == CONFIG_PAD_PART && c.pad_receive_ahead == 0);
	assert_string_equal(c.table_key.s, "");
	AUTO(secret) key = {0};
	assert_ok(config_table_key(&c, &key));
	assert_int_equal(key.len, 0);
	assert_false(config_extract_allowed(&c, "bob"));
	config_drop(&c);
}

static void every_setting(void **state)
{
	(void)state;
	struct config c;
	assert_ok(read_text(&c, WHO "state = sub\ntable_key = k/table.key\nlog = stderr\nlog_level = debug\nmedia = /media/*, sticks\nlow_water = 20%\npad_send_ahead = 64K\npad_receive_ahead = 3\ndirect_listen = [::]:7100\n[agreement]\nk = 3\nk_b = 2\ntimeout = 2s\n"
				"ttl = 1d\nkey_length = 1K\nscheme = xor\n[hub hub1]\naddress = h:1\n[hub hub2]\naddress = i:2\noperator = North Ltd.\n"
				"[peer bob]\nextract = yes\n[peer carol]\nextract = no\n"));
	assert_string_equal(c.state.s, scratch_path(&scratch, "sub"));
	assert_string_equal(c.table_key.s, scratch_path(&scratch, "k/table.key"));
	assert_int_equal(c.k, 3);
	assert_int_equal(c.k_b, 2);
	assert_int_equal(c.timeout_ms, 2000);
	assert_int_equal(c.ttl_s, 86400);
	assert_int_equal(c.key_len, 1024);
	assert_string_equal(c.direct_listen, "[::]:7100");
	assert_int_equal(c.scheme, SCHEME_XOR);
	assert_int_equal(c.hub_count, 2);
	assert_string_equal(c.hubs[1].address, "i:2");
	assert_string_equal(config_operator(&c, "hub2"), "North Ltd.");
	assert_string_equal(config_operator(&c, "hub1"), "");
	assert_string_equal(config_operator(&c, "hub3"), "");
	assert_true(config_extract_allowed(&c, "bob"));
	assert_false(config_extract_allowed(&c, "carol"));
	assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
	assert_string_equal(c.media, "/media/*, sticks");
	assert_int_equal(c.low_water.percent, 20);
	assert_int_equal(c.low_water.lasts_s, 0);
	assert_int_equal(c.pad_send_ahead, 65536);
	assert_int_equal(c.pad_receive_ahead, 3);
	config_drop(&c);
}

static void what_is_refused(void **state)
{
	(void)state;
	/* a text, and the line that the sentence names */
	static const struct {
		const char *text, *where;
	} bad[] = {
		{"", "[client] needs a name"},
		{"[client]\nname = alice\n", "needs an id"},
		{"[client]\nid = 000102030405060708090a0b0c0d0e0f\n", "needs a name"},
		{WHO "colour = red\n", ":4:"},
		{WHO "[agreement]\nk = 0\n", ":5:"},
		{WHO "[agreement]\nk = 256\n", ":5:"},
		{WHO "[agreement]\nk = three\n", ":5:"},
		{WHO "[agreement]\nk = 2\nk_b = 3\n", "k_b = 3"},
		{WHO "[agreement]\nkey_length = 15\n", ":5:"},
		{WHO "[agreement]\nkey_length = 2M\n", ":5:"},
		{WHO "[agreement]\ntimeout = soon\n", ":5:"},
		{WHO "[agreement]\ntimeout = 25h\n", ":5:"},
		{WHO "[agreement]\nttl = 8d\n", ":5:"},
		{WHO "[agreement]\nscheme = magic\n", ":5:"},
		{WHO "[agreement]\nconfirm = perhaps\n", ":5:"},
		{WHO "[hub]\naddress = h:1\n", ":5:"},
		{WHO "[hub h]\naccept = perhaps\n", ":5:"},
		{WHO "direct_listen = 7100\n", ":4:"},
		{WHO "[peer bob]\ndirect = bob\n", ":5:"},
		{WHO "[agreement]\naccept_n = 9..3\n", ":5:"},
		{WHO "[agreement]\naccept_k = none\n", ":5:"},
		{WHO "[agreement]\nsend_keys_per_week = 3\n", "send_keys_per_week"},
		{WHO "[agreement]\npair_keys_per_day = 3\n", "pair_keys_per_day"},
		{WHO "[peer p]\nreceive_bytes_per_day = many\n", "receive_bytes_per_day"},
		{WHO "[hub h]\nport = 1\n", ":5:"},
		{WHO "[peer b]\nextract = perhaps\n", ":5:"},
		{WHO "[peer b/c]\nextract = yes\n", ":5:"},
		{WHO "[client x]\nname = y\n", ":5:"},
		{WHO "[moon]\nphase = full\n", ":5:"},
		{"[client]\nname = -alice\n", ":2:"},
		{"[client]\nname = alice\nid = 0001\n", ":3:"},
		{"[client]\nname = alice\nid = 00000000000000000000000000000000\n", ":3:"},
		{WHO "log_level = loud\n", ":4:"},
		{WHO "low_water = ankle\n", ":4:"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct config c;
		dske_rc rc = read_text(&c, bad[i].text);
		if (!rc_is(rc, DSKE_RC_CONFIG) || strstr(rc_detail(rc), bad[i].where) == NULL)
			print_error("%zu: %s: %s\n", i, rc_name(rc), rc_detail(rc));
		assert_rc(rc, CONFIG);
		assert_non_null(strstr(rc_detail(rc), bad[i].where));
	}
}

static void a_missing_file_says_what_to_do(void **state)
{
	(void)state;
	struct config c;
	dske_rc rc = config_read(&c, scratch_path(&scratch, "nowhere"));
	assert_rc(rc, NOT_FOUND);
	assert_non_null(strstr(rc_detail(rc), "dske init"));
}

static void which_file(void **state)
{
	(void)state;
	struct path p;
	struct path folder;
	assert_int_equal(setenv("DSKE_CONF", "/somewhere/dske.conf", 1), 0);
	assert_ok(config_locate(&p));
	assert_string_equal(p.s, "/somewhere/dske.conf");
	unsetenv("DSKE_CONF");
	assert_ok(path_format(&folder, "%s/xdg", scratch.s));
	assert_int_equal(setenv("XDG_CONFIG_HOME", folder.s, 1), 0);
	assert_ok(config_locate(&p));
	assert_string_equal(p.s, SYSCONFDIR "/dske/dske.conf"); /* the user's is not there */
	assert_ok(path_format(&folder, "%s/xdg/dske", scratch.s));
	assert_ok(file_make_dirs(folder.s, 0700));
	assert_ok(path_format(&folder, "%s/xdg/dske/dske.conf", scratch.s));
	assert_ok(file_replace(folder.s, "", 0, 0600));
	assert_ok(config_locate(&p));
	assert_string_equal(p.s, folder.s);
	unsetenv("XDG_CONFIG_HOME");
}

/* ---- peers ---------------------------------------------------------------------------------------------------- */

static struct peer peer_make(const char *name, uint8_t id)
{
	struct peer p = {.hubs_agreed = 4, .hubs_asked = 5};
	snprintf(p.name, sizeof p.name, "%s", name);
	memset(p.id.b, id, ID_LEN);
	return p;
}

static void adding_and_removing_peers(void **state)
{
	(void)state;
	struct config c;
	struct peers all;
	struct peer bob = peer_make("bob", 2), ann = peer_make("ann", 1), other = peer_make("bob", 3), alias = peer_make("rob", 2);
	assert_ok(read_text(&c, WHO "[peer bob]\nextract = yes\n"));
	assert_ok(peers_read(&all, &c));
	assert_int_equal(all.count, 0);
	assert_ok(peers_add(&c, &bob, NULL, 0));
	assert_ok(peers_add(&c, &ann, NULL, 0));
	assert_ok(peers_add(&c, &bob, NULL, 0));
	assert_rc(peers_add(&c, &other, NULL, 0), EXISTS); /* another ID for the name */
	assert_rc(peers_add(&c, &alias, NULL, 0), EXISTS); /* another name for the ID */
	assert_ok(peers_read(&all, &c));
	assert_int_equal(all.count, 2);
	assert_string_equal(all.peer[0].name, "ann");
	assert_true(peers_by_name(&all, "bob")->extract);
	assert_false(peers_by_name(&all, "ann")->extract);
	assert_int_equal(peers_by_id(&all, &bob.id)->hubs_agreed, 4);
	assert_null(peers_by_name(&all, "rob"));
	peers_drop(&all);
	assert_ok(peers_remove(&c, "bob"));
	assert_rc(peers_remove(&c, "bob"), NOT_FOUND);
	assert_ok(peers_add(&c, &other, NULL, 0));
	assert_ok(peers_read(&all, &c));
	assert_int_equal(peers_by_name(&all, "bob")->id.b[0], 3);
	peers_drop(&all);
	config_drop(&c);
}

/* What hubs said of a peer: kept while they are silent, forgotten with the peer or its ID; a confirmation stays. */
static void contradictions_are_kept(void **state)
{
	(void)state;
	struct config c;
	struct peers all;
	struct peer bob = peer_make("bob", 2), other = peer_make("bob", 3), ann = peer_make("ann", 4);
	struct hub_word words[] = {{{{7}}, true}, {{{8}}, false}, {{{9}}, true}};
	struct id hubs[4];
	assert_ok(read_text(&c, WHO));
	unlink(scratch_path(&scratch, "peers"));
	bob.confirmed = true;
	assert_ok(peers_add(&c, &bob, words, 3));
	assert_ok(peers_add(&c, &ann, words, 1));
	bob.confirmed = false;
	words[2].contradicts = false;
	assert_ok(peers_add(&c, &bob, words + 1, 2)); /* the first is silent */
	assert_ok(peers_read(&all, &c));
	assert_int_equal(peers_left_out(&all, &bob.id, hubs, 4), 1);
	assert_int_equal(hubs[0].b[0], 7);
	assert_int_equal(peers_left_out(&all, &ann.id, hubs, 4), 1);
	assert_int_equal(peers_left_out(&all, &other.id, hubs, 4), 0);
	assert_true(peers_by_name(&all, "bob")->confirmed);
	assert_false(peers_by_name(&all, "ann")->confirmed);
	peers_drop(&all);
	assert_ok(peers_change(&c, &other, words + 1, 2));
	assert_ok(peers_remove(&c, "ann"));
	assert_ok(peers_add(&c, &ann, NULL, 0));
	assert_ok(peers_read(&all, &c));
	assert_int_equal(all.count, 2);
	assert_int_equal(all.contradiction_count, 0);
	assert_false(peers_by_name(&all, "bob")->confirmed);
	peers_drop(&all);
	config_drop(&c);
	unlink(scratch_path(&scratch, "peers"));
}

static void a_damaged_list_is_not_guessed_at(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"[peer bob]\nid = 12\n",
		"[peer bob]\nhubs_agreed = 3\n",
		"[peer b/b]\nid = 000102030405060708090a0b0c0d0e0f\n",
		"[peer bob]\nid = 000102030405060708090a0b0c0d0e0f\nhubs_agreed = 256\n",
		"[peer bob]\nid = 000102030405060708090a0b0c0d0e0f\n[peer rob]\nid = 000102030405060708090a0b0c0d0e0f\n",
		"[peer bob]\nid = 000102030405060708090a0b0c0d0e0f\nfriend = yes\n",
		"[peer bob]\nid = 000102030405060708090a0b0c0d0e0f\ncontradicted_by = 12\n",
		"[peer bob]\ncontradicted_by = 000102030405060708090a0b0c0d0e0f\nid = 000102030405060708090a0b0c0d0e0f\n",
		"[peer bob]\nid = 000102030405060708090a0b0c0d0e0f\nconfirmed = perhaps\n",
		"[hub bob]\nid = 000102030405060708090a0b0c0d0e0f\n",
		"bob\n",
	};
	struct config c;
	struct peer ann = peer_make("ann", 9);
	assert_ok(read_text(&c, WHO));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct peers all;
		scratch_write(&scratch, "peers", bad[i], strlen(bad[i]));
		dske_rc rc = peers_read(&all, &c);
		assert_rc(rc, CORRUPT);
		assert_non_null(strstr(rc_detail(rc), "peers"));
		assert_rc(peers_add(&c, &ann, NULL, 0), CORRUPT);
	}
	config_drop(&c);
	unlink(scratch_path(&scratch, "peers"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(every_setting),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(a_missing_file_says_what_to_do),
		cmocka_unit_test(which_file),
		cmocka_unit_test(adding_and_removing_peers),
		cmocka_unit_test(contradictions_are_kept),
		cmocka_unit_test(a_damaged_list_is_not_guessed_at),
	};
	return cmocka_run_group_tests_name("config", tests, set_up, tear_down);
}
