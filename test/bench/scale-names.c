/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/scale-names.c - names in a hub's mailbox: shares that wait, then as many that were fetched. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hub/mailbox.h"
#include "test/bench/bench.h"
#include "test/bench/process.h"
#include "test/bench/scale.h"
#include "test/lib/scratch.h"

#define GROUP 64 /* shares a commit */
#define TTL_S 3600

static const struct id alice = {{0xA1, 0xCE}}, bob = {{0xB0, 0xB0}};

/* One share of a key of 32 bytes among five hubs. */
static int64_t put(struct mailbox *m, unsigned number)
{
	struct terms t = {.initiator = alice, .receiver_count = 1, .receiver = {bob}, .n = 5, .k = 3, .key_len = 32};
	AUTO(secret) share = {0};
	AUTO(buf) answer = {0};
	int64_t id;
	struct mailbox_put p = {.terms = &t, .share = &share, .ttl = TTL_S, .table = alice, .offset = UINT64_C(160) * number,
				.answer = &answer};

	memcpy(t.key_id.b, &number, sizeof number);
	for (uint8_t i = 0; i < t.n; i++)
		t.hub[i].b[0] = (uint8_t)(i + 1);
	bench_need_ok(secret_random(&share, terms_part_len(&t, 0)), "share");
	buf_heap(&answer, 256);
	memset(buf_grow(&answer, 90), 1, 90);
	bench_need_ok(mailbox_put(m, &p, &id), "mailbox_put");
	return id;
}

static double each(struct mailbox *m, unsigned count, int64_t *id, bool fetched)
{
	double before = bench_now();

	for (unsigned i = 0; i < count; i++) {
		if (fetched)
			bench_need_ok(mailbox_receipt(m, id[i], &bob), "mailbox_receipt");
		else
			id[i] = put(m, i);
		if (i % GROUP == GROUP - 1)
			bench_need_ok(mailbox_commit(m), "mailbox_commit");
	}
	bench_need_ok(mailbox_commit(m), "mailbox_commit");
	return (bench_now() - before) / count * 1e6;
}

static double opening(struct mailbox **m, const struct path *folder)
{
	mailbox_close(*m);
	double before = bench_now();
	bench_need_ok(mailbox_open(m, folder->s, 0), "mailbox_open");
	return (bench_now() - before) * 1e3;
}

static void measure(const struct path *scratch, struct scale_row *row)
{
	struct mailbox *m = NULL;
	struct path folder;
	unsigned count = (unsigned)row->size;
	int64_t *id = calloc(count, sizeof *id);
	uint64_t bytes;

	bench_need(id != NULL, "out of memory");
	bench_need_ok(path_format(&folder, "%s/names-%u", scratch->s, count), "path");
	bench_need_ok(file_make_dirs(folder.s, 0700), "folder");
	double before = process_memory(getpid(), false);
	bench_need_ok(mailbox_open(&m, folder.s, 0), "mailbox_open");
	row->value[0] = each(m, count, id, false);
	row->value[1] = opening(&m, &folder);
	row->value[2] = (process_memory(getpid(), false) - before) / 1024;
	bench_need_ok(mailbox_size(m, &bytes), "mailbox_size");
	row->value[3] = (double)bytes / 1024;
	row->value[4] = each(m, count, id, true);
	row->value[5] = opening(&m, &folder);
	bench_need_ok(mailbox_size(m, &bytes), "mailbox_size");
	row->value[6] = (double)bytes / 1024;
	mailbox_close(m);
	free(id);
	scratch_remove(&folder);
}

const struct scale_axis scale_names = {
	.name = "names",
	.column = {"a share put (us)", "waiting: opened (ms)", "waiting: memory (KiB)", "waiting: disk (KiB)",
		   "a receipt (us)", "fetched: opened (ms)", "fetched: disk (KiB)"},
	.size = {1000, 10000, 100000, 1000000},
	.measure = measure,
};
