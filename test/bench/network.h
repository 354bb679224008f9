/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/network.h - real dske-hubd processes on loopback, and two clients of all of them. */
#ifndef DSKE_TEST_BENCH_NETWORK_H
#define DSKE_TEST_BENCH_NETWORK_H

#include <sys/types.h>

#include "base/file.h"
#include "base/id.h"
#include "client/client.h"

#define NETWORK_HUBS_MAX 20

struct network {
	struct path folder;
	size_t hub_count;
	struct id hub[NETWORK_HUBS_MAX];
	pid_t pid[NETWORK_HUBS_MAX];
	unsigned port[NETWORK_HUBS_MAX];
	struct client *alice, *bob; /* each is the other's peer, by these names */
};

/* Makes `scratch`/NAME with tables of table_len bytes, starts the hubs, opens both clients; k in their
 * configurations.  The hubs end with this process, however it ends.  No thread of ours may run yet. */
void network_start(struct network *n, const struct path *scratch, const char *name, size_t hubs, unsigned k,
		   uint64_t table_len);
void network_stop(struct network *n);

/* A hub alone, {0x48, 1}, with the tables that are in `scratch`/NAME/hub1/tables; it ends as the others. */
void network_start_hub(struct network *n, const struct path *scratch, const char *name);

/* One more table of each hub for client 0 (alice) or 1, imported; the hubs run meanwhile. */
void network_carry(const struct network *n, size_t client, uint64_t created, uint64_t table_len);

/* The configuration of client 0 (alice) or 1; dies with the fourth call after. */
const char *network_conf(const struct network *n, size_t client);

/* Seconds of processor time that all hubs have used so far. */
double network_hubs_cpu(const struct network *n);

#endif
