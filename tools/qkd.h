/* SPDX-License-Identifier: Apache-2.0 */
/* tools/qkd.h - the QKD links that a hub's or a client's configuration names, opened for whoever makes a table. */
#ifndef DSKE_TOOLS_QKD_H
#define DSKE_TOOLS_QKD_H

#include "base/rc.h"
#include "pskm/keystream.h"
#include "pskm/qkdconf.h"

struct qkd_links {
	struct qkdconf_list list; /* owned */
};

/* Of the hub's file where one is named, else of the client's.  Errors: those of reading the file. */
dske_rc qkd_links_read(struct qkd_links *l, const char *conf, const char *hub_conf);
void qkd_links_drop(struct qkd_links *l);

/* Says to standard error that a link is without protection, where it is. */
void qkd_warn_plain(const struct qkdconf *c);

struct kme;
struct qkd_link {
	struct kme *kme;      /* owned */
	struct key_link link; /* its keys, for pskm/keystream.h */
};

/* Opens the link of that name, or the only one where name is NULL, and warns if it is plain.  The list outlives it.
 * Errors: those of qkdconf_find and kme_open. */
dske_rc qkd_link_open(struct qkd_link *l, const struct qkdconf_list *list, const char *name);
void qkd_link_drop(struct qkd_link *l);

#endif
