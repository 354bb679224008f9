/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/swarm.h - many clients of one hub, driven by one thread: pairs of an initiator and a receiver, each with a
 * connection of its own, and each pair with several keys under way.
 *
 *	receiver -- WAIT -->        hub
 *	         <-- REPLY --
 *	                                     <-- SHARE --  initiator: the time of this key begins
 *	     <-- INSTRUCTION --                -- REPLY -->           ... and ends when both are here
 *	         -- RECEIPT -->
 *
 * What the messages are is told by a `struct manner`: those of a hub (swarm-real.c), or an echo stub's (swarm-stub.c).
 * A frame is its length in four bytes and an item, on either side.
 */
#ifndef DSKE_TEST_BENCH_SWARM_H
#define DSKE_TEST_BENCH_SWARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hubproto/frame.h"

#define FLIGHTS_MAX 16
#define PAIRS_OF_SWARM_MAX 256

/* A key under way. */
struct flight {
	double start;                       /* of its SHARE */
	bool shared, replied, instructed;
	uint64_t wait_at, share_at;         /* offsets of the ranges */
	struct id key_id;
	uint8_t wait_key[TAG_KEY_LEN], share_key[TAG_KEY_LEN]; /* of the answers */
};

struct swarm_pair;

/* One connection. */
struct swarm_end {
	struct swarm_pair *pair;
	bool receives;
	int fd;
	struct stream in;
	struct buf out;
	bool dirty;   /* something is queued */
	void *own;    /* the manner's */
};

struct swarm_pair {
	struct swarm *swarm;
	size_t number;
	struct swarm_end initiator, receiver;
	struct flight flight[FLIGHTS_MAX];
};

struct manner {
	void (*begin)(struct swarm_end *e);  /* it is connected; calls swarm_ready when it can go */
	void (*wait)(struct swarm_pair *p, struct flight *f);
	void (*share)(struct swarm_pair *p, struct flight *f);
	void (*take)(struct swarm_end *e, const uint8_t *item, size_t len); /* an item: calls one of the below */
	void (*end)(struct swarm_end *e);
};

struct swarm {
	const struct manner *manner;
	size_t pair_count, flights, ready;
	int epoll;
	struct swarm_pair *pair;           /* owned */
	double until;                      /* no key begins later */
	size_t under_way, done;
	double *taken;                     /* owned: how long each took ... */
	size_t taken_max;                  /* ... of so many */
};

/* Connects all and waits until they are ready.  own: for each end, initiator and receiver by turns. */
void swarm_start(struct swarm *s, const struct manner *manner, unsigned port, size_t pairs, size_t flights, void *const *own);
void swarm_stop(struct swarm *s);

/* Keys a second for about so long; how long each took is in s->taken, s->done of them. */
double swarm_run(struct swarm *s, double seconds);

/* Called by a manner. */
void swarm_ready(struct swarm *s);
void swarm_waited(struct swarm_pair *p, struct flight *f);
void swarm_replied(struct swarm_pair *p, struct flight *f);
void swarm_instructed(struct swarm_pair *p, struct flight *f);
void swarm_queued(struct swarm_end *e); /* bytes are in e->out */

/* ---- the manners -------------------------------------------------------------------------------------------- */

extern const struct manner real_manner, stub_manner;

/* What `own` of a real end is; terms name this hub. */
struct table;
struct pskm_header;
void *real_end_new(struct table *t, const struct pskm_header *h, const struct id *peer);

/* Starts the stub: a process that passes on messages of the same number and size, with 8 bytes made durable a round. */
pid_t stub_start(const char *path, unsigned *port);
void stub_stop(pid_t pid);

#endif
