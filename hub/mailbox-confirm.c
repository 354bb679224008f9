/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-confirm.c - shares that are to be confirmed: which receivers are ready, and what the initiator said then. */
#include <string.h>

#include "hub/mailbox-impl.h"

/* What the records of READY and ATTEST say. */
struct ready {
	int64_t share;
	uint32_t receiver; /* his place in the terms */
	uint32_t zero;
};

struct attested {
	int64_t share;
	struct confirmation said;
};

dske_rc mailbox_round_find(struct mailbox *m, const struct id *initiator, const struct id *key_id, int64_t *share)
{
	*share = 0;
	TRY(mailbox_alive(m));

	struct share *s = share_named(m, initiator, key_id);

	if (!s || !s->round)
		return rc_make(DSKE_RC_NOT_FOUND);
	*share = s->id;
	return DSKE_OK;
}

dske_rc mailbox_round_read(struct mailbox *m, int64_t share, struct mailbox_round *r)
{
	*r = (struct mailbox_round){0};
	TRY(mailbox_alive(m));

	struct share *s = share_find(m, share);

	if (!s || !s->round)
		return rc_make(DSKE_RC_NOT_FOUND);
	*r = *s->round;
	return DSKE_OK;
}

dske_rc mailbox_terms(struct mailbox *m, int64_t share, struct terms *t)
{
	AUTO(buf) bytes = {0};
	struct share_said said;

	TRY(mailbox_alive(m));

	struct share *s = share_find(m, share);

	if (!s || s->body_len == 0)
		return rc_make(DSKE_RC_NOT_FOUND);
	TRY(share_read(m, s, false, &bytes, &said));
	return share_terms(&said, t);
}

static void ready_apply(struct mailbox_round *r, size_t receiver)
{
	if (receiver_set_has(&r->ready, receiver))
		return;
	receiver_set_add(&r->ready, receiver);
	r->ready_count++;
}

dske_rc mailbox_ready(struct mailbox *m, int64_t share, const struct id *receiver)
{
	TRY(mailbox_alive(m));

	struct share *s = share_find(m, share);
	struct delivery *d = s && s->round ? share_delivery(s, receiver) : NULL;

	if (!d)
		return rc_make(DSKE_RC_NOT_FOUND);

	struct ready said = {.share = share, .receiver = (uint32_t)(d - s->delivery)};

	if (receiver_set_has(&s->round->ready, said.receiver))
		return DSKE_OK;
	TRY(mailbox_note(m, RECORD_READY, &said, sizeof said, false));
	ready_apply(s->round, said.receiver);
	return DSKE_OK;
}

static void attest_apply(struct mailbox_round *r, const struct confirmation *said)
{
	r->attested = true;
	r->said = *said;
}

dske_rc mailbox_attest(struct mailbox *m, int64_t share, const struct confirmation *said)
{
	struct attested a = {.share = share, .said = *said};

	TRY(mailbox_alive(m));

	struct share *s = share_find(m, share);

	if (!s || !s->round)
		return rc_make(DSKE_RC_NOT_FOUND);
	if (s->round->attested)
		return memcmp(&s->round->said, said, sizeof *said) == 0 ? DSKE_OK : rc_make(DSKE_RC_EXISTS);
	TRY(mailbox_note(m, RECORD_ATTEST, &a, sizeof a, false));
	attest_apply(s->round, said);
	return DSKE_OK;
}

dske_rc round_replay(struct mailbox *m, const struct journal_record *r)
{
	struct ready ready;
	struct attested a;

	if (r->head_len != (r->type == RECORD_READY ? sizeof ready : sizeof a))
		return FAIL(CORRUPT, "a confirmation in the mailbox cannot be decoded");
	memcpy(&ready, r->head, sizeof ready);

	struct share *s = share_find(m, ready.share);

	if (!s || !s->round)
		return DSKE_OK;
	if (r->type == RECORD_READY) {
		if (ready.receiver < s->receivers)
			ready_apply(s->round, ready.receiver);
		return DSKE_OK;
	}
	memcpy(&a, r->head, sizeof a);
	attest_apply(s->round, &a.said);
	return DSKE_OK;
}
