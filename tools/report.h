/* SPDX-License-Identifier: Apache-2.0 */
/* tools/report.h - what each hub did, as a table or as JSON. */
#ifndef DSKE_TOOLS_REPORT_H
#define DSKE_TOOLS_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "client/client.h"
#include "tools/output.h"

enum report_columns { REPORT_SHORT = 0, REPORT_LEFT = 1 /* bytes left */, REPORT_VERDICT = 2 /* a receiver's */ };

void report_print(const struct report *r, unsigned columns, FILE *to);
json_t *report_json(const struct report *r, unsigned columns);
size_t report_good(const struct report *r); /* hubs that took part */

/* One table, for pskm list and status. */
const char *table_state_text(const struct client_hub *h);
enum colour table_colour(const struct client_hub *h);
json_t *table_json(const struct client_hub *h);

/* What is wrong with it and what to do, a line each; nothing if all is well. */
void table_print_trouble(const struct client_hub *h);

#endif
