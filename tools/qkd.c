/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/qkd.h"

#include <stdio.h>

#include "client/config.h"
#include "hub/conf.h"
#include "qkd/kme.h"

dske_rc qkd_links_read(struct qkd_links *l, const char *conf, const char *hub_conf)
{
	AUTO(hub_conf) hub = {0};
	AUTO(config) client = {0};
	struct qkdconf_list *from = hub_conf != NULL ? &hub.qkd : &client.qkd;
	if (hub_conf != NULL)
		TRY(hub_conf_read(&hub, hub_conf));
	else
		TRY(config_read(&client, conf));
	l->list = *from;
	*from = (struct qkdconf_list){0};
	return DSKE_OK;
}

void qkd_links_drop(struct qkd_links *l)
{
	qkdconf_list_drop(&l->list);
}

void qkd_warn_plain(const struct qkdconf *c)
{
	if (qkdconf_is_plain(c))
		fprintf(stderr, "dske: warning: [qkd %s] is http: for tests alone; anybody on this machine may read the keys\n", c->name);
}

/* ---- a link's keys ------------------------------------------------------------------------------------------- */

static bool has_room(void *context)
{
	return kme_has_room(context);
}

static dske_rc ask(void *context, const struct id *ids, size_t number)
{
	return kme_ask(context, ids, number);
}

static dske_rc take(void *context, struct id *ids, uint8_t *keys)
{
	return kme_take(context, ids, keys);
}

dske_rc qkd_link_open(struct qkd_link *l, const struct qkdconf_list *list, const char *name)
{
	const struct qkdconf *c = NULL;
	*l = (struct qkd_link){0};
	TRY(qkdconf_find(list, name, &c));
	qkd_warn_plain(c);
	TRY(kme_open(&l->kme, c));
	l->link = (struct key_link){.key_len = kme_key_len(l->kme), .batch = kme_batch(l->kme), .has_room = has_room, .ask = ask,
				    .take = take, .context = l->kme};
	return DSKE_OK;
}

void qkd_link_drop(struct qkd_link *l)
{
	kme_close(l->kme);
	*l = (struct qkd_link){0};
}
