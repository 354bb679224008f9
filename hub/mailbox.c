/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox.c - opening, batches, the clock and expiry.  mailbox-share.c has the shares. */
#include "hub/mailbox-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define FORMAT 1 /* PRAGMA user_version */

/* A row of `share` whose body is NULL is a tombstone: fetched or expired, its name still taken, and its answer kept, which
 * cannot be made again.  Times are
 * seconds of the mailbox's clock; at `due` the share expires, or at last the tombstone is forgotten.
 * receivers: how many have not fetched it.  rendezvous: SHA-256 of initiator, receivers and context, cut to
 * 16 bytes.  The large columns stand last.  Few indexes: each costs a page a share in the journal. */
static const char schema[] =
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('clock', 0);"
	"CREATE TABLE share (id INTEGER PRIMARY KEY,"
	" initiator BLOB NOT NULL, key_id BLOB NOT NULL, context BLOB NOT NULL, rendezvous BLOB NOT NULL,"
	" superseded INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL, forget INTEGER NOT NULL,"
	" receivers INTEGER NOT NULL, source BLOB NOT NULL, offset INTEGER NOT NULL, digest BLOB NOT NULL,"
	" answer BLOB NOT NULL, seal BLOB, body BLOB,"
	" UNIQUE (initiator, key_id));"
	"CREATE INDEX share_source ON share (source, offset);"
	"CREATE INDEX share_context ON share (initiator, context, id) WHERE superseded = 0;"
	"CREATE INDEX share_due ON share (due);"
	"CREATE TABLE delivery (receiver BLOB NOT NULL, initiator BLOB NOT NULL, share INTEGER NOT NULL,"
	" PRIMARY KEY (receiver, initiator, share)) WITHOUT ROWID;"
	"PRAGMA user_version = 1;";

/* What each initiator has in the mailbox, about: a name's bytes for each, and its body as long as it waits, for a long key
 * all that follows its first 2^20 bytes too. */
#define TEXT_OF(number) TEXT_OF_(number)
#define TEXT_OF_(number) #number
#define NAME_BYTES TEXT_OF(MAILBOX_NAME_BYTES)
#define LONG_REST "coalesce((SELECT max(key_len - 1048576, 0) FROM long WHERE share = OLD.id), 0)"
static const char holdings[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE holding (initiator BLOB PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;"
	"INSERT INTO holding SELECT s.initiator, sum(" NAME_BYTES " + coalesce(length(s.body), 0)"
	" + CASE WHEN s.body IS NULL THEN 0 ELSE coalesce(max(l.key_len - 1048576, 0), 0) END)"
	" FROM share s LEFT JOIN long l ON l.share = s.id GROUP BY s.initiator;"
	"CREATE TRIGGER holding_put AFTER INSERT ON share BEGIN"
	" INSERT INTO holding VALUES (NEW.initiator, " NAME_BYTES " + length(NEW.body))"
	" ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes; END;"
	"CREATE TRIGGER holding_long AFTER INSERT ON long BEGIN"
	" UPDATE holding SET bytes = bytes + NEW.missing"
	" WHERE initiator = (SELECT initiator FROM share WHERE id = NEW.share); END;"
	"CREATE TRIGGER holding_fetched AFTER UPDATE OF body ON share WHEN NEW.body IS NULL AND OLD.body IS NOT NULL BEGIN"
	" UPDATE holding SET bytes = bytes - length(OLD.body) - " LONG_REST " WHERE initiator = OLD.initiator; END;"
	"CREATE TRIGGER holding_forgotten AFTER DELETE ON share BEGIN"
	" UPDATE holding SET bytes = bytes - " NAME_BYTES " WHERE initiator = OLD.initiator;"
	" DELETE FROM holding WHERE initiator = OLD.initiator AND bytes <= 0; END;"
	"COMMIT;";

/* length: of the range that an INSTRUCTION needs; wasted: how many of them had no receipt.  They stand here and not in
 * `share`, where they would lie behind a body of up to 1 MiB.  Added to mailboxes of before, too. */
static const struct {
	const char *exists, *add;
} additions[] = {
	{"SELECT count(*) FROM pragma_table_info('delivery') WHERE name = 'length'",
	 "ALTER TABLE delivery ADD COLUMN length INTEGER NOT NULL DEFAULT 0"},
	{"SELECT count(*) FROM pragma_table_info('delivery') WHERE name = 'wasted'",
	 "ALTER TABLE delivery ADD COLUMN wasted INTEGER NOT NULL DEFAULT 0"},
	{"SELECT count(*) FROM sqlite_schema WHERE name = 'holding'", holdings},
};

/* secure_delete: what is deleted is overwritten.  EXCLUSIVE: no other process, no shared memory. */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
			       "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
			       "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;";

/* What expires is found by its share.  Shares are numbered upwards, so this index grows at one end. */
static const char deliveries[] = "CREATE INDEX IF NOT EXISTS delivery_share ON delivery (share);";

/* Accounts of quotas; seen: when it was last charged.  Made in mailboxes of before, too. */
static const char accounts[] =
	"CREATE TABLE IF NOT EXISTS account (scope INTEGER NOT NULL, sender BLOB NOT NULL, receiver BLOB NOT NULL,"
	" seen INTEGER NOT NULL, used BLOB NOT NULL, PRIMARY KEY (scope, sender, receiver)) WITHOUT ROWID;";

/* Keys of several parts: how many parts, which comes next, bytes that have yet to come, time to live from the last part
 * on, and the key tag that came with it.  Part N of share S is row 1024 S + N.  Rows of shares whose body is gone are
 * swept out little by little. */
static const char longs[] =
	"CREATE TABLE IF NOT EXISTS long (share INTEGER PRIMARY KEY, key_len INTEGER NOT NULL, parts INTEGER NOT NULL,"
	" next INTEGER NOT NULL, missing INTEGER NOT NULL, ttl INTEGER NOT NULL, key_tag BLOB NOT NULL);"
	"CREATE TABLE IF NOT EXISTS part (id INTEGER PRIMARY KEY, seal BLOB NOT NULL, body BLOB NOT NULL);";

/* Shares that are to be confirmed: said is NULL until the initiator attests; place: a ready receiver's in the terms.
 * They go with the share's name. */
static const char rounds[] =
	"CREATE TABLE IF NOT EXISTS round (share INTEGER PRIMARY KEY, receivers INTEGER NOT NULL, said BLOB);"
	"CREATE TABLE IF NOT EXISTS ready (share INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (share, place)) WITHOUT ROWID;";

/* What receivers say that they take; one row a client, as it came. */
static const char policies[] =
	"CREATE TABLE IF NOT EXISTS policy (client BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;";

static const char *const sql[SQL_COUNT_OF] = {
#define X(name, text) [SQL_##name] = (text),
	MAILBOX_STATEMENTS(X)
#undef X
};

static dske_rc store_fail(struct mailbox *m, const char *what)
{
	if (!m->broken)
		snprintf(m->why, sizeof m->why, "%s: %s", what, sqlite3_errmsg(m->db));
	m->broken = true;
	return FAIL(IO, "the mailbox failed: %s", m->why);
}

/* ---- statements --------------------------------------------------------------------------------- */

sqlite3_stmt *mailbox_statement(struct mailbox *m, enum mailbox_statement which)
{
	sqlite3_stmt *s = m->statement[which];

	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return s;
}

dske_rc mailbox_step(struct mailbox *m, sqlite3_stmt *s, bool *row)
{
	*row = false;
	if (m->broken)
		return FAIL(IO, "the mailbox failed before: %s", m->why);

	int code = sqlite3_step(s);

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return store_fail(m, sqlite3_sql(s));
	*row = code == SQLITE_ROW;
	return DSKE_OK;
}

dske_rc mailbox_run(struct mailbox *m, sqlite3_stmt *s)
{
	bool row;
	dske_rc rc = mailbox_step(m, s, &row);

	sqlite3_reset(s);
	return rc;
}

dske_rc mailbox_begin(struct mailbox *m)
{
	if (m->open_batch)
		return DSKE_OK;
	TRY(mailbox_run(m, mailbox_statement(m, SQL_BEGIN)));
	m->open_batch = true;
	return DSKE_OK;
}

dske_rc mailbox_commit(struct mailbox *m)
{
	if (m->broken)
		return FAIL(SYNC, "the mailbox failed (%s); stopping, since what it holds is uncertain until it is "
			    "opened again", m->why);
	if (!m->open_batch)
		return DSKE_OK;
	m->open_batch = false;

	dske_rc rc = mailbox_run(m, mailbox_statement(m, SQL_COMMIT));

	/* What a failed sync has left on the disk is unknown: it is never tried again. */
	if (!rc_ok(rc))
		return FAIL(SYNC, "the mailbox could not be made durable (%s); stopping", m->why);
	return DSKE_OK;
}

dske_rc mailbox_integer(struct mailbox *m, enum mailbox_statement which, int64_t *out)
{
	sqlite3_stmt *s = mailbox_statement(m, which);
	bool row;
	dske_rc rc = mailbox_step(m, s, &row);

	*out = rc_ok(rc) && row ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return rc;
}

dske_rc mailbox_count(struct mailbox *m, size_t *count)
{
	int64_t n;

	TRY(mailbox_integer(m, SQL_COUNT, &n));
	*count = (size_t)n;
	return DSKE_OK;
}

/* ---- the clock ---------------------------------------------------------------------------------- */

dske_rc mailbox_clock_save(struct mailbox *m)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_CLOCK_WRITE);

	TRY(mailbox_begin(m));
	sqlite3_bind_int64(s, 1, m->clock_s);
	TRY(mailbox_run(m, s));
	m->clock_saved_s = m->clock_s;
	return DSKE_OK;
}

static dske_rc is_due(struct mailbox *m, bool *due)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_IS_DUE);

	sqlite3_bind_int64(s, 1, m->clock_s);

	dske_rc rc = mailbox_step(m, s, due);

	sqlite3_reset(s);
	return rc;
}

static dske_rc run_until(struct mailbox *m, enum mailbox_statement which, size_t *changes)
{
	sqlite3_stmt *s = mailbox_statement(m, which);

	TRY(mailbox_begin(m));
	sqlite3_bind_int64(s, 1, m->clock_s);
	TRY(mailbox_run(m, s));
	*changes = (size_t)sqlite3_changes64(m->db);
	return DSKE_OK;
}

/* What is due and has a body expires; what was a tombstone long enough goes; the rest is a tombstone now. */
static dske_rc expire(struct mailbox *m, size_t *expired)
{
	bool due = false;
	size_t ignored;

	TRY(is_due(m, &due));
	if (!due)
		return DSKE_OK;
	TRY(run_until(m, SQL_EXPIRE_DELIVERIES, &ignored));
	TRY(run_until(m, SQL_EXPIRE, expired));
	TRY(run_until(m, SQL_READIES_FORGET, &ignored));
	TRY(run_until(m, SQL_ROUNDS_FORGET, &ignored));
	TRY(run_until(m, SQL_FORGET, &ignored));
	return run_until(m, SQL_KEEP, &ignored);
}

dske_rc mailbox_tick(struct mailbox *m, int64_t now_ms, size_t *expired)
{
	int64_t any;

	*expired = 0;
	m->clock_s = m->clock_base_s + (now_ms - m->opened_ms) / 1000;
	TRY(mailbox_long_sweep(m));
	TRY(mailbox_integer(m, SQL_ANY, &any));
	if (!any)
		return DSKE_OK; /* nothing ages: no write for the clock alone */
	TRY(expire(m, expired));
	if (m->clock_s - m->clock_saved_s >= MAILBOX_CLOCK_STEP_S) {
		TRY(mailbox_clock_save(m));
		TRY(mailbox_accounts_forget(m));
	}
	return DSKE_OK;
}

/* ---- a client who is no more ---------------------------------------------------------------------- */

dske_rc mailbox_purge(struct mailbox *m, const struct id *client, size_t *count)
{
	static const struct {
		enum mailbox_statement statement;
		bool counts;
	} steps[] = {
		{SQL_PURGE_FROM, true},  {SQL_PURGE_FROM_DELIVERIES, false}, {SQL_PURGE_LAST, true},
		{SQL_PURGE_FOR, false},  {SQL_PURGE_FOR_DELIVERIES, false}, {SQL_POLICY_FORGET, false},
	};

	*count = 0;
	TRY(mailbox_begin(m));
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		sqlite3_stmt *s = mailbox_statement(m, steps[i].statement);
		sqlite3_bind_blob(s, 1, client->b, ID_LEN, SQLITE_STATIC);
		TRY(mailbox_run(m, s));
		if (steps[i].counts)
			*count += (size_t)sqlite3_changes64(m->db);
	}
	return DSKE_OK;
}

/* ---- opening ------------------------------------------------------------------------------------ */

static dske_rc execute(struct mailbox *m, const char *text)
{
	if (sqlite3_exec(m->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(m, "setting up");
	return DSKE_OK;
}

static dske_rc integer_read(struct mailbox *m, const char *text, int *out)
{
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(m->db, text, -1, &s, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(s);
	*out = code == SQLITE_ROW ? sqlite3_column_int(s, 0) : -1;
	sqlite3_finalize(s);
	if (code == SQLITE_BUSY)
		return FAIL(BUSY, "the mailbox is in use by another process");
	return code == SQLITE_ROW ? DSKE_OK : store_fail(m, "opening");
}

static dske_rc additions_make(struct mailbox *m)
{
	int exists;

	for (size_t i = 0; i < sizeof additions / sizeof additions[0]; i++) {
		TRY(integer_read(m, additions[i].exists, &exists));
		if (!exists)
			TRY(execute(m, additions[i].add));
	}
	return DSKE_OK;
}

static dske_rc schema_make(struct mailbox *m)
{
	TRY(execute(m, "BEGIN IMMEDIATE"));
	TRY(execute(m, schema));
	return execute(m, "COMMIT");
}

static dske_rc prepare_all(struct mailbox *m)
{
	for (size_t i = 0; i < SQL_COUNT_OF; i++)
		if (sqlite3_prepare_v3(m->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &m->statement[i], NULL) !=
		    SQLITE_OK)
			return store_fail(m, sql[i]);
	return DSKE_OK;
}

static dske_rc open_database(struct mailbox *m, const char *path)
{
	int version = 0;

	if (sqlite3_open_v2(path, &m->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_PRIVATECACHE, NULL) !=
	    SQLITE_OK)
		return FAIL(IO, "cannot open %s: %s", path, m->db ? sqlite3_errmsg(m->db) : "out of memory");
	TRY(execute(m, settings));
	TRY(integer_read(m, "PRAGMA user_version", &version));
	if (version == 0)
		TRY(schema_make(m));
	else if (version != FORMAT)
		return FAIL(CORRUPT, "%s is not a mailbox of this version of dske-hubd (its format is %d, not %d)", path,
			    version, FORMAT);
	TRY(execute(m, deliveries));
	TRY(execute(m, accounts));
	TRY(execute(m, longs));
	TRY(execute(m, rounds));
	TRY(execute(m, policies));
	TRY(additions_make(m));
	return prepare_all(m);
}

static dske_rc open_in(struct mailbox *m, const char *state)
{
	struct path database, key;

	TRY(path_format(&database, "%s/mailbox.db", state));
	TRY(path_format(&key, "%s/store.key", state));

	bool is_new = access(database.s, F_OK) != 0;
	dske_rc rc = storekey_open(&m->key, key.s, is_new);

	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return FAIL(NOT_FOUND, "%s is missing, and the mailbox beside it cannot be read without: restore it, or "
			    "remove the mailbox (shares that wait are lost then)", key.s);
	TRY(rc);
	TRY(open_database(m, database.s));
	if (is_new)
		TRY(file_sync_dir_of(database.s));
	TRY(mailbox_integer(m, SQL_CLOCK_READ, &m->clock_base_s));
	TRY(mailbox_integer(m, SQL_POLICY_COUNT, &m->policies));
	TRY(mailbox_integer(m, SQL_LAST, &m->last_id));
	m->clock_s = m->clock_saved_s = m->clock_base_s;
	return DSKE_OK;
}

static void release(struct mailbox *m)
{
	for (size_t i = 0; i < SQL_COUNT_OF; i++)
		sqlite3_finalize(m->statement[i]);
	sqlite3_close(m->db);
	storekey_drop(&m->key);
	free(m);
}

dske_rc mailbox_open(struct mailbox **out, const char *state, int64_t now_ms)
{
	struct mailbox *m = calloc(1, sizeof *m);

	*out = NULL;
	if (!m)
		return rc_make(DSKE_RC_NOMEM);
	m->opened_ms = now_ms;

	mode_t old = umask(077);
	dske_rc rc = open_in(m, state);

	umask(old);
	if (rc_ok(rc))
		*out = m;
	else
		release(m);
	return rc;
}

void mailbox_close(struct mailbox *m)
{
	if (!m)
		return;
	if (!m->broken && m->clock_s != m->clock_saved_s && rc_ok(mailbox_clock_save(m)))
		(void)mailbox_commit(m);
	release(m);
}
