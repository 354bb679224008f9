/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox.c - opening, batches and the clock. */
#include "hub/mailbox-impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/listing.h"
#include "base/net.h"

#define UPKEEP_LEAST (2u << 20) /* bytes a tick */

/* ---- failures ------------------------------------------------------------------------------------- */

dske_rc mailbox_alive(struct mailbox *m)
{
	if (m->broken)
		return FAIL(IO, "the mailbox failed before: %s", m->why);
	return DSKE_OK;
}

dske_rc mailbox_break(struct mailbox *m, dske_rc rc)
{
	if (rc_ok(rc) || m->broken)
		return rc;
	snprintf(m->why, sizeof m->why, "%s", rc_detail(rc));
	m->broken = true;
	return FAIL(IO, "the mailbox failed: %s", m->why);
}

/* ---- records ---------------------------------------------------------------------------------------- */

dske_rc mailbox_begin(struct mailbox *m, enum record_type type, size_t head_len, size_t body_len, struct journal_room *room)
{
	const struct journal_banner banner = {.clock_s = m->clock_saved_s, .last_id = m->last_id};

	journal_set_banner(m->journal, &banner);
	m->appended += journal_len(head_len, body_len);
	m->fresh += m->is_upkeep ? 0 : journal_len(head_len, body_len);
	return mailbox_break(m, journal_begin(m->journal, type, head_len, body_len, room));
}

void mailbox_end(struct mailbox *m, bool lazy)
{
	journal_end(m->journal);
	m->urgent = m->urgent || !lazy;
	if (lazy && m->lazy_ms == INT64_MAX)
		m->lazy_ms = clock_ms() + MAILBOX_LAZY_MS;
}

dske_rc mailbox_note(struct mailbox *m, enum record_type type, const void *head, size_t len, bool lazy)
{
	struct journal_room room;

	TRY(mailbox_begin(m, type, len, 0, &room));
	memcpy(room.head, head, len);
	mailbox_end(m, lazy);
	return DSKE_OK;
}

static dske_rc clock_save(struct mailbox *m)
{
	TRY(mailbox_note(m, RECORD_CLOCK, &m->clock_s, sizeof m->clock_s, true));
	m->clock_saved_s = m->clock_s;
	return DSKE_OK;
}

/* ---- batches ------------------------------------------------------------------------------------------- */

static dske_rc sync_all(struct mailbox *m)
{
	TRY(accounts_flush(m));
	/* There has to be a batch behind the one whose bodies are to be erased. */
	if (m->erasures > 0 && m->appended == 0)
		TRY(clock_save(m));
	TRY(mailbox_break(m, journal_sync(m->journal)));
	m->urgent = false;
	m->lazy_ms = INT64_MAX;

	uint64_t fresh = m->fresh;

	m->appended = m->fresh = 0;
	TRY(erasures_run(m));
	if (m->erasures > 0)
		m->lazy_ms = clock_ms() + MAILBOX_LAZY_MS;
	return mailbox_upkeep(m, 4 * fresh);
}

dske_rc mailbox_commit(struct mailbox *m)
{
	if (m->broken)
		return FAIL(SYNC, "the mailbox failed (%s); stopping, since what it holds is uncertain until it is "
			    "opened again", m->why);
	if (!m->urgent && (m->lazy_ms == INT64_MAX || clock_ms() < m->lazy_ms))
		return DSKE_OK;
	/* What a failed sync has left on the disk is unknown: it is never tried again. */
	if (!rc_ok(sync_all(m)))
		return FAIL(SYNC, "the mailbox could not be made durable (%s); stopping", m->why);
	return DSKE_OK;
}

int64_t mailbox_wake_ms(const struct mailbox *m)
{
	return m->lazy_ms;
}

dske_rc mailbox_count(struct mailbox *m, size_t *count)
{
	TRY(mailbox_alive(m));
	*count = m->waiting;
	return DSKE_OK;
}

/* ---- the clock ---------------------------------------------------------------------------------- */

dske_rc mailbox_tick(struct mailbox *m, int64_t now_ms, size_t *expired)
{
	*expired = 0;
	TRY(mailbox_alive(m));
	m->clock_s = m->clock_base_s + (now_ms - m->opened_ms) / 1000;
	TRY(long_sweep(m));
	if (m->erasures > 0 && m->lazy_ms == INT64_MAX)
		m->lazy_ms = clock_ms();
	TRY(mailbox_upkeep(m, UPKEEP_LEAST));
	if (m->due_count == 0)
		return DSKE_OK; /* nothing ages: no write for the clock alone */

	bool due = m->due[0].due <= m->clock_s, step = m->clock_s - m->clock_saved_s >= MAILBOX_CLOCK_STEP_S;

	if (due || step)
		TRY(clock_save(m));
	if (due)
		*expired = mailbox_expire(m);
	if (step)
		accounts_forget(m);
	return DSKE_OK;
}

/* ---- opening ------------------------------------------------------------------------------------ */

/* Shares may wait in it: that is for a person to decide. */
static dske_rc check_older(const char *state)
{
	struct path database;

	TRY(path_format(&database, "%s/mailbox.db", state));
	if (access(database.s, F_OK) != 0)
		return DSKE_OK;
	return FAIL(UNSUPPORTED, "%s is the mailbox of an older version of dske-hubd: let that version deliver what waits in it, and "
		    "then remove it and mailbox.db-wal; if you remove it now, shares that wait in it are lost", database.s);
}

/* Has anything ever been in it? */
static dske_rc is_new(const char *folder, bool *new)
{
	AUTO(listing) l = LISTING_NONE;
	const char *name;
	dske_rc rc = listing_open(&l, folder);

	*new = true;
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	TRY(rc);
	for (;;) {
		TRY(listing_next(&name, &l));
		if (!name)
			return DSKE_OK;
		*new = *new && strncmp(name, "segment-", 8) != 0;
	}
}

static dske_rc folder_lock(struct mailbox *m, const char *folder)
{
	struct path p;

	TRY(path_format(&p, "%s/lock", folder));
	TRY(file_open(&m->lock, p.s, O_RDWR | O_CREAT, 0600));

	dske_rc rc = file_lock(m->lock.n, FILE_LOCK_EXCLUSIVE, false);

	if (rc_is(rc, DSKE_RC_BUSY))
		return FAIL(BUSY, "the mailbox is in use by another process");
	return rc;
}

static dske_rc open_in(struct mailbox *m, const char *state, uint32_t segment_len)
{
	struct path folder, key;
	bool new;

	TRY(check_older(state));
	TRY(path_format(&folder, "%s/mailbox", state));
	TRY(path_format(&key, "%s/store.key", state));
	TRY(is_new(folder.s, &new));

	dske_rc rc = storekey_open(&m->key, key.s, new);

	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return FAIL(NOT_FOUND, "%s is missing, and the mailbox beside it cannot be read without: restore it, or "
			    "remove the mailbox (shares that wait are lost then)", key.s);
	TRY(rc);
	if (new) {
		TRY(file_make_dirs(folder.s, 0700));
		TRY(file_sync_dir_of(folder.s));
	}
	TRY(folder_lock(m, folder.s));
	TRY(index_init(m));
	TRY(replay_all(m, folder.s, segment_len));
	m->clock_base_s = m->clock_saved_s = m->clock_s;
	accounts_forget(m);
	return DSKE_OK;
}

static void release(struct mailbox *m)
{
	journal_close(m->journal);
	index_drop(m);
	for (struct long_key *next; m->sweep; m->sweep = next) {
		next = m->sweep->sweep;
		long_free(m->sweep);
	}
	free(m->erasure);
	fd_drop(&m->lock);
	storekey_drop(&m->key);
	free(m);
}

dske_rc mailbox_open_as(struct mailbox **out, const char *state, int64_t now_ms, uint32_t segment_len)
{
	struct mailbox *m = calloc(1, sizeof *m);

	*out = NULL;
	if (!m)
		return rc_make(DSKE_RC_NOMEM);
	m->opened_ms = now_ms;
	m->lazy_ms = INT64_MAX;
	m->lock.n = -1;

	mode_t old = umask(077);
	dske_rc rc = open_in(m, state, segment_len);

	umask(old);
	if (rc_ok(rc))
		*out = m;
	else
		release(m);
	return rc;
}

dske_rc mailbox_open(struct mailbox **out, const char *state, int64_t now_ms)
{
	return mailbox_open_as(out, state, now_ms, 0);
}

/* What is not committed was promised to nobody, and is lost; but what only waited for its time is not. */
void mailbox_close(struct mailbox *m)
{
	if (!m)
		return;
	if (!m->broken && !m->urgent) {
		dske_rc rc = m->clock_s != m->clock_saved_s ? clock_save(m) : DSKE_OK;

		if (rc_ok(rc) && (m->appended > 0 || m->erasures > 0))
			(void)sync_all(m);
	}
	release(m);
}
