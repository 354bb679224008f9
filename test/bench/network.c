/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/bench/network.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/config.h"
#include "client/peers.h"
#include "test/bench/bench.h"
#include "test/bench/process.h"
#include "test/bench/tables.h"

#define TEXT_MAX 8192

static const char *const names[2] = {"alice", "bob"};
static const struct id ids[2] = {{{0xA1, 0xCE}}, {{0xB0, 0xB0}}};

/* FOLDER/A/B; in one of four static places that are used in turn. */
static const char *inside(const struct network *n, const char *a, const char *b)
{
	static struct path places[4];
	static unsigned next;
	struct path *p = &places[next++ % 4];

	bench_need_ok(path_format(p, "%s/%s/%s", n->folder.s, a, b), "path");
	return p->s;
}

static const char *hub_name(size_t hub)
{
	static char name[NETWORK_HUBS_MAX][8];

	snprintf(name[hub], sizeof name[hub], "hub%u", (unsigned)(hub % NETWORK_HUBS_MAX) + 1);
	return name[hub];
}

/* ---- hubs ---------------------------------------------------------------------------------------------- */

static struct pskm_header header_for(const struct network *n, size_t hub, size_t client, uint64_t created, uint64_t len)
{
	struct pskm_header h = {.hub = n->hub[hub], .client = ids[client], .created = created, .layout.len = len};

	strcpy(h.hub_name, hub_name(hub));
	strcpy(h.client_name, names[client]);
	strcpy(h.hub_address, "127.0.0.1:1"); /* the clients' configurations know better */
	return h;
}

static void make_tables(struct network *n, size_t hub, uint64_t len)
{
	for (size_t c = 0; c < 2; c++) {
		struct pskm_header h = header_for(n, hub, c, 1, len);
		bench_table_make(&h, inside(n, hub_name(hub), "tables"), inside(n, names[c], "tables"));
	}
}

void network_carry(const struct network *n, size_t client, uint64_t created, uint64_t table_len)
{
	for (size_t hub = 0; hub < n->hub_count; hub++) {
		struct pskm_header h = header_for(n, hub, client, created, table_len);
		bench_table_carry(&h, inside(n, hub_name(hub), "tables"), inside(n, names[client], "tables"));
	}
}

static void configure_hub(const struct network *n, size_t hub)
{
	char text[TEXT_MAX], hex[ID_HEX_LEN];
	int len = snprintf(text, sizeof text,
			   "[hub]\nname = %s\nid = %s\nlisten = 127.0.0.1:0\nlog = %s\nlog_level = info\n"
			   "[group all]\nmembers = *\n",
			   hub_name(hub), id_hex(&n->hub[hub], hex), inside(n, hub_name(hub), "log"));

	bench_need_ok(file_replace(inside(n, hub_name(hub), "hubd.conf"), text, (size_t)len, 0600), "hubd.conf");
}

static void start_hub(struct network *n, size_t hub)
{
	const char *name = hub_name(hub);

	n->pid[hub] = process_start_hub(inside(n, name, "hubd.conf"), inside(n, name, "log"), &n->port[hub]);
}

/* ---- clients ------------------------------------------------------------------------------------------- */

static void configure_client(const struct network *n, size_t client, unsigned k)
{
	char text[TEXT_MAX], hex[ID_HEX_LEN];
	size_t len = (size_t)snprintf(text, sizeof text, "[client]\nname = %s\nid = %s\nlog = none\n[agreement]\nk = %u\n",
				      names[client], id_hex(&ids[client], hex), k);

	for (size_t i = 0; i < n->hub_count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "[hub %s]\naddress = 127.0.0.1:%u\n", hub_name(i),
					n->port[i]);
	bench_need_ok(file_replace(inside(n, names[client], "dske.conf"), text, len, 0600), "dske.conf");
}

static struct client *open_client(const struct network *n, size_t client)
{
	const char *conf = inside(n, names[client], "dske.conf");
	AUTO(config) c = {0};
	struct peer other = {.id = ids[1 - client], .hubs_agreed = 1, .hubs_asked = 1};
	struct client *opened = NULL;

	strcpy(other.name, names[1 - client]);
	bench_need_ok(config_read(&c, conf), "config_read");
	bench_need_ok(peers_add(&c, &other, NULL, 0), "peers_add");
	bench_need_ok(client_open(&opened, conf), "client_open");
	return opened;
}

void network_start(struct network *n, const struct path *scratch, const char *name, size_t hubs, unsigned k,
		   uint64_t table_len)
{
	*n = (struct network){.hub_count = hubs};
	bench_need(hubs <= NETWORK_HUBS_MAX, "too many hubs");
	bench_need_ok(path_format(&n->folder, "%s/%s", scratch->s, name), "path");
	for (size_t i = 0; i < hubs; i++) {
		n->hub[i] = (struct id){{0x48, (uint8_t)(i + 1)}};
		make_tables(n, i, table_len);
		configure_hub(n, i);
		start_hub(n, i);
	}
	for (size_t c = 0; c < 2; c++)
		configure_client(n, c, k);
	n->alice = open_client(n, 0);
	n->bob = open_client(n, 1);
}

void network_start_hub(struct network *n, const struct path *scratch, const char *name)
{
	*n = (struct network){.hub_count = 1, .hub = {{{0x48, 1}}}};
	bench_need_ok(path_format(&n->folder, "%s/%s", scratch->s, name), "path");
	(void)unlink(inside(n, hub_name(0), "log")); /* of a start before, with another port */
	configure_hub(n, 0);
	start_hub(n, 0);
}

const char *network_conf(const struct network *n, size_t client)
{
	return inside(n, names[client], "dske.conf");
}

void network_stop(struct network *n)
{
	client_close(n->alice);
	client_close(n->bob);
	for (size_t i = 0; i < n->hub_count; i++)
		process_end(n->pid[i]);
}

double network_hubs_cpu(const struct network *n)
{
	double sum = 0;

	for (size_t i = 0; i < n->hub_count; i++)
		sum += process_cpu(n->pid[i]);
	return sum;
}
