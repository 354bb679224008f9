/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/client/meddler.h - somebody on the direct link, in a thread of the test's own process: takes connections on a port
 * of his own and passes frames on to another, as he likes.
 */
#ifndef DSKE_TEST_CLIENT_MEDDLER_H
#define DSKE_TEST_CLIENT_MEDDLER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"

enum meddling {
	MEDDLE_NOT,
	MEDDLE_CUTS,     /* closes instead of passing a frame of that type on */
	MEDDLE_CUTS_AFTER, /* closes behind it */
	MEDDLE_SWALLOWS, /* passes nothing of that type on */
	MEDDLE_SWALLOWS_FROM, /* ... nor of those behind it */
	MEDDLE_FLIPS,    /* changes a bit of it */
	MEDDLE_DOUBLES,  /* passes it twice */
	MEDDLE_REPLAYS,  /* puts that of an earlier agreement in its place */
	MEDDLE_SHORTENS, /* leaves its last byte away, and says so in the length */
};

#define MEDDLER_FRAME_MAX 8192

struct meddler {
	enum meddling how;
	uint8_t type;    /* of frames that are meddled with */
	size_t byte;     /* MEDDLE_FLIPS: which, counted around */
	unsigned times;  /* how often; then he is honest */
	char to[32];     /* the port behind him */
	char address[32];
	struct fd listener;
	pthread_t thread;
	atomic_bool stop;
	atomic_uint seen[6]; /* frames by type */
	atomic_uint meddled;
	size_t kept_len[6];  /* of each type the last one */
	uint8_t kept[6][MEDDLER_FRAME_MAX];
};

/* A free port of this machine, as "127.0.0.1:PORT". */
void free_address(char out[32]);

/* Begins; what he kept before stays. */
void meddler_start(struct meddler *m, const char *to);
void meddler_stop(struct meddler *m);

#endif
