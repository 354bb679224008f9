/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/client.h - what the token and the command line share: a client with its tables, peers and
 * hubs.  Thread-safe.  Opening touches no network and starts no thread; connections are made by the
 * calls that need them, kept for reuse, and never used while a lock is held.
 */
#ifndef DSKE_CLIENT_CLIENT_H
#define DSKE_CLIENT_CLIENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"
#include "client/config.h"
#include "client/peers.h"
#include "core/agree.h"
#include "core/identity.h"
#include "core/tag.h"
#include "pskm/table.h"

struct client;

/* conf_path NULL: config_locate.  Errors: as config_read; a table that cannot be opened is not an error
 * here, client_hubs shows it. */
dske_rc client_open(struct client **out, const char *conf_path);

/* Safe on NULL; in a forked child it frees memory and closes descriptors, and touches nothing else. */
void client_close(struct client *c);

const struct config *client_config(const struct client *c); /* borrowed */

/* Rereads peers and looks which tables came and went.  Cheap when nothing changed.  Errors: as peers_read. */
dske_rc client_refresh(struct client *c);

/* A copy; the caller drops it. */
dske_rc client_peers(struct client *c, struct peers *out);

/* Gives the tables their key, where the PIN has it; those that are under another one stay unusable, with a line in the
 * log.  Takes it away again: what was read of them, in connections that wait for their next use, is wiped.
 * Errors: FORKED, NOMEM. */
dske_rc client_unlock(struct client *c, const struct secret *key);
void client_relock(struct client *c);

/* ---- hubs and tables ------------------------------------------------------------------------------ */

struct client_hub {
	char name[NAME_MAX_LEN + 1];
	char address[256];
	struct id hub, table;
	struct pskm_header header;
	struct table_status status;
	dske_rc rc;       /* why the table cannot be used, or OK */
	char detail[200]; /* a sentence when it cannot */
	bool is_absent;    /* it was here, or was accepted on a medium, and its folder is away */
	char medium[256];  /* its folder on a medium, perhaps cut; empty: in the client's own store, or absent */
	bool low;         /* usable, and below the configuration's low_water */
	bool relieved;    /* low, and another usable table of this hub is not */
	bool stands;      /* for its hub, among those that the default k is taken from: one table of each does */
};

/* A copy of what is there, one entry a table, ordered by hub name, hub ID, table ID; the caller frees *out.
 * Errors: NOMEM. */
dske_rc client_hubs(struct client *c, struct client_hub **out, size_t *count);

/* The same list without asking any ledger, by hub ID, table ID. */
struct table_presence {
	struct id table;
	bool is_absent;
	bool is_low; /* all usable tables of its hub were below low_water when an exchange last looked */
};
dske_rc client_presence(struct client *c, struct table_presence **out, size_t *count);

/* What one hub did in one exchange; for reports. */
struct hub_report {
	struct id hub;
	char name[NAME_MAX_LEN + 1];
	char address[256];
	dske_rc rc;       /* OK: took part */
	char detail[200]; /* e.g. "connection refused" */
	enum share_verdict verdict; /* receiver only */
	double rtt_ms;    /* of the exchange, or < 0 */
	uint64_t up_left, down_left; /* of a ping, or after a failure; else 0 ... */
	uint64_t lasts_s;            /* ... and how long that lasts; else SUPPLY_UNKNOWN */
	bool low;                    /* no table of this hub is above low_water: time for a new PSKM */
};

#define REPORT_HUBS_MAX 1024
struct report {
	struct hub_report *hub; /* owned; at most REPORT_HUBS_MAX */
	size_t count;
	char advice[400]; /* what to do, when it failed */
};
void report_drop(struct report *r);
/* The names of those that took part, by commas; the caller frees it.  NULL: no memory. */
char *report_hubs(const struct report *r);

/* Activates an imported table over the network (DSKE 2.1: the client acknowledges).  Errors: NOT_FOUND,
 * STATE (already active), FROZEN, UNREACHABLE, TIMEOUT, TAG. */
dske_rc client_activate(struct client *c, const struct id *table, int64_t timeout_ms);

/* The same without a network (DSKE 2.1: "through a trusted channel"): the nonce and the tag of the ACTIVATE that the
 * network would carry, the same each time, to be told to the hub's operator; they are no secret.  Then the tag of the
 * hub's answer, which is checked: activated, or FROZEN.  Errors: NOT_FOUND, STATE (active already; or an answer to
 * what was never said), TAG (no answer to this table's activation), FROZEN, LOCKED, SYNC. */
struct activation_codes {
	struct id nonce;
	struct tag tag;
};
dske_rc client_activation_codes(struct client *c, const struct id *table, struct activation_codes *out);
dske_rc client_activation_answer(struct client *c, const struct id *table, const struct tag *answer);

/* Retires a table (doc/protocol.md, "Retiring"): recorded, destroyed here, and the hub told, who destroys its copy.
 * The hub counts no more among those that the default k is taken from.  reason: enum retire_reason; one that was
 * retired before keeps its own, and what is still to be done is done.  OK when the hub knows.  Errors: NOT_FOUND; as
 * table_retire; or, with everything destroyed here, UNREACHABLE, TIMEOUT, TAG, REFUSED, UNSUPPORTED (an older table:
 * the hub cannot be told). */
dske_rc client_retire(struct client *c, const struct id *table, uint8_t reason, int64_t timeout_ms);

/* How many programs can take one window each of what is left of a table in one direction, and end: it is as long as
 * `need`, or more where there is enough (2 KiB), and what is not used of it is gone.  In bytes; need > 0. */
uint64_t client_first_windows(uint64_t need, uint64_t left);

/* Asks each hub who we are: an authenticated round trip, which costs one range of each table.  Hubs that fail do so
 * in the report alone.  Errors: as client_refresh, NOMEM, CONFIG, FORKED. */
dske_rc client_ping(struct client *c, int64_t timeout_ms, struct report *report);

/* Asks all hubs who `name` is and settles it (DSKE 2.2).  votes: one a hub in report order, owned by the
 * caller (free).  Errors: TOO_FEW, TIMEOUT, ARGS. */
dske_rc client_identify(struct client *c, const char *name, int64_t timeout_ms, struct identity *out,
			struct identity_vote **votes, struct report *report);

/* ---- agreement ------------------------------------------------------------------------------------ */

enum agree_role { ROLE_AUTO /* the lowest client ID initiates */, ROLE_INITIATOR, ROLE_RECEIVER };

struct agree_result;

/* Stores a new key durably.  The report in *r says what hubs did until then. */
typedef dske_rc agree_keep(void *context, const struct agree_result *r);

/*
 * Where a key of more than KEY_PART_LEN bytes goes that is never to be whole in memory.  A receiver writes what its key tag
 * has confirmed; an initiator as it deals, and before the hubs have accepted anything: nobody may see it until the
 * call returns OK.  `folder` is where a receiver keeps shares until then, in a file without a name, encrypted under
 * a key that is in memory alone.
 */
struct agree_sink {
	void *context;
	dske_rc (*write)(void *context, const uint8_t *bytes, size_t len); /* the next bytes of S */
	void (*progress)(void *context, uint64_t done, uint64_t total);    /* or NULL; bytes of S dealt, or come */
	const char *folder; /* borrowed for the call; NULL: the state folder */
};

struct agree_request {
	char peer[NAME_MAX_LEN + 1]; /* a name in the list of peers */
	const char *const *more;     /* further names, borrowed for the call: all of them and we are to have one key.
	                                Every member names all others. */
	size_t more_count;
	enum agree_role role;        /* of several, a receiver's initiator is `peer` */
	bool has_key_id;             /* else the initiator draws one and the context is the rendezvous */
	struct id key_id;
	uint8_t context[TERMS_CONTEXT_MAX];
	uint8_t context_len;         /* with neither key ID nor context: the empty context */
	bool confirm;                /* the key is handed out once all are known to have the same; else as the configuration says.
	                                A receiver that asks for it takes no other key */
	uint8_t k;                   /* 0: the configuration's */
	enum scheme scheme;          /* SCHEME_COUNT: the configuration's; a receiver takes the initiator's */
	const char *direct;          /* borrowed; for the adapted scheme, where the peer listens ... */
	const char *direct_listen;   /* ... or where we do; NULL both: the configuration's */
	uint32_t key_len;            /* bytes; 0: the configuration's; a receiver fails ARGS if it differs
	                                from what arrives, unless it is 0 */
	const struct agree_sink *sink; /* borrowed for the call; NULL: no key of more than KEY_HELD_MAX bytes, and a
	                                  receiver that does not say key_len gets none of more than KEY_PART_LEN */
	int64_t timeout_ms;          /* 0: the configuration's; of a long key, for each part */
	const atomic_bool *cancelled; /* or NULL */
	/* NULL, or called with the key before any hub is told to forget its share: who is killed in between
	 * finds either what was kept, or the shares still there.  If it fails, so does the agreement, and a
	 * receiver's shares stay with the hubs. */
	agree_keep *keep;
	void *keep_context; /* borrowed for the call */
};

struct agree_result {
	struct secret key; /* owned; empty where it went to the sink */
	uint32_t key_len;
	struct id key_id, initiator;
	struct id peer;    /* the initiator, or the first who was named where that is we */
	bool initiated;    /* by us */
	uint8_t n, k;
	enum scheme scheme;   /* by which the key came */
	char fallback[300];   /* why that was not the adapted one, although it was asked for; else empty */
	bool confirmed;       /* all receivers are known to have the same key */
	struct report report; /* owned; filled on failure too */
};
void agree_result_drop(struct agree_result *r);

/*
 * Key agreement (DSKE 2.3, 2.4) with one peer, or a group.  Returns when both the verdict and what it rests on are
 * durable.  An initiator succeeds at k positive replies; a receiver when a key verifies.
 * One that is confirmed is handed out when all receivers were ready for it.  A receiver may
 * hold a key although the initiator saw a failure (the replies were lost).
 * Errors: NOT_FOUND (peer), TOO_FEW (which hubs and why in the report), TIMEOUT, NO_CANDIDATE, CONFLICT,
 * EXHAUSTED, REFUSED, CANCELLED, ARGS, FORKED, NOMEM.
 */
dske_rc client_agree(struct client *c, const struct agree_request *q, struct agree_result *r);

#endif
