/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench-mailbox.c - shares through a hub's mailbox: put, committed, found, fetched, receipted; one by one and 64 a
 * commit.  Beside the least that durable can cost: 8 bytes written over a preallocated file, and fdatasync.
 */
#include "config.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/net.h"
#include "hub/mailbox.h"
#include "test/bench/bench.h"
#include "test/bench/tables.h"

#define ROUNDS 7
#define GROUP 64

static struct mailbox *m;
static int plain_file;
static uint64_t number;
static const struct id alice = {{0xa}}, bob = {{0xb}}, table = {{0xc}};

static double processor_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A key of 256 bits over five hubs, as the others' benchmarks have it. */
static void terms_make(struct terms *t)
{
	*t = (struct terms){.initiator = alice, .receiver_count = 1, .n = 5, .k = 3, .key_len = 32, .context_len = 8};
	memcpy(t->key_id.b, &number, sizeof number);
	memcpy(t->context, &number, sizeof number);
	t->receiver[0] = bob;
	for (uint8_t i = 0; i < t->n; i++)
		t->hub[i].b[0] = (uint8_t)(i + 1);
}

static void put(void)
{
	AUTO(secret) share = {0};
	uint8_t bytes[64] = {0};
	struct buf answer;
	struct terms t;
	int64_t id;

	number++;
	terms_make(&t);
	bench_need_ok(secret_alloc(&share, terms_share_len(&t)), "secret_alloc");
	buf_fixed(&answer, bytes, sizeof bytes);
	buf_put(&answer, bytes, 60);

	struct mailbox_put p = {.terms = &t, .share = &share, .ttl = 60, .table = table, .offset = 144 * number, .answer = &answer};

	memcpy(p.digest, &number, sizeof number);
	bench_need_ok(mailbox_put(m, &p, &id), "mailbox_put");
}

static void fetch(uint64_t which)
{
	const struct msg_wait w = {.initiator = alice, .selector = WAIT_CONTEXT, .value = (const uint8_t *)&which, .value_len = sizeof which};
	AUTO(secret) share = {0};
	struct mailbox_found found;
	struct terms t;

	bench_need_ok(mailbox_find(m, &bob, &w, 0, &found), "mailbox_find");
	bench_need_ok(mailbox_get(m, found.id, &t, &share), "mailbox_get");
	bench_need_ok(mailbox_receipt(m, found.id, &bob), "mailbox_receipt");
}

/* ---- what is measured: each does its work `times` times ------------------------------------------------- */

static void shares(size_t times, size_t group)
{
	size_t expired;

	for (size_t done = 0; done < times; done += group) {
		for (size_t i = 0; i < group; i++)
			put();
		bench_need_ok(mailbox_commit(m), "mailbox_commit");
		for (size_t i = 0; i < group; i++)
			fetch(number - i);
		bench_need_ok(mailbox_commit(m), "mailbox_commit");
	}
	bench_need_ok(mailbox_tick(m, clock_ms(), &expired), "mailbox_tick");
}

static void one_by_one(size_t times)
{
	shares(times, 1);
}

static void grouped(size_t times)
{
	shares(times, GROUP);
}

static void write_and_sync(size_t times)
{
	for (size_t i = 0; i < times; i++)
		bench_need(pwrite(plain_file, &i, sizeof i, 0) == sizeof i && fdatasync(plain_file) == 0, "write and fdatasync");
}

struct work {
	const char *name;
	void (*run)(size_t times);
	size_t times;
	double taken[ROUNDS], processor[ROUNDS];
};

static size_t in_use(void)
{
	struct mallinfo2 i = mallinfo2();

	return i.uordblks + i.hblkhd;
}

int main(void)
{
	static const char zeros[4096];
	struct work works[] = {
		{.name = "8 bytes and fdatasync", .run = write_and_sync, .times = 200},
		{.name = "shares, one a commit", .run = one_by_one, .times = 200},
		{.name = "shares, 64 a commit", .run = grouped, .times = 200 * GROUP},
	};
	const struct path *scratch = bench_scratch();
	struct path p;
	size_t before;

	bench_header(scratch->s);
	bench_need_ok(path_format(&p, "%s/plain", scratch->s), "path");
	plain_file = open(p.s, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bench_need(plain_file >= 0 && write(plain_file, zeros, sizeof zeros) == sizeof zeros && fsync(plain_file) == 0, "a file");
	before = in_use();
	bench_need_ok(mailbox_open(&m, scratch->s, clock_ms()), "mailbox_open");
	for (size_t r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < 3; i++) {
			double start = bench_now(), processor = processor_now();

			works[i].run(works[i].times);
			works[i].taken[r] = (bench_now() - start) / (double)works[i].times;
			works[i].processor[r] = (processor_now() - processor) / (double)works[i].times;
		}
	for (size_t i = 0; i < 3; i++) {
		bench_line(works[i].name, 1 / bench_quantile(works[i].taken, ROUNDS, 0.5), "a second");
		bench_line("    processor time", 1e6 * bench_quantile(works[i].processor, ROUNDS, 0.5), "us each");
	}
	bench_line("memory a name that stays taken", (double)(in_use() - before) / (double)number, "bytes");
	mailbox_close(m);
	return 0;
}
