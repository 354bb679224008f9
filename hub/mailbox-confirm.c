/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-confirm.c - shares that are to be confirmed: which receivers are ready, and what the initiator said then. */
#include <string.h>

#include "hub/mailbox-impl.h"

dske_rc mailbox_round_begin(struct mailbox *m, int64_t share, size_t receivers)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_ROUND_BEGIN);

	sqlite3_bind_int64(s, 1, share);
	sqlite3_bind_int64(s, 2, (int64_t)receivers);
	return mailbox_run(m, s);
}

dske_rc mailbox_round_find(struct mailbox *m, const struct id *initiator, const struct id *key_id, int64_t *share)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_ROUND_FIND);
	bool row;

	mailbox_bind_id(s, 1, initiator);
	mailbox_bind_id(s, 2, key_id);

	dske_rc rc = mailbox_step(m, s, &row);

	*share = row ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	TRY(rc);
	return row ? DSKE_OK : rc_make(DSKE_RC_NOT_FOUND);
}

static dske_rc ready_read(struct mailbox *m, int64_t share, struct mailbox_round *r)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_READY_READ);
	bool row;
	dske_rc rc;

	sqlite3_bind_int64(s, 1, share);
	for (rc = mailbox_step(m, s, &row); rc_ok(rc) && row; rc = mailbox_step(m, s, &row)) {
		receiver_set_add(&r->ready, (size_t)sqlite3_column_int64(s, 0));
		r->ready_count++;
	}
	sqlite3_reset(s);
	return rc;
}

dske_rc mailbox_round_read(struct mailbox *m, int64_t share, struct mailbox_round *r)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_ROUND_READ);
	bool row;

	*r = (struct mailbox_round){0};
	sqlite3_bind_int64(s, 1, share);

	dske_rc rc = mailbox_step(m, s, &row);

	if (rc_ok(rc) && row) {
		r->receivers = (size_t)sqlite3_column_int64(s, 0);
		r->attested = sqlite3_column_bytes(s, 1) == sizeof r->said;
		if (r->attested)
			memcpy(&r->said, sqlite3_column_blob(s, 1), sizeof r->said);
	}
	sqlite3_reset(s);
	TRY(rc);
	return row ? ready_read(m, share, r) : rc_make(DSKE_RC_NOT_FOUND);
}

dske_rc mailbox_terms(struct mailbox *m, int64_t share, struct terms *t)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_GET);
	struct msg_instruction i;
	bool row;

	sqlite3_bind_int64(s, 1, share);

	dske_rc rc = mailbox_step(m, s, &row);

	if (rc_ok(rc) && !row)
		rc = rc_make(DSKE_RC_NOT_FOUND);
	if (rc_ok(rc) && !rc_ok(msg_instruction_read(&i, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0))))
		rc = FAIL(CORRUPT, "a share in the mailbox cannot be decoded");
	if (rc_ok(rc))
		*t = i.terms;
	sqlite3_reset(s);
	return rc;
}

/* It waits for him, and he has not receipted it. */
static dske_rc is_due(struct mailbox *m, int64_t share, const struct terms *t, const struct id *receiver, bool *due)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_DELIVERY_IS_DUE);

	mailbox_bind_id(s, 1, receiver);
	mailbox_bind_id(s, 2, &t->initiator);
	sqlite3_bind_int64(s, 3, share);

	dske_rc rc = mailbox_step(m, s, due);

	sqlite3_reset(s);
	return rc;
}

dske_rc mailbox_ready(struct mailbox *m, int64_t share, const struct id *receiver)
{
	struct terms t;
	bool due = false;

	TRY(mailbox_terms(m, share, &t));
	TRY(is_due(m, share, &t, receiver, &due));

	int place = terms_receiver_index(&t, receiver);

	if (!due || place < 0)
		return rc_make(DSKE_RC_NOT_FOUND);
	TRY(mailbox_begin(m));

	sqlite3_stmt *s = mailbox_statement(m, SQL_READY_WRITE);

	sqlite3_bind_int64(s, 1, share);
	sqlite3_bind_int64(s, 2, place);
	return mailbox_run(m, s);
}

dske_rc mailbox_attest(struct mailbox *m, int64_t share, const struct confirmation *said)
{
	struct mailbox_round r;

	TRY(mailbox_round_read(m, share, &r));
	if (r.attested)
		return memcmp(&r.said, said, sizeof *said) == 0 ? DSKE_OK : rc_make(DSKE_RC_EXISTS);
	TRY(mailbox_begin(m));

	sqlite3_stmt *s = mailbox_statement(m, SQL_ATTEST);

	sqlite3_bind_int64(s, 1, share);
	sqlite3_bind_blob(s, 2, said, sizeof *said, SQLITE_STATIC);
	return mailbox_run(m, s);
}
