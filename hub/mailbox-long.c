/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/mailbox-long.c - keys that come in parts (doc/protocol.md, "Long keys").
 *
 * The share's own row has part 0 and its deliveries from the SHARE on, so that it counts as one that waits; nobody finds
 * it before it is whole.  Until then it is due when no part has come for a while.
 */
#include <string.h>

#include "hub/mailbox-impl.h"

#define PARTS_ROWS 1024
#define UNFINISHED_S 60

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* It is due after a while, and from now on its name stays taken for its time to live and as long again. */
static dske_rc keep(struct mailbox *m, int64_t share, uint32_t ttl, int64_t while_s)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_LONG_KEEP);

	sqlite3_bind_int64(s, 1, share);
	sqlite3_bind_int64(s, 2, m->clock_s + while_s);
	sqlite3_bind_int64(s, 3, m->clock_s + 2 * (int64_t)ttl);
	return mailbox_run(m, s);
}

dske_rc mailbox_long_begin(struct mailbox *m, const struct mailbox_put *p, int64_t id)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_LONG_BEGIN);

	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, p->terms->key_len);
	sqlite3_bind_int64(s, 3, terms_part_count(p->terms));
	sqlite3_bind_int64(s, 4, (int64_t)(terms_share_len(p->terms) - terms_part_len(p->terms, 0)));
	sqlite3_bind_int64(s, 5, p->ttl);
	TRY(mailbox_run(m, s));
	return keep(m, id, p->ttl, sooner(p->ttl, UNFINISHED_S));
}

dske_rc mailbox_long_tag(struct mailbox *m, int64_t id, struct terms *terms)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_LONG_TAG);
	bool row;

	if (!terms_are_long(terms))
		return DSKE_OK;
	sqlite3_bind_int64(s, 1, id);

	dske_rc rc = mailbox_step(m, s, &row);

	if (rc_ok(rc) && row && sqlite3_column_bytes(s, 0) == TAG_LEN)
		memcpy(terms->key_tag.b, sqlite3_column_blob(s, 0), TAG_LEN);
	sqlite3_reset(s);
	return rc;
}

dske_rc mailbox_long_find(struct mailbox *m, const struct id *initiator, const struct id *key_id, struct mailbox_long *l)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_LONG_FIND);
	bool row;

	mailbox_bind_id(s, 1, initiator);
	mailbox_bind_id(s, 2, key_id);

	dske_rc rc = mailbox_step(m, s, &row);

	if (rc_ok(rc) && row)
		*l = (struct mailbox_long){.id = sqlite3_column_int64(s, 0),
					   .key_len = (uint32_t)sqlite3_column_int64(s, 1),
					   .next = (unsigned)sqlite3_column_int64(s, 2),
					   .ttl = (uint32_t)sqlite3_column_int64(s, 3)};
	sqlite3_reset(s);
	TRY(rc);
	return row ? DSKE_OK : rc_make(DSKE_RC_NOT_FOUND);
}

/* ---- a part in ---------------------------------------------------------------------------------------- */

/* What a part is bound with at rest. */
struct about {
	int64_t share;
	uint64_t number;
};

static dske_rc part_insert(struct mailbox *m, const struct mailbox_long *l, const struct secret *part)
{
	AUTO(buf) ciphertext = {0};
	struct about about = {l->id, l->next};
	struct seal seal;
	sqlite3_stmt *s = mailbox_statement(m, SQL_PART_PUT);

	buf_heap(&ciphertext, part->len + AEAD_TAG_LEN);

	uint8_t *out = buf_grow(&ciphertext, part->len + AEAD_TAG_LEN);

	TRY(buf_rc(&ciphertext));
	TRY(storekey_encrypt(&m->key, &seal.key, (struct storekey_about){&about, sizeof about}, part->data, part->len, out));
	memcpy(seal.tag, out + part->len, sizeof seal.tag);
	sqlite3_bind_int64(s, 1, l->id * PARTS_ROWS + (int64_t)l->next);
	mailbox_bind(s, 2, &seal, sizeof seal);
	mailbox_bind(s, 3, out, part->len);
	return mailbox_run(m, s);
}

/* The time to live begins now; and what this key supersedes was to be had until now. */
static dske_rc whole(struct mailbox *m, const struct mailbox_long *l)
{
	TRY(keep(m, l->id, l->ttl, l->ttl));

	sqlite3_stmt *s = mailbox_statement(m, SQL_LONG_SUPERSEDE);

	sqlite3_bind_int64(s, 1, l->id);
	return mailbox_run(m, s);
}

dske_rc mailbox_part_put(struct mailbox *m, struct mailbox_long *l, const struct secret *part, const struct tag *key_tag)
{
	TRY(mailbox_begin(m));
	TRY(part_insert(m, l, part));

	sqlite3_stmt *s = mailbox_statement(m, SQL_LONG_ADD);

	sqlite3_bind_int64(s, 1, l->id);
	sqlite3_bind_int64(s, 2, (int64_t)part->len);
	mailbox_bind(s, 3, key_tag ? key_tag->b : NULL, key_tag ? TAG_LEN : 0);
	TRY(mailbox_run(m, s));
	l->next++;
	if (l->next == key_part_count(l->key_len))
		return whole(m, l);
	return keep(m, l->id, l->ttl, sooner(l->ttl, UNFINISHED_S));
}

/* ---- a part out --------------------------------------------------------------------------------------- */

static dske_rc row_open(struct mailbox *m, sqlite3_stmt *s, const struct about *about, struct secret *part)
{
	AUTO(buf) ciphertext = {0};
	struct seal seal;
	size_t len = (size_t)sqlite3_column_bytes(s, 0);

	if (sqlite3_column_bytes(s, 1) != sizeof seal)
		return FAIL(CORRUPT, "a part of a share in the mailbox has no seal");
	memcpy(&seal, sqlite3_column_blob(s, 1), sizeof seal);
	buf_heap(&ciphertext, len + sizeof seal.tag);
	buf_put(&ciphertext, sqlite3_column_blob(s, 0), len);
	buf_put(&ciphertext, seal.tag, sizeof seal.tag);
	TRY(buf_rc(&ciphertext));
	TRY(secret_alloc(part, len));
	return storekey_decrypt(&m->key, &seal.key, (struct storekey_about){about, sizeof *about}, ciphertext.data, len,
				part->data);
}

dske_rc mailbox_part_get(struct mailbox *m, int64_t id, unsigned number, struct secret *part)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_PART_GET);
	struct about about = {id, number};
	bool row;

	sqlite3_bind_int64(s, 1, id * PARTS_ROWS + (int64_t)number);

	dske_rc rc = mailbox_step(m, s, &row);

	if (rc_ok(rc))
		rc = row ? row_open(m, s, &about, part) : rc_make(DSKE_RC_NOT_FOUND);
	sqlite3_reset(s);
	if (!rc_ok(rc))
		secret_drop(part);
	return rc;
}

/* ---- what is no more ----------------------------------------------------------------------------------- */

/* A key of 1 GiB at once would hold up everybody for seconds. */
dske_rc mailbox_long_sweep(struct mailbox *m)
{
	int64_t share;

	TRY(mailbox_integer(m, SQL_SWEEP_FIND, &share));
	if (share == 0)
		return DSKE_OK;
	TRY(mailbox_begin(m));

	sqlite3_stmt *s = mailbox_statement(m, SQL_SWEEP_PARTS);

	sqlite3_bind_int64(s, 1, share);
	TRY(mailbox_run(m, s));
	if (sqlite3_changes(m->db) > 0)
		return DSKE_OK;
	s = mailbox_statement(m, SQL_SWEEP_END);
	sqlite3_bind_int64(s, 1, share);
	return mailbox_run(m, s);
}
