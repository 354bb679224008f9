/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/qkdconf.h - the sections [qkd NAME] of a hub's or a client's configuration: a key management entity
 * (KME) that hands out the keys of a QKD link, by ETSI GS QKD 014.  Settings only; qkd/kme.h talks to it.
 *
 *   url               https://HOST[:PORT]; http to a loopback address alone
 *   peer              the other end's SAE ID, as the KMEs know it
 *   certificate, key  our own, PEM files; which SAE we are, the KME sees in the certificate
 *   ca                PEM file of those who may vouch for the KME; no other is believed
 *   key_size          bits of a key (default 256)
 *   keys_per_request  at most (default 128); the KME's own limit holds too
 *   timeout           so long a KME may give nothing (default 60s)
 */
#ifndef DSKE_PSKM_QKDCONF_H
#define DSKE_PSKM_QKDCONF_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/id.h"
#include "base/rc.h"

#define QKDCONF_MOST 64
#define QKDCONF_KEY_BITS_LEAST 64
#define QKDCONF_KEY_BITS_MOST 65536
#define QKDCONF_PER_REQUEST_MOST 1024

struct qkdconf {
	char name[NAME_MAX_LEN + 1];
	char url[256]; /* without a slash at the end */
	char peer[128];
	struct path certificate, key, ca; /* absolute, or "" where it is http */
	uint32_t key_bits;                /* a multiple of 8 */
	uint32_t per_request;
	int64_t timeout_ms;
};

struct qkdconf_list {
	struct qkdconf *at; /* owned */
	size_t count;
};

/* One setting; `file` is the configuration file, from whose folder the names of files count.
 * Errors: CONFIG, NOMEM. */
dske_rc qkdconf_set(struct qkdconf_list *list, const char *file, const char *name, const char *key, const char *value);

/* When all were read: does each have what it needs?  Errors: CONFIG. */
dske_rc qkdconf_check(const struct qkdconf_list *list, const char *file);

/* The link of that name, or the only one where name is NULL; borrowed from the list.
 * Errors: NOT_FOUND, ARGS (several, and none named). */
dske_rc qkdconf_find(const struct qkdconf_list *list, const char *name, const struct qkdconf **out);

/* http, which is for tests: everybody on this machine may listen. */
bool qkdconf_is_plain(const struct qkdconf *c);

void qkdconf_list_drop(struct qkdconf_list *list);

#endif
