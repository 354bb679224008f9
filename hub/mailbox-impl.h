/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-impl.h - what mailbox.c and mailbox-share.c share; for nobody else. */
#ifndef DSKE_HUB_MAILBOX_IMPL_H
#define DSKE_HUB_MAILBOX_IMPL_H

#include <sqlite3.h>

#include "hub/mailbox.h"
#include "hub/storekey.h"

/* One row a statement: name and SQL.  Parameters are numbered as in the text. */
#define MAILBOX_STATEMENTS(X)                                                                        \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                  \
	X(COMMIT, "COMMIT")                                                                          \
	X(CLOCK_READ, "SELECT value FROM meta WHERE name = 'clock'")                                 \
	X(CLOCK_WRITE, "UPDATE meta SET value = ?1 WHERE name = 'clock'")                            \
	X(COUNT, "SELECT count(*) FROM share WHERE body IS NOT NULL")                                \
	X(ANY, "SELECT 1 FROM share LIMIT 1")                                                        \
	X(LAST, "SELECT max(id) FROM share")                                                         \
	X(NAMED, "SELECT 1 FROM share WHERE initiator = ?1 AND key_id = ?2")                         \
	X(PAIR_COUNT, "SELECT count(*) FROM delivery WHERE receiver = ?1 AND initiator = ?2")        \
	X(SUPERSEDE, "UPDATE share SET superseded = 1 WHERE initiator = ?1 AND context = ?2 "        \
		     "AND rendezvous = ?3 AND superseded = 0 AND (receivers = ?4 OR body IS NULL)")  \
	X(PUT, "INSERT INTO share (id, initiator, key_id, context, rendezvous, due, forget, receivers, " \
	       "source, offset, digest, answer, seal, body) "                                        \
	       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")               \
	X(PUT_DELIVERY, "INSERT INTO delivery (receiver, initiator, share) VALUES (?1, ?2, ?3)")     \
	X(ANSWER, "SELECT answer FROM share WHERE source = ?1 AND offset = ?2 AND digest = ?3")      \
	X(FIND_KEY_ID, "SELECT s.id FROM share s WHERE s.initiator = ?2 AND s.key_id = ?3 AND s.id > ?4 " \
		       "AND EXISTS (SELECT 1 FROM delivery d WHERE d.receiver = ?1 "                 \
		       "AND d.initiator = ?2 AND d.share = s.id)")                                   \
	X(FIND_CONTEXT, "SELECT s.id FROM share s WHERE s.initiator = ?2 AND s.context = ?3 AND s.id > ?4 " \
			"AND s.superseded = 0 "                                                      \
			"AND EXISTS (SELECT 1 FROM delivery d WHERE d.receiver = ?1 "                \
			"AND d.initiator = ?2 AND d.share = s.id) ORDER BY s.id LIMIT 1")            \
	X(GET, "SELECT body, seal FROM share WHERE id = ?1 AND body IS NOT NULL")                    \
	X(RECEIPT, "DELETE FROM delivery WHERE receiver = ?1 AND share = ?2 "                        \
		   "AND initiator = (SELECT initiator FROM share WHERE id = ?2)")                    \
	X(BURY, "UPDATE share SET receivers = receivers - 1, "                                       \
		"body = CASE WHEN receivers > 1 THEN body END, "                                     \
		"seal = CASE WHEN receivers > 1 THEN seal END WHERE id = ?1")                        \
	X(PURGE_FROM, "UPDATE share SET receivers = 0, body = NULL, seal = NULL "                    \
		      "WHERE initiator = ?1 AND body IS NOT NULL")                                   \
	X(PURGE_FROM_DELIVERIES, "DELETE FROM delivery WHERE initiator = ?1")                        \
	X(PURGE_LAST, "UPDATE share SET body = NULL, seal = NULL WHERE receivers = 1 AND body IS NOT NULL " \
		      "AND id IN (SELECT share FROM delivery WHERE receiver = ?1)")                  \
	X(PURGE_FOR, "UPDATE share SET receivers = receivers - 1 "                                   \
		     "WHERE id IN (SELECT share FROM delivery WHERE receiver = ?1)")                 \
	X(PURGE_FOR_DELIVERIES, "DELETE FROM delivery WHERE receiver = ?1")                          \
	X(ACCOUNT_READ, "SELECT used FROM account WHERE scope = ?1 AND sender = ?2 AND receiver = ?3") \
	X(ACCOUNT_WRITE, "INSERT INTO account VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE "    \
			 "SET seen = excluded.seen, used = excluded.used")                           \
	X(ACCOUNTS_FORGET, "DELETE FROM account WHERE seen < ?1")                                    \
	X(PAGES, "SELECT page_count FROM pragma_page_count")                                         \
	X(PAGES_FREE, "SELECT freelist_count FROM pragma_freelist_count")                            \
	X(PAGE_SIZE, "SELECT page_size FROM pragma_page_size")                                       \
	X(IS_DUE, "SELECT 1 FROM share WHERE due <= ?1 LIMIT 1")                                     \
	X(EXPIRE_DELIVERIES, "DELETE FROM delivery WHERE share IN "                                  \
			     "(SELECT id FROM share WHERE due <= ?1)")                               \
	X(EXPIRE, "UPDATE share SET body = NULL, seal = NULL WHERE due <= ?1 AND body IS NOT NULL")  \
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
	int64_t last_id;       /* of a share; in a row that was forgotten it never comes again while this runs */
	int64_t clock_base_s;  /* the clock when opened ... */
	int64_t opened_ms;     /* ... and the monotonic time then */
	int64_t clock_s;       /* as of the last tick */
	int64_t clock_saved_s; /* what the file says */
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

/* mailbox-account.c: accounts that nothing counts in any more go. */
dske_rc mailbox_accounts_forget(struct mailbox *m);

/* Steps a statement that returns no row. */
dske_rc mailbox_run(struct mailbox *m, sqlite3_stmt *s);

#endif
