/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-share.c - shares in and out of the mailbox. */
#include "hub/mailbox-impl.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define TERMS_BYTES_MAX ((size_t)16 << 10)
#define RENDEZVOUS_LEN 16

void mailbox_bind(sqlite3_stmt *s, int at, const void *bytes, size_t len)
{
	/* SQLITE_STATIC: what is bound outlives the step. A NULL pointer would bind NULL, not the empty blob. */
	sqlite3_bind_blob64(s, at, len > 0 ? bytes : "", len, SQLITE_STATIC);
}

void mailbox_bind_id(sqlite3_stmt *s, int at, const struct id *id)
{
	mailbox_bind(s, at, id->b, ID_LEN);
}

/* The terms' bytes, with which the share is bound at rest. */
static dske_rc about_make(struct buf *about, const struct terms *t)
{
	buf_heap(about, TERMS_BYTES_MAX);
	return msg_terms_write(about, t);
}

/* ---- in ----------------------------------------------------------------------------------------- */

dske_rc mailbox_named(struct mailbox *m, const struct id *initiator, const struct id *key_id, bool *taken)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_NAMED);

	mailbox_bind_id(s, 1, initiator);
	mailbox_bind_id(s, 2, key_id);

	dske_rc rc = mailbox_step(m, s, taken);

	sqlite3_reset(s);
	return rc;
}

dske_rc mailbox_pair_count(struct mailbox *m, const struct id *initiator, const struct id *receiver, size_t *count)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_PAIR_COUNT);
	bool row;

	mailbox_bind_id(s, 1, receiver);
	mailbox_bind_id(s, 2, initiator);

	dske_rc rc = mailbox_step(m, s, &row);

	*count = row ? (size_t)sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return rc;
}

static dske_rc rendezvous_make(uint8_t out[RENDEZVOUS_LEN], const struct terms *t)
{
	uint8_t input[ID_LEN + 1 + TERMS_RECEIVERS_MAX * ID_LEN + TERMS_CONTEXT_MAX], digest[EVP_MAX_MD_SIZE];
	struct buf b;

	buf_fixed(&b, input, sizeof input);
	buf_put(&b, t->initiator.b, ID_LEN);
	buf_put_u8(&b, t->receiver_count);
	buf_put(&b, t->receiver, t->receiver_count * sizeof t->receiver[0]);
	buf_put(&b, t->context, t->context_len);
	TRY(buf_rc(&b));
	if (EVP_Digest(b.data, b.len, digest, NULL, EVP_sha256(), NULL) != 1)
		return rc_make(DSKE_RC_NOMEM);
	memcpy(out, digest, RENDEZVOUS_LEN);
	return DSKE_OK;
}

/* An INSTRUCTION's body whose share is encrypted for the store instead of for the receiver; and, behind
 * the seal, the tag of that. */
static dske_rc body_make(struct mailbox *m, const struct mailbox_put *p, struct buf *body, struct seal *seal)
{
	AUTO(buf) about = {0}, ciphertext = {0};
	size_t len = p->share->len;

	TRY(about_make(&about, p->terms));
	buf_heap(&ciphertext, len + AEAD_TAG_LEN);

	uint8_t *out = buf_grow(&ciphertext, len + AEAD_TAG_LEN);

	TRY(buf_rc(&ciphertext));
	TRY(storekey_encrypt(&m->key, &seal->key, (struct storekey_about){about.data, about.len}, p->share->data, len,
			     out));
	memcpy(seal->tag, out + len, sizeof seal->tag);
	buf_heap(body, FRAME_MAX);
	return msg_instruction_write(body,
				     &(struct msg_instruction){.terms = *p->terms, .share = out, .share_len = len});
}

static dske_rc row_insert(struct mailbox *m, const struct mailbox_put *p, const uint8_t *rendezvous,
			  const struct buf *body, const struct seal *seal, int64_t *id)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_PUT);

	sqlite3_bind_int64(s, 1, m->last_id + 1);
	mailbox_bind_id(s, 2, &p->terms->initiator);
	mailbox_bind_id(s, 3, &p->terms->key_id);
	mailbox_bind(s, 4, p->terms->context, p->terms->context_len);
	mailbox_bind(s, 5, rendezvous, RENDEZVOUS_LEN);
	sqlite3_bind_int64(s, 6, m->clock_s + p->ttl);
	sqlite3_bind_int64(s, 7, m->clock_s + 2 * (int64_t)p->ttl);
	sqlite3_bind_int64(s, 8, p->terms->receiver_count);
	mailbox_bind_id(s, 9, &p->table);
	sqlite3_bind_int64(s, 10, (int64_t)p->offset);
	mailbox_bind(s, 11, p->digest, FRAME_DIGEST_LEN);
	mailbox_bind(s, 12, p->answer->data, p->answer->len);
	mailbox_bind(s, 13, seal, sizeof *seal);
	mailbox_bind(s, 14, body->data, body->len);
	TRY(mailbox_run(m, s));
	*id = ++m->last_id;
	return DSKE_OK;
}

static dske_rc deliveries_insert(struct mailbox *m, const struct terms *t, int64_t id)
{
	for (size_t i = 0; i < t->receiver_count; i++) {
		sqlite3_stmt *s = mailbox_statement(m, SQL_PUT_DELIVERY);

		mailbox_bind_id(s, 1, &t->receiver[i]);
		mailbox_bind_id(s, 2, &t->initiator);
		sqlite3_bind_int64(s, 3, id);
		sqlite3_bind_int64(s, 4, MSG_SHARE_RANGE_LEN(t));
		TRY(mailbox_run(m, s));
	}
	return DSKE_OK;
}

/* An older one of the same receivers that fewer of them have yet to fetch was receipted by somebody, who may
 * use its key: it stays until the others have it. */
static dske_rc supersede(struct mailbox *m, const struct terms *t, const uint8_t *rendezvous)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_SUPERSEDE);

	mailbox_bind_id(s, 1, &t->initiator);
	mailbox_bind(s, 2, t->context, t->context_len);
	mailbox_bind(s, 3, rendezvous, RENDEZVOUS_LEN);
	sqlite3_bind_int64(s, 4, t->receiver_count);
	return mailbox_run(m, s);
}

dske_rc mailbox_put(struct mailbox *m, const struct mailbox_put *p, int64_t *id)
{
	uint8_t rendezvous[RENDEZVOUS_LEN];
	struct seal seal;
	AUTO(buf) body = {0};
	bool taken = false;

	TRY(mailbox_named(m, &p->terms->initiator, &p->terms->key_id, &taken));
	if (taken)
		return FAIL(EXISTS, "the key ID is taken");
	TRY(rendezvous_make(rendezvous, p->terms));
	TRY(body_make(m, p, &body, &seal));
	TRY(mailbox_begin(m));
	if (!terms_are_long(p->terms)) /* or when it is whole */
		TRY(supersede(m, p->terms, rendezvous));
	TRY(row_insert(m, p, rendezvous, &body, &seal, id));
	if (terms_are_long(p->terms))
		TRY(mailbox_long_begin(m, p, *id));
	TRY(deliveries_insert(m, p->terms, *id));
	return p->terms->confirm ? mailbox_round_begin(m, *id, p->terms->receiver_count) : DSKE_OK;
}

dske_rc mailbox_answer(struct mailbox *m, const struct id *table, uint64_t offset,
		       const uint8_t digest[FRAME_DIGEST_LEN], struct buf *frame)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_ANSWER);
	bool row;

	mailbox_bind_id(s, 1, table);
	sqlite3_bind_int64(s, 2, (int64_t)offset);
	mailbox_bind(s, 3, digest, FRAME_DIGEST_LEN);

	dske_rc rc = mailbox_step(m, s, &row);

	if (rc_ok(rc) && row)
		buf_put(frame, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0));
	sqlite3_reset(s);
	TRY(rc);
	return row ? buf_rc(frame) : rc_make(DSKE_RC_NOT_FOUND);
}

/* ---- out ---------------------------------------------------------------------------------------- */

dske_rc mailbox_find(struct mailbox *m, const struct id *receiver, const struct msg_wait *match, int64_t after,
		     struct mailbox_found *found)
{
	sqlite3_stmt *s = mailbox_statement(m, match->selector == WAIT_KEY_ID ? SQL_FIND_KEY_ID : SQL_FIND_CONTEXT);
	bool row;

	mailbox_bind_id(s, 1, receiver);
	mailbox_bind_id(s, 2, &match->initiator);
	mailbox_bind(s, 3, match->value, match->value_len);
	sqlite3_bind_int64(s, 4, after);
	sqlite3_bind_int64(s, 5, match->takes_long);

	dske_rc rc = mailbox_step(m, s, &row);

	*found = (struct mailbox_found){0};
	if (row) {
		found->id = sqlite3_column_int64(s, 0);
		found->length = (uint32_t)sqlite3_column_int64(s, 1);
		found->wasted = (unsigned)sqlite3_column_int64(s, 2);
	}
	sqlite3_reset(s);
	TRY(rc);
	return row ? DSKE_OK : rc_make(DSKE_RC_NOT_FOUND);
}

static dske_rc share_decrypt(struct mailbox *m, const struct seal *seal, const struct msg_instruction *i,
			     struct secret *share)
{
	AUTO(buf) about = {0}, ciphertext = {0};

	TRY(about_make(&about, &i->terms));
	buf_heap(&ciphertext, i->share_len + sizeof seal->tag);
	buf_put(&ciphertext, i->share, i->share_len);
	buf_put(&ciphertext, seal->tag, sizeof seal->tag);
	TRY(buf_rc(&ciphertext));
	TRY(secret_alloc(share, i->share_len));
	return storekey_decrypt(&m->key, &seal->key, (struct storekey_about){about.data, about.len}, ciphertext.data,
				i->share_len, share->data);
}

static dske_rc row_open(struct mailbox *m, sqlite3_stmt *s, struct terms *terms, struct secret *share)
{
	struct msg_instruction i;
	struct seal seal;

	if (sqlite3_column_bytes(s, 1) != sizeof seal)
		return FAIL(CORRUPT, "a share in the mailbox has no seal");
	memcpy(&seal, sqlite3_column_blob(s, 1), sizeof seal);
	if (!rc_ok(msg_instruction_read(&i, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0))))
		return FAIL(CORRUPT, "a share in the mailbox cannot be decoded");
	TRY(share_decrypt(m, &seal, &i, share));
	*terms = i.terms;
	return DSKE_OK;
}

dske_rc mailbox_get(struct mailbox *m, int64_t id, struct terms *terms, struct secret *share)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_GET);
	bool row;

	sqlite3_bind_int64(s, 1, id);

	dske_rc rc = mailbox_step(m, s, &row);

	if (rc_ok(rc))
		rc = row ? row_open(m, s, terms, share) : rc_make(DSKE_RC_NOT_FOUND);
	sqlite3_reset(s);
	if (rc_ok(rc))
		rc = mailbox_long_tag(m, id, terms);
	if (!rc_ok(rc))
		secret_drop(share);
	return rc;
}

dske_rc mailbox_wasted(struct mailbox *m, int64_t id, const struct id *receiver)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_WASTED);

	TRY(mailbox_begin(m));
	mailbox_bind_id(s, 1, receiver);
	sqlite3_bind_int64(s, 2, id);
	return mailbox_run(m, s);
}

dske_rc mailbox_receipt(struct mailbox *m, int64_t id, const struct id *receiver)
{
	sqlite3_stmt *s = mailbox_statement(m, SQL_RECEIPT);

	TRY(mailbox_begin(m));
	mailbox_bind_id(s, 1, receiver);
	sqlite3_bind_int64(s, 2, id);
	TRY(mailbox_run(m, s));
	if (sqlite3_changes(m->db) == 0)
		return DSKE_OK; /* receipted before, or gone */
	s = mailbox_statement(m, SQL_BURY);
	sqlite3_bind_int64(s, 1, id);
	TRY(mailbox_run(m, s));
	s = mailbox_statement(m, SQL_STRIP);
	sqlite3_bind_int64(s, 1, id);
	return mailbox_run(m, s);
}
