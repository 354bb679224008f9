/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/pairs.h - pairs of threads, an initiator's and a receiver's, that do one round after the other
 * together; what a round does is told by a `struct way`, so that a real network and the echo stub are
 * measured by the same code.
 */
#ifndef DSKE_TEST_BENCH_PAIRS_H
#define DSKE_TEST_BENCH_PAIRS_H

#include <pthread.h>
#include <semaphore.h>

#include "base/id.h"
#include "base/rc.h"
#include "base/secret.h"

#define PAIRS_MAX 64

struct pair {
	const struct way *way;
	void *context;
	size_t number;
	struct id key_id;              /* of this round */
	struct secret initiator_key, receiver_key; /* empty where the way makes none */
	dske_rc receiver_rc;
	double held_at;                /* when the receiver's call returned */
	sem_t begin, held;
	bool stop;
	pthread_t receiver, initiator;
	double until;                  /* pairs_rate: when to stop ... */
	size_t left;                   /* ... at the latest, rounds */
	double initiator_cpu, receiver_cpu; /* seconds of processor time of either thread in its calls */
	size_t rounds, failures;
	char why[200];                 /* the first failure */
};

/* Each returns when its end holds the key. */
struct way {
	dske_rc (*initiate)(struct pair *p);
	dske_rc (*receive)(struct pair *p);
};

struct pairs {
	size_t count;
	struct pair pair[PAIRS_MAX];
};

void pairs_start(struct pairs *s, size_t count, const struct way *way, void *context);
void pairs_stop(struct pairs *s);

/* One round of pair 0, the receiver having waited for a while.  Returns seconds from the initiator's call
 * until both calls have returned.  A failure ends the program. */
double pairs_latency(struct pairs *s);

/* Rounds a second that all pairs do together in about `seconds`, without pauses.  Failures are counted. */
double pairs_rate(struct pairs *s, double seconds);

/* The same for so many rounds of each pair. */
double pairs_rate_of(struct pairs *s, size_t rounds);

/* What all initiators' calls, and all receivers', have used so far. */
struct pairs_cpu {
	double initiators, receivers;
};
struct pairs_cpu pairs_cpu(const struct pairs *s);

/* Tells of failures, if there were any. */
void pairs_complain(const struct pairs *s, const char *name);

#endif
