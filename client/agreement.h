/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/agreement.h - what both sides of one exchange with the hubs share: the links, the clock, and
 * what is known of each hub.  client/agree.c composes; initiator.c and receiver.c are the two
 * sides.
 */
#ifndef DSKE_CLIENT_AGREEMENT_H
#define DSKE_CLIENT_AGREEMENT_H

#include "client/client.h"
#include "client/group.h"
#include "client/link.h"
#include "client/pool.h"

/* One hub in this exchange. */
struct outcome {
	bool settled;  /* nothing more is expected of it */
	int code;      /* settled: DSKE_RC_OK, or why not ... */
	char why[200]; /* ... in words */
	double sent_ms, rtt_ms; /* rtt_ms < 0: no answer */
	enum share_verdict verdict;
};

/* The links of one exchange, taken from the pool. */
struct exchange {
	struct client *client;
	struct links *set;
	struct outcome *outcome; /* owned; one a link */
	int64_t deadline_ms;
	const atomic_bool *cancelled;
	struct hub_table **left_out; /* owned; usable, and not asked */
	size_t left_out_count;
	bool wants_left; /* the report tells what is left of the tables, also after a success */
	bool unconfirmed; /* a key came that its initiator does not confirm, and here that is asked for */
	bool other_group; /* a key of what was asked for came, and was for other clients than were named */
};

double clock_fine_ms(void); /* as clock_ms, with fractions */

/* Takes links to every usable hub but those left_out (NULL: to every one; else hubs with accept = no are left out, too).
 * Errors: TOO_FEW (no usable hub at all), NOMEM, CONFIG, FORKED. */
dske_rc exchange_begin(struct exchange *x, struct client *c, int64_t timeout_ms, const atomic_bool *cancelled,
		       const struct id *left_out, size_t left_out_count);

/* The same, behind client_refresh.  shared: where there can be a convoy, on that; key_id: as convoy_join. */
dske_rc exchange_begin_shared(struct exchange *x, struct client *c, int64_t timeout_ms, const atomic_bool *cancelled,
			      const struct id *left_out, size_t left_out_count, bool shared, const struct id *key_id);

/* Goes on with links of its own to the same hubs, none of which is settled.  Errors: NOMEM, CONFIG. */
dske_rc exchange_unshare(struct exchange *x);

size_t exchange_hubs(const struct exchange *x);

/* Hears of one hub. */
void exchange_sent(struct exchange *x, const struct link *l);
void exchange_settle(struct exchange *x, const struct link *l, dske_rc rc);

/* What it delivered had to go, or was put off: it may settle once more. */
void exchange_unsettle(struct exchange *x, const struct link *l);

/* Another pass with the same hubs: none is settled. */
void exchange_again(struct exchange *x);

/* Has every hub been settled, or been found dead? */
bool exchange_is_settled(const struct exchange *x);

/* Hubs that were settled with OK; hubs of which nothing can be expected any more. */
size_t exchange_good(const struct exchange *x);
size_t exchange_bad(const struct exchange *x);

/* How long the others are still waited for, once enough have come: about as long as those took, within bounds ... */
int64_t grace_ms(double took_ms);

/* ... and when that is over, the deadline at the latest. */
int64_t exchange_grace(const struct exchange *x, double took_ms);

/* Writes what is known of each hub so far; *report was empty or is written anew. */
void exchange_report(const struct exchange *x, struct report *report, bool agreed);

/* Gives the links back and writes the report; rc is the exchange's result, and what is returned, with
 * its sentence.  Safe on a zeroed one. */
dske_rc exchange_end(struct exchange *x, dske_rc rc, struct report *report);

/* The result when too few hubs can take part: TOO_FEW, or what most of them say alike.  `needed` of all.  The
 * sentence only counts them: the report says why of each hub. */
dske_rc exchange_too_few(struct exchange *x, size_t needed);

/* ---- agreement ---------------------------------------------------------------------------------------- */

/* A key of more than one part that nobody gave a sink for: it is gathered here. */
struct held {
	struct secret key; /* owned; as long as it will be */
	size_t len;        /* so far */
	struct agree_sink sink;
};

struct agreement {
	struct exchange x;
	const struct agree_request *q;
	struct agree_result *r;
	struct group group; /* owned */
	struct peer peer;   /* group_peer */
	bool initiates;
	uint8_t n, k, k_b;
	enum scheme scheme;
	bool confirm;     /* initiator: the key is confirmed; receiver: no other is taken */
	bool is_named;    /* receiver: the caller asked by key ID, and has the key as often as it asks */
	uint32_t key_len; /* 0 (receiver): any */
	uint32_t counted_len; /* what quotas count when it is dealt; 0: key_len */
	bool needs_own;               /* it cannot go on with links that are shared; what was begun is nothing yet */
	const char *connect, *listen; /* of a direct link; "": none.  At most one is used, the first */
	const struct secret *again;   /* initiator: Y_0, which is to be dealt once more; or NULL */
	struct held held;             /* of a sink of our own */
	struct second *second;        /* receiver: the second pass that goes on beside (client/adapted.h), or NULL */
};

/* What is known of the key by its terms; of one that came by a part of the adapted protocol, its proper name. */
void agree_name_result(struct agree_result *r, const struct terms *t);

/* Lets the caller keep the key that is in the result.  Errors: the caller's. */
dske_rc agree_keep_key(struct agreement *a);

/* May a key of that length come, or be dealt?  Errors: as agree_charge. */
dske_rc agree_admits(struct agreement *a, uint32_t key_len);

/* A key of that length is dealt, or has come: it counts.  Errors: DENIED (a quota is used up), IO, CORRUPT. */
dske_rc agree_charge(struct agreement *a, uint32_t key_len);

/* The initiator's, when hubs are there and before a range is taken: what is cut off before costs nothing. */
dske_rc agree_charge_dealt(struct agreement *a);

/* What an initiator tells; without the key tag.  Errors: FORMAT, IO. */
dske_rc agree_terms(const struct agreement *a, struct terms *t);

/* A part of a long key was dealt, or came: the time that the call may take begins anew. */
void agree_progress(struct agreement *a);

/* An initiator's key that hubs have taken: waits until every receiver is ready, and confirms it (client/muster.c).
 * Errors: TIMEOUT (who was not ready), TOO_FEW (hubs that took the confirmation), CANCELLED, NOMEM, IO. */
struct deal;
dske_rc agree_confirm(struct agreement *a, const struct terms *t, const struct deal *d);

dske_rc agree_initiate(struct agreement *a);
dske_rc agree_initiate_long(struct agreement *a); /* keys of more than KEY_PART_LEN bytes */
dske_rc agree_receive(struct agreement *a);

#endif
