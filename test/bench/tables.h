/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/tables.h - a scratch folder, and a table at hub and client, active on both sides without a hub. */
#ifndef DSKE_TEST_BENCH_TABLES_H
#define DSKE_TEST_BENCH_TABLES_H

#include "base/file.h"
#include "pskm/header.h"

/* A new folder, removed when this process exits, also by bench_need. */
const struct path *bench_scratch(void);

/* Makes and imports a table of h->layout.len bytes.  h: names and IDs given, the rest is filled in. */
void bench_table_carry(struct pskm_header *h, const char *hub_tables, const char *client_tables);

/* The same, and activates both copies; no hub may run on them. */
void bench_table_make(struct pskm_header *h, const char *hub_tables, const char *client_tables);

#endif
