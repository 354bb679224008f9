/* SPDX-License-Identifier: Apache-2.0 */
/* test/pskm/fixture.h - one table at hub and client, in a scratch folder. */
#ifndef DSKE_TEST_PSKM_FIXTURE_H
#define DSKE_TEST_PSKM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those four before it */
#include <cmocka.h>

#include "pskm/container-impl.h"
#include "pskm/cover.h"
#include "pskm/ledger.h"
#include "pskm/list.h"
#include "pskm/table.h"
#include "test/lib/scratch.h"

#define assert_ok(e) assert_string_equal(rc_name(e), "OK")
#define assert_rc(e, name) assert_string_equal(rc_name(e), #name)

/* Argon2id so cheap that a test can run it a thousand times. */
#define CHEAP {1, 8, 1}

struct fixture {
	struct path scratch;
	struct path hub_tables, client_tables; /* the folders of tables */
	struct path hub_dir, client_dir;       /* this table's folder in each */
	struct path container;
	struct pskm_header header;
	char passphrase[PASSPHRASE_TEXT_MAX];
	struct table *hub, *client;
};

/* Folders and a filled header; no table yet. */
void fixture_init(struct fixture *f, uint64_t table_len);

/* container_make at the cheap cost. */
void fixture_make(struct fixture *f);
dske_rc fixture_import(struct fixture *f);

/* All of it: made, imported, opened on both sides, activated. */
void fixture_active(struct fixture *f, uint64_t table_len);

/* A table key like no other of another first byte. */
struct secret fixture_key(uint8_t first);

/* Instead: a client's table in hub_dir, not activated, of bytes that are known: byte n is fixture_byte(n).  Its ID
 * is always the same. */
void fixture_stream(struct fixture *f, uint64_t table_len, const struct secret *key);
uint8_t fixture_byte(uint64_t n);

/* Closes what is open and removes the folders. */
void fixture_drop(struct fixture *f);

/* One lease exchange as hub and client do it; any of the four may be NULL: that window is freed. */
void fixture_lease(struct fixture *f, uint64_t up_wanted, uint64_t down_wanted, struct window **client_up,
		   struct window **client_down, struct window **hub_up, struct window **hub_down);

/* Copies DIR/file aside, or back. */
void fixture_copy(const char *from, const char *to);

/* DIR/NAME of one of the sides' folders. */
const char *fixture_file(const struct path *dir, const char *name);

/* Bytes [at, at + len) of the table in DIR as they were made, or as they are stored; key as cover_unlock takes it. */
void fixture_plain(const struct path *dir, const struct secret *key, uint64_t at, void *out, size_t len);
void fixture_stored(const struct path *dir, uint64_t at, void *out, size_t len);

/* Is the salt of that chunk destroyed? */
bool fixture_forgotten(const struct path *dir, uint64_t chunk);

/* Is all of [start, end) of DIR/table zero as it is stored? */
bool fixture_zero(const struct path *dir, uint64_t start, uint64_t end);

#endif
