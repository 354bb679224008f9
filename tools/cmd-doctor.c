/* SPDX-License-Identifier: Apache-2.0 */
/* dske doctor: a table of checks, each of which says what it found and what to do.  dske version. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alike.h"
#include "hubproto/frame.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/report.h"
#include "tools/token.h"

enum finding { FINDING_OK, FINDING_WARNING, FINDING_PROBLEM };

struct patient {
	struct common common;
	int64_t timeout_ms;
	struct client *client;   /* owned; NULL when the configuration is no good */
	struct client_hub *hub;  /* owned */
	size_t hub_count;
	json_t *findings;        /* owned */
	size_t warnings, problems;
};

/* ---- findings -------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static void find(struct patient *p, enum finding what, const char *check,
							const char *format, ...)
{
	static const char *const words[] = {"ok", "warning", "problem"};
	static const enum colour colours[] = {COLOUR_GOOD, COLOUR_WARN, COLOUR_BAD};
	char text[700];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	p->warnings += what == FINDING_WARNING;
	p->problems += what == FINDING_PROBLEM;
	if (p->common.json)
		json_array_append_new(p->findings, json_pack("{s:s, s:s, s:s}", "check", check, "result", words[what], "text", text));
	else
		printf("%s%-8s%s %-14s %s\n", colour(stdout, colours[what]), words[what], colour(stdout, COLOUR_OFF), check, text);
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

static void check_configuration(struct patient *p)
{
	char hex[ID_HEX_LEN];
	p->common.needs_tables = tool_pin_source(p->common.pin) != NULL; /* it does not ask */
	dske_rc rc = tool_open(&p->client, &p->common);
	if (!rc_ok(rc)) {
		find(p, FINDING_PROBLEM, "configuration", "%s", rc_detail(rc));
		return;
	}
	const struct config *c = client_config(p->client);
	find(p, FINDING_OK, "configuration", "%s: client %s, %s", c->file.s, c->name, id_hex(&c->id, hex));
	if (!rc_ok(client_hubs(p->client, &p->hub, &p->hub_count)))
		p->hub_count = 0;
}

static void check_private(struct patient *p, const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		find(p, FINDING_PROBLEM, "permissions", "%s: %m", path);
	else if (st.st_uid != geteuid())
		find(p, FINDING_WARNING, "permissions", "%s belongs to user %u, not to you; files made here may lock its owner out",
		     path, st.st_uid);
	else if ((st.st_mode & 077) != 0)
		find(p, FINDING_PROBLEM, "permissions", "%s is open to others (mode %03o): chmod go= %s", path, st.st_mode & 0777u,
		     path);
	else
		find(p, FINDING_OK, "permissions", "%s is yours alone", path);
}

static void check_permissions(struct patient *p)
{
	struct path tables;
	if (p->client == NULL)
		return;
	const struct config *c = client_config(p->client);
	check_private(p, c->state.s);
	if (rc_ok(config_tables(c, &tables)) && access(tables.s, F_OK) == 0)
		check_private(p, tables.s);
}

/* Retired, and the operator knows. */
static bool is_let_go(const struct client_hub *h)
{
	return rc_is(h->rc, DSKE_RC_RETIRED) && h->status.retired.let_go;
}

static void check_table(struct patient *p, const struct client_hub *h)
{
	char up[16], down[16], lasts[SUPPLY_TEXT_MAX];
	if (is_let_go(h) && h->status.retired.receipted)
		find(p, FINDING_OK, "table", "%s: %s", h->name, h->detail);
	else if (!rc_ok(h->rc))
		find(p, h->is_absent || rc_is(h->rc, DSKE_RC_RETIRED) ? FINDING_WARNING : FINDING_PROBLEM, "table", "%s: %s", h->name, h->detail);
	else if (h->low && !h->relieved)
		find(p, FINDING_WARNING, "table", "%s: runs low (%s up, %s down left, %s): get a new PSKM soon", h->name,
		     size_text(h->status.up_left, up), size_text(h->status.down_left, down),
		     supply_sentence(h->status.supply.lasts_s, lasts));
	else
		find(p, FINDING_OK, "table", "%s: %s up, %s down left", h->name, size_text(h->status.up_left, up),
		     size_text(h->status.down_left, down));
	if (h->status.clone_alarms > 0)
		find(p, FINDING_PROBLEM, "clone",
		     "%s: another copy of this table was in use, %llu times: find it, stop it, and get a new PSKM", h->name,
		     (unsigned long long)h->status.clone_alarms);
}

static bool counts(const struct client_hub *h, bool usable)
{
	return !id_is_zero(&h->hub) && (usable ? rc_ok(h->rc) : !is_let_go(h));
}

static bool is_counted(const struct patient *p, size_t end, bool usable)
{
	for (size_t i = 0; i < end; i++) {
		if (counts(&p->hub[i], usable) && id_equal(&p->hub[i].hub, &p->hub[end].hub))
			return true;
	}
	return false;
}

/* Hubs with at least one table, or with a usable one. */
static size_t count_hubs(const struct patient *p, bool usable)
{
	size_t count = 0;
	for (size_t i = 0; i < p->hub_count; i++)
		count += counts(&p->hub[i], usable) && !is_counted(p, i, usable);
	return count;
}

static void check_tables(struct patient *p)
{
	if (p->client == NULL)
		return;
	size_t usable = count_hubs(p, true);
	for (size_t i = 0; i < p->hub_count; i++)
		check_table(p, &p->hub[i]);
	const struct config *c = client_config(p->client);
	size_t k = config_k(c, count_hubs(p, false)); /* as agreeing reckons it */
	if (usable == 0)
		find(p, FINDING_PROBLEM, "hubs", p->hub_count > 0 ? "no usable table: what is said of each above mends that"
								  : "no table: import PSKMs (dske pskm import) and activate them");
	else if (usable < k)
		find(p, FINDING_PROBLEM, "hubs", "k = %zu, but usable tables of %zu hubs only: mend those above, import more PSKMs, or "
		     "lower k", k, usable);
	else if (usable == k)
		find(p, FINDING_WARNING, "hubs", "k = %zu of %zu hubs: when one is down no key can be agreed", k, usable);
	else
		find(p, FINDING_OK, "hubs", "k = %zu of %zu hubs: %zu may be down", k, usable, usable - k);
}

static void check_reachable(struct patient *p)
{
	AUTO(report) report = {0};
	if (p->client == NULL || count_hubs(p, true) == 0)
		return;
	dske_rc rc = client_ping(p->client, p->timeout_ms, &report);
	if (!rc_ok(rc)) {
		find(p, FINDING_PROBLEM, "reach", "%s", rc_detail(rc));
		return;
	}
	for (size_t i = 0; i < report.count; i++) {
		const struct hub_report *h = &report.hub[i];
		if (rc_ok(h->rc))
			find(p, FINDING_OK, "reach", "%s (%s) answers in %.1f ms", h->name, h->address, h->rtt_ms);
		else
			find(p, FINDING_PROBLEM, "reach", "%s (%s): %s", h->name, h->address, h->detail);
	}
}

static void check_peer(struct patient *p, const struct peers *all, const struct peer *peer)
{
	struct id hubs[CONFIG_HUBS_MAX];
	size_t out = peers_left_out(all, &peer->id, hubs, CONFIG_HUBS_MAX);
	if (out > 0)
		find(p, FINDING_WARNING, "peers", "%zu %s the record of %s, and %s left out of agreements with it: run dske peer verify "
		     "%s, and ask the operators", out, out == 1 ? "hub contradicts" : "hubs contradict", peer->name,
		     out == 1 ? "is" : "are", peer->name);
	for (size_t i = 0; &all->peer[i] != peer; i++) {
		if (names_alike(all->peer[i].name, peer->name))
			find(p, FINDING_WARNING, "peers", "%s and %s look alike: make sure which of them is meant", all->peer[i].name,
			     peer->name);
	}
}

static void check_peers(struct patient *p)
{
	AUTO(peers) peers = {0};
	if (p->client == NULL)
		return;
	dske_rc rc = client_peers(p->client, &peers);
	if (!rc_ok(rc))
		find(p, FINDING_PROBLEM, "peers", "%s", rc_detail(rc));
	else if (peers.count == 0)
		find(p, FINDING_WARNING, "peers", "none yet: dske peer add NAME");
	else
		find(p, FINDING_OK, "peers", "%zu recorded", peers.count);
	for (size_t i = 0; rc_ok(rc) && i < peers.count; i++)
		check_peer(p, &peers, &peers.peer[i]);
}

/* PKCS#11 pads its texts with blanks. */
static int padded_len(const CK_UTF8CHAR *text, int len)
{
	while (len > 0 && text[len - 1] == ' ')
		len--;
	return len;
}

static void check_token(struct patient *p, const struct token *token)
{
	CK_TOKEN_INFO info;
	if (p->client == NULL || token->f->C_GetTokenInfo(token->slot, &info) != CKR_OK)
		return;
	if ((info.flags & CKF_USER_PIN_LOCKED) != 0)
		find(p, FINDING_PROBLEM, "token", "its PIN is locked: " TOKEN_NEW_PIN);
	else if ((info.flags & CKF_USER_PIN_FINAL_TRY) != 0)
		find(p, FINDING_WARNING, "token", "one more wrong PIN locks it");
	else if ((info.flags & CKF_USER_PIN_INITIALIZED) != 0)
		find(p, FINDING_OK, "token", "has a PIN");
	else
		find(p, FINDING_OK, "token", "has no PIN: whoever may read the state folder may agree, and no key can be kept in it");
}

static void check_module(struct patient *p)
{
	AUTO(token) token = {0};
	CK_INFO info;
	dske_rc rc = token_load(&token);
	if (!rc_ok(rc))
		find(p, FINDING_PROBLEM, "module", "%s", rc_detail(rc));
	else if (token.f->C_GetInfo(&info) != CKR_OK)
		find(p, FINDING_PROBLEM, "module", "%s does not tell what it is", token_module_path());
	else
		find(p, FINDING_OK, "module", "%s loads: %.*s, PKCS#11 %u.%u", token_module_path(),
		     padded_len(info.libraryDescription, sizeof info.libraryDescription), (const char *)info.libraryDescription, info.cryptokiVersion.major,
		     info.cryptokiVersion.minor);
	if (rc_ok(rc))
		check_token(p, &token);
}

/* Secrets stay out of swap as far as this reaches; beyond it they are still kept out of core files. */
#define MEMLOCK_WANTED (1u << 20)
static void check_memory(struct patient *p)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return;
	if (limit.rlim_cur < MEMLOCK_WANTED)
		find(p, FINDING_WARNING, "memory", "only %llu bytes may be locked (ulimit -l): secrets could be swapped out",
		     (unsigned long long)limit.rlim_cur);
	else
		find(p, FINDING_OK, "memory", "secrets can be locked into memory");
}

int cmd_doctor(const struct command *self, int argc, char **argv)
{
	static void (*const checks[])(struct patient *) = {
		check_configuration, check_permissions, check_tables, check_reachable, check_peers, check_module, check_memory,
	};
	struct patient p = {.timeout_ms = 3000};
	struct operands none;
	const struct option_row rows[] = {
		{"timeout", OPTION_DURATION, &p.timeout_ms, "TIME", "for the hubs to answer (default: 3s)"},
		PIN_ROW(p.common),
		COMMON_ROWS(p.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	p.findings = json_array();
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		checks[i](&p);
	if (p.common.json)
		output_json(json_pack("{s:O, s:i, s:i}", "findings", p.findings, "problems", (int)p.problems, "warnings",
				      (int)p.warnings));
	else
		printf("%zu problem%s, %zu warning%s\n", p.problems, p.problems == 1 ? "" : "s", p.warnings,
		       p.warnings == 1 ? "" : "s");
	json_decref(p.findings);
	free(p.hub);
	client_close(p.client);
	return p.problems > 0 ? EXIT_FAILED : EXIT_OK;
}

int cmd_version(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands none;
	const struct option_row rows[] = {{"json", OPTION_FLAG, &common.json, NULL, "write JSON, for programs"}, {0}};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	if (common.json)
		output_json(json_pack("{s:s, s:i, s:s}", "version", PACKAGE_VERSION, "wire", FRAME_VERSION, "module",
				      token_module_path()));
	else
		printf("dske %s\nwire version %d\nmodule %s\n", PACKAGE_VERSION, FRAME_VERSION, token_module_path());
	return EXIT_OK;
}
