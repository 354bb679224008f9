/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/client/world.h - a few mock hubs (a test that wants more says so by -DWORLD_HUBS) and clients that have tables at each, in a scratch folder.
 */
#ifndef DSKE_TEST_CLIENT_WORLD_H
#define DSKE_TEST_CLIENT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those four before it */
#include <cmocka.h>

#include "client/client.h"
#include "test/client/mock-hub.h"
#include "test/lib/scratch.h"

#define assert_ok(e) assert_string_equal(rc_name(e), "OK")
#define assert_rc(e, name) assert_string_equal(rc_name(e), #name)

#ifndef WORLD_HUBS
#define WORLD_HUBS 5
#endif

struct world {
	struct path scratch;
	struct mock_hub hub[WORLD_HUBS]; /* in the order of their IDs, as clients list them */
	struct id alice_id, bob_id;      /* alice's is the lower one: she initiates */
	struct path alice_conf, bob_conf;
	struct client *alice, *bob;
};

/* Five honest hubs, running; alice and bob with active tables of table_len bytes at each, each other's
 * peers; `agreement`: lines for [agreement]. */
void world_make(struct world *w, uint64_t table_len, const char *agreement);
/* One more table between a hub and a client, imported, not active. */
void world_carry(struct world *w, size_t hub, const char *name, const struct id *client, uint64_t len,
		 struct pskm_header *imported);

void world_drop(struct world *w);

/* cmocka's tear-down for a set-up that says *state = &world. */
int world_tear_down(void **state);

/* From now on that hub behaves so; its connections end. */
void world_let_hub(struct world *w, size_t hub, enum mock_manner manner);

/* One side's call in a thread of its own. */
struct caller {
	struct client *client;
	struct agree_request q;
	struct agree_result r;
	dske_rc rc;
	char why[512];
	pthread_t thread;
};
void caller_start(struct caller *c, struct client *client, const char *peer, const char *context, int64_t timeout_ms);
/* One whose client and request are filled in. */
void caller_go(struct caller *c);
void caller_join(struct caller *c);

/* alice and bob at once, in this context; bob begins that much later (or, negative, earlier). */
void agree_both(struct world *w, const char *context, int64_t timeout_ms, long bob_after_ms, struct caller *alice,
		struct caller *bob);
void callers_drop(struct caller *alice, struct caller *bob);

/* Both succeeded, with the same key. */
void assert_same_key(const struct caller *alice, const struct caller *bob);

void sleep_ms(long ms);

/* The line about this hub in a report, or NULL. */
const struct hub_report *report_of(const struct report *r, const char *hub);

#endif
