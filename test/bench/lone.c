/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/bench/lone.h"

#include <stdio.h>
#include <string.h>

#include "pskm/list.h"
#include "test/bench/bench.h"
#include "test/bench/process.h"
#include "test/bench/tables.h"

static void inside(struct path *p, const struct lone *l, const char *name)
{
	bench_need_ok(path_format(p, "%s/%s", l->folder.s, name), "path");
}

/* ---- the hub ------------------------------------------------------------------------------------------- */

void lone_make(struct lone *l, const struct path *scratch, const char *name, const char *limits)
{
	char text[8192], hex[ID_HEX_LEN];
	struct path conf, log;

	*l = (struct lone){.hub = {{0x48, 1}}};
	bench_need_ok(path_format(&l->folder, "%s/%s", scratch->s, name), "path");
	bench_need_ok(file_make_dirs(l->folder.s, 0700), "mkdir");
	inside(&conf, l, "hubd.conf");
	inside(&log, l, "log");
	int len = snprintf(text, sizeof text,
			   "[hub]\nname = hub1\nid = %s\nlisten = 127.0.0.1:0\nlog = %s\nlog_level = info\n"
			   "[limits]\n%s[group all]\nmembers = *\n",
			   id_hex(&l->hub, hex), log.s, limits != NULL ? limits : "");
	bench_need_ok(file_replace(conf.s, text, (size_t)len, 0600), "hubd.conf");
}

struct table *lone_client(struct lone *l, size_t number, uint64_t table_len, struct pskm_header *h)
{
	struct path hub_tables, tables, folder;
	struct table *t = NULL;
	char name[16];

	*h = (struct pskm_header){.hub = l->hub, .client = {{0xC1, (uint8_t)(number >> 8), (uint8_t)number}}, .created = 1,
				  .layout.len = table_len};
	snprintf(name, sizeof name, "c%u", (unsigned)(number & 0xffff));
	strcpy(h->client_name, name);
	strcpy(h->hub_name, "hub1");
	strcpy(h->hub_address, "127.0.0.1:1");
	inside(&hub_tables, l, "tables");
	inside(&tables, l, name);
	bench_table_make(h, hub_tables.s, tables.s);
	bench_need_ok(table_folder(&folder, tables.s, &h->table), "table_folder");
	bench_need_ok(table_open(&t, folder.s, SIDE_CLIENT, NULL), "table_open");
	return t;
}

void lone_start(struct lone *l)
{
	struct path conf, log;

	inside(&conf, l, "hubd.conf");
	inside(&log, l, "log");
	l->pid = process_start_hub(conf.s, log.s, &l->port);
}

void lone_stop(struct lone *l)
{
	process_end(l->pid);
}
