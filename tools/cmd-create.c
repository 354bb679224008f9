/* SPDX-License-Identifier: Apache-2.0 */
/* dske pskm create, stock create: a PSKM is made (DSKE 2.1). */
#include <config.h>

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "hub/conf.h"
#include "pskm/container.h"
#include "pskm/list.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/passphrase.h"
#include "tools/reference.h"

#define ADVICE_MAX 16384 /* three paths and a few words */

struct create {
	struct common common; /* only json */
	const char *hub_conf, *client, *address, *output, *resume, *discard, *passphrase_file, *sources;
	struct id client_id;
	uint64_t size;
	struct pskm_header header;
	char passphrase[PASSPHRASE_TEXT_MAX];
	struct path tables, file; /* file: where the container is, absolute */
	struct entropy entropy;
	struct refer refer; /* --qkd, --from-table */
};

/* The name may be used from another folder when the making is resumed. */
static dske_rc settle_file(struct create *c, const char *name)
{
	struct path folder;
	char absolute[PATH_MAX];
	const char *slash = strrchr(name, '/');
	TRY(path_folder(&folder, name));
	if (realpath(folder.s, absolute) == NULL)
		return FAIL(NOT_FOUND, "cannot write %s: the folder %s: %m", name, folder.s);
	return path_format(&c->file, "%s/%s", strcmp(absolute, "/") == 0 ? "" : absolute, slash != NULL ? slash + 1 : name);
}

static dske_rc fill_header(struct create *c, const struct hub_conf *hub)
{
	struct pskm_header *h = &c->header;
	const char *address = c->address != NULL ? c->address : hub->listen;
	if (!name_check(c->client))
		return FAIL(ARGS, "%s is not a name of a client", c->client);
	if (strlen(address) > PSKM_ADDRESS_MAX)
		return FAIL(ARGS, "the hub's address is longer than %d bytes", PSKM_ADDRESS_MAX);
	h->hub = hub->id;
	h->client = c->client_id;
	snprintf(h->hub_name, sizeof h->hub_name, "%s", hub->name);
	snprintf(h->client_name, sizeof h->client_name, "%s", c->client);
	snprintf(h->hub_address, sizeof h->hub_address, "%s", address);
	h->created = (uint64_t)time(NULL);
	h->layout.len = c->size;
	return DSKE_OK;
}

/* A hub takes a name, or an ID, for one client: with two of them it could serve neither.  Who is retired is free. */
static dske_rc check_who(const struct pskm_header *h, const char *tables_dir)
{
	struct table_entry *entry;
	char theirs[ID_HEX_LEN], asked[ID_HEX_LEN];
	size_t count;
	dske_rc rc = DSKE_OK;

	TRY(table_list(tables_dir, &entry, &count));
	for (size_t i = 0; rc_ok(rc) && i < count; i++) {
		const struct pskm_header *other = &entry[i].header;
		if (!rc_ok(entry[i].rc) || entry[i].status.state == TABLE_RETIRED)
			continue;
		bool same_name = strcmp(other->client_name, h->client_name) == 0;
		if (same_name != id_equal(&other->client, &h->client))
			rc = FAIL(DENIED, "this hub has a table of client %s with the ID %s, and this one would be of %s with the ID %s: "
					  "give the client's own name and ID, or retire the other with dske hub revoke --client",
				  other->client_name, id_hex(&other->client, theirs), h->client_name, id_hex(&h->client, asked));
	}
	free(entry);
	return rc;
}

/* Whom the hub's configuration names so. */
static dske_rc find_distributor(struct create *c, const struct hub_conf *hub)
{
	const struct hub_distributor *d = hub_conf_distributor(hub, c->client);
	if (d == NULL)
		return FAIL(NOT_FOUND, "%s names no distributor %s: add a section [distributor %s] with its id and clients",
			    c->hub_conf, c->client, c->client);
	c->client_id = d->id;
	return hub_conf_stocks(hub, &c->tables);
}

/* ---- what was interrupted ---- */

/* A whole command that goes on with what was begun, as it can be typed. */
#define GO_ON_MAX (ADVICE_MAX / 2)
static const char *go_on(char text[GO_ON_MAX], const struct create *c, const char *output)
{
	bool usual = strcmp(c->hub_conf, hub_conf_default_file()) == 0;
	snprintf(text, GO_ON_MAX, "dske pskm create --resume '%s'%s%s%s", output, usual ? "" : " --hub-conf '",
		 usual ? "" : c->hub_conf, usual ? "" : "'");
	return text;
}

struct recorded {
	const struct create *create;
	const char *output;
	char sources[sizeof((struct unfinished_pskm *)0)->sources];
	bool found;
};

/* The sources that the making was begun with. */
static void find_sources(void *context, const struct unfinished_pskm *u)
{
	struct recorded *r = context;
	if (strcmp(u->output, r->output) != 0)
		return;
	r->found = true;
	memcpy(r->sources, u->sources, sizeof r->sources);
}

static void tell_unfinished(void *context, const struct unfinished_pskm *u)
{
	char done[16], size[16], command[GO_ON_MAX];
	const struct recorded *r = context;
	fprintf(stderr, "dske: an unfinished PSKM for %s, %s of %s: go on with\n      %s\n      or throw it away with --discard in place "
			"of --resume\n", u->header.client_name, size_text(u->done, done), size_text(u->header.layout.len, size),
		go_on(command, r->create, u->output));
}

/* Asked after a failure, whose sentence stays the last one. */
static bool is_kept(const struct create *c, dske_rc failure)
{
	struct recorded r = {.output = c->file.s};
	char why[RC_SENTENCE_MAX];
	snprintf(why, sizeof why, "%s", rc_detail(failure));
	bool kept = c->tables.s[0] != '\0' && rc_ok(container_unfinished(c->tables.s, find_sources, &r)) && r.found;
	rc_fail(failure.code, "%s", why);
	return kept;
}

static void tell_created(const struct create *c, const struct pskm_header *h, const char *passphrase)
{
	char table[ID_HEX_LEN], size[16];
	if (c->common.json) {
		json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I}", "table", id_hex(&h->table, table), "hub", h->hub_name, "client",
				      h->client_name, "file", c->output != NULL ? c->output : c->resume, "size", (json_int_t)h->layout.len);
		if (c->passphrase_file == NULL && !refer_wanted(&c->refer))
			json_object_set_new(o, "passphrase", json_string(passphrase));
		output_json(o);
		return;
	}
	printf("%s %s: %s for %s from %s, in %s\n", h->kind == PSKM_STOCK ? "stock" : "PSKM", id_hex(&h->table, table),
	       size_text(h->layout.len, size), h->client_name, h->hub_name,
	       c->output != NULL ? c->output : c->resume);
	if (refer_wanted(&c->refer))
		printf("no passphrase: the file says where the bytes are, and holds none\n");
	else
		passphrase_tell(c->passphrase_file, passphrase);
}

/* What was not shown was not kept, and is made again by --resume. */
static dske_rc keep_and_tell(void *context, const struct pskm_header *h, const char *passphrase)
{
	const struct create *c = context;
	TRY(passphrase_keep(c->passphrase_file, passphrase));
	tell_created(c, h, passphrase);
	return fflush(stdout) == 0 && !ferror(stdout) ? DSKE_OK : FAIL(IO, "cannot write to standard output: %m");
}

/* ---- ^C ---- */

static volatile sig_atomic_t stopped_by; /* a signal; 0: none */

static void note_signal(int number)
{
	stopped_by = number;
}

static bool go_on_making(void *context, uint64_t done, uint64_t total)
{
	return stopped_by == 0 && output_progress(context, done, total);
}

/* Once: a second one ends the program at once, and what is durable is kept all the same. */
static void heed_signals(void)
{
	static const int heeded[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction note = {.sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND}, before;
	for (size_t i = 0; i < sizeof heeded / sizeof heeded[0]; i++) {
		if (sigaction(heeded[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			sigaction(heeded[i], &note, NULL);
	}
}

static dske_rc create(struct create *c)
{
	AUTO(hub_conf) hub = {0};
	AUTO(secret) table_key = {0};
	TRY(hub_conf_read(&hub, c->hub_conf));
	bool stock = c->header.kind == PSKM_STOCK;
	if (stock)
		TRY(find_distributor(c, &hub));
	else
		TRY(hub_conf_tables(&hub, &c->tables));
	TRY(settle_file(c, c->discard != NULL ? c->discard : c->resume != NULL ? c->resume : c->output));
	if (c->discard != NULL)
		return container_discard(c->tables.s, c->file.s);
	TRY(hub_conf_table_key(&hub, &table_key));
	TRY(tool_own_folder(c->tables.s));
	if (c->resume == NULL)
		TRY(fill_header(c, &hub));
	if (c->resume == NULL && !stock)
		TRY(check_who(&c->header, c->tables.s));
	if (refer_wanted(&c->refer)) {
		c->refer.file = c->output;
		c->refer.tables = c->tables.s;
		c->refer.table_key = &table_key;
		return refer_create(&c->refer, &c->header, &hub);
	}
	if (c->resume == NULL)
		TRY(passphrase_check_free(c->passphrase_file));
	container_sweep(c->tables.s);
	struct recorded recorded = {.create = c, .output = c->file.s};
	TRY(container_unfinished(c->tables.s, c->resume != NULL ? find_sources : tell_unfinished, &recorded));
	const char *sources = c->sources != NULL		? c->sources
			      : recorded.sources[0] != '\0' ? recorded.sources
							     : hub.entropy;
	TRY(entropy_open(&c->entropy, sources, ENTROPY_STALL_MS));
	c->entropy.stopped = &stopped_by;
	heed_signals();
	struct making making = {
		.tables_dir = c->tables.s,
		.container_path = c->file.s,
		.table_key = &table_key,
		.sources = stock ? NULL : sources,
		.bytes = entropy_bytes(&c->entropy),
		.fresh = entropy_bytes(&c->entropy),
		.progress = go_on_making,
		.context = "making",
		.keep = keep_and_tell,
		.keep_context = c,
	};
	return c->resume != NULL ? container_resume(&c->header, &making, c->passphrase)
				 : container_make(&c->header, &making, c->passphrase);
}

/* Options that belong together, or do not.  -1, or an exit code. */
static int create_misused(const struct command *self, const struct create *c)
{
	bool rest = !id_is_zero(&c->refer.from_table);
	if (c->resume != NULL || c->discard != NULL) {
		if (c->client != NULL || !id_is_zero(&c->client_id) || c->size != 0 || c->output != NULL || c->address != NULL ||
		    refer_wanted(&c->refer) || (c->resume != NULL && c->discard != NULL))
			return tool_usage(self, "--resume and --discard name what was begun: nothing that describes a PSKM goes with them");
		return -1;
	}
	if (rest && (c->refer.qkd != NULL || c->size != 0))
		return tool_usage(self, "--from-table takes all there is: it goes without --size and --qkd");
	if (refer_wanted(&c->refer) && (c->passphrase_file != NULL || c->sources != NULL))
		return tool_usage(self, "--qkd and --from-table go without --passphrase-file and --entropy: there is nothing to keep "
					"secret in the file, and both ends need the bytes as they are");
	if (c->client == NULL || id_is_zero(&c->client_id) || (c->size == 0 && !rest) || c->output == NULL)
		return tool_usage(self, "--client, --client-id, --size and --output are needed");
	return -1;
}

/* *rc: why it was not made.  The advice, in `text`, or NULL. */
static const char *advise(const struct create *c, dske_rc *rc, bool disk, char text[ADVICE_MAX])
{
	char size[16], command[GO_ON_MAX];
	bool kept = is_kept(c, *rc);
	if (stopped_by != 0)
		*rc = FAIL(CANCELLED, "interrupted (%s)%s", strsignal(stopped_by), kept ? "" : ": nothing is kept, and nothing lies about");
	if (kept)
		snprintf(text, ADVICE_MAX, "what is made is kept: go on with\n      %s\n      or throw it away with --discard in place of "
			 "--resume", go_on(command, c, c->file.s));
	else if (disk && c->output != NULL)
		snprintf(text, ADVICE_MAX, "%s are written to %s, and as many to %s", size_text(c->size, size), c->output,
			 c->tables.s);
	return kept || (disk && c->output != NULL) ? text : NULL;
}

/* Makes it and tells. */
static int create_and_tell(struct create *c)
{
	char advice[ADVICE_MAX];
	dske_rc rc = create(c);
	if (rc_ok(rc) && refer_wanted(&c->refer))
		tell_created(c, &c->header, NULL);
	mem_wipe(c->passphrase, sizeof c->passphrase);
	bool disk = rc_is(rc, DSKE_RC_IO) && !entropy_failed(&c->entropy);
	entropy_drop(&c->entropy);
	if (rc_ok(rc))
		return EXIT_OK;
	if (refer_wanted(&c->refer))
		return tool_fail(&c->common, rc, refer_advice(&c->refer, rc));
	const char *what_to_do = advise(c, &rc, disk, advice);
	int leave = tool_fail(&c->common, rc, what_to_do);
	if (stopped_by != 0) {
		fflush(NULL);
		raise(stopped_by); /* its disposition was reset: whoever sent it sees that it was heeded */
	}
	return leave;
}

#define CREATE_ROWS(c)                                                                               \
	{"hub-conf", OPTION_TEXT, &(c).hub_conf, "FILE", "the hub's configuration (default: the system's)"}, \
	{"size", OPTION_SIZE, &(c).size, "SIZE", "bytes of the table: 64K, 16M, 1G (required); a half of it serves each direction"},             \
	{"output", OPTION_TEXT, &(c).output, "FILE", "the file to write (required)"},                        \
	{"passphrase-file", OPTION_TEXT, &(c).passphrase_file, "FILE",                                       \
	 "write its passphrase there, 0600, instead of showing it"},                                         \
	{"entropy", OPTION_TEXT, &(c).sources, "SOURCES",                                                    \
	 "kernel, /dev/hwrng, kernel+/dev/hwrng (default: as the hub is configured)"},                       \
	{"address", OPTION_TEXT, &(c).address, "HOST:PORT",                                                  \
	 "where clients find the hub (default: where it listens)"},                                          \
	{"json", OPTION_FLAG, &(c).common.json, NULL, "write JSON, for programs"}

int cmd_pskm_create(const struct command *self, int argc, char **argv)
{
	struct create c = {.hub_conf = hub_conf_default_file()};
	struct operands none;
	const struct option_row rows[] = {
		{"client", OPTION_TEXT, &c.client, "NAME", "the client's name (required)"},
		{"client-id", OPTION_ID, &c.client_id, "HEX", "its ID, as dske init told it (required)"},
		{"resume", OPTION_TEXT, &c.resume, "FILE", "instead: go on with one whose making was interrupted"},
		{"discard", OPTION_TEXT, &c.discard, "FILE", "instead: throw away what was made of one"},
		{"qkd", OPTION_TEXT, &c.refer.qkd, "LINK", "make it of the keys of that QKD link ([qkd LINK])"},
		{"from-table", OPTION_ID, &c.refer.from_table, "TABLE", "or of all that nobody used of that table, which ends with it"},
		CREATE_ROWS(c),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	int misused = create_misused(self, &c);
	return misused >= 0 ? misused : create_and_tell(&c);
}

int cmd_stock_create(const struct command *self, int argc, char **argv)
{
	struct create c = {.hub_conf = hub_conf_default_file(), .header.kind = PSKM_STOCK};
	struct operands none;
	const struct option_row rows[] = {
		{"distributor", OPTION_TEXT, &c.client, "NAME", "whom the hub's configuration names so (required)"},
		CREATE_ROWS(c),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	if (c.client == NULL || c.size == 0 || c.output == NULL)
		return tool_usage(self, "--distributor, --size and --output are needed");
	return create_and_tell(&c);
}
