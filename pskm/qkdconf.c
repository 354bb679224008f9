/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/qkdconf.c - a table of settings, and what a link cannot do without. */
#include "config.h"

#include "pskm/qkdconf.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"

#define KEY_BITS_DEFAULT 256
#define PER_REQUEST_DEFAULT 128
#define TIMEOUT_DEFAULT_MS 60000
#define TIMEOUT_LEAST_MS 100
#define TIMEOUT_MOST_MS (INT64_C(24) * 3600 * 1000)

#define SECURE "https://"
#define PLAIN "http://"

/* ---- values --------------------------------------------------------------------------------------- */

/* Printable, and nothing that means something in a URL's path or in JSON. */
static bool is_path_word(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 0x7F || strchr("/?#%\\\"<>", *p) != NULL)
			return false;
	}
	return text[0] != '\0';
}

static bool is_loopback(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "[::1]"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t len = strlen(names[i]);

		if (strncmp(host, names[i], len) == 0 && (host[len] == '\0' || host[len] == ':'))
			return true;
	}
	return false;
}

static dske_rc set_url(struct qkdconf *c, const char *file, const char *key, const char *value)
{
	(void)file;
	TRY(conf_text(c->url, sizeof c->url, key, value));
	size_t len = strlen(c->url);
	if (c->url[len - 1] == '/')
		c->url[len - 1] = '\0';
	if (strchr(c->url, '@') != NULL)
		return FAIL(CONFIG, "%s = %s: what stands before an @ is no host; the KME knows us by our certificate", key, value);
	if (strncmp(c->url, SECURE, sizeof SECURE - 1) == 0 && is_path_word(c->url + sizeof SECURE - 1))
		return DSKE_OK;
	if (strncmp(c->url, PLAIN, sizeof PLAIN - 1) != 0 || !is_path_word(c->url + sizeof PLAIN - 1))
		return FAIL(CONFIG, "%s = %s: https://HOST or https://HOST:PORT, where the KME listens", key, value);
	if (!is_loopback(c->url + sizeof PLAIN - 1))
		return FAIL(CONFIG, "%s = %s: http shows the keys to everybody on the way; it is for tests, to 127.0.0.1 or [::1]",
			    key, value);
	return DSKE_OK;
}

static dske_rc set_peer(struct qkdconf *c, const char *file, const char *key, const char *value)
{
	(void)file;
	if (!is_path_word(value))
		return FAIL(CONFIG, "%s = %s: the other end's SAE ID, without blanks or any of / ? # %% \\ \" < >", key, value);
	return conf_text(c->peer, sizeof c->peer, key, value);
}

static dske_rc file_named(struct path *out, const char *file, const char *key, const char *value)
{
	TRY(conf_text(out->s, sizeof out->s / 2, key, value));
	return conf_folder(out, file);
}

static dske_rc set_certificate(struct qkdconf *c, const char *file, const char *key, const char *value)
{
	return file_named(&c->certificate, file, key, value);
}

static dske_rc set_key(struct qkdconf *c, const char *file, const char *key, const char *value)
{
	return file_named(&c->key, file, key, value);
}

static dske_rc set_ca(struct qkdconf *c, const char *file, const char *key, const char *value)
{
	return file_named(&c->ca, file, key, value);
}

static dske_rc set_key_size(struct qkdconf *c, const char *file, const char *key, const char *value)
{
	uint64_t bits = 0;

	(void)file;
	TRY(conf_uint(&bits, key, value, QKDCONF_KEY_BITS_LEAST, QKDCONF_KEY_BITS_MOST));
	if (bits % 8 != 0)
		return FAIL(CONFIG, "%s = %s: bits, a multiple of 8", key, value);
	c->key_bits = (uint32_t)bits;
	return DSKE_OK;
}

static dske_rc set_per_request(struct qkdconf *c, const char *file, const char *key, const char *value)
{
	uint64_t n = 0;

	(void)file;
	TRY(conf_uint(&n, key, value, 1, QKDCONF_PER_REQUEST_MOST));
	c->per_request = (uint32_t)n;
	return DSKE_OK;
}

static dske_rc set_timeout(struct qkdconf *c, const char *file, const char *key, const char *value)
{
	(void)file;
	TRY(conf_duration_ms(&c->timeout_ms, key, value));
	if (c->timeout_ms < TIMEOUT_LEAST_MS || c->timeout_ms > TIMEOUT_MOST_MS)
		return FAIL(CONFIG, "%s = %s: between 100ms and 24h", key, value);
	return DSKE_OK;
}

static const struct {
	const char *key;
	dske_rc (*set)(struct qkdconf *c, const char *file, const char *key, const char *value);
} settings[] = {
	{"url", set_url},           {"peer", set_peer},
	{"certificate", set_certificate}, {"key", set_key},
	{"ca", set_ca},             {"key_size", set_key_size},
	{"keys_per_request", set_per_request}, {"timeout", set_timeout},
};

/* ---- the list ------------------------------------------------------------------------------------- */

static struct qkdconf *look_up(const struct qkdconf_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->at[i].name, name) == 0)
			return &list->at[i];
	}
	return NULL;
}

/* The entry of that name, made if it is not there. */
static dske_rc entry(struct qkdconf_list *list, const char *name, struct qkdconf **out)
{
	*out = look_up(list, name);
	if (*out != NULL)
		return DSKE_OK;
	if (!name_check(name))
		return FAIL(CONFIG, "[qkd %s]: the section needs a name, as in [qkd link1]", name);
	if (list->count == QKDCONF_MOST)
		return FAIL(CONFIG, "more than %d QKD links", QKDCONF_MOST);
	struct qkdconf *grown = reallocarray(list->at, list->count + 1, sizeof *grown);
	if (grown == NULL)
		return rc_make(DSKE_RC_NOMEM);
	list->at = grown;
	*out = &grown[list->count++];
	**out = (struct qkdconf){
		.key_bits = KEY_BITS_DEFAULT, .per_request = PER_REQUEST_DEFAULT, .timeout_ms = TIMEOUT_DEFAULT_MS};
	memcpy((*out)->name, name, strlen(name) + 1);
	return DSKE_OK;
}

dske_rc qkdconf_set(struct qkdconf_list *list, const char *file, const char *name, const char *key, const char *value)
{
	struct qkdconf *c = NULL;

	TRY(entry(list, name, &c));
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		if (strcmp(settings[i].key, key) == 0)
			return settings[i].set(c, file, key, value);
	}
	return conf_unknown("qkd", key);
}

bool qkdconf_is_plain(const struct qkdconf *c)
{
	return strncmp(c->url, PLAIN, sizeof PLAIN - 1) == 0;
}

static const char *missing(const struct qkdconf *c)
{
	if (c->url[0] == '\0')
		return "url";
	if (c->peer[0] == '\0')
		return "peer";
	if (qkdconf_is_plain(c))
		return NULL;
	return c->certificate.s[0] == '\0' ? "certificate" : c->key.s[0] == '\0' ? "key" : c->ca.s[0] == '\0' ? "ca" : NULL;
}

dske_rc qkdconf_check(const struct qkdconf_list *list, const char *file)
{
	for (size_t i = 0; i < list->count; i++) {
		if (missing(&list->at[i]) != NULL)
			return FAIL(CONFIG, "%s: [qkd %s] lacks '%s'", file, list->at[i].name, missing(&list->at[i]));
	}
	return DSKE_OK;
}

dske_rc qkdconf_find(const struct qkdconf_list *list, const char *name, const struct qkdconf **out)
{
	*out = name != NULL ? look_up(list, name) : list->count == 1 ? list->at : NULL;
	if (*out != NULL)
		return DSKE_OK;
	if (name != NULL)
		return FAIL(NOT_FOUND, "the configuration has no section [qkd %s]", name);
	if (list->count == 0)
		return FAIL(NOT_FOUND, "the configuration has no section [qkd NAME]: it says where the keys of a QKD link are had");
	return FAIL(ARGS, "the configuration has %zu sections [qkd NAME]: say which with --qkd", list->count);
}

void qkdconf_list_drop(struct qkdconf_list *list)
{
	free(list->at);
	*list = (struct qkdconf_list){0};
}
