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
	char text[16], lasts[SUPPLY_TEXT_MAX];
	bool low = (columns & REPORT_LEFT) != 0 && h->low;
	size_t c = 0;
	grid_row(g, !rc_ok(h->rc) ? COLOUR_BAD : low ? COLOUR_WARN : COLOUR_OFF);
	grid_cell(g, c++, "%s", h->name);
	grid_cell(g, c++, "%s", h->address);
	if (h->rtt_ms >= 0)
		grid_cell(g, c++, "%.1f ms", h->rtt_ms);
	else
		grid_cell(g, c++, "-");
	if (columns & REPORT_LEFT) {
		grid_cell(g, c++, "%s", size_text(h->up_left, text));
		grid_cell(g, c++, "%s", size_text(h->down_left, text));
		grid_cell(g, c++, "%s", h->lasts_s != SUPPLY_UNKNOWN ? supply_duration(h->lasts_s, lasts) : "-");
	}
	if (columns & REPORT_VERDICT)
		grid_cell(g, c++, "%s", verdicts[h->verdict]);
	grid_cell(g, c, "%s", !rc_ok(h->rc) ? h->detail : low ? "ok, but runs low: get a new PSKM" : "ok");
}

void report_print(const struct report *r, unsigned columns, FILE *to)
{
	AUTO(grid) g = {0};
	const char *headings[GRID_COLUMNS_MAX] = {"HUB", "ADDRESS", ">TIME"};
	size_t count = 3;
	if (columns & REPORT_LEFT) {
		headings[count++] = ">UP LEFT";
		headings[count++] = ">DOWN LEFT";
		headings[count++] = "LASTS";
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
		json_object_set_new(o, "low", json_boolean(h->low));
		if (h->lasts_s != SUPPLY_UNKNOWN)
			json_object_set_new(o, "lasts_s", json_integer((json_int_t)h->lasts_s));
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

/* ---- tables ------------------------------------------------------------------------------------------------ */

const char *table_state_text(const struct client_hub *h)
{
	bool known = rc_ok(h->rc) || rc_is(h->rc, DSKE_RC_NOT_ACTIVE) || rc_is(h->rc, DSKE_RC_FROZEN) ||
		     rc_is(h->rc, DSKE_RC_LOCKED) || rc_is(h->rc, DSKE_RC_KEY) || rc_is(h->rc, DSKE_RC_RETIRED);
	if (h->is_absent)
		return "absent";
	return known ? table_state_name(h->status.state) : "unusable";
}

enum colour table_colour(const struct client_hub *h)
{
	if (rc_ok(h->rc))
		return h->low && !h->relieved ? COLOUR_WARN : COLOUR_OFF;
	return rc_is(h->rc, DSKE_RC_NOT_ACTIVE) ? COLOUR_WARN : COLOUR_BAD;
}

void table_print_trouble(const struct client_hub *h)
{
	char hex[ID_HEX_LEN], forecast[SUPPLY_TEXT_MAX];
	if (!rc_ok(h->rc))
		printf("%s: %s\n", h->name, h->detail);
	else if (h->low && !h->relieved)
		printf("%s: table %s runs low, %s: get a new PSKM from the hub's operator\n", h->name, id_hex(&h->table, hex),
		       supply_sentence(h->status.supply.lasts_s, forecast));
	if (h->status.clone_alarms > 0)
		printf("%s: %llu clone alarms: another copy of this table was in use\n", h->name,
		       (unsigned long long)h->status.clone_alarms);
}

json_t *table_json(const struct client_hub *h)
{
	char table[ID_HEX_LEN], hub[ID_HEX_LEN];
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "hub", h->name, "hub_id", id_hex(&h->hub, hub), "table",
			      id_hex(&h->table, table), "state", table_state_text(h), "address", h->address, "usable", rc_ok(h->rc));
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{"size", h->header.layout.len},          {"up_left", h->status.up_left},
		{"up_size", h->status.up_len},           {"down_left", h->status.down_left},
		{"down_size", h->status.down_len},       {"leases_left", h->status.lease_left},
		{"clone_alarms", h->status.clone_alarms},
	};
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		json_object_set_new(o, numbers[i].name, json_integer((json_int_t)numbers[i].value));
	json_object_set_new(o, "low", json_boolean(h->low));
	if (h->status.supply.lasts_s != SUPPLY_UNKNOWN)
		json_object_set_new(o, "lasts_s", json_integer((json_int_t)h->status.supply.lasts_s));
	if (!rc_ok(h->rc))
		json_object_set_new(o, "detail", json_string(h->detail));
	if (rc_is(h->rc, DSKE_RC_RETIRED))
		json_object_set_new(o, "retired", json_pack("{s:s, s:I, s:s, s:b, s:I}", "reason",
							    retire_reason_name(h->status.retired.reason), "time",
							    (json_int_t)h->status.retired.time, "by",
							    h->status.retired.repeats ? "hub" : "client", "let_go",
							    h->status.retired.let_go, "hub_said",
							    (json_int_t)h->status.retired.seen));
	if (h->medium[0] != '\0')
		json_object_set_new(o, "medium", json_string(h->medium));
	return o;
}
