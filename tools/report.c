/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/report.h"

#include <stdlib.h>
#include <string.h>

#include "tools/output.h"

static const char *const verdicts[] = {
	[SHARE_ABSENT] = "-",
	[SHARE_UNUSED] = "unused",
	[SHARE_CONSISTENT] = "consistent",
	[SHARE_CORRUPT] = "CORRUPT",
};

size_t report_good(const struct report *r)
{
	size_t good = 0;
	for (size_t i = 0; i < r->count; i++)
		good += rc_ok(r->hub[i].rc);
	return good;
}

static void print_hub(struct grid *g, const struct hub_report *h, unsigned columns)
{
	char text[16];
	size_t c = 0;
	grid_row(g, rc_ok(h->rc) ? COLOUR_OFF : COLOUR_BAD);
	grid_cell(g, c++, "%s", h->name);
	grid_cell(g, c++, "%s", h->address);
	if (h->rtt_ms >= 0)
		grid_cell(g, c++, "%.1f ms", h->rtt_ms);
	else
		grid_cell(g, c++, "-");
	if (columns & REPORT_LEFT) {
		grid_cell(g, c++, "%s", size_text(h->up_left, text));
		grid_cell(g, c++, "%s", size_text(h->down_left, text));
	}
	if (columns & REPORT_VERDICT)
		grid_cell(g, c++, "%s", verdicts[h->verdict]);
	grid_cell(g, c, "%s", rc_ok(h->rc) ? "ok" : h->detail);
}

void report_print(const struct report *r, unsigned columns, FILE *to)
{
	AUTO(grid) g = {0};
	const char *headings[GRID_COLUMNS_MAX] = {"HUB", "ADDRESS", ">TIME"};
	size_t count = 3;
	if (columns & REPORT_LEFT) {
		headings[count++] = ">UP LEFT";
		headings[count++] = ">DOWN LEFT";
	}
	if (columns & REPORT_VERDICT)
		headings[count++] = "SHARE";
	headings[count++] = "RESULT";
	grid_init(&g, count, headings);
	for (size_t i = 0; i < r->count; i++)
		print_hub(&g, &r->hub[i], columns);
	grid_print(&g, to);
}

static json_t *hub_json(const struct hub_report *h, unsigned columns)
{
	json_t *o = json_pack("{s:s, s:s, s:b, s:s}", "name", h->name, "address", h->address, "ok", rc_ok(h->rc), "code",
			      rc_name(h->rc));
	if (!rc_ok(h->rc))
		json_object_set_new(o, "detail", json_string(h->detail));
	if (h->rtt_ms >= 0)
		json_object_set_new(o, "time_ms", json_real(h->rtt_ms));
	if (columns & REPORT_LEFT) {
		json_object_set_new(o, "up_left", json_integer((json_int_t)h->up_left));
		json_object_set_new(o, "down_left", json_integer((json_int_t)h->down_left));
	}
	if (columns & REPORT_VERDICT)
		json_object_set_new(o, "share", json_string(verdicts[h->verdict]));
	return o;
}

json_t *report_json(const struct report *r, unsigned columns)
{
	json_t *list = json_array();
	for (size_t i = 0; i < r->count; i++)
		json_array_append_new(list, hub_json(&r->hub[i], columns));
	return list;
}
