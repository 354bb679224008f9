/* SPDX-License-Identifier: Apache-2.0 */
/* client/config.c - a client's configuration file: one row of a table a setting. */
#include <config.h>

#include "client/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/net.h"
#include "hubproto/msg.h"
#include "pskm/table-key.h"

#define TIMEOUT_DEFAULT_MS 10000
#define TIMEOUT_MAX_MS (INT64_C(24) * 3600 * 1000)
#define TTL_DEFAULT_S 3600
#define KEY_LEN_DEFAULT 32

/* ---- which file ----------------------------------------------------------------------------------- */

static bool is_readable(const char *path)
{
	return access(path, F_OK) == 0;
}

/* The user's own file, if it is there. */
static bool locate_user(struct path *out)
{
	const char *base = secure_getenv("XDG_CONFIG_HOME");
	if (base != NULL && base[0] == '/')
		return rc_ok(path_format(out, "%s/dske/dske.conf", base)) && is_readable(out->s);
	base = secure_getenv("HOME");
	return base != NULL && base[0] == '/' && rc_ok(path_format(out, "%s/.config/dske/dske.conf", base)) &&
	       is_readable(out->s);
}

dske_rc config_locate(struct path *out)
{
	/* secure_getenv reads nothing under setuid or file capabilities (AT_SECURE): there the caller's
	 * environment must not choose whose tables are used. */
	const char *named = secure_getenv("DSKE_CONF");
	if (named != NULL && named[0] != '\0')
		return path_format(out, "%s", named);
	if (locate_user(out))
		return DSKE_OK;
	return path_format(out, "%s/dske/dske.conf", SYSCONFDIR);
}

/* ---- settings ------------------------------------------------------------------------------------- */

typedef dske_rc setter(struct config *c, const char *key, const char *value);

static dske_rc set_name(struct config *c, const char *key, const char *value)
{
	TRY(conf_text(c->name, sizeof c->name, key, value));
	if (!name_check(c->name))
		return FAIL(CONFIG, "%s = %s: a name is letters, digits, '.', '_' and '-', and begins with a letter or digit",
			    key, value);
	return DSKE_OK;
}

static dske_rc set_id(struct config *c, const char *key, const char *value)
{
	if (!rc_ok(id_parse(&c->id, value)) || id_is_zero(&c->id))
		return FAIL(CONFIG, "%s: not 32 hexadecimal digits that name a client", key);
	return DSKE_OK;
}

static dske_rc set_state(struct config *c, const char *key, const char *value)
{
	return conf_text(c->state.s, sizeof c->state.s, key, value);
}

static dske_rc set_table_key(struct config *c, const char *key, const char *value)
{
	return conf_text(c->table_key.s, sizeof c->table_key.s, key, value);
}

static dske_rc set_log(struct config *c, const char *key, const char *value)
{
	return conf_text(c->log, sizeof c->log, key, value);
}

static dske_rc set_log_level(struct config *c, const char *key, const char *value)
{
	if (!rc_ok(log_level_parse(&c->log_level, value)))
		return FAIL(CONFIG, "%s = %s: one of error, warn, info, debug", key, value);
	return DSKE_OK;
}

static dske_rc set_media(struct config *c, const char *key, const char *value)
{
	return conf_text(c->media, sizeof c->media, key, value);
}

static dske_rc set_address(char *out, size_t cap, const char *key, const char *value)
{
	struct net_address parsed;
	TRY(conf_text(out, cap, key, value));
	if (!rc_ok(net_address_parse(&parsed, value)))
		return FAIL(CONFIG, "%s = %s: write HOST:PORT", key, value);
	return DSKE_OK;
}

static dske_rc set_direct_listen(struct config *c, const char *key, const char *value)
{
	return set_address(c->direct_listen, sizeof c->direct_listen, key, value);
}

static dske_rc set_pad_send_ahead(struct config *c, const char *key, const char *value)
{
	return conf_size(&c->pad_send_ahead, key, value);
}

static dske_rc set_pad_receive_ahead(struct config *c, const char *key, const char *value)
{
	return conf_size(&c->pad_receive_ahead, key, value);
}

static dske_rc set_low_water(struct config *c, const char *key, const char *value)
{
	return low_water_parse(&c->low_water, key, value);
}

static dske_rc set_threshold(uint8_t *out, const char *key, const char *value)
{
	uint64_t n = 0;
	TRY(conf_uint(&n, key, value, 1, TERMS_HUBS_MAX));
	*out = (uint8_t)n;
	return DSKE_OK;
}

static dske_rc set_k(struct config *c, const char *key, const char *value)
{
	return set_threshold(&c->k, key, value);
}

static dske_rc set_k_b(struct config *c, const char *key, const char *value)
{
	return set_threshold(&c->k_b, key, value);
}

static dske_rc set_timeout(struct config *c, const char *key, const char *value)
{
	TRY(conf_duration_ms(&c->timeout_ms, key, value));
	if (c->timeout_ms < 1 || c->timeout_ms > TIMEOUT_MAX_MS)
		return FAIL(CONFIG, "%s = %s: between 1 ms and 24 h", key, value);
	return DSKE_OK;
}

static dske_rc set_ttl(struct config *c, const char *key, const char *value)
{
	int64_t ms = 0;
	TRY(conf_duration_ms(&ms, key, value));
	if (ms < 1000 || ms > INT64_C(1000) * SHARE_TTL_MAX)
		return FAIL(CONFIG, "%s = %s: between 1 s and 7 d", key, value);
	c->ttl_s = (uint32_t)(ms / 1000);
	return DSKE_OK;
}

static dske_rc set_key_length(struct config *c, const char *key, const char *value)
{
	uint64_t n = 0;
	TRY(conf_size(&n, key, value));
	if (n < KEY_LEN_MIN || n > KEY_PART_LEN)
		return FAIL(CONFIG, "%s = %s: between %u and %u bytes", key, value, KEY_LEN_MIN, KEY_PART_LEN);
	c->key_len = (uint32_t)n;
	return DSKE_OK;
}

static dske_rc set_scheme(struct config *c, const char *key, const char *value)
{
	if (!rc_ok(scheme_parse(&c->scheme, value)))
		return FAIL(CONFIG, "%s = %s: shamir, xor or adapted", key, value);
	return DSKE_OK;
}

static dske_rc set_confirm(struct config *c, const char *key, const char *value)
{
	static const char *const names[CONFIRM_POLICIES] = {[CONFIRM_NONE] = "no", [CONFIRM_GROUPS] = "groups", [CONFIRM_ALL] = "yes"};
	for (size_t i = 0; i < CONFIRM_POLICIES; i++) {
		if (strcmp(names[i], value) == 0) {
			c->confirm = (enum confirm_policy)i;
			return DSKE_OK;
		}
	}
	return FAIL(CONFIG, "%s = %s: no, groups or yes", key, value);
}

static dske_rc set_accept_n(struct config *c, const char *key, const char *value)
{
	return conf_range(&c->accept_n, key, value, 1, TERMS_HUBS_MAX);
}

static dske_rc set_waiting(struct config *c, const char *key, const char *value)
{
	uint64_t n = 0;
	TRY(conf_uint(&n, key, value, 1, UINT16_MAX));
	c->waiting = (uint32_t)n;
	return DSKE_OK;
}

static dske_rc set_accept_k(struct config *c, const char *key, const char *value)
{
	return conf_range(&c->accept_k, key, value, 1, TERMS_HUBS_MAX);
}

/* send_keys_per_minute and the like. */
static dske_rc set_quota(struct quota *send, struct quota *receive, const char *key, const char *value, bool *known)
{
	TRY(quota_set(send, "send", key, value, known));
	return *known ? DSKE_OK : quota_set(receive, "receive", key, value, known);
}

static const struct {
	const char *section, *key;
	setter *set;
} settings[] = {
	{"client", "name", set_name},
	{"client", "id", set_id},
	{"client", "state", set_state},
	{"client", "table_key", set_table_key},
	{"client", "log", set_log},
	{"client", "log_level", set_log_level},
	{"client", "media", set_media},
	{"client", "low_water", set_low_water},
	{"client", "pad_send_ahead", set_pad_send_ahead},
	{"client", "pad_receive_ahead", set_pad_receive_ahead},
	{"client", "direct_listen", set_direct_listen},
	{"agreement", "k", set_k},
	{"agreement", "k_b", set_k_b},
	{"agreement", "timeout", set_timeout},
	{"agreement", "ttl", set_ttl},
	{"agreement", "key_length", set_key_length},
	{"agreement", "scheme", set_scheme},
	{"agreement", "confirm", set_confirm},
	{"agreement", "accept_n", set_accept_n},
	{"agreement", "accept_k", set_accept_k},
	{"agreement", "waiting", set_waiting},
};

/* ---- [hub NAME] and [peer NAME] -------------------------------------------------------------------- */

static dske_rc check_section_name(const char *section, const char *name)
{
	if (!name_check(name))
		return FAIL(CONFIG, "[%s %s]: the section needs a name, as in [%s hub1]", section, name, section);
	return DSKE_OK;
}

/* The entry of that name, made if it is not there. */
static dske_rc hub_entry(struct config *c, const char *name, struct config_hub **out)
{
	for (size_t i = 0; i < c->hub_count; i++) {
		if (strcmp(c->hubs[i].name, name) == 0) {
			*out = &c->hubs[i];
			return DSKE_OK;
		}
	}
	if (c->hub_count == CONFIG_HUBS_MAX)
		return FAIL(CONFIG, "more than %d hubs", CONFIG_HUBS_MAX);
	struct config_hub *grown = reallocarray(c->hubs, c->hub_count + 1, sizeof *grown);
	if (grown == NULL)
		return rc_make(DSKE_RC_NOMEM);
	c->hubs = grown;
	*out = &grown[c->hub_count++];
	memset(*out, 0, sizeof **out);
	memcpy((*out)->name, name, strlen(name) + 1);
	return DSKE_OK;
}

static dske_rc peer_entry(struct config *c, const char *name, struct config_peer **out)
{
	for (size_t i = 0; i < c->peer_count; i++) {
		if (strcmp(c->peers[i].name, name) == 0) {
			*out = &c->peers[i];
			return DSKE_OK;
		}
	}
	if (c->peer_count == CONFIG_PEERS_MAX)
		return FAIL(CONFIG, "more than %d peers", CONFIG_PEERS_MAX);
	struct config_peer *grown = reallocarray(c->peers, c->peer_count + 1, sizeof *grown);
	if (grown == NULL)
		return rc_make(DSKE_RC_NOMEM);
	c->peers = grown;
	*out = &grown[c->peer_count++];
	memset(*out, 0, sizeof **out);
	memcpy((*out)->name, name, strlen(name) + 1);
	return DSKE_OK;
}

static dske_rc set_refused(bool *refused, const char *key, const char *value)
{
	bool accept = true;
	TRY(conf_bool(&accept, key, value));
	*refused = !accept;
	return DSKE_OK;
}

static dske_rc set_hub(struct config *c, const char *name, const char *key, const char *value)
{
	struct config_hub *h = NULL;
	TRY(check_section_name("hub", name));
	TRY(hub_entry(c, name, &h));
	if (strcmp(key, "address") == 0)
		return conf_text(h->address, sizeof h->address, key, value);
	if (strcmp(key, "operator") == 0)
		return conf_text(h->operator, sizeof h->operator, key, value);
	if (strcmp(key, "accept") == 0)
		return set_refused(&h->refused, key, value);
	return conf_unknown("hub", key);
}

static dske_rc set_peer(struct config *c, const char *name, const char *key, const char *value)
{
	struct config_peer *p = NULL;
	TRY(check_section_name("peer", name));
	TRY(peer_entry(c, name, &p));
	if (strcmp(key, "extract") == 0)
		return conf_bool(&p->extract, key, value);
	if (strcmp(key, "accept") == 0)
		return set_refused(&p->refused, key, value);
	if (strcmp(key, "direct") == 0)
		return set_address(p->direct, sizeof p->direct, key, value);
	bool known = false;
	TRY(set_quota(&p->send, &p->receive, key, value, &known));
	return known ? DSKE_OK : conf_unknown("peer", key);
}

static dske_rc set_one(void *context, const char *section, const char *name, const char *key, const char *value)
{
	struct config *c = context;
	if (strcmp(section, "hub") == 0)
		return set_hub(c, name, key, value);
	if (strcmp(section, "peer") == 0)
		return set_peer(c, name, key, value);
	if (strcmp(section, "qkd") == 0)
		return qkdconf_set(&c->qkd, c->file.s, name, key, value);
	if (name[0] != '\0')
		return FAIL(CONFIG, "[%s %s]: no such section", section, name);
	bool known = false;
	if (strcmp(section, "agreement") == 0)
		TRY(set_quota(&c->send, &c->receive, key, value, &known));
	if (known)
		return DSKE_OK;
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].key, key) == 0)
			return settings[i].set(c, key, value);
	}
	return conf_unknown(section, key);
}

/* ---- the whole -------------------------------------------------------------------------------------- */

static dske_rc check_whole(const struct config *c)
{
	if (c->name[0] == '\0')
		return FAIL(CONFIG, "%s: [client] needs a name", c->file.s);
	if (id_is_zero(&c->id))
		return FAIL(CONFIG, "%s: [client] needs an id of 32 hexadecimal digits", c->file.s);
	if (c->k_b != 0 && c->k != 0 && c->k_b > c->k)
		return FAIL(CONFIG, "%s: k_b = %u is above k = %u: this client would refuse its own agreements",
			    c->file.s, c->k_b, c->k);
	return qkdconf_check(&c->qkd, c->file.s);
}

static dske_rc read_located(struct config *c)
{
	dske_rc rc = conf_read(c->file.s, set_one, c);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return FAIL(NOT_FOUND,
			    "there is no configuration file %s: make one with `dske init --name NAME`, or let DSKE_CONF name one",
			    c->file.s);
	TRY(rc);
	TRY(conf_folder(&c->state, c->file.s));
	if (c->table_key.s[0] != '\0' && !config_key_is_pin(c))
		TRY(conf_folder(&c->table_key, c->file.s));
	return check_whole(c);
}

dske_rc config_read(struct config *c, const char *path)
{
	struct path located;
	*c = (struct config){
		.log = "none",
		.log_level = LOG_LEVEL_WARN,
		.low_water = LOW_WATER_DEFAULT,
		.pad_send_ahead = CONFIG_PAD_PART,
		.timeout_ms = TIMEOUT_DEFAULT_MS,
		.ttl_s = TTL_DEFAULT_S,
		.key_len = KEY_LEN_DEFAULT,
		.scheme = SCHEME_SHAMIR,
		.accept_n = {1, TERMS_HUBS_MAX},
		.accept_k = {1, TERMS_HUBS_MAX},
	};
	if (path == NULL) {
		TRY(config_locate(&located));
		path = located.s;
	}
	TRY(path_absolute(&c->file, path));
	dske_rc rc = read_located(c);
	if (!rc_ok(rc))
		config_drop(c);
	return rc;
}

uint8_t config_k(const struct config *c, size_t hubs)
{
	return c->k != 0 ? c->k : (uint8_t)(hubs / 2 + 1);
}

uint8_t config_k_b(const struct config *c, size_t hubs)
{
	return c->k_b != 0 ? c->k_b : config_k(c, hubs);
}

bool config_key_is_pin(const struct config *c)
{
	return strcmp(c->table_key.s, "pin") == 0;
}

dske_rc config_tables(const struct config *c, struct path *out)
{
	return path_format(out, "%s/tables", c->state.s);
}

dske_rc config_table_key(const struct config *c, struct secret *out)
{
	if (config_key_is_pin(c))
		return FAIL(KEY, "the tables are locked by the token's PIN: log in, or give it to dske with --pin");
	return c->table_key.s[0] != '\0' ? table_key_read(out, c->table_key.s) : DSKE_OK;
}

const char *config_operator(const struct config *c, const char *hub_name)
{
	for (size_t i = 0; i < c->hub_count; i++) {
		if (strcmp(c->hubs[i].name, hub_name) == 0)
			return c->hubs[i].operator;
	}
	return "";
}

bool config_hub_refused(const struct config *c, const char *hub_name)
{
	for (size_t i = 0; i < c->hub_count; i++) {
		if (strcmp(c->hubs[i].name, hub_name) == 0)
			return c->hubs[i].refused;
	}
	return false;
}

const struct config_peer *config_peer(const struct config *c, const char *peer_name)
{
	for (size_t i = 0; i < c->peer_count; i++) {
		if (strcmp(c->peers[i].name, peer_name) == 0)
			return &c->peers[i];
	}
	return NULL;
}

bool config_extract_allowed(const struct config *c, const char *peer_name)
{
	const struct config_peer *p = config_peer(c, peer_name);
	return p != NULL && p->extract;
}

void config_drop(struct config *c)
{
	free(c->hubs);
	free(c->peers);
	qkdconf_list_drop(&c->qkd);
	c->hubs = NULL;
	c->peers = NULL;
	c->hub_count = c->peer_count = 0;
}
