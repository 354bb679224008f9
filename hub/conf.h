/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/conf.h - a hub's configuration file (man 5 dske-hubd.conf).
 *
 *   [hub]         name, id (32 digits), listen = HOST:PORT, state (folder; default: the file's own),
 *                 table_key (file; default: none), log, log_level, window_most, entropy, low_water
 *   [limits]      connections, mailbox_per_pair, mailbox_most, ttl_most, idle, n, k, and
 *                 send_, receive_, pair_ with keys_ or bytes_ and per_minute or per_day
 *   [group NAME]  members = alice, bob   or   members = *
 *   [qkd NAME]    as in pskm/qkdconf.h
 *   [distributor NAME]  id (32 digits), clients = alice, bob   or   clients = *,   quota
 *
 * In a library of its own, so that `dske hub` and `dske pskm` read it too.
 */
#ifndef DSKE_HUB_CONF_H
#define DSKE_HUB_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/net.h"
#include "base/quota.h"
#include "base/rc.h"
#include "base/secret.h"
#include "pskm/entropy.h"
#include "pskm/lowwater.h"
#include "pskm/qkdconf.h"

#define HUB_CONF_ADDRESS_MAX 255
#define HUB_GROUPS_MAX 1024
#define HUB_MEMBERS_MAX 65536 /* of one group */
#define HUB_DISTRIBUTORS_MAX 1024

/* Whose use a quota limits (hub/quota.h). */
enum quota_scope { QUOTA_SEND, QUOTA_RECEIVE, QUOTA_PAIR, QUOTA_SCOPES };

struct hub_group {
	char name[NAME_MAX_LEN + 1];
	bool everyone;                      /* members = * */
	char (*member)[NAME_MAX_LEN + 1];   /* owned; sorted by strcmp, each once */
	size_t member_count;
};

/* Does the group name that client? */
bool hub_group_has(const struct hub_group *g, const char *client);

/* A Local Distributor (pskm/stock.h), and what it may do; its name is that of its clients' group. */
struct hub_distributor {
	struct id id;
	struct hub_group clients; /* owned; everyone: those that this hub knows from nowhere else */
	uint64_t quota;           /* bytes of all portions ever; 0: as many as its stocks have */
};

struct hub_conf {
	struct path file;  /* where it was read from */
	struct path state; /* folder of tables/, mailbox and store key; not relative unless `file` is */
	struct path table_key; /* the key file, likewise; empty: tables have no outer key */
	char name[NAME_MAX_LEN + 1];
	struct id id;
	char listen[HUB_CONF_ADDRESS_MAX + 1];
	struct net_address address; /* listen, parsed */
	char log[256];
	enum log_level log_level;
	char entropy[ENTROPY_SPEC_MAX + 1]; /* where PSKMs' bytes come from, as entropy_open takes it */
	uint64_t window_most;       /* bytes of the up region that one lease is granted at most */
	struct low_water low_water; /* when a table is called low */
	uint32_t connections;       /* at one time */
	uint32_t mailbox_per_pair;  /* shares that wait for one receiver from one initiator */
	uint64_t mailbox_most;      /* bytes of all that waits, and of names that stay taken; 0: no limit */
	struct conf_range n, k;     /* of agreements that this hub takes part in */
	struct quota quota[QUOTA_SCOPES];
	uint32_t ttl_most_s;        /* a share that asks for more gets this */
	int64_t idle_ms;            /* a connection that neither sends nor waits for a share is closed */
	struct hub_group *group;    /* owned */
	size_t group_count;
	struct qkdconf_list qkd;    /* owned */
	struct hub_distributor *distributor; /* owned */
	size_t distributor_count;
};

/* Reads and checks everything.  *c is overwritten; after a failure it is empty.
 * Errors: NOT_FOUND with what to do, DENIED, CONFIG with FILE:LINE, NOMEM. */
dske_rc hub_conf_read(struct hub_conf *c, const char *path);

/* The folder of the hub's own copies of its tables.  Errors: TOOBIG. */
dske_rc hub_conf_tables(const struct hub_conf *c, struct path *out);

/* The key that this hub's tables are under at rest; *out stays empty where none is configured.  Errors: as
 * table_key_read. */
dske_rc hub_conf_table_key(const struct hub_conf *c, struct secret *out);

/* The folder of its stocks.  Errors: TOOBIG. */
dske_rc hub_conf_stocks(const struct hub_conf *c, struct path *out);

/* NULL when the configuration names none of that name. */
const struct hub_distributor *hub_conf_distributor(const struct hub_conf *c, const char *name);

/* Where the system's hub is configured: SYSCONFDIR/dske/hubd.conf. */
const char *hub_conf_default_file(void);

void hub_conf_drop(struct hub_conf *c);

#endif
