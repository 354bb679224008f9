/* SPDX-License-Identifier: Apache-2.0 */
/* test/store/fixture.h - a token's store in a folder of its own, for the tests of it. */
#ifndef DSKE_TEST_STORE_FIXTURE_H
#define DSKE_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "store/store.h"

#define SO "so-pin-1"
#define USER "user-pin"

static const struct store_cost cheap = {.memory_kib = 8, .passes = 1};
static const uint8_t label[STORE_LABEL_LEN] = "alice                          ";

struct fixture {
	char dir[256], file[300];
	struct store *store;
	struct secret master; /* after login */
};

/* For cmocka: an empty folder; removed with all that is in it. */
int store_setup(void **state);
int store_teardown(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

void assert_ok(dske_rc rc);
void assert_rc(dske_rc rc, int code);

/* A token with both PINs, and the user logged in. */
void store_make(struct fixture *f);
struct id store_put(struct fixture *f, const char *text);
void store_alter(struct fixture *f, const struct id *name, const char *text);

/* All objects' texts, one after the other; of one that is gone a "-". */
struct seen {
	char text[8192]; /* as much as there is room for */
	unsigned count;
};
dske_rc collect(void *context, const struct id *name, const struct secret *plain);

void file_take(const struct fixture *f, struct buf *b);
void file_put(const struct fixture *f, const uint8_t *bytes, size_t len);
/* With the header's checksum mended, as anyone can who may write the file. */
void file_put_mended(const struct fixture *f, struct buf *b);
/* With the key at hand, from nothing: as another process does at its login. */
dske_rc look(struct fixture *f, struct seen *s);

/* ---- the file, byte by byte (store/store.h) ------------------------------------------------------------------ */

enum { END = STORE_RECORD_END, STATE_AT = STORE_HEADER_LEN, MARKS_AT = STATE_AT + 32, MARK = 32, STATE_END = STATE_AT + 96 };

uint64_t be(const uint8_t *p, int n); /* a number of n bytes */

/* The records of a file, by their heads. */
struct map {
	size_t at[32], len[32];
	unsigned count;
	size_t end;
};
struct map map_of(const struct buf *file);
size_t mark_at(const struct buf *file, bool newest); /* else the other one */

/* A token with four records of one length. */
struct map store_four(struct fixture *f, struct buf *file);
/* This file is damaged, and it is noticed. */
void assert_found(struct fixture *f, const struct buf *file);

#endif
