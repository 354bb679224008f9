/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-policy.c - the newest policy of each client that sent one. */
#include "hub/mailbox-impl.h"

dske_rc mailbox_policy_read(struct mailbox *m, const struct id *client, struct policy *p)
{
	bool row;

	if (m->policies == 0)
		return rc_make(DSKE_RC_NOT_FOUND);

	sqlite3_stmt *s = mailbox_statement(m, SQL_POLICY_READ);

	sqlite3_bind_blob(s, 1, client->b, ID_LEN, SQLITE_STATIC);

	dske_rc rc = mailbox_step(m, s, &row);

	if (rc_ok(rc) && !row)
		rc = rc_make(DSKE_RC_NOT_FOUND);
	if (rc_ok(rc) && !rc_ok(msg_policy_read(p, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0))))
		rc = FAIL(CORRUPT, "a policy in the mailbox cannot be decoded");
	sqlite3_reset(s);
	return rc;
}

dske_rc mailbox_policy_write(struct mailbox *m, const struct id *client, const struct policy *p)
{
	uint8_t bytes[POLICY_BODY_MAX];
	struct buf body;

	buf_fixed(&body, bytes, sizeof bytes);
	TRY(msg_policy_write(&body, p));
	TRY(mailbox_begin(m));

	sqlite3_stmt *s = mailbox_statement(m, SQL_POLICY_WRITE);

	sqlite3_bind_blob(s, 1, client->b, ID_LEN, SQLITE_STATIC);
	sqlite3_bind_blob64(s, 2, body.data, body.len, SQLITE_STATIC);
	TRY(mailbox_run(m, s));
	return mailbox_integer(m, SQL_POLICY_COUNT, &m->policies);
}
