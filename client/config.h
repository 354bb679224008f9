/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/config.h - a client's configuration file (man 5 dske.conf).
 *
 *   [client]     name, id (32 digits), state (folder; default: the file's own), table_key (file, or pin;
 *                default: none), log, log_level, low_water, media (folders where media with tables are mounted;
 *                client/media.h), pad_send_ahead, pad_receive_ahead, direct_listen = HOST:PORT (where direct links of peers are taken)
 *   [agreement]  k, k_b, timeout, ttl, key_length, scheme, confirm = no|groups|yes; accept_n, accept_k, waiting; and quotas of all
 *                peers together:
 *                send_ or receive_ with keys_ or bytes_ and per_minute or per_day
 *   [hub NAME]   address = HOST:PORT, over the PSKM's own; operator: who runs it, a word of the user's;
 *                accept = yes|no: may it take part in agreements?
 *   [qkd NAME]   as in pskm/qkdconf.h
 *   [peer NAME]  extract = yes|no: may applications read the keys agreed with this peer in clear?  accept = yes|no: is
 *                anything agreed with it?  direct = HOST:PORT, where it takes direct links.  And quotas with this peer, as above
 */
#ifndef DSKE_CLIENT_CONFIG_H
#define DSKE_CLIENT_CONFIG_H

#include <stdint.h>

#include "base/conf.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/quota.h"
#include "base/rc.h"
#include "base/secret.h"
#include "core/terms.h"
#include "pskm/lowwater.h"
#include "pskm/qkdconf.h"

#define CONFIG_HUBS_MAX TERMS_HUBS_MAX
#define CONFIG_PEERS_MAX 4096
#define CONFIG_OPERATOR_MAX 63
#define CONFIG_PAD_PART UINT64_MAX

struct config_hub {
	char name[NAME_MAX_LEN + 1];
	char address[256];
	bool refused; /* accept = no */
	char operator[CONFIG_OPERATOR_MAX + 1]; /* hubs of one operator fall together; empty: nobody else's */
};

struct config_peer {
	char name[NAME_MAX_LEN + 1];
	bool extract; /* default no */
	bool refused; /* accept = no */
	char direct[256]; /* HOST:PORT, where it takes direct links; empty: not known */
	struct quota send, receive;
};

/* Which keys are handed out only when all receivers are known to have the same (doc/protocol.md 8.7). */
enum confirm_policy { CONFIRM_NONE, CONFIRM_GROUPS, CONFIRM_ALL, CONFIRM_POLICIES };

struct config {
	struct path file;  /* where it was read from */
	struct path state; /* absolute */
	struct path table_key; /* the key file, absolute; "pin"; empty: tables have no outer key */
	char name[NAME_MAX_LEN + 1];
	struct id id;
	char log[256];
	enum log_level log_level;
	char media[1024];    /* patterns, separated by commas; empty: none */
	uint64_t pad_send_ahead;    /* bytes of a one-time pad that a process reserves; CONFIG_PAD_PART (default): a part of it */
	uint64_t pad_receive_ahead; /* default 0 */
	struct low_water low_water; /* when a table is called low */
	uint8_t k;           /* 0: more than half of the hubs */
	uint8_t k_b;         /* 0: as k */
	int64_t timeout_ms;  /* default 10 s */
	uint32_t ttl_s;      /* default 1 h */
	uint32_t key_len;    /* default 32 */
	enum scheme scheme;
	enum confirm_policy confirm; /* default none */
	struct conf_range accept_n, accept_k; /* of an initiator; k not below k_B in any case */
	struct quota send, receive;           /* of all peers together */
	uint32_t waiting;                     /* keys of one peer that may wait at a hub; 0: as the hub says */
	char direct_listen[256]; /* HOST:PORT, where this client takes direct links; empty: nowhere */
	struct config_hub *hubs; /* owned */
	size_t hub_count;
	struct config_peer *peers; /* owned */
	size_t peer_count;
	struct qkdconf_list qkd; /* owned */
};

/* Which file: DSKE_CONF (not under setuid or file capabilities), else $XDG_CONFIG_HOME/dske/dske.conf or
 * ~/.config/dske/dske.conf if it is there, else SYSCONFDIR/dske/dske.conf.  Errors: TOOBIG. */
dske_rc config_locate(struct path *out);

/* path NULL: config_locate.  Errors: NOT_FOUND with what to do, DENIED, CONFIG with FILE:LINE. */
dske_rc config_read(struct config *c, const char *path);

/* k and k_B where so many hubs (at most TERMS_HUBS_MAX) have given us tables: the file's, else more than half of
 * them, and k. */
uint8_t config_k(const struct config *c, size_t hubs);
uint8_t config_k_b(const struct config *c, size_t hubs);

/* The folder of the tables in the store.  Errors: TOOBIG. */
dske_rc config_tables(const struct config *c, struct path *out);

/* The key that this client's tables are under at rest; *out stays empty where none is configured.  Errors: as
 * table_key_read; KEY: the token's PIN has it (store/store.h). */
dske_rc config_table_key(const struct config *c, struct secret *out);
bool config_key_is_pin(const struct config *c);

/* Who runs the hub of that name; "" where the file does not say.  Borrowed. */
const char *config_operator(const struct config *c, const char *hub_name);

/* Has its section accept = no? */
bool config_hub_refused(const struct config *c, const char *hub_name);

/* Its section; NULL: it has none.  Borrowed. */
const struct config_peer *config_peer(const struct config *c, const char *peer_name);

bool config_extract_allowed(const struct config *c, const char *peer_name);
void config_drop(struct config *c);

#endif
