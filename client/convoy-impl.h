/* SPDX-License-Identifier: Apache-2.0 */
/* client/convoy-impl.h - the inside of a convoy, for client/convoy*.c. */
#ifndef DSKE_CLIENT_CONVOY_IMPL_H
#define DSKE_CLIENT_CONVOY_IMPL_H

#include <pthread.h>

#include "base/file.h"
#include "client/convoy.h"

#define BELLS 64
#define LATE_KEYS 256      /* remembered, of those that not all hubs had delivered */

struct rider { /* one call */
	struct convoy *convoy;
	struct links *view; /* owns this */
	struct rider *next;
	bool waits_for_key; /* a receiver's, of this name: */
	struct id key_id;
	unsigned bell;   /* by which it is woken */
	bool is_out;     /* not between links_begin and links_end, or about something else: nothing is told to it */
	bool is_stirred; /* something was told to it since `done` was asked */
	bool sleeps;
	bool (*done)(void *context);
	void *context;
	int64_t end_ms;  /* of the run under way */
	bool is_ending;  /* that was brought forward: who leads watches it */
	int cancel_state;
};

struct convoy {
	struct links *trunk; /* owned */
	pid_t owner;
	pthread_mutex_t lock; /* guards all below, and the trunk */
	struct rider *riders;
	size_t count, awake;  /* of those that are not out; and that neither sleep nor poll */
	bool is_led, polls;
	unsigned changes_seen; /* by the poll that goes on */
	struct id late[LATE_KEYS];
	size_t late_count;
	pthread_cond_t bell[BELLS]; /* of sleepers; one is rung for all who share it */
	unsigned bells_given;
	uint64_t to_ring; /* a bit each: when the lock has been given away, so that who wakes finds it free */
	struct fd waker;
	atomic_uint coming;  /* calls that wait for the lock, to queue something soon */
	atomic_bool is_over; /* it takes nobody new */
	size_t users;        /* views; guarded by the client's lock */
};

/* What the trunk tells, to whom it concerns. */
extern const struct link_ops convoy_trunk_ops;

/* The receiver that waits for this key, or NULL. */
struct rider *convoy_waiting_for(const struct convoy *v, const struct id *key_id);

#endif
