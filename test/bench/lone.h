/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/lone.h - one real dske-hubd on loopback, and the tables of any number of clients. */
#ifndef DSKE_TEST_BENCH_LONE_H
#define DSKE_TEST_BENCH_LONE_H

#include <sys/types.h>

#include "base/file.h"
#include "pskm/header.h"
#include "pskm/table.h"

struct lone {
	struct path folder;
	struct id hub;
	pid_t pid;
	unsigned port;
};

/* Makes `scratch`/NAME; limits: lines of [limits], or NULL. */
void lone_make(struct lone *l, const struct path *scratch, const char *name, const char *limits);

/* A table of client `number`, active, opened on the client's side; before lone_start. */
struct table *lone_client(struct lone *l, size_t number, uint64_t table_len, struct pskm_header *h);

/* The hub ends with this process, however it ends.  No thread of ours may run yet. */
void lone_start(struct lone *l);
void lone_stop(struct lone *l);

#endif
