/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/retire.h - the end of tables and of clients (doc/protocol.md, "Retiring"), in the daemon.
 *
 * Whoever retires a table first, its operator here (hub/admin.c) or the client by RETIRE, it is recorded durably
 * before anybody is told.  Then every connection of the table ends, and what is left of it is destroyed, a piece
 * each second, so that the loop goes on.  A client whose tables are all retired is forgotten: others see him as
 * one who does not exist, and what waits for or from him is purged.
 */
#ifndef DSKE_HUB_RETIRE_H
#define DSKE_HUB_RETIRE_H

#include "hub/dispatch.h"

void retire_receive(struct request *r);

/* A frame on a retired table: RETIRED, if it is still to be said; a note says the rest. */
void retire_refuse(struct request *r);

/* The table was just retired: its connections are told and end; the client's shares are purged if it was his last. */
void retire_stop(struct hub *h, struct vault_table *t);

/* At start: what waits for clients that were retired while no hub ran.  Errors: IO. */
dske_rc retire_purge_all(struct hub *h);

/* Once a second: destroys a piece. */
void retire_tick(struct hub *h);

#endif
