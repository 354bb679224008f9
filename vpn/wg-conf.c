/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/wg-conf.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/id.h"

#define INTERVAL_MS (INT64_C(120) * 1000) /* WireGuard's own between handshakes */
#define INTERVAL_LEAST_MS 1000
#define TIMEOUT_MS 30000

const char *wg_conf_default_file(void)
{
	return SYSCONFDIR "/dske/wg.conf";
}

dske_rc wg_key_parse(uint8_t key[WG_KEY_LEN], const char *text)
{
	uint8_t out[WG_KEY_LEN + 1];
	if (strlen(text) != 44 || text[43] != '=' || text[42] == '=' || EVP_DecodeBlock(out, (const uint8_t *)text, 44) != WG_KEY_LEN + 1)
		return FAIL(FORMAT, "a WireGuard key has 44 characters of base64, the last of them '='");
	memcpy(key, out, WG_KEY_LEN);
	return DSKE_OK;
}

/* ---- values of a link -------------------------------------------------------------------------------------- */

static dske_rc set_name(struct wg_link_conf *l, const char *key, const char *value)
{
	if (!name_check(value))
		return FAIL(CONFIG, "%s = %s: a name has 1 to %d letters, digits, dots, hyphens and underscores", key, value, NAME_MAX_LEN);
	return conf_text(strcmp(key, "peer") == 0 ? l->peer : l->name, sizeof l->name, key, value);
}

static dske_rc set_interface(struct wg_link_conf *l, const char *key, const char *value)
{
	if (strchr(value, '/') != NULL)
		return FAIL(CONFIG, "%s = %s: an interface's name, such as wg0", key, value);
	return conf_text(l->wg.interface, sizeof l->wg.interface, key, value);
}

static dske_rc set_public_key(struct wg_link_conf *l, const char *key, const char *value)
{
	dske_rc rc = wg_key_parse(l->wg.public_key, value);
	return rc_ok(rc) ? rc : FAIL(CONFIG, "%s: %s", key, rc_detail(rc));
}

static dske_rc set_hook(struct wg_link_conf *l, const char *key, const char *value)
{
	return conf_text(l->hook.s, sizeof l->hook.s, key, value);
}

static dske_rc set_duration(struct wg_link_conf *l, const char *key, const char *value)
{
	int64_t *to = strcmp(key, "interval") == 0 ? &l->interval_ms : &l->timeout_ms;
	TRY(conf_duration_ms(to, key, value));
	return *to >= INTERVAL_LEAST_MS ? DSKE_OK : FAIL(CONFIG, "%s = %s: at least 1s", key, value);
}

static dske_rc set_fail(struct wg_link_conf *l, const char *key, const char *value)
{
	l->closed = strcmp(value, "closed") == 0;
	return l->closed || strcmp(value, "open") == 0 ? DSKE_OK : FAIL(CONFIG, "%s = %s: open or closed", key, value);
}

static const struct {
	const char *key;
	bool for_all; /* may stand in [wg] too */
	dske_rc (*set)(struct wg_link_conf *l, const char *key, const char *value);
} link_settings[] = {
	{"peer", false, set_name},		{"name", false, set_name},	   {"interface", false, set_interface},
	{"public_key", false, set_public_key},	{"hook", false, set_hook},	   {"interval", true, set_duration},
	{"timeout", true, set_duration},	{"fail", true, set_fail},
};

static dske_rc set_of_link(struct wg_link_conf *l, bool is_preset, const char *section, const char *key, const char *value)
{
	for (size_t i = 0; i < sizeof link_settings / sizeof link_settings[0]; i++) {
		if (strcmp(key, link_settings[i].key) == 0 && (!is_preset || link_settings[i].for_all))
			return link_settings[i].set(l, key, value);
	}
	return conf_unknown(section, key);
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

/* The link of that label, which begins with its first line. */
static dske_rc link_of(struct wg_conf *c, const char *label, struct wg_link_conf **out)
{
	if (!name_check(label))
		return FAIL(CONFIG, "[link %s]: a link has a name", label);
	for (size_t i = 0; i < c->count; i++) {
		*out = &c->links[i];
		if (strcmp(c->links[i].label, label) == 0)
			return DSKE_OK;
	}
	if (c->count == WG_LINKS_MAX)
		return FAIL(CONFIG, "more than %d links", WG_LINKS_MAX);
	struct wg_link_conf *more = realloc(c->links, (c->count + 1) * sizeof *more);
	if (more == NULL)
		return rc_make(DSKE_RC_NOMEM);
	c->links = more;
	*out = &c->links[c->count++];
	**out = c->preset;
	return conf_text((*out)->label, sizeof (*out)->label, "link", label);
}

static dske_rc setting(void *context, const char *section, const char *name, const char *key, const char *value)
{
	struct wg_conf *c = context;
	struct wg_link_conf *l;
	if (strcmp(section, "wg") == 0 && strcmp(key, "status") != 0)
		return set_of_link(&c->preset, true, section, key, value);
	if (strcmp(section, "link") != 0)
		return service_setting(&c->service, "wg", section, key, value);
	TRY(link_of(c, name, &l));
	return set_of_link(l, false, section, key, value);
}

static dske_rc link_complete(struct wg_link_conf *l, const char *file)
{
	static const uint8_t none[WG_KEY_LEN];
	if (l->peer[0] == '\0')
		return FAIL(CONFIG, "%s: [link %s] peer is missing: the other end's name, as dske peer has it", file, l->label);
	if (l->wg.interface[0] == '\0' && l->hook.s[0] == '\0')
		return FAIL(CONFIG, "%s: [link %s] has neither interface nor hook", file, l->label);
	if (l->wg.interface[0] != '\0' && memcmp(l->wg.public_key, none, sizeof none) == 0)
		return FAIL(CONFIG, "%s: [link %s] public_key is missing: the other end's, as wg shows it", file, l->label);
	return l->hook.s[0] != '\0' ? conf_folder(&l->hook, file) : DSKE_OK;
}

/* Two that agree in one context would take each other's shares; two of one WireGuard peer, replace each other's key. */
static dske_rc apart(const struct wg_link_conf *a, const struct wg_link_conf *b, const char *file)
{
	if (strcmp(a->peer, b->peer) == 0 && strcmp(a->name, b->name) == 0)
		return FAIL(CONFIG, "%s: [link %s] and [link %s] have the same peer and name: give one of them another name, at both ends", file,
			    a->label, b->label);
	if (a->wg.interface[0] != '\0' && strcmp(a->wg.interface, b->wg.interface) == 0 &&
	    memcmp(a->wg.public_key, b->wg.public_key, WG_KEY_LEN) == 0)
		return FAIL(CONFIG, "%s: [link %s] and [link %s] have the same interface and public_key", file, a->label, b->label);
	return DSKE_OK;
}

static dske_rc complete(struct wg_conf *c, const char *file)
{
	if (c->count == 0)
		return FAIL(CONFIG, "%s: there is no [link LABEL]", file);
	for (size_t i = 0; i < c->count; i++) {
		TRY(link_complete(&c->links[i], file));
		for (size_t j = 0; j < i; j++)
			TRY(apart(&c->links[j], &c->links[i], file));
	}
	if (c->service.status.s[0] == '\0')
		TRY(path_format(&c->service.status, "/run/dske/wg"));
	return service_complete(&c->service, file);
}

dske_rc wg_conf_read(struct wg_conf *c, const char *file)
{
	*c = (struct wg_conf){.preset = {.name = "wg", .interval_ms = INTERVAL_MS, .timeout_ms = TIMEOUT_MS}};
	service_conf_init(&c->service);
	dske_rc rc = conf_read(file, setting, c);
	if (rc_ok(rc))
		rc = complete(c, file);
	if (!rc_ok(rc))
		wg_conf_drop(c);
	return rc;
}

void wg_conf_drop(struct wg_conf *c)
{
	free(c->links);
	c->links = NULL;
	c->count = 0;
}
