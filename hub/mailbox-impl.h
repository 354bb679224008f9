/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-impl.h - what mailbox.c and mailbox-share.c share; for nobody else. */
#ifndef DSKE_HUB_MAILBOX_IMPL_H
#define DSKE_HUB_MAILBOX_IMPL_H

#include <sqlite3.h>

#include "hub/mailbox.h"
#include "hub/storekey.h"

/* Of a share s: no part of it has yet to come. */
#define IS_WHOLE "AND NOT EXISTS (SELECT 1 FROM long l WHERE l.share = s.id AND l.next < l.parts)"

/* ?5: long keys are taken, too. */
#define IS_ACCEPTED " AND (?5 OR NOT EXISTS (SELECT 1 FROM long l WHERE l.share = s.id))"

/* What a tombstone does without: nobody finds it, and it supersedes nothing. */
#define STRIPPED "superseded = 1, context = x'', rendezvous = x''"

/* One row a statement: name and SQL.  Parameters are numbered as in the text. */
#define MAILBOX_STATEMENTS(X)                                                                        \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                  \
	X(COMMIT, "COMMIT")                                                                          \
	X(CLOCK_READ, "SELECT value FROM meta WHERE name = 'clock'")                                 \
	X(CLOCK_WRITE, "UPDATE meta SET value = ?1 WHERE name = 'clock'")                            \
	X(COUNT, "SELECT count(*) FROM share WHERE body IS NOT NULL")                                \
	X(ANY, "SELECT 1 FROM share LIMIT 1")                                                        \
	X(LAST, "SELECT max(coalesce((SELECT max(id) FROM share), 0), coalesce((SELECT max(share) FROM long), 0), " \
		"coalesce((SELECT max(id) FROM part), 0) / 1024)")                                   \
	X(NAMED, "SELECT 1 FROM share WHERE initiator = ?1 AND key_id = ?2")                         \
	X(PAIR_COUNT, "SELECT count(*) FROM delivery WHERE receiver = ?1 AND initiator = ?2")        \
	X(SUPERSEDE, "UPDATE share SET superseded = 1 WHERE initiator = ?1 AND context = ?2 "        \
		     "AND rendezvous = ?3 AND superseded = 0 AND receivers = ?4")                    \
	X(PUT, "INSERT INTO share (id, initiator, key_id, context, rendezvous, due, forget, receivers, " \
	       "source, offset, digest, answer, seal, body) "                                        \
	       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")               \
	X(PUT_DELIVERY, "INSERT INTO delivery (receiver, initiator, share, length) VALUES (?1, ?2, ?3, ?4)") \
	X(ANSWER, "SELECT answer FROM share WHERE source = ?1 AND offset = ?2 AND digest = ?3")      \
	X(FIND_KEY_ID, "SELECT s.id, d.length, d.wasted FROM share s CROSS JOIN delivery d "         \
		       "ON d.receiver = ?1 AND d.initiator = ?2 AND d.share = s.id "                 \
		       "WHERE s.initiator = ?2 AND s.key_id = ?3 AND s.id > ?4 " IS_WHOLE IS_ACCEPTED) \
	X(FIND_CONTEXT, "SELECT s.id, d.length, d.wasted FROM share s CROSS JOIN delivery d "        \
			"ON d.receiver = ?1 AND d.initiator = ?2 AND d.share = s.id "                \
			"WHERE s.initiator = ?2 AND s.context = ?3 AND s.id > ?4 AND s.superseded = 0 " IS_WHOLE IS_ACCEPTED \
			" ORDER BY s.id LIMIT 1")                                                    \
	X(GET, "SELECT body, seal FROM share WHERE id = ?1 AND body IS NOT NULL")                    \
	X(RECEIPT, "DELETE FROM delivery WHERE receiver = ?1 AND share = ?2 "                        \
		   "AND initiator = (SELECT initiator FROM share WHERE id = ?2)")                    \
	X(WASTED, "UPDATE delivery SET wasted = wasted + 1 WHERE receiver = ?1 AND share = ?2 "       \
		  "AND initiator = (SELECT initiator FROM share WHERE id = ?2)")                     \
	X(BURY, "UPDATE share SET receivers = receivers - 1, "                                       \
		"body = CASE WHEN receivers > 1 THEN body END, "                                     \
		"seal = CASE WHEN receivers > 1 THEN seal END WHERE id = ?1")                        \
	X(STRIP, "UPDATE share SET " STRIPPED " WHERE id = ?1 AND body IS NULL")                     \
	X(PURGE_FROM, "UPDATE share SET receivers = 0, body = NULL, seal = NULL, " STRIPPED " "      \
		      "WHERE initiator = ?1 AND body IS NOT NULL")                                   \
	X(PURGE_FROM_DELIVERIES, "DELETE FROM delivery WHERE initiator = ?1")                        \
	X(PURGE_LAST, "UPDATE share SET body = NULL, seal = NULL, " STRIPPED " "                     \
		      "WHERE receivers = 1 AND body IS NOT NULL "                                    \
		      "AND id IN (SELECT share FROM delivery WHERE receiver = ?1)")                  \
	X(PURGE_FOR, "UPDATE share SET receivers = receivers - 1 "                                   \
		     "WHERE id IN (SELECT share FROM delivery WHERE receiver = ?1)")                 \
	X(PURGE_FOR_DELIVERIES, "DELETE FROM delivery WHERE receiver = ?1")                          \
	X(LONG_BEGIN, "INSERT INTO long VALUES (?1, ?2, ?3, 1, ?4, ?5, zeroblob(0))")                \
	X(LONG_FIND, "SELECT s.id, l.key_len, l.next, l.ttl FROM share s JOIN long l ON l.share = s.id " \
		     "WHERE s.initiator = ?1 AND s.key_id = ?2 AND s.body IS NOT NULL")              \
	X(LONG_TAG, "SELECT key_tag FROM long WHERE share = ?1")                                     \
	X(LONG_ADD, "UPDATE long SET next = next + 1, missing = missing - ?2, key_tag = ?3 WHERE share = ?1") \
	X(LONG_MISSING, "SELECT coalesce(sum(l.missing), 0) FROM long l JOIN share s ON s.id = l.share " \
			"WHERE s.body IS NOT NULL")                                                  \
	X(LONG_KEEP, "UPDATE share SET due = ?2, forget = ?3 WHERE id = ?1")                         \
	X(LONG_SUPERSEDE, "UPDATE share SET superseded = 1 WHERE id < ?1 AND superseded = 0 "        \
			  "AND (initiator, context, rendezvous) = "                                  \
			  "(SELECT initiator, context, rendezvous FROM share WHERE id = ?1) "        \
			  "AND receivers = (SELECT receivers FROM share WHERE id = ?1)")             \
	X(PART_PUT, "INSERT INTO part (id, seal, body) VALUES (?1, ?2, ?3)")                         \
	X(PART_GET, "SELECT body, seal FROM part WHERE id = ?1")                                     \
	X(SWEEP_FIND, "SELECT l.share FROM long l LEFT JOIN share s ON s.id = l.share "              \
		      "WHERE s.body IS NULL LIMIT 1")                                                \
	X(SWEEP_PARTS, "DELETE FROM part WHERE id IN (SELECT id FROM part WHERE id >= ?1 * 1024 "    \
		       "AND id < ?1 * 1024 + 1024 LIMIT 8)")                                         \
	X(SWEEP_END, "DELETE FROM long WHERE share = ?1")                                            \
	X(HOLDING, "SELECT bytes FROM holding WHERE initiator = ?1")                                 \
	X(ACCOUNT_READ, "SELECT used FROM account WHERE scope = ?1 AND sender = ?2 AND receiver = ?3") \
	X(ACCOUNT_WRITE, "INSERT INTO account VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE "    \
			 "SET seen = excluded.seen, used = excluded.used")                           \
	X(ACCOUNTS_FORGET, "DELETE FROM account WHERE seen < ?1")                                    \
	X(ROUND_BEGIN, "INSERT INTO round VALUES (?1, ?2, NULL)")                                    \
	X(ROUND_FIND, "SELECT s.id FROM share s JOIN round r ON r.share = s.id "                     \
		      "WHERE s.initiator = ?1 AND s.key_id = ?2")                                    \
	X(ROUND_READ, "SELECT receivers, said FROM round WHERE share = ?1")                          \
	X(ROUNDS_FORGET, "DELETE FROM round WHERE share IN "                                         \
			 "(SELECT id FROM share WHERE due <= ?1 AND forget <= ?1)")                  \
	X(READY_READ, "SELECT place FROM ready WHERE share = ?1")                                    \
	X(READY_WRITE, "INSERT OR IGNORE INTO ready VALUES (?1, ?2)")                                \
	X(READIES_FORGET, "DELETE FROM ready WHERE share IN "                                        \
			  "(SELECT id FROM share WHERE due <= ?1 AND forget <= ?1)")                 \
	X(DELIVERY_IS_DUE, "SELECT 1 FROM delivery WHERE receiver = ?1 AND initiator = ?2 AND share = ?3") \
	X(ATTEST, "UPDATE round SET said = ?2 WHERE share = ?1")                                     \
	X(POLICY_READ, "SELECT body FROM policy WHERE client = ?1")                                  \
	X(POLICY_WRITE, "INSERT INTO policy VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body") \
	X(POLICY_COUNT, "SELECT count(*) FROM policy")                                               \
	X(POLICY_FORGET, "DELETE FROM policy WHERE client = ?1")                                     \
	X(PAGES, "SELECT page_count FROM pragma_page_count")                                         \
	X(PAGES_FREE, "SELECT freelist_count FROM pragma_freelist_count")                            \
	X(PAGE_SIZE, "SELECT page_size FROM pragma_page_size")                                       \
	X(IS_DUE, "SELECT 1 FROM share WHERE due <= ?1 LIMIT 1")                                     \
	X(EXPIRE_DELIVERIES, "DELETE FROM delivery WHERE share IN "                                  \
			     "(SELECT id FROM share WHERE due <= ?1)")                               \
	X(EXPIRE, "UPDATE share SET body = NULL, seal = NULL, " STRIPPED " "                         \
		  "WHERE due <= ?1 AND body IS NOT NULL")                                            \
	X(FORGET, "DELETE FROM share WHERE due <= ?1 AND forget <= ?1")                              \
	X(KEEP, "UPDATE share SET due = forget WHERE due <= ?1")

enum mailbox_statement {
#define X(name, sql) SQL_##name,
	MAILBOX_STATEMENTS(X)
#undef X
	SQL_COUNT_OF
};

struct mailbox {
	sqlite3 *db;
	sqlite3_stmt *statement[SQL_COUNT_OF];
	struct storekey key;
	bool open_batch;       /* a transaction is open */
	bool broken;           /* a call of the store failed: nothing works any more ... */
	char why[200];         /* ... and this is what it said */
	int64_t last_id;       /* of a share, or of parts that are left of one: never again while there is anything of it */
	int64_t clock_base_s;  /* the clock when opened ... */
	int64_t opened_ms;     /* ... and the monotonic time then */
	int64_t clock_s;       /* as of the last tick */
	int64_t clock_saved_s; /* what the file says */
	int64_t policies;      /* clients that have one: where there are none, none is looked for */
};

/* Begins the batch unless one is open.  Before each change. */
dske_rc mailbox_begin(struct mailbox *m);

/* A statement, reset and ready for binding. */
sqlite3_stmt *mailbox_statement(struct mailbox *m, enum mailbox_statement which);

/* Steps once.  *row: is there a row?  Any failure breaks the mailbox.  Errors: IO. */
dske_rc mailbox_step(struct mailbox *m, sqlite3_stmt *s, bool *row);

/* The integer that a statement without parameters returns; 0 for none. */
dske_rc mailbox_integer(struct mailbox *m, enum mailbox_statement which, int64_t *out);

/* Writes the clock. */
dske_rc mailbox_clock_save(struct mailbox *m);

/* The column `seal`, as it lies in memory: the file does not leave the machine. */
struct seal {
	struct storekey_seal key;
	uint8_t tag[AEAD_TAG_LEN];
};

void mailbox_bind(sqlite3_stmt *s, int at, const void *bytes, size_t len);
void mailbox_bind_id(sqlite3_stmt *s, int at, const struct id *id);

/* mailbox-long.c: of a share that was just put, of a long key. */
dske_rc mailbox_long_begin(struct mailbox *m, const struct mailbox_put *p, int64_t id);

/* The key tag of a long key takes the place of the zeros; nothing happens to other terms.  Errors: IO. */
dske_rc mailbox_long_tag(struct mailbox *m, int64_t id, struct terms *terms);

/* Erases some parts of shares that are no more. */
dske_rc mailbox_long_sweep(struct mailbox *m);

/* mailbox-account.c: accounts that nothing counts in any more go. */
dske_rc mailbox_accounts_forget(struct mailbox *m);

/* mailbox-confirm.c: a share that was put is to be confirmed. */
dske_rc mailbox_round_begin(struct mailbox *m, int64_t share, size_t receivers);

/* Steps a statement that returns no row. */
dske_rc mailbox_run(struct mailbox *m, sqlite3_stmt *s);

#endif
