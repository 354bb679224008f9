/* SPDX-License-Identifier: Apache-2.0 */
/* tools/report.h - what each hub did, as a table or as JSON. */
#ifndef DSKE_TOOLS_REPORT_H
#define DSKE_TOOLS_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "client/client.h"

enum report_columns { REPORT_SHORT = 0, REPORT_LEFT = 1 /* bytes left */, REPORT_VERDICT = 2 /* a receiver's */ };

void report_print(const struct report *r, unsigned columns, FILE *to);
json_t *report_json(const struct report *r, unsigned columns);
size_t report_good(const struct report *r); /* hubs that took part */

#endif
