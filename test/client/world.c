/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "test/client/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pskm/container-impl.h"

void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void make_client(struct path *conf, const struct path *scratch, const char *name, const struct id *id,
			const char *agreement)
{
	char hex[ID_HEX_LEN], text[1024];
	struct path tables;
	assert_ok(path_format(conf, "%s/%s/dske.conf", scratch->s, name));
	assert_ok(path_format(&tables, "%s/%s/tables", scratch->s, name));
	assert_ok(file_make_dirs(tables.s, 0700));
	int len = snprintf(text, sizeof text, "[client]\nname = %s\nid = %s\n[agreement]\n%s\n", name, id_hex(id, hex), agreement);
	assert_ok(file_replace(conf->s, text, (size_t)len, 0600));
}

static void know(const struct path *conf, const char *name, const struct id *id)
{
	struct config c;
	struct peer p = {.id = *id, .hubs_agreed = WORLD_HUBS, .hubs_asked = WORLD_HUBS};
	assert_ok(config_read(&c, conf->s));
	snprintf(p.name, sizeof p.name, "%s", name);
	assert_ok(peers_add(&c, &p, NULL, 0));
	config_drop(&c);
}

void world_carry(struct world *w, size_t hub, const char *name, const struct id *client, uint64_t len,
		 struct pskm_header *imported)
{
	struct mock_hub *h = &w->hub[hub];
	static const struct kdf_cost cheap = {1, 8, 1};
	static unsigned serial;
	struct pskm_header header = {.hub = h->id, .client = *client, .layout.len = len};
	char passphrase[PASSPHRASE_TEXT_MAX];
	struct path container, tables;
	strcpy(header.hub_name, h->name);
	strcpy(header.client_name, name);
	strcpy(header.hub_address, h->address);
	assert_ok(path_format(&container, "%s/pskm-%u", w->scratch.s, serial++));
	assert_ok(path_format(&tables, "%s/%s/tables", w->scratch.s, name));
	assert_ok(container_make_at_cost(&header, h->tables.s, container.s, passphrase, &cheap, NULL, NULL));
	assert_ok(container_import(container.s, passphrase, client, tables.s, NULL, imported, NULL, NULL));
	mock_hub_serve(h, &header);
}

static int by_id(const void *a, const void *b)
{
	return id_compare(a, b);
}

/* IDs first, sorted, so that hub1 to hub5 and their reports stand in order. */
static void make_hubs(struct world *w)
{
	struct id ids[WORLD_HUBS];
	for (size_t i = 0; i < WORLD_HUBS; i++)
		assert_ok(id_random(&ids[i]));
	qsort(ids, WORLD_HUBS, sizeof ids[0], by_id);
	for (size_t i = 0; i < WORLD_HUBS; i++) {
		char name[16];
		struct path tables;
		snprintf(name, sizeof name, "hub%zu", i + 1);
		assert_ok(path_format(&tables, "%s/%s", w->scratch.s, name));
		assert_ok(file_make_dirs(tables.s, 0700));
		mock_hub_init(&w->hub[i], name, &tables);
		w->hub[i].id = ids[i];
	}
}

static void activate_all(struct client *c)
{
	struct client_hub *hubs = NULL;
	size_t count = 0;
	assert_ok(client_hubs(c, &hubs, &count));
	assert_int_equal(count, WORLD_HUBS);
	for (size_t i = 0; i < count; i++)
		assert_ok(client_activate(c, &hubs[i].table, 5000));
	free(hubs);
}

void world_make(struct world *w, uint64_t table_len, const char *agreement)
{
	memset(w, 0, sizeof *w);
	scratch_make(&w->scratch);
	make_hubs(w);
	memset(w->alice_id.b, 0xA1, ID_LEN);
	memset(w->bob_id.b, 0xB0, ID_LEN);
	make_client(&w->alice_conf, &w->scratch, "alice", &w->alice_id, agreement);
	make_client(&w->bob_conf, &w->scratch, "bob", &w->bob_id, agreement);
	for (size_t i = 0; i < WORLD_HUBS; i++) {
		struct pskm_header imported;
		world_carry(w, i, "alice", &w->alice_id, table_len, &imported);
		world_carry(w, i, "bob", &w->bob_id, table_len, &imported);
		mock_hub_start(&w->hub[i], MOCK_HONEST);
	}
	know(&w->alice_conf, "bob", &w->bob_id);
	know(&w->bob_conf, "alice", &w->alice_id);
	assert_ok(client_open(&w->alice, w->alice_conf.s));
	assert_ok(client_open(&w->bob, w->bob_conf.s));
	activate_all(w->alice);
	activate_all(w->bob);
}

void world_drop(struct world *w)
{
	client_close(w->alice);
	client_close(w->bob);
	for (size_t i = 0; i < WORLD_HUBS; i++)
		mock_hub_drop(&w->hub[i]);
	scratch_remove(&w->scratch);
}

int world_tear_down(void **state)
{
	world_drop(*state);
	return 0;
}

void world_let_hub(struct world *w, size_t hub, enum mock_manner manner)
{
	mock_hub_stop(&w->hub[hub]);
	mock_hub_start(&w->hub[hub], manner);
}

/* ---- callers -------------------------------------------------------------------------------------------------- */

static void *call(void *context)
{
	struct caller *c = context;
	c->rc = client_agree(c->client, &c->q, &c->r);
	snprintf(c->why, sizeof c->why, "%s", rc_detail(c->rc));
	return NULL;
}

void caller_start(struct caller *c, struct client *client, const char *peer, const char *context, int64_t timeout_ms)
{
	*c = (struct caller){.client = client, .q = {.scheme = SCHEME_COUNT, .timeout_ms = timeout_ms}};
	snprintf(c->q.peer, sizeof c->q.peer, "%s", peer);
	c->q.context_len = (uint8_t)strlen(context);
	memcpy(c->q.context, context, c->q.context_len);
	caller_go(c);
}

void caller_go(struct caller *c)
{
	assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
}

void caller_join(struct caller *c)
{
	assert_int_equal(pthread_join(c->thread, NULL), 0);
}

void agree_both(struct world *w, const char *context, int64_t timeout_ms, long bob_after_ms, struct caller *alice,
		struct caller *bob)
{
	if (bob_after_ms < 0) {
		caller_start(bob, w->bob, "alice", context, timeout_ms);
		sleep_ms(-bob_after_ms);
	}
	caller_start(alice, w->alice, "bob", context, timeout_ms);
	if (bob_after_ms >= 0) {
		sleep_ms(bob_after_ms);
		caller_start(bob, w->bob, "alice", context, timeout_ms);
	}
	caller_join(alice);
	caller_join(bob);
}

void callers_drop(struct caller *alice, struct caller *bob)
{
	agree_result_drop(&alice->r);
	agree_result_drop(&bob->r);
}

void assert_same_key(const struct caller *alice, const struct caller *bob)
{
	if (!rc_ok(alice->rc))
		print_error("alice: %s\n", alice->why);
	if (!rc_ok(bob->rc))
		print_error("bob: %s\n", bob->why);
	assert_ok(alice->rc);
	assert_ok(bob->rc);
	assert_int_equal(alice->r.key.len, bob->r.key.len);
	assert_true(mem_equal(alice->r.key.data, bob->r.key.data, alice->r.key.len));
	assert_memory_equal(&alice->r.key_id, &bob->r.key_id, ID_LEN);
	assert_true(alice->r.initiated);
	assert_false(bob->r.initiated);
}

const struct hub_report *report_of(const struct report *r, const char *hub)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->hub[i].name, hub) == 0)
			return &r->hub[i];
	}
	return NULL;
}
