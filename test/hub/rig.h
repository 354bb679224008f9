/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/hub/rig.h - a real dske-hubd in a scratch folder, and raw clients that speak to it frame by frame,
 * also what no honest client would say.
 */
#ifndef DSKE_TEST_HUB_RIG_H
#define DSKE_TEST_HUB_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those four before it */
#include <cmocka.h>
#include <sys/types.h>

#include "hubproto/frame.h"
#include "hubproto/msg.h"
#include "pskm/table.h"
#include "pskm/window.h"
#include "test/lib/scratch.h"

#define assert_ok(e) assert_string_equal(rc_name(e), "OK")
#define RIG_TABLE_LEN (UINT64_C(1) << 20)
#define RIG_PATIENCE_MS 60000

struct rig {
	struct path scratch, conf, log, state;
	struct id hub;
	char listen[32];    /* the port stays the same over restarts */
	uint16_t port;
	pid_t pid;          /* 0: not running */
	uint64_t table_len;  /* of the tables that are made; 0: RIG_TABLE_LEN */
	uint64_t file_limit; /* bytes that a file of the hub may grow to; 0: any */
	const char *limits; /* lines of [limits], or NULL */
	const char *groups; /* sections, or NULL: all in one group */
};

void rig_init(struct rig *r);
void rig_configure(struct rig *r); /* writes the file anew */
void rig_start(struct rig *r);
void rig_kill(struct rig *r);      /* SIGKILL */
int rig_stop(struct rig *r);       /* SIGTERM; the exit status */
int rig_wait(struct rig *r);       /* until it ends by itself; the exit status */
void rig_restart(struct rig *r);   /* kill -9 and start */
void rig_drop(struct rig *r);

/* Runs dske-hubd with these arguments (NULL at the end) to its end; what it says goes to out. */
int rig_run(struct rig *r, char *out, size_t cap, ...) __attribute__((sentinel));

/* Does the log have this text?  Waits for it. */
bool rig_logged(const struct rig *r, const char *text);
size_t rig_log_count(const struct rig *r, const char *text);

/* Processor time that the program has used so far. */
int64_t rig_cpu_ms(const struct rig *r);

/* ---- a client with its table ------------------------------------------------------------------------- */

struct party {
	struct rig *rig;
	struct path tables;  /* of its own */
	struct pskm_header header;
	struct table *table;
};

/* A new PSKM, imported; not activated. */
void party_make(struct party *p, struct rig *r, const char *name);
void party_make_for(struct party *p, struct rig *r, const char *name, const struct id *client);
void party_drop(struct party *p);

/* ---- a connection ------------------------------------------------------------------------------------- */

struct line {
	struct party *party;
	int fd;
	struct stream in;
	struct window *up, *down;
	uint64_t slot;
	struct lease_keys keys;
	struct id nonce_c, nonce_h;
	bool takes_no_long; /* say its WAITs */
};

void line_open(struct line *l, struct party *p);
void line_close(struct line *l);
void line_send(struct line *l, const void *bytes, size_t len);
void line_send_frame(struct line *l, const struct buf *frame);

/* The next frame; false at the end of the connection.  Dies with the next call.  Fails the test when none
 * comes in time. */
bool line_next(struct line *l, struct envelope *e);

/*
 * Is anything on its way?  A hub answers on a connection in the order in which it was asked, and what an event has it send
 * leaves no later than its answer, on whichever connection.  So a question asked now is a fence: what is not here
 * before its answer will not come.  Takes PAD_KEYS_LEN of the up window; on a line without a lease it is one failure.
 * line_overtaken: *e is what came before the answer (the answer itself, when it returns false); dies as of line_next.
 */
bool line_overtaken(struct line *l, struct envelope *e);
bool line_is_silent(struct line *l); /* twice PAD_KEYS_LEN */

/* The next frame is a NOTE with this code; its hint. */
uint64_t line_note(struct line *l, enum note code);

/* Which note is it, or 0? */
unsigned note_code(const struct envelope *e);

/* ---- activation and lease ------------------------------------------------------------------------------ */

void line_activate(struct line *l);
void activate_frame(struct party *p, const struct id *nonce, struct buf *frame);

void lease_frame(struct line *l, uint64_t wanted, struct buf *frame); /* takes a slot */
void line_granted(struct line *l, uint64_t down_wanted, bool confirm); /* takes GRANT; sends CONFIRM */
void line_lease(struct line *l, uint64_t up, uint64_t down);

/* Opens, and leases what is plenty for a test. */
void line_ready(struct line *l, struct party *p);

/* Activated, and a ready line. */
void party_ready(struct party *p, struct line *l, struct rig *r, const char *name);

/* ---- requests ------------------------------------------------------------------------------------------ */

struct ask {
	struct buf frame;
	struct pad pad; /* in front the reply key */
};
void ask_drop(struct ask *a);

/* A request with this body, in range_len bytes of the up window. */
void ask_make(struct ask *a, struct line *l, unsigned type, const struct buf *body, size_t range_len);

/* The answer to it: its tag is checked under the reply key.  Skips nothing. */
void ask_answer(struct ask *a, struct line *l, unsigned type, struct envelope *e);
enum status ask_status(struct ask *a, struct line *l);

/* Terms with this hub and two more, k = 2. */
void terms_fill(struct terms *t, const struct party *from, const struct party *to, const char *context);

/* A SHARE; *share is what the receiver must find.  NULL: not wanted. */
void share_ask(struct ask *a, struct line *l, const struct terms *t, enum share_mode mode, uint32_t ttl,
	       struct secret *share);
/* A PART of a long key; *part is what the receiver must find. */
void part_ask(struct ask *a, struct line *l, const struct terms *t, unsigned number, enum share_mode mode, const struct tag *tag,
	      struct secret *part);
enum status share_send(struct line *l, const struct terms *t);

void wait_ask(struct ask *a, struct line *l, const struct id *initiator, const struct id *key_id, const char *context);
enum status wait_send(struct line *l, const struct id *initiator, const struct id *key_id, const char *context);
void identify_ask(struct ask *a, struct line *l, const char *name, const struct id *id);

/* ---- instructions --------------------------------------------------------------------------------------- */

struct delivery {
	struct terms terms;
	struct secret share;      /* decrypted */
	uint64_t offset;
	uint32_t length;
	uint8_t receipt_key[TAG_KEY_LEN];
	struct buf bytes;         /* the item as it came */
};
void delivery_drop(struct delivery *d);

/* Takes the instruction: verified and opened with the line's down window. */
void delivery_open(struct delivery *d, struct line *l, const struct envelope *e);
void delivery_piece(struct line *l, const struct terms *t, unsigned number, struct secret *part); /* the next frame */
void delivery_next(struct delivery *d, struct line *l);
void receipt_send(struct line *l, const struct delivery *d, enum receipt_verdict verdict);

#endif
