/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/admin.h - the operator's commands on a hub's tables.  A hub that runs does them between two frames,
 * one that does not has them done by `dske hub` (hub/command.h): so they block for no longer than the disk.
 *
 *   tables   {}   -> {"running", "tables": [..]}: each with client, client_id, table, created, size, state, up_left,
 *                    up_size, down_left, down_size, leases_left, lease_slots, clone_alarms, connections, and
 *                    lasts_s, in seconds, where there is a forecast; where a hub runs and the client has sent its own
 *                    limits, "limits": version, waiting, peers (how many have some of their own), and keys_ and bytes_
 *                    with per_minute and per_day, 0 for none; "alike", the name of another client that looks like its own; of a retired one "retired": reason, time,
 *                    by ("hub" or "client"), receipt (the client's, when it was recorded; 0: none), destroyed;
 *                    or table and detail, where one cannot be read
 *   acknowledge  {"client": name or ID, "nonce", "tag": 32 digits each}  (hub/acknowledge.h)
 *            -> {"client", "table", "outcome": "activated" or "frozen", "answer": 32 digits}
 *   revoke   {"table": ID or "client": name or ID, "reason": name}
 *            -> {"client", "tables": [{"table", "reason", "time", "destroyed"}, ..]}: retired by now; a hub that runs
 *               goes on destroying what is not destroyed yet
 *   release  {"table": ID} -> {"lent": true when a hub runs}: for half a minute it leaves the table to a program of the
 *               operator's, which finds it closed within some seconds
 */
#ifndef DSKE_HUB_ADMIN_H
#define DSKE_HUB_ADMIN_H

#include <jansson.h>
#include <stdint.h>

#include "base/rc.h"
#include "hub/vault.h"

struct admin {
	struct vault *vault;
	int64_t now_ms; /* clock_ms() */
	bool running;   /* inside a hub */
	/* A hub that runs: how many connections has the table? */
	size_t (*connections)(const struct vault_table *t);
	/* A hub that runs: the table is no longer served. */
	void (*stop_serving)(void *context, struct vault_table *t);
	/* A hub that runs: the connections of the table end at once. */
	void (*cut_off)(struct vault_table *t);
	/* A hub that runs: a client's own limits, a new object; NULL: it has none, or they cannot be read. */
	json_t *(*limits)(void *context, const struct hub_client *c);
	void *context;
};

/* *answer: a new object, or NULL after a failure.  Errors: UNSUPPORTED (no such command), ARGS, NOMEM, and the
 * commands' own. */
dske_rc admin_run(struct admin *a, const json_t *request, json_t **answer);

#endif
