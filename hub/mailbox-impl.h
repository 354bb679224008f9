/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/mailbox-impl.h - what the files of the mailbox share; for nobody else.
 *
 * What changes is a record of the journal first, and then applied to the index in memory; opening applies the records
 * again, in the same order, by the same functions (mailbox-replay.c).  So each record is one operation, whole.
 *
 * A share's record is a snapshot: when the segment that it lies in goes, the share as it is now is written once more at
 * the end (mailbox-reclaim.c), and what other records had said of it is in there.
 */
#ifndef DSKE_HUB_MAILBOX_IMPL_H
#define DSKE_HUB_MAILBOX_IMPL_H

#include "base/file.h"
#include "hub/hash.h"
#include "hub/journal.h"
#include "hub/mailbox.h"
#include "hub/storekey.h"

#define MAILBOX_KEY_LABEL "dske mailbox journal" /* hub/storekey.h */

enum record_type {
	RECORD_SHARE = JOURNAL_TYPES, /* mailbox-record.c */
	RECORD_RECEIPT,
	RECORD_WASTED,
	RECORD_CLOCK,   /* it is so late, and what was due has expired */
	RECORD_PURGE,
	RECORD_PART,
	RECORD_READY,
	RECORD_ATTEST,
	RECORD_ACCOUNT,
	RECORD_POLICY,
};

/* ---- the index ------------------------------------------------------------------------------------------ */

/* A client, as long as anything is said of it. */
struct party {
	struct hash_node node;
	struct id id;
	size_t uses;      /* shares, pairs, the policy */
	uint64_t holds;   /* bytes, as initiator (mailbox_holding) */
	size_t sent, due; /* shares of his that wait; deliveries to him */
	uint8_t *policy;  /* owned; as it came; NULL: none */
	size_t policy_len;
	struct journal_place policy_at;
};

/* What waits for one receiver from one initiator. */
struct pair {
	struct hash_node node;
	struct party *receiver, *initiator;
	size_t count; /* deliveries */
};

/* What a wait of a pair by one context finds, in the order of their numbers. */
struct slot {
	struct hash_node node; /* by pair and context */
	struct pair *pair;
	struct delivery *first, *last;
	struct delivery *cursor; /* what was found last */
};

struct delivery {
	struct share *share;
	struct pair *pair; /* NULL: it has been receipted */
	struct slot *slot; /* NULL: superseded */
	struct delivery *prev, *next;
	uint32_t wasted;
};

/* A key of several parts. */
struct long_key {
	uint32_t key_len, ttl;
	unsigned next, count;
	struct tag key_tag;
	uint64_t rest; /* bytes of the share behind part 0 */
	struct journal_place *part; /* owned; [0] stays unused, the share's own record has part 0 */
	unsigned part_cap;
	struct long_key *sweep;     /* of a share that is no more: the next such; its parts [1, next) are erased from the end */
};

struct share {
	struct hash_node by_name, by_id, by_source, by_rendezvous;
	struct party *initiator;
	struct id key_id;
	int64_t id;
	struct journal_place at;
	uint32_t head_len, body_len; /* body 0: a tombstone */
	uint32_t due, forget;        /* seconds of the mailbox's clock; at `due` it expires, or at last is forgotten */
	uint32_t place;              /* in the queue of what is due */
	uint32_t range_len;
	uint8_t receivers, left;     /* in the terms; of them, those that have not fetched it */
	bool superseded;
	struct delivery *delivery;   /* owned; one a receiver, as in the terms; NULL: a tombstone */
	struct long_key *parts;      /* owned; NULL: it is whole in its record */
	struct mailbox_round *round; /* owned; NULL: nothing to confirm */
};

struct account {
	struct hash_node node;
	struct mailbox_account name;
	struct quota_use use;
	int64_t seen_s;
	struct journal_place at;
	bool dirty;                  /* it has changed since its record */
	struct account *prev, *next; /* by when they were seen */
};

/* A body that is to be overwritten. */
struct erasure {
	struct journal_place at;
	uint32_t head_len, body_len;
};

struct due_entry {
	uint32_t due;
	struct share *share;
};

struct mailbox {
	struct journal *journal;
	struct storekey key;
	struct fd lock;
	struct siphash_key hash_key; /* of the tables; drawn at each start */
	struct hash names, ids, sources, rendezvous, parties, pairs, slots, accounts;
	struct due_entry *due;       /* owned; a heap */
	size_t due_count, due_cap;
	struct account *oldest, *newest;
	size_t dirty;                /* accounts */
	struct long_key *sweep;      /* owned */
	struct erasure *erasure;     /* owned */
	size_t erasures, erasures_cap;

	size_t waiting;      /* shares that have a body */
	size_t policies;
	uint64_t held;       /* by all initiators */
	uint64_t live;       /* bytes of records that are needed */
	int64_t last_id;
	bool broken;         /* a call of the journal failed: nothing works any more ... */
	char why[200];       /* ... and this is what it said */
	bool urgent;         /* what was changed needs a sync before anything leaves */
	int64_t lazy_ms;     /* other changes are to be synced by then; INT64_MAX: there are none */
	uint64_t appended;   /* bytes since the last commit; of them ... */
	uint64_t fresh;      /* ... those that were not written again: by these upkeep is measured */

	int64_t clock_base_s;  /* the clock when opened ... */
	int64_t opened_ms;     /* ... and the monotonic time then */
	int64_t clock_s;       /* as of the last tick */
	int64_t clock_saved_s; /* what the journal says */

	struct journal_place moved_to;            /* records of the first segment are needed from here on */
	bool moving;
	bool is_upkeep;                           /* records are written again just now */
	struct journal_place swept_to, sweep_end; /* what was there at the start, and is looked through for bodies to be erased */
};

/* ---- mailbox.c ------------------------------------------------------------------------------------------ */

dske_rc mailbox_alive(struct mailbox *m);
/* A failure after which the index and the journal do not agree. */
dske_rc mailbox_break(struct mailbox *m, dske_rc rc);

/* A record; lazy: it may wait for a while.  Errors: IO, SYNC, NOMEM, and the mailbox is broken. */
dske_rc mailbox_begin(struct mailbox *m, enum record_type type, size_t head_len, size_t body_len, struct journal_room *room);
void mailbox_end(struct mailbox *m, bool lazy);
/* One without a body, whose head is these bytes. */
dske_rc mailbox_note(struct mailbox *m, enum record_type type, const void *head, size_t len, bool lazy);

/* ---- mailbox-index.c ------------------------------------------------------------------------------------ */

dske_rc index_init(struct mailbox *m);
void index_drop(struct mailbox *m);

/* Of two pieces, of which the first is of whole words. */
uint64_t index_hash(const struct mailbox *m, uint64_t domain, const void *a, size_t a_len, const void *b, size_t b_len);

struct party *party_find(const struct mailbox *m, const struct id *id);
struct party *party_use(struct mailbox *m, const struct id *id); /* found or made; NULL: no memory */
void party_release(struct mailbox *m, struct party *p);
struct pair *pair_find(const struct mailbox *m, const struct id *receiver, const struct id *initiator);

struct share *share_find(const struct mailbox *m, int64_t id);
struct share *share_named(const struct mailbox *m, const struct id *initiator, const struct id *key_id);
struct delivery *share_delivery(struct share *s, const struct id *receiver); /* NULL: it does not wait for him */
struct slot *slot_find(const struct mailbox *m, const struct pair *pair, const void *context, size_t len);

/* Into all tables; *s is filled in but for the nodes, and is the index's from now on.  terms: NULL for a tombstone.
 * Errors: NOMEM. */
dske_rc share_add(struct mailbox *m, struct share *s, const struct id *initiator, const struct terms *terms, const uint32_t *wasted,
		  uint64_t source);
uint64_t source_hash(const struct mailbox *m, const struct id *table, uint64_t offset);
void share_receipted(struct mailbox *m, struct share *s, struct delivery *d);
void share_bury(struct mailbox *m, struct share *s);   /* its body goes, its name stays */
void share_forget(struct mailbox *m, struct share *s); /* it is gone, and *s is no more */
void share_supersede(struct mailbox *m, struct share *s); /* those before it */
bool share_is_whole(const struct share *s);

/* ---- mailbox-expiry.c ----------------------------------------------------------------------------------- */

dske_rc due_add(struct mailbox *m, struct share *s);
void due_remove(struct mailbox *m, struct share *s);
void due_change(struct mailbox *m, struct share *s, int64_t due_s);

/* Everything that is due by the clock.  Returns how many shares nobody fetched. */
size_t mailbox_expire(struct mailbox *m);

/* ---- mailbox-record.c ----------------------------------------------------------------------------------- */

/* A share as it comes, and as it is written again. */
dske_rc share_write_new(struct mailbox *m, const struct mailbox_put *p, int64_t id, struct share *s);
dske_rc share_write_again(struct mailbox *m, struct share *s);
dske_rc share_replay(struct mailbox *m, const struct journal_record *r);

/* What its record says.  Pointers are into `bytes`, which the caller drops. */
struct share_said {
	struct id initiator, key_id, source;
	uint64_t offset;
	const uint8_t *digest, *answer, *terms, *body;
	size_t answer_len, terms_len;
};
dske_rc share_read(struct mailbox *m, const struct share *s, bool with_body, struct buf *bytes, struct share_said *said);
dske_rc share_terms(const struct share_said *said, struct terms *t);

/* The body: a seal, the ciphertext, its tag.  about: an ID or number in front of what follows. */
#define BODY_MORE (sizeof(struct storekey_seal) + AEAD_TAG_LEN)
dske_rc body_seal(struct mailbox *m, struct storekey_about about, const struct secret *in, uint8_t *out);
dske_rc body_open(struct mailbox *m, struct storekey_about about, const uint8_t *body, size_t body_len, struct secret *out);
dske_rc share_sound(struct mailbox *m, const struct journal_record *r, const uint8_t *body);

/* ---- mailbox-long.c ------------------------------------------------------------------------------------- */

int64_t long_due(const struct mailbox *m, uint32_t ttl, bool whole);
struct long_key *long_new(uint32_t key_len, uint32_t ttl, uint64_t rest);
void long_free(struct long_key *l);
dske_rc long_place(struct mailbox *m, struct share *s, unsigned number, struct journal_place place); /* of a part that came, or was moved */
void long_bury(struct mailbox *m, struct share *s);
dske_rc long_sweep(struct mailbox *m);
uint32_t long_part_len(const struct long_key *l, unsigned number); /* of its record */
dske_rc part_replay(struct mailbox *m, const struct journal_record *r);
dske_rc part_write_again(struct mailbox *m, struct share *s, unsigned number);
dske_rc part_sound(struct mailbox *m, const struct journal_record *r, const uint8_t *body);
struct share *part_of(struct mailbox *m, const struct journal_record *r, unsigned *number); /* NULL: it is not needed */

/* ---- mailbox-account.c, mailbox-policy.c, mailbox-confirm.c ------------------------------------------------ */

dske_rc accounts_flush(struct mailbox *m);
void accounts_forget(struct mailbox *m);
dske_rc account_replay(struct mailbox *m, const struct journal_record *r);
struct account *account_of(struct mailbox *m, const struct journal_record *r); /* NULL: it is not needed */
dske_rc account_write_again(struct mailbox *m, struct account *a);
dske_rc policy_replay(struct mailbox *m, const struct journal_record *r);
struct party *policy_of(struct mailbox *m, const struct journal_record *r); /* NULL: it is not needed */
dske_rc policy_write_again(struct mailbox *m, struct party *p);
void policy_forget(struct mailbox *m, struct party *p);
dske_rc round_replay(struct mailbox *m, const struct journal_record *r);

/* ---- mailbox-purge.c, mailbox-replay.c, mailbox-reclaim.c ---------------------------------------------------- */

size_t purge_apply(struct mailbox *m, const struct id *client);
dske_rc replay_all(struct mailbox *m, const char *folder, uint32_t segment_len);
dske_rc share_give_up(struct mailbox *m, struct share *s); /* as if all had receipted it */
dske_rc receipt_replay(struct mailbox *m, const struct journal_record *r);

dske_rc erasure_add(struct mailbox *m, struct journal_place at, uint32_t head_len, uint32_t body_len);
dske_rc erasures_run(struct mailbox *m);

/* Some of what has to be done in the long run; budget: bytes to look at. */
dske_rc mailbox_upkeep(struct mailbox *m, uint64_t budget);

/* For tests: other lengths of segments. */
dske_rc mailbox_open_as(struct mailbox **out, const char *state, int64_t now_ms, uint32_t segment_len);

#endif
