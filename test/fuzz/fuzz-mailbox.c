/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an input as a hub's mailbox.  By its first byte: as the bytes of a segment, of which hardly one verifies (0); or as records
 * that do (1): type, lengths of head and body (2 bytes each), head.  So what an authentic record may say is tried out, too.  A mailbox
 * that opens is looked through, and has to open again, and hold as much.
 */
#include <config.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "hub/mailbox-impl.h"
#include "test/lib/scratch.h"

#define SEGMENT (UINT32_C(16) << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

const size_t replay_budget = 60; /* each is files made, synced and removed */

static struct path folder, below, segment;

static void hold(bool is_so)
{
	if (!is_so)
		abort();
}

static void remove_at_end(void)
{
	scratch_remove(&folder);
}

static dske_rc nothing_visited(void *context, const struct journal_record *r)
{
	(void)context, (void)r;
	return DSKE_OK;
}

/* An empty mailbox, whose key stays. */
static void begin(void)
{
	struct mailbox *m;

	if (folder.s[0] == '\0') {
		scratch_make(&folder);
		atexit(remove_at_end);
		hold(rc_ok(path_format(&below, "%s/mailbox", folder.s)));
		hold(rc_ok(path_format(&segment, "%s/segment-000001", below.s)));
		hold(rc_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT)));
		mailbox_close(m);
	}
	for (unsigned i = 1; i < 9; i++) {
		struct path p;

		hold(rc_ok(path_format(&p, "%s/segment-%06u", below.s, i)));
		(void)unlink(p.s);
	}
}

static void plain(const uint8_t *data, size_t len)
{
	AUTO(fd) f = FD_NONE;

	hold(rc_ok(file_open(&f, segment.s, O_RDWR | O_CREAT, 0600)));
	hold(rc_ok(file_pwrite(f.n, data, len < SEGMENT ? len : SEGMENT, 0)));
	hold(rc_ok(file_resize(f.n, SEGMENT)));
}

static void records(const uint8_t *data, size_t len)
{
	struct journal_setting setting = {.folder = below.s, .segment_len = SEGMENT};
	const struct journal_reader reader = {.visit = nothing_visited};
	struct storekey k;
	struct journal *j;
	struct journal_room room;

	hold(rc_ok(storekey_open(&k, scratch_path(&folder, "store.key"), false)));
	hold(rc_ok(storekey_derive(&k, MAILBOX_KEY_LABEL, &setting.key, sizeof setting.key)));
	storekey_drop(&k);
	hold(rc_ok(journal_open(&j, &setting, &reader)));
	for (size_t head, body; len >= 5; data += 5 + head, len -= 5 + head) {
		head = (size_t)data[1] << 8 | data[2];
		head = head < len - 5 ? head : len - 5;
		body = ((size_t)data[3] << 8 | data[4]) % 512;
		if (!rc_ok(journal_begin(j, data[0], head % 4096, body, &room)))
			break;
		memcpy(room.head, data + 5, head % 4096);
		memset(room.body, 1, body);
		journal_end(j);
		/* Alone in its batch, for bodies are not asked about in an older one. */
		hold(rc_ok(journal_sync(j)));
	}
	if (rc_ok(journal_begin(j, RECORD_CLOCK, sizeof(int64_t), 0, &room))) {
		memset(room.head, 0, sizeof(int64_t));
		journal_end(j);
		hold(rc_ok(journal_sync(j)));
	}
	journal_close(j);
}

/* Whatever it holds can be asked for. */
static void look(struct mailbox *m)
{
	for (size_t i = 0; i < m->ids.used; i++)
		for (struct hash_node *n = m->ids.bucket[i], *next; n; n = next) {
			AUTO(secret) share = {0};
			struct mailbox_round round;
			struct terms t;
			int64_t id = HASH_OF(share, by_id, n)->id;

			next = n->next;
			(void)mailbox_round_read(m, id, &round);
			(void)mailbox_terms(m, id, &t);
			(void)mailbox_part_get(m, id, 1, &share);
			secret_drop(&share);
			(void)mailbox_get(m, id, &t, &share);
		}
}

static void open_and_look(void)
{
	struct mailbox *m;
	size_t names, expired;

	if (!rc_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT)))
		return;
	look(m);
	names = m->ids.count;
	mailbox_close(m);
	hold(rc_ok(mailbox_open_as(&m, folder.s, 0, SEGMENT)));
	hold(m->ids.count == names);
	(void)mailbox_tick(m, INT64_C(1) << 32, &expired);
	(void)mailbox_commit(m);
	mailbox_close(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1)
		return 0;
	begin();
	if (data[0] % 2 == 0)
		plain(data + 1, len - 1);
	else
		records(data + 1, len - 1);
	open_and_look();
	return 0;
}
