/* SPDX-License-Identifier: Apache-2.0 */
/* hub/conf.c - a table of settings, and the groups. */
#include "hub/conf-impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "hubproto/msg.h"
#include "pskm/stock.h"
#include "pskm/table-key.h"
#include "pskm/window.h"

#define WINDOW_MOST_DEFAULT (UINT64_C(4) << 20)
#define WINDOW_MOST_LEAST (UINT64_C(4) << 10)
#define CONNECTIONS_DEFAULT 1024
#define MAILBOX_DEFAULT 1000
#define MAILBOX_MOST_DEFAULT (UINT64_C(16) << 30)
#define IDLE_DEFAULT_MS (INT64_C(10) * 60 * 1000)
#define IDLE_LEAST_MS 1000

const char *hub_conf_default_file(void)
{
	return SYSCONFDIR "/dske/hubd.conf";
}

dske_rc hub_conf_tables(const struct hub_conf *c, struct path *out)
{
	return path_format(out, "%s/tables", c->state.s);
}

dske_rc hub_conf_stocks(const struct hub_conf *c, struct path *out)
{
	return path_format(out, "%s/" STOCK_FOLDER, c->state.s);
}

dske_rc hub_conf_table_key(const struct hub_conf *c, struct secret *out)
{
	return c->table_key.s[0] != 0 ? table_key_read(out, c->table_key.s) : DSKE_OK;
}

/* ---- values ------------------------------------------------------------------------------------- */

static dske_rc set_name(struct hub_conf *c, const char *key, const char *value)
{
	if (!name_check(value))
		return FAIL(CONFIG, "%s = %s: a name has 1 to %d letters, digits, dots, hyphens and underscores, "
			    "and begins with a letter or digit", key, value, NAME_MAX_LEN);
	return conf_text(c->name, sizeof c->name, key, value);
}

dske_rc hub_conf_id(struct id *id, const char *key, const char *value)
{
	if (!rc_ok(id_parse(id, value)) || id_is_zero(id))
		return FAIL(CONFIG, "%s = %s: an ID has 32 hexadecimal digits, not all zero", key, value);
	return DSKE_OK;
}

static dske_rc set_id(struct hub_conf *c, const char *key, const char *value)
{
	return hub_conf_id(&c->id, key, value);
}

static dske_rc set_listen(struct hub_conf *c, const char *key, const char *value)
{
	TRY(conf_text(c->listen, sizeof c->listen, key, value));
	return net_address_parse(&c->address, value);
}

static dske_rc set_state(struct hub_conf *c, const char *key, const char *value)
{
	if (strlen(value) >= sizeof c->state.s / 2)
		return FAIL(CONFIG, "%s: the folder's name is too long", key);
	return conf_text(c->state.s, sizeof c->state.s, key, value);
}

static dske_rc set_table_key(struct hub_conf *c, const char *key, const char *value)
{
	return conf_text(c->table_key.s, sizeof c->table_key.s, key, value);
}

static dske_rc set_log(struct hub_conf *c, const char *key, const char *value)
{
	return conf_text(c->log, sizeof c->log, key, value);
}

static dske_rc set_log_level(struct hub_conf *c, const char *key, const char *value)
{
	(void)key;
	return log_level_parse(&c->log_level, value);
}

static dske_rc set_window_most(struct hub_conf *c, const char *key, const char *value)
{
	TRY(conf_size(&c->window_most, key, value));
	if (c->window_most < WINDOW_MOST_LEAST || c->window_most > WINDOW_LEN_MAX)
		return FAIL(CONFIG, "%s = %s: 4K to 64M", key, value);
	return DSKE_OK;
}

static dske_rc set_entropy(struct hub_conf *c, const char *key, const char *value)
{
	if (!rc_ok(entropy_check(value)))
		return FAIL(CONFIG, "%s = %s: 'kernel', absolute paths of devices, pipes or files, or several joined by '+', each once",
			    key, value);
	return conf_text(c->entropy, sizeof c->entropy, key, value);
}

static dske_rc set_low_water(struct hub_conf *c, const char *key, const char *value)
{
	return low_water_parse(&c->low_water, key, value);
}

static dske_rc count_set(uint32_t *out, const char *key, const char *value, uint64_t most)
{
	uint64_t v = 0;

	TRY(conf_uint(&v, key, value, 1, most));
	*out = (uint32_t)v;
	return DSKE_OK;
}

static dske_rc set_connections(struct hub_conf *c, const char *key, const char *value)
{
	return count_set(&c->connections, key, value, 1000000);
}

static dske_rc set_mailbox_per_pair(struct hub_conf *c, const char *key, const char *value)
{
	return count_set(&c->mailbox_per_pair, key, value, 1000000000);
}

static dske_rc set_ttl_most(struct hub_conf *c, const char *key, const char *value)
{
	int64_t ms = 0;

	TRY(conf_duration_ms(&ms, key, value));
	if (ms < 1000 || ms > (int64_t)SHARE_TTL_MAX * 1000)
		return FAIL(CONFIG, "%s = %s: 1s to 7d", key, value);
	c->ttl_most_s = (uint32_t)(ms / 1000);
	return DSKE_OK;
}

static dske_rc set_idle(struct hub_conf *c, const char *key, const char *value)
{
	TRY(conf_duration_ms(&c->idle_ms, key, value));
	if (c->idle_ms < IDLE_LEAST_MS)
		return FAIL(CONFIG, "%s = %s: at least 1s", key, value);
	return DSKE_OK;
}

static dske_rc set_mailbox_most(struct hub_conf *c, const char *key, const char *value)
{
	return conf_size(&c->mailbox_most, key, value);
}

static dske_rc set_n(struct hub_conf *c, const char *key, const char *value)
{
	return conf_range(&c->n, key, value, 1, TERMS_HUBS_MAX);
}

static dske_rc set_k(struct hub_conf *c, const char *key, const char *value)
{
	return conf_range(&c->k, key, value, 1, TERMS_HUBS_MAX);
}

static const struct setting {
	const char *section, *key;
	dske_rc (*set)(struct hub_conf *c, const char *key, const char *value);
} settings[] = {
	{"hub", "name", set_name},
	{"hub", "id", set_id},
	{"hub", "listen", set_listen},
	{"hub", "state", set_state},
	{"hub", "table_key", set_table_key},
	{"hub", "log", set_log},
	{"hub", "log_level", set_log_level},
	{"hub", "window_most", set_window_most},
	{"hub", "entropy", set_entropy},
	{"hub", "low_water", set_low_water},
	{"limits", "connections", set_connections},
	{"limits", "mailbox_per_pair", set_mailbox_per_pair},
	{"limits", "mailbox_most", set_mailbox_most},
	{"limits", "n", set_n},
	{"limits", "k", set_k},
	{"limits", "ttl_most", set_ttl_most},
	{"limits", "idle", set_idle},
};

/* ---- groups ------------------------------------------------------------------------------------- */

static dske_rc group_named(struct hub_conf *c, const char *name, struct hub_group **out)
{
	for (size_t i = 0; i < c->group_count; i++)
		if (strcmp(c->group[i].name, name) == 0) {
			*out = &c->group[i];
			return DSKE_OK;
		}
	if (!name_check(name))
		return FAIL(CONFIG, "[group %s]: a group needs a name, as in [group office]", name);
	if (c->group_count == HUB_GROUPS_MAX)
		return FAIL(CONFIG, "more than %d groups", HUB_GROUPS_MAX);

	struct hub_group *more = reallocarray(c->group, c->group_count + 1, sizeof *more);

	if (!more)
		return rc_make(DSKE_RC_NOMEM);
	c->group = more;
	*out = &more[c->group_count++];
	**out = (struct hub_group){0};
	memcpy((*out)->name, name, strlen(name) + 1);
	return DSKE_OK;
}

static dske_rc member_add(struct hub_group *g, const char *name)
{
	if (strcmp(name, "*") == 0) {
		g->everyone = true;
		return DSKE_OK;
	}
	if (!name_check(name))
		return FAIL(CONFIG, "'%s' is not a client's name, nor '*' for all of them", name);
	if (g->member_count == HUB_MEMBERS_MAX)
		return FAIL(CONFIG, "group %s has more than %d members", g->name, HUB_MEMBERS_MAX);

	char(*more)[NAME_MAX_LEN + 1] = reallocarray(g->member, g->member_count + 1, sizeof *more);

	if (!more)
		return rc_make(DSKE_RC_NOMEM);
	g->member = more;
	memcpy(more[g->member_count++], name, strlen(name) + 1);
	return DSKE_OK;
}

static int member_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

bool hub_group_has(const struct hub_group *g, const char *client)
{
	bool listed = g->member_count > 0 &&
		      bsearch(client, g->member, g->member_count, sizeof g->member[0], member_compare);

	return g->everyone || listed;
}

dske_rc hub_group_parse(struct hub_group *g, const char *value)
{
	const char *blank = ", \t";

	for (const char *p = value + strspn(value, blank); *p; p += strspn(p, blank)) {
		char name[NAME_MAX_LEN + 2];
		size_t len = strcspn(p, blank);

		if (len >= sizeof name)
			return FAIL(CONFIG, "a name has at most %d characters", NAME_MAX_LEN);
		memcpy(name, p, len);
		name[len] = 0;
		TRY(member_add(g, name));
		p += len;
	}
	return DSKE_OK;
}

void hub_group_sort(struct hub_group *g)
{
	size_t kept = 0;

	if (g->member_count == 0)
		return;
	qsort(g->member, g->member_count, sizeof g->member[0], member_compare);
	for (size_t i = 0; i < g->member_count; i++)
		if (i == 0 || strcmp(g->member[i], g->member[kept - 1]) != 0)
			memmove(g->member[kept++], g->member[i], sizeof g->member[0]);
	g->member_count = kept;
}

static dske_rc group_set(struct hub_conf *c, const char *name, const char *key, const char *value)
{
	struct hub_group *g = NULL;

	if (strcmp(key, "members") != 0)
		return conf_unknown("group", key);
	TRY(group_named(c, name, &g));
	return hub_group_parse(g, value);
}

/* ---- quotas ------------------------------------------------------------------------------------- */

static dske_rc set_quota(struct hub_conf *c, const char *key, const char *value, bool *known)
{
	static const char *const prefixes[QUOTA_SCOPES] = {
		[QUOTA_SEND] = "send", [QUOTA_RECEIVE] = "receive", [QUOTA_PAIR] = "pair"};

	*known = false;
	for (size_t i = 0; i < QUOTA_SCOPES && !*known; i++)
		TRY(quota_set(&c->quota[i], prefixes[i], key, value, known));
	return DSKE_OK;
}

/* ---- the file ----------------------------------------------------------------------------------- */

static dske_rc take(void *context, const char *section, const char *name, const char *key, const char *value)
{
	struct hub_conf *c = context;
	bool known = false;

	if (strcmp(section, "limits") == 0)
		TRY(set_quota(c, key, value, &known));
	if (known)
		return DSKE_OK;
	if (strcmp(section, "group") == 0)
		return group_set(c, name, key, value);
	if (strcmp(section, "qkd") == 0)
		return qkdconf_set(&c->qkd, c->file.s, name, key, value);
	if (strcmp(section, "distributor") == 0)
		return hub_conf_distributor_set(c, name, key, value);
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		if (strcmp(settings[i].section, section) != 0)
			continue;
		known = true;
		if (strcmp(settings[i].key, key) == 0)
			return settings[i].set(c, key, value);
	}
	if (known)
		return conf_unknown(section, key);
	return FAIL(CONFIG, "there is no section [%s]; a hub has [hub], [limits], [group NAME], [distributor NAME] and [qkd NAME]",
		    section);
}

static dske_rc complete(struct hub_conf *c)
{
	const char *missing = c->name[0] == 0 ? "name" : id_is_zero(&c->id) ? "id" : c->listen[0] == 0 ? "listen" : NULL;

	if (missing)
		return FAIL(CONFIG, "%s: [hub] lacks '%s'", c->file.s, missing);
	for (size_t i = 0; i < c->group_count; i++)
		hub_group_sort(&c->group[i]);
	TRY(qkdconf_check(&c->qkd, c->file.s));
	TRY(hub_conf_distributors_check(c));
	if (c->table_key.s[0] != 0)
		TRY(conf_folder(&c->table_key, c->file.s));
	return conf_folder(&c->state, c->file.s);
}

static dske_rc read_into(struct hub_conf *c, const char *path)
{
	TRY(path_format(&c->file, "%s", path));

	dske_rc rc = conf_read(path, take, c);

	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return FAIL(NOT_FOUND, "there is no %s; make one with 'dske hub init', or name another (dske-hubd --config FILE, dske --hub-conf FILE)", path);
	TRY(rc);
	return complete(c);
}

dske_rc hub_conf_read(struct hub_conf *c, const char *path)
{
	*c = (struct hub_conf){
		.log = "stderr",
		.log_level = LOG_LEVEL_INFO,
		.entropy = ENTROPY_KERNEL,
		.window_most = WINDOW_MOST_DEFAULT,
		.low_water = LOW_WATER_DEFAULT,
		.connections = CONNECTIONS_DEFAULT,
		.mailbox_per_pair = MAILBOX_DEFAULT,
		.mailbox_most = MAILBOX_MOST_DEFAULT,
		.n = {1, TERMS_HUBS_MAX},
		.k = {1, TERMS_HUBS_MAX},
		.ttl_most_s = SHARE_TTL_MAX,
		.idle_ms = IDLE_DEFAULT_MS,
	};

	dske_rc rc = read_into(c, path);

	if (!rc_ok(rc))
		hub_conf_drop(c);
	return rc;
}

void hub_conf_drop(struct hub_conf *c)
{
	for (size_t i = 0; i < c->group_count; i++)
		free(c->group[i].member);
	free(c->group);
	qkdconf_list_drop(&c->qkd);
	for (size_t i = 0; i < c->distributor_count; i++)
		free(c->distributor[i].clients.member);
	free(c->distributor);
	*c = (struct hub_conf){0};
}
