/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-account.c - what clients have used of their quotas, and how much the mailbox holds. */
#include <string.h>

#include "hub/mailbox-impl.h"

static void bind_account(sqlite3_stmt *s, const struct mailbox_account *a)
{
	sqlite3_bind_int(s, 1, a->scope);
	sqlite3_bind_blob(s, 2, a->from.b, ID_LEN, SQLITE_STATIC);
	sqlite3_bind_blob(s, 3, a->to.b, ID_LEN, SQLITE_STATIC);
}

int64_t mailbox_clock_s(const struct mailbox *m)
{
	return m->clock_s;
}

dske_rc mailbox_account_read(struct mailbox *m, const struct mailbox_account *a, struct quota_use *u)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_ACCOUNT_READ);
	bool row;

	*u = (struct quota_use){0};
	bind_account(s, a);

	dske_rc rc = mailbox_step(m, s, &row);

	if (rc_ok(rc) && row && sqlite3_column_bytes(s, 0) == sizeof *u)
		memcpy(u, sqlite3_column_blob(s, 0), sizeof *u);
	sqlite3_reset(s);
	if (rc_ok(rc) && !quota_use_is_sound(u))
		return FAIL(CORRUPT, "an account of the quotas is damaged: the mailbox has to be made anew");
	return rc;
}

/* The clock goes with it: after a restart it is not before what was used. */
dske_rc mailbox_account_write(struct mailbox *m, const struct mailbox_account *a, const struct quota_use *u)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_ACCOUNT_WRITE);

	TRY(mailbox_begin(m));
	bind_account(s, a);
	sqlite3_bind_int64(s, 4, m->clock_s);
	sqlite3_bind_blob(s, 5, u, sizeof *u, SQLITE_STATIC);
	TRY(mailbox_run(m, s));
	return m->clock_s != m->clock_saved_s ? mailbox_clock_save(m) : DSKE_OK;
}

dske_rc mailbox_accounts_forget(struct mailbox *m)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_ACCOUNTS_FORGET);

	sqlite3_bind_int64(s, 1, m->clock_s - QUOTA_MEMORY_S);
	return mailbox_run(m, s);
}

dske_rc mailbox_holding(struct mailbox *m, const struct id *initiator, uint64_t *bytes)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_HOLDING);
	bool row;

	mailbox_bind_id(s, 1, initiator);

	dske_rc rc = mailbox_step(m, s, &row);

	*bytes = rc_ok(rc) && row ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return rc;
}

dske_rc mailbox_size(struct mailbox *m, uint64_t *bytes)
{
	static const enum mailbox_statement counts[] = {SQL_PAGES, SQL_PAGES_FREE, SQL_PAGE_SIZE};
	int64_t n[3] = {0}, missing;

	for (size_t i = 0; i < 3; i++)
		TRY(mailbox_integer(m, counts[i], &n[i]));
	TRY(mailbox_integer(m, SQL_LONG_MISSING, &missing));
	*bytes = (uint64_t)(n[0] - n[1]) * (uint64_t)n[2] + (uint64_t)missing;
	return DSKE_OK;
}
