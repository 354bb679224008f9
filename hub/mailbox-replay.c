/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-replay.c - the mailbox as it was left: its records, applied once more. */
#include "hub/mailbox-impl.h"

#include <string.h>

#include "base/secret.h"

static dske_rc clock_replay(struct mailbox *m, const struct journal_record *r)
{
	int64_t clock_s;

	if (r->head_len != sizeof clock_s)
		return FAIL(CORRUPT, "a time in the mailbox cannot be decoded");
	memcpy(&clock_s, r->head, sizeof clock_s);
	m->clock_s = clock_s > m->clock_s ? clock_s : m->clock_s;
	(void)mailbox_expire(m);
	return DSKE_OK;
}

static dske_rc purge_replay(struct mailbox *m, const struct journal_record *r)
{
	struct id client;

	if (r->head_len != ID_LEN)
		return FAIL(CORRUPT, "a client's end in the mailbox cannot be decoded");
	memcpy(client.b, r->head, ID_LEN);
	(void)purge_apply(m, &client);
	return DSKE_OK;
}

/* Where a segment begins: as it was then. */
static dske_rc banner_replay(struct mailbox *m, const struct journal_record *r)
{
	struct journal_banner b;

	memcpy(&b, r->head, sizeof b);
	m->clock_s = b.clock_s > m->clock_s ? b.clock_s : m->clock_s;
	m->last_id = b.last_id > m->last_id ? b.last_id : m->last_id;
	return DSKE_OK;
}

static dske_rc visit(void *context, const struct journal_record *r)
{
	static dske_rc (*const replay[])(struct mailbox *m, const struct journal_record *r) = {
		[JOURNAL_SEGMENT] = banner_replay,
		[RECORD_SHARE] = share_replay,
		[RECORD_RECEIPT] = receipt_replay,
		[RECORD_WASTED] = receipt_replay,
		[RECORD_CLOCK] = clock_replay,
		[RECORD_PURGE] = purge_replay,
		[RECORD_PART] = part_replay,
		[RECORD_READY] = round_replay,
		[RECORD_ATTEST] = round_replay,
		[RECORD_ACCOUNT] = account_replay,
		[RECORD_POLICY] = policy_replay,
	};

	if (r->type >= sizeof replay / sizeof replay[0] || !replay[r->type])
		return FAIL(CORRUPT, "the mailbox has records of type %u, which this version of dske-hubd does not know", r->type);
	return replay[r->type](context, r);
}

static dske_rc sound(void *context, const struct journal_record *r, const uint8_t *body)
{
	if (r->type == RECORD_SHARE)
		return share_sound(context, r, body);
	return r->type == RECORD_PART ? part_sound(context, r, body) : rc_make(DSKE_RC_CORRUPT);
}

dske_rc replay_all(struct mailbox *m, const char *folder, uint32_t segment_len)
{
	struct journal_setting setting = {.folder = folder, .segment_len = segment_len};
	const struct journal_reader reader = {.context = m, .visit = visit, .sound = sound};
	struct journal *j;

	TRY(storekey_derive(&m->key, MAILBOX_KEY_LABEL, &setting.key, sizeof setting.key));

	dske_rc rc = journal_open(&j, &setting, &reader);

	mem_wipe(&setting.key, sizeof setting.key);
	TRY(rc);
	m->journal = j; /* from now on what goes is erased */
	m->swept_to = journal_first(j);
	m->sweep_end = journal_last(j);
	return DSKE_OK;
}
