/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/conn.h - one connection: its stream, its windows, what it was answered and what it was sent.
 *
 * A connection speaks for one table from its first granted LEASE on.  Windows belong to it alone and end
 * with it (doc/protocol.md, "The lease").
 */
#ifndef DSKE_HUB_CONN_H
#define DSKE_HUB_CONN_H

#include "base/file.h"
#include "hub/hub.h"
#include "hub/vault.h"
#include "hubproto/frame.h"
#include "hubproto/msg.h"
#include "pskm/window.h"

#define CONN_WINDOWS_MAX 4 /* no more than a client keeps: what is sealed in an older one it cannot open */
#define CONN_FAILURES_MAX 16
#define CONN_TURN 64                           /* frames of one client in one round, both ways, and searches for it ... */
#define CONN_TURN_BYTES ((size_t)1 << 20)      /* ... and when they have so many bytes, the turn is over, too */
#define CONN_FAILURES_FREE 8                   /* beyond these each failure slows the connection ... */
#define CONN_SLOW_MS 20                        /* ... by so much more than the one before */
#define CONN_ANSWERS_MAX 64
#define CONN_ANSWER_LEN_MAX 320                /* the longest IDENTITY, with room */
#define CONN_OUT_HIGH ((size_t)256 << 10)      /* bytes queued, above which nothing more is read or pushed */
#define CONN_OUT_MAX ((size_t)8 << 20)
#define CONN_SENT_MAX ((size_t)4 << 20)        /* bytes of instructions without a receipt */
#define CONN_SEALINGS_MAX 16                   /* of one share for one receiver, who gives no receipt */
#define CONN_FIRST_LEASE_MS 15000              /* to a confirmed lease, or activation */
#define CONN_STUCK_MS 30000                    /* without taking a byte of what is queued */
#define CONN_LINGER_MS 1000                    /* after the last note, so that it arrives */

/* Windows of one direction.  When there is no room for one more the oldest is given up. */
struct conn_windows {
	struct window *w[CONN_WINDOWS_MAX]; /* owned */
	size_t count;
};

/* The lease last granted on this connection (hub/lease.c). */
struct conn_lease {
	bool granted, confirmed;
	uint64_t slot;
	uint8_t digest[FRAME_DIGEST_LEN]; /* of the LEASE */
	struct id nonce_h;
	struct lease_keys keys;           /* owned */
	struct window *up;                /* owned; the window granted, until CONFIRM shows who asked */
	struct buf grant;                 /* owned; the frame that answered it */
};

/* An answer, for when the same bytes come again.  The oldest makes room. */
struct conn_answer {
	uint8_t digest[FRAME_DIGEST_LEN];
	uint16_t len; /* 0: none */
	uint8_t frame[CONN_ANSWER_LEN_MAX];
};

struct wait; /* hub/wait.h */
struct sent; /* hub/relay.h */
struct held; /* hub/confirm.c */
struct queued; /* hub/conn-out.c */
struct parcel; /* hub/parcel.h */

struct conn {
	struct hub *hub;
	struct conn *previous, *next;     /* of the hub */
	struct conn *next_of_client;      /* of table->client->conns */
	struct conn *next_marked;
	bool marked;
	struct fd fd;
	char peer[80];                    /* address, for the log */
	uint32_t events;                  /* what epoll watches */
	int64_t opened_ms, active_ms, drained_ms;
	struct stream in;
	size_t counted;                   /* of hub->stranger_bytes (hub/stranger.h) */
	struct buf out;
	size_t out_at;                    /* bytes of out that are sent */
	struct queued *queued;            /* owned; long frames between them (hub/conn-out.c) */
	size_t parcels_len;               /* bytes of those that are not sent */
	unsigned failures;
	uint64_t round;                   /* before there is a lease: when its last frame was taken */
	int64_t slow_until_ms;            /* nothing more is taken before */
	bool has_more;                    /* whole frames may be in the stream */
	bool closing;                     /* reads nothing more; ends when all is sent */
	bool lingering;                   /* all is sent; waits for the other side to end */
	bool dead;                        /* freed at the round's end */
	struct vault_table *table;        /* NULL before the first lease */
	struct conn_lease lease;
	struct conn_windows up, down;
	struct conn_answer *answers;      /* owned; CONN_ANSWERS_MAX, or NULL */
	size_t answer_at;
	struct wait *waits;               /* owned; newest first */
	size_t wait_count;
	struct held *held;                /* owned; newest first */
	size_t held_count;
	struct sent *sent;                /* owned */
	size_t sent_len;                  /* bytes of their frames */
	bool backlog;                     /* a push was put off because too much was queued ... */
	bool unanswered;                  /* ... or because too much had no receipt ... */
	bool behind;                      /* ... or because another long key is under way */
};

/* fd is moved in.  Errors: NOMEM, IO (epoll). */
dske_rc conn_new(struct hub *h, struct fd *fd, const char *peer);
void conn_free(struct conn *c);

/* Who it is, for a log line: the client's name, or the address. */
const char *conn_who(const struct conn *c);

/* The hub's end of a round: see hub.h. */
void conn_mark(struct conn *c);

/* Reads what is there and takes the whole frames. */
void conn_readable(struct conn *c);

/* Takes whole frames that were left in the stream because too much was queued. */
void conn_resume(struct conn *c);

/* So many frames were taken, or searches made, for the client of this connection, and so many bytes moved: they count
 * toward his turn in this round.  So one who floods the hub, on however many connections, delays the others by no more
 * than a turn. */
void conn_worked(struct conn *c, size_t steps, size_t bytes);

/* Pushes that were put off because too much was queued go on, if it has drained and it is the client's turn. */
void conn_push(struct conn *c);

/* Will they, in the next round? */
bool conn_will_push(const struct conn *c);

/* Sends what it can; then watches for what there is to wait for. */
void conn_flush(struct conn *c);

/* Bytes queued and not sent. */
size_t conn_queued(const struct conn *c);

/* Queues bytes; or a frame, which is held until it is sent. */
void conn_send(struct conn *c, const void *bytes, size_t len);
void conn_send_parcel(struct conn *c, struct parcel *p);

/* Sends what the kernel takes, and what is queued goes with the connection. */
void conn_send_some(struct conn *c);
void conn_out_drop(struct conn *c);

/* Gives back the memory of what is empty. */
void conn_out_rest(struct conn *c);
void conn_rest(struct conn *c);

/* Ends the connection: at once, or when everything queued is sent. */
void conn_kill(struct conn *c);
void conn_finish(struct conn *c);

/* Every connection of the table ends: the hub stops serving it. */
void conn_finish_table(struct vault_table *t);

/* An untagged note about a frame (e may be NULL: about something that was none). */
void conn_note(struct conn *c, const struct envelope *e, enum note code, uint64_t hint);

/* A note about a frame that failed, counted: sixteen end the connection. */
void conn_refuse(struct conn *c, const struct envelope *e, enum note code, uint64_t hint);

/* Counts a failure. */
void conn_failed(struct conn *c);

/* The connection speaks for this table now. */
void conn_bind(struct conn *c, struct vault_table *t);

/* Remembers an answer, or finds it again (NULL). */
void conn_answer_keep(struct conn *c, const uint8_t digest[FRAME_DIGEST_LEN], const struct buf *frame);
const struct conn_answer *conn_answer_find(const struct conn *c, const uint8_t digest[FRAME_DIGEST_LEN]);

/* Takes a window over; an empty one is freed.  NULL is none. */
void conn_window_add(struct conn_windows *ws, struct window *w);

/* The window that has all of these bytes unused.  Errors: USED, WINDOW. */
dske_rc conn_window_find(const struct conn_windows *ws, uint64_t offset, uint64_t len, struct window **w);

/* Is there one that has so many bytes left? */
bool conn_window_room(const struct conn_windows *ws, size_t len);

/* The next len bytes of the windows, oldest first.  Errors: EXHAUSTED, IO, NOMEM. */
dske_rc conn_window_reserve(struct conn_windows *ws, size_t len, struct pad *pad);

#endif
