/* SPDX-License-Identifier: Apache-2.0 */
/* test/hub/box.h - a mailbox alone, in a scratch folder, with shares from alice to bob. */
#ifndef DSKE_TEST_HUB_BOX_H
#define DSKE_TEST_HUB_BOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those four before it */
#include <cmocka.h>

#include "hub/mailbox.h"
#include "test/lib/scratch.h"

#define assert_ok(e) assert_string_equal(rc_name(e), "OK")
#define assert_rc(e, name) assert_string_equal(rc_name(e), #name)

extern struct path folder;
extern struct mailbox *m;
extern const struct id alice, bob, carol;

/* As cmocka's set-up and tear-down. */
int mailbox_set_up(void **state);
int mailbox_tear_down(void **state);

/* key: the first byte of its key ID, and all of its share. */
void terms_make(struct terms *t, uint8_t key, const char *context);
dske_rc put_terms(const struct terms *t, uint32_t ttl, int64_t *id);
int64_t put(uint8_t key, uint32_t ttl); /* and commits */
void assert_there(int64_t id, uint8_t key);
void assert_gone(int64_t id);
bool named(uint8_t key);

/* Commits; how many shares expired? */
size_t tick(int64_t now_ms);

/* Closes without a commit. */
void reopen(int64_t now_ms);

/* A key of several parts: its SHARE, which part comes next, and that part. */
int64_t put_long(uint8_t key, uint32_t ttl, uint32_t key_len);
dske_rc long_find(uint8_t key, struct mailbox_long *l);
void add_part(uint8_t key, const struct tag *key_tag);

#endif
