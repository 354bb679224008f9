/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench-ledger.c - how fast table bytes are given out durably, beside the least that durable
 * can cost: 8 bytes written over a preallocated file, and fdatasync.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pskm/list.h"
#include "pskm/table.h"
#include "test/bench/bench.h"
#include "test/bench/tables.h"

#define TABLE_LEN (UINT64_C(256) << 20)
#define STEP (UINT64_C(4) << 10)     /* bytes of a small window, in each direction */
#define BIG (UINT64_C(1) << 20)
#define RANGE_LEN (PAD_KEYS_LEN + 80) /* of the SHARE of a 256-bit key */
#define ROUNDS 7
#define TIMES 100
#define WORKS_MAX 4

static const struct path *scratch;
static struct table *hub, *client;
static struct layout layout;
static uint64_t up_next;

/* ---- measuring --------------------------------------------------------------------------------------------- */

struct work {
	const char *name;
	void (*run)(size_t times);
	size_t times; /* in one round: table bytes are limited */
};

/* Writes each one's median seconds for one time. */
static void in_turn(const struct work *works, size_t count, double *median)
{
	double taken[WORKS_MAX][ROUNDS];

	for (size_t r = 0; r < ROUNDS; r++)
		for (size_t i = 0; i < count; i++) {
			double start = bench_now();
			works[i].run(works[i].times);
			taken[i][r] = (bench_now() - start) / (double)works[i].times;
		}
	for (size_t i = 0; i < count; i++)
		median[i] = bench_quantile(taken[i], ROUNDS, 0.5);
}

/* ---- what is measured: each does its work `times` times ------------------------------------------------- */

static int plain_file;

static void write_and_sync(size_t times)
{
	uint64_t number = 0;

	for (size_t i = 0; i < times; i++, number++)
		bench_need(pwrite(plain_file, &number, sizeof number, 0) == sizeof number && fdatasync(plain_file) == 0,
			   "write and fdatasync");
}

/* As after a GRANT: both regions' bytes are recorded, read, and erased from the file. */
static void granted(size_t times, uint64_t len)
{
	for (size_t i = 0; i < times; i++) {
		struct window *up = NULL, *down = NULL;
		bench_need_ok(table_lease_granted(client, up_next, up_next + len, len, &up, &down), "table_lease_granted");
		up_next += len;
		window_free(up);
		window_free(down);
	}
}

static void granted_small(size_t times)
{
	granted(times, STEP);
}

static void granted_big(size_t times)
{
	granted(times, BIG);
}

static void slots(size_t times)
{
	for (size_t i = 0; i < times; i++) {
		AUTO(lease_keys) keys = {0};
		uint64_t slot, lowest;
		bench_need_ok(table_lease_take(client, &slot, &lowest, &keys), "table_lease_take");
	}
}

static void empty_file(void)
{
	static const char zeros[4096];
	struct path p;

	bench_need_ok(path_format(&p, "%s/plain", scratch->s), "path");
	plain_file = open(p.s, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bench_need(plain_file >= 0 && write(plain_file, zeros, sizeof zeros) == (ssize_t)sizeof zeros &&
			   fsync(plain_file) == 0,
		   "the file to compare with");
}

static void durable(void)
{
	static const struct work works[] = {
		{"8 bytes and fdatasync", write_and_sync, TIMES},
		{"table_lease_take (durable)", slots, TIMES},
		{"table_lease_granted, 4 KiB each way (durable)", granted_small, TIMES},
		{"table_lease_granted, 1 MiB each way (durable)", granted_big, 4},
	};
	double taken[4];

	empty_file();
	in_turn(works, 4, taken);
	bench_line(works[0].name, 1 / taken[0], "a second");
	for (size_t i = 1; i < 4; i++) {
		bench_line(works[i].name, 1 / taken[i], "a second");
		bench_line("    ratio", taken[i] / taken[0], "times 8 bytes and fdatasync");
	}
	close(plain_file);
}

/* ---- windows, which need no sync any more ----------------------------------------------------------------- */

/* One window both sides have: the client allocates from it, the hub verifies in it. */
static void open_windows(struct window **at_client, struct window **at_hub)
{
	AUTO(lease_keys) keys = {0};
	uint64_t slot, lowest;
	struct window *down;
	uint8_t digest[16] = {1};

	bench_need_ok(table_lease_take(client, &slot, &lowest, &keys), "table_lease_take");
	bench_need_ok(table_lease_grant(hub, slot, digest, lowest, 16 * BIG, UINT64_MAX, at_hub), "table_lease_grant");
	bench_need_ok(table_lease_granted(client, window_start(*at_hub), window_end(*at_hub), STEP, at_client, &down),
		      "table_lease_granted");
	window_free(down);
}

static struct window *up_at_client, *up_at_hub;
static uint64_t up_taken; /* where the hub goes on */

static void reserve(size_t times)
{
	for (size_t i = 0; i < times; i++) {
		AUTO(pad) p = {0};
		bench_need_ok(window_reserve(up_at_client, RANGE_LEN, &p), "window_reserve");
	}
}

static void take(size_t times)
{
	for (size_t i = 0; i < times; i++, up_taken += RANGE_LEN) {
		uint8_t key[TAG_KEY_LEN];
		AUTO(pad) p = {0};
		bench_need_ok(window_peek(up_at_hub, up_taken, key, sizeof key), "window_peek");
		bench_need_ok(window_take(up_at_hub, up_taken, RANGE_LEN, &p), "window_take");
	}
}

static void status(size_t times)
{
	for (size_t i = 0; i < times; i++) {
		struct table_status s;
		bench_need_ok(table_status(client, &s), "table_status");
	}
}

static void windows(void)
{
	static const struct work works[] = {
		{"client: window_reserve, 144 bytes", reserve, 50 * TIMES},
		{"hub: window_peek and window_take, 144 bytes", take, TIMES},
		{"client: table_status", status, TIMES},
	};
	double taken[3];

	open_windows(&up_at_client, &up_at_hub);
	up_taken = window_start(up_at_hub);
	in_turn(works, 3, taken);
	for (size_t i = 0; i < 3; i++)
		bench_line(works[i].name, 1 / taken[i], "a second");
	window_free(up_at_client);
	window_free(up_at_hub);
}

int main(void)
{
	struct pskm_header h = {.hub = {{1}}, .client = {{2}}, .created = 1, .layout.len = TABLE_LEN};
	struct path hub_tables, client_tables, folder;

	scratch = bench_scratch();
	bench_header(scratch->s);
	strcpy(h.hub_name, "hub1");
	strcpy(h.client_name, "alice");
	strcpy(h.hub_address, "127.0.0.1:1");
	bench_need_ok(path_format(&hub_tables, "%s/hub", scratch->s), "path");
	bench_need_ok(path_format(&client_tables, "%s/client", scratch->s), "path");
	bench_table_make(&h, hub_tables.s, client_tables.s);
	bench_need_ok(table_folder(&folder, hub_tables.s, &h.table), "table_folder");
	bench_need_ok(table_open(&hub, folder.s, SIDE_HUB, NULL), "table_open");
	bench_need_ok(table_folder(&folder, client_tables.s, &h.table), "table_folder");
	bench_need_ok(table_open(&client, folder.s, SIDE_CLIENT, NULL), "table_open");
	layout = table_header(client)->layout;
	windows();
	up_next = layout.region[REGION_UP].start + 32 * BIG;
	durable();
	table_close(client);
	table_close(hub);
	return 0;
}
