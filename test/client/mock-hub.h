/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/client/mock-hub.h - a small Security Hub in a thread of the test's own process, honest or with one
 * bad manner.  It has real tables and speaks the real protocol; what it keeps, it keeps in memory.
 */
#ifndef DSKE_TEST_CLIENT_MOCK_HUB_H
#define DSKE_TEST_CLIENT_MOCK_HUB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/file.h"
#include "base/secret.h"
#include "core/confirm.h"
#include "core/terms.h"
#include "hubproto/frame.h"
#include "hubproto/msg.h"
#include "pskm/table.h"

enum mock_manner {
	MOCK_HONEST,
	MOCK_MUTE,            /* reads, never answers anything */
	MOCK_NONSENSE,        /* answers every frame with well-formed frames that mean nothing */
	MOCK_GARBAGE,         /* answers with bytes that are no frame */
	MOCK_BAD_GRANT,       /* the tags of its GRANTs are wrong */
	MOCK_BAD_REPLY,       /* ... of its REPLYs */
	MOCK_BAD_INSTRUCTION, /* ... of its INSTRUCTIONs */
	MOCK_TRICKLES,        /* sends a byte a millisecond */
	MOCK_DIES_ON_SHARE,   /* closes at the first SHARE, unread; then honest */
	MOCK_DIES_AFTER_SHARE,/* takes the first SHARE and closes without a word; then honest */
	MOCK_DISOWNS_WINDOW,  /* answers the first SHARE with the note NO_LEASE; then honest */
	MOCK_REFUSES,         /* does not know the receiver */
	MOCK_CUTS_INSTRUCTION,/* closes behind the first INSTRUCTION; then honest */
	MOCK_CORRUPTS,        /* delivers other shares than it was given */
	MOCK_CORRUPTS_SECOND, /* ... of second passes alone */
	MOCK_RETELLS_SECOND,  /* says another k of second passes */
	MOCK_SHORTENS_SECOND, /* says that their keys are a byte shorter, and delivers that */
	MOCK_TELLS_FALLBACK,  /* says of every key that it was fallen back to, a moment after the others have delivered */
	MOCK_LIES,            /* says that everybody is somebody else */
	MOCK_SMALL_WINDOW,    /* says once that the down window is too small, whatever it is */
	MOCK_HANGS_UP,        /* as a proxy whose hub is down: closes at every LEASE, unread */
	MOCK_CUTS_GRANTS,     /* grants, and closes */
	MOCK_DISOWNS_ALL,     /* answers every request with the note NO_LEASE */
	MOCK_LOSES_RECEIPTS,  /* as if they never came */
	MOCK_CRIES_FROZEN,    /* answers every frame with a FROZEN whose tag is wrong */
	/* of long keys: */
	MOCK_CORRUPTS_PART,   /* delivers another part 2 than it was given */
	MOCK_SKIPS_PART,      /* does not deliver part 1 */
	MOCK_REPEATS_PART,    /* delivers part 1 twice, under a range each */
	MOCK_SWAPS_PARTS,     /* delivers part 2 before part 1 */
	MOCK_SPOILS_PART,     /* the tag of its PIECEs is wrong */
	MOCK_SHORT_PART,      /* delivers a byte less of part 1 */
	MOCK_OTHER_PART,      /* its PIECEs are of another key */
	MOCK_CUTS_PARTS,      /* closes in the midst of the first delivery; then honest */
	MOCK_DRIPS,           /* takes 1.5 seconds for each PIECE */
	MOCK_DIES_ON_PART,    /* closes at the first PART, unread; then honest */
	MOCK_DIES_AFTER_PART, /* takes the first PART and closes without a word; then honest */
	MOCK_REFUSES_PART,    /* knows no such key when the second PART comes */
	MOCK_HANGS_ON_PART,   /* never answers a PART */
	MOCK_DISOWNS_PARTS,   /* answers two PARTs of three with the note NO_LEASE */
	MOCK_DISOWNS_WAIT,    /* says NO_LEASE of the WAIT in the midst of the first delivery; then honest */
	MOCK_SWELLS,          /* delivers shares of four times their length, under terms that say so */
	MOCK_LATE,            /* says nothing to the first WAIT for two seconds; then honest */
	MOCK_PUSHES_LONG,     /* delivers long keys to who says that he takes none */
	MOCK_REPEATS_WHOLE,   /* begins a delivery once more when it was at its end, having got room for that by a note */
	MOCK_CUTS_SECOND,     /* closes behind the first INSTRUCTION of a second pass; then honest */
	MOCK_INTERLEAVES,     /* begins one delivery before another one is at its end */
	/* of keys that are confirmed: */
	MOCK_DENIES_READY,    /* answers every READY at once with UNCONFIRMED */
	MOCK_INVENTS_CONFIRMATION, /* ... with a confirmation of its own */
	MOCK_NEVER_CONTENT,   /* answers every CONFIRM and WAIT with notes that the down window is too small */
};

#define MOCK_CLIENTS 4
#define MOCK_CONNS 128
#define MOCK_SHARES 512
#define MOCK_WAITS 64

struct mock_client {
	struct id id;
	char name[NAME_MAX_LEN + 1];
	struct table *table; /* owned */
	struct pskm_header header;
};

struct mock_wait {
	struct id initiator;
	enum wait_selector selector;
	uint8_t value[TERMS_CONTEXT_MAX];
	size_t value_len;
	uint64_t offset;
	bool takes_long;
};

struct mock_conn {
	struct fd fd;
	struct stream in;
	struct mock_client *client;
	struct window *up, *up_old, *down, *down_next; /* down_next: opened while pieces are sent in the other */
	struct lease_keys keys;
	uint64_t slot;
	struct mock_wait wait[MOCK_WAITS];
	size_t waits, waits_so_far; /* the newest are kept */
	bool over;
};

/* An answer that is held back; conn NULL: none is. */
struct mock_held {
	struct mock_conn *conn;
	uint64_t offset;
	uint32_t length;
	uint8_t key[32];
};

struct mock_share {
	struct terms terms;
	struct secret bytes; /* terms_share_len; of a long key as much as has come is right */
	unsigned next;       /* part that has yet to come */
	unsigned piece;      /* part that is delivered next, on sealed_for */
	bool is_invented;    /* by MOCK_SWELLS */
	bool is_repeated;    /* by MOCK_REPEATS_WHOLE */
	atomic_bool delivered; /* a RECEIPT came: */
	enum receipt_verdict verdict;
	uint64_t sealed_at;  /* the range of the last INSTRUCTION */
	struct mock_conn *sealed_for;
	struct secret receipt_key;
	struct mock_held ready, muster; /* of the one receiver, of the initiator */
	atomic_bool is_ready;
	bool is_attested;               /* with: */
	struct confirmation said;
};

struct mock_hub {
	struct id id;
	char name[NAME_MAX_LEN + 1];
	char address[32];
	struct path tables;
	enum mock_manner manner;
	unsigned bad_left;   /* for the manners that turn honest */
	atomic_bool is_held; /* MOCK_LATE stays late as long as this is set */
	void (*overtakes)(struct mock_hub *h, struct mock_client *c, uint64_t slot); /* NULL, or called before a LEASE is looked at */
	struct fd listener;
	pthread_t thread;
	bool running;
	atomic_bool stop;
	struct mock_client client[MOCK_CLIENTS];
	size_t clients;
	struct mock_conn conn[MOCK_CONNS];
	struct mock_share share[MOCK_SHARES];
	atomic_size_t shares;
	struct {
		uint8_t digest[16];
		struct buf frame;
	} answer[MOCK_SHARES]; /* to SHAREs, as they were sent */
	size_t answers;
	bool keeps_answer;   /* the next frame sent is one */
	atomic_size_t musters; /* of so many shares, of the first ones, MUSTER is answered */
	unsigned parts_seen; /* of MOCK_DISOWNS_PARTS */
	atomic_uint connections, clone_alarms, leases, share_frames, part_frames, instructions, pieces, receipts;
};

/* Listens on a port of its own; no thread yet. */
void mock_hub_init(struct mock_hub *h, const char *name, const struct path *tables);

/* The hub's copy of a table that was made in its folder of tables. */
void mock_hub_serve(struct mock_hub *h, const struct pskm_header *header);

void mock_hub_start(struct mock_hub *h, enum mock_manner manner);

/* As kill -9: every connection ends; what it keeps stays, as on disk.  Its port is closed. */
void mock_hub_stop(struct mock_hub *h);

void mock_hub_drop(struct mock_hub *h);

#endif
