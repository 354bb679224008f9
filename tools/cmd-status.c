/* SPDX-License-Identifier: Apache-2.0 */
/* dske status: the client's supply on one screen.  Asks no hub. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hubproto/msg.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/report.h"
#include "tools/token.h"

#define BAR_LEN 10

/* All usable tables of one hub together. */
struct hub_supply {
	struct id hub;
	bool usable;
	uint64_t as_initiator, as_receiver; /* keys, in one program that runs on ... */
	uint64_t once_initiator, once_receiver; /* ... and where each is a program's first and last */
	struct supply_left left;
	struct supply rate; /* sums; lasts_s of all */
};

struct overview {
	struct common common;
	struct client *client;  /* owned */
	struct client_hub *hub; /* owned; one a table */
	size_t count;
	struct hub_supply *supply; /* owned; one a hub */
	size_t hubs, usable, k;
	uint64_t as_initiator, as_receiver, once_initiator, once_receiver, lasts_s; /* while k hubs can serve */
	size_t peers;
	const char *token;
};

static void overview_drop(struct overview *s)
{
	free(s->supply);
	free(s->hub);
	client_close(s->client);
	*s = (struct overview){0};
}

/* ---- reckoning ----------------------------------------------------------------------------------------------- */

static struct hub_supply *supply_of(struct overview *s, const struct id *hub)
{
	for (size_t i = 0; i < s->hubs; i++) {
		if (id_equal(&s->supply[i].hub, hub))
			return &s->supply[i];
	}
	s->supply[s->hubs] = (struct hub_supply){.hub = *hub};
	return &s->supply[s->hubs++];
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Where each key is a program's first and last. */
static void add_programs(struct hub_supply *h, const struct table_status *t, uint64_t range_len)
{
	uint64_t up = client_first_windows(range_len, t->up_left), down = client_first_windows(range_len, t->down_left);
	uint64_t waits = client_first_windows(MSG_WAIT_RANGE_LEN, t->up_left);
	h->once_initiator += least(up, t->lease_left);
	h->once_receiver += least(least(down, waits), t->lease_left);
}

static void add_table(struct hub_supply *h, const struct table_status *t, uint64_t range_len)
{
	h->usable = true;
	if (t->lease_left == 0)
		return;
	h->as_initiator += t->up_left / range_len;
	h->as_receiver += least(t->down_left / range_len, t->up_left / MSG_WAIT_RANGE_LEN);
	add_programs(h, t, range_len);
	h->left.up += t->up_left;
	h->left.down += t->down_left;
	h->left.lease += t->lease_left;
	h->rate.up_rate += t->supply.up_rate;
	h->rate.down_rate += t->supply.down_rate;
	h->rate.lease_rate += t->supply.lease_rate;
}

static int falling(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* What at least k hubs have: the k-th largest. */
static uint64_t what_k_have(const struct overview *s, uint64_t (*of)(const struct hub_supply *))
{
	uint64_t *each = calloc(s->hubs + 1, sizeof *each), kth = 0;
	for (size_t i = 0; each != NULL && i < s->hubs; i++)
		each[i] = of(&s->supply[i]);
	if (each != NULL && s->k > 0 && s->k <= s->hubs) {
		qsort(each, s->hubs, sizeof *each, falling);
		kth = each[s->k - 1];
	}
	free(each);
	return kth;
}

static uint64_t initiator_keys(const struct hub_supply *h)
{
	return h->as_initiator;
}

static uint64_t receiver_keys(const struct hub_supply *h)
{
	return h->as_receiver;
}

static uint64_t once_initiator_keys(const struct hub_supply *h)
{
	return h->once_initiator;
}

static uint64_t once_receiver_keys(const struct hub_supply *h)
{
	return h->once_receiver;
}

static uint64_t lasting(const struct hub_supply *h)
{
	return h->usable ? supply_lasts(&h->rate, &h->left) : 0;
}

static dske_rc reckon(struct overview *s)
{
	const struct config *c = client_config(s->client);
	uint64_t range_len = PAD_KEYS_LEN + KEY_TAG_KEY_LEN + c->key_len; /* of a SHARE, and of an INSTRUCTION */
	s->supply = calloc(s->count + 1, sizeof *s->supply);
	if (s->supply == NULL)
		return rc_make(DSKE_RC_NOMEM);
	for (size_t i = 0; i < s->count; i++) {
		if (id_is_zero(&s->hub[i].hub))
			continue;
		struct hub_supply *h = supply_of(s, &s->hub[i].hub);
		if (rc_ok(s->hub[i].rc))
			add_table(h, &s->hub[i].status, range_len);
	}
	for (size_t i = 0; i < s->hubs; i++)
		s->usable += s->supply[i].usable;
	s->k = s->hubs > 0 ? config_k(c, s->hubs) : 0;
	s->as_initiator = what_k_have(s, initiator_keys);
	s->as_receiver = what_k_have(s, receiver_keys);
	s->once_initiator = what_k_have(s, once_initiator_keys);
	s->once_receiver = what_k_have(s, once_receiver_keys);
	s->lasts_s = what_k_have(s, lasting);
	return DSKE_OK;
}

/* ---- what there is --------------------------------------------------------------------------------------------- */

static const char *token_state(void)
{
	AUTO(token) token = {0};
	CK_TOKEN_INFO info;
	if (!rc_ok(token_load(&token)) || token.f->C_GetTokenInfo(token.slot, &info) != CKR_OK)
		return "not usable: dske doctor says why";
	if ((info.flags & CKF_USER_PIN_LOCKED) != 0)
		return "its PIN is locked";
	if ((info.flags & CKF_USER_PIN_FINAL_TRY) != 0)
		return "has a PIN; one more wrong one locks it";
	return (info.flags & CKF_USER_PIN_INITIALIZED) != 0 ? "has a PIN" : "has no PIN";
}

static dske_rc look(struct overview *s)
{
	AUTO(peers) peers = {0};
	TRY(tool_open(&s->client, &s->common));
	TRY(client_hubs(s->client, &s->hub, &s->count));
	TRY(client_peers(s->client, &peers));
	s->peers = peers.count;
	s->token = token_state();
	return reckon(s);
}

/* The gravest decides. */
static int trouble(const struct overview *s)
{
	bool alarm = false, low = false;
	for (size_t i = 0; i < s->count; i++) {
		alarm = alarm || rc_is(s->hub[i].rc, DSKE_RC_FROZEN) || s->hub[i].status.clone_alarms > 0;
		low = low || (s->hub[i].low && !s->hub[i].relieved);
	}
	if (alarm)
		return EXIT_ALARM;
	if (s->usable == 0 || s->usable < s->k)
		return EXIT_TOO_FEW;
	if (s->as_initiator == 0 || s->as_receiver == 0)
		return EXIT_EXHAUSTED;
	return low ? EXIT_LOW : EXIT_OK;
}

/* ---- in words -------------------------------------------------------------------------------------------------- */

static void cell_left(struct grid *g, size_t column, uint64_t left, uint64_t total)
{
	static const char full[] = "##########", empty[] = "..........";
	char left_text[16], total_text[16];
	int filled = total > 0 ? (int)((double)left / (double)total * BAR_LEN + 0.5) : 0;
	grid_cell(g, column, "%s of %s", size_text(left, left_text), size_text(total, total_text));
	grid_cell(g, column + 1, "[%.*s%.*s]", filled, full, BAR_LEN - filled, empty);
}

static void print_table(struct grid *g, const struct client_hub *h)
{
	char hex[ID_HEX_LEN], forecast[SUPPLY_TEXT_MAX];
	grid_row(g, table_colour(h));
	grid_cell(g, 0, "%s", h->name);
	grid_cell(g, 1, "%s", id_hex(&h->table, hex));
	grid_cell(g, 2, "%s", table_state_text(h));
	if (!rc_ok(h->rc))
		return;
	cell_left(g, 3, h->status.up_left, h->status.up_len);
	cell_left(g, 5, h->status.down_left, h->status.down_len);
	grid_cell(g, 7, "%s", supply_sentence(h->status.supply.lasts_s, forecast));
}

static void print_tables(const struct overview *s)
{
	static const char *const headings[] = {"HUB", "TABLE", "STATE", ">TO SEND", "", ">TO RECEIVE", "", "FORECAST"};
	AUTO(grid) g = {0};
	grid_init(&g, sizeof headings / sizeof headings[0], headings);
	for (size_t i = 0; i < s->count; i++)
		print_table(&g, &s->hub[i]);
	grid_print(&g, stdout);
	for (size_t i = 0; i < s->count; i++)
		table_print_trouble(&s->hub[i]);
}

static void print_sums(const struct overview *s)
{
	char lasts[SUPPLY_TEXT_MAX];
	printf("%zu of %zu hubs are usable, a key needs %zu", s->usable, s->hubs, s->k);
	if (s->usable < s->k)
		printf(": %s", s->hubs < s->k ? "import and activate more PSKMs, or lower k" : "what is said above of the others mends that");
	printf("\nkeys of %u bytes left in a program that runs on: about %" PRIu64 " to begin, %" PRIu64 " to receive",
	       client_config(s->client)->key_len, s->as_initiator, s->as_receiver);
	if (s->usable >= s->k)
		printf("; %s", supply_sentence(s->lasts_s, lasts));
	printf("\nby dske key agree, which leases up to 2 KiB of each table for one key: about %" PRIu64 " to begin, %" PRIu64
	       " to receive\n",
	       s->once_initiator, s->once_receiver);
}

static void print_status(const struct overview *s)
{
	const struct config *c = client_config(s->client);
	char hex[ID_HEX_LEN];
	printf("client %s, %s; the token %s; %zu peer%s\n", c->name, id_hex(&c->id, hex), s->token, s->peers,
	       s->peers == 1 ? "" : "s");
	if (s->count == 0) {
		printf("no tables: import a PSKM with dske pskm import FILE\n");
		return;
	}
	print_tables(s);
	print_sums(s);
}

static void output_status(const struct overview *s)
{
	const struct config *c = client_config(s->client);
	char hex[ID_HEX_LEN];
	json_t *tables = json_array();
	for (size_t i = 0; i < s->count; i++)
		json_array_append_new(tables, table_json(&s->hub[i]));
	json_t *keys = json_pack("{s:i, s:I, s:I, s:{s:I, s:I}}", "length", (int)c->key_len, "to_begin", (json_int_t)s->as_initiator,
				 "to_receive", (json_int_t)s->as_receiver, "one_a_program", "to_begin", (json_int_t)s->once_initiator,
				 "to_receive", (json_int_t)s->once_receiver);
	if (s->lasts_s != SUPPLY_UNKNOWN)
		json_object_set_new(keys, "lasts_s", json_integer((json_int_t)s->lasts_s));
	output_json(json_pack("{s:s, s:s, s:s, s:I, s:o, s:I, s:I, s:I, s:o, s:i}", "client", c->name, "id", id_hex(&c->id, hex),
			      "token", s->token, "peers", (json_int_t)s->peers, "tables", tables, "hubs", (json_int_t)s->hubs,
			      "usable", (json_int_t)s->usable, "k", (json_int_t)s->k, "keys", keys, "trouble", trouble(s)));
}

int cmd_status(const struct command *self, int argc, char **argv)
{
	AUTO(overview) s = {0};
	struct operands none;
	const struct option_row rows[] = {COMMON_ROWS(s.common), {0}};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = look(&s);
	if (!rc_ok(rc))
		return tool_fail(&s.common, rc, NULL);
	if (s.common.json)
		output_status(&s);
	else
		print_status(&s);
	return trouble(&s);
}
