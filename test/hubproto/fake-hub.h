/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/hubproto/fake-hub.h - servers that behave in one way each, on loopback, a thread each.  They
 * know frames by their length alone.
 */
#ifndef DSKE_TEST_HUBPROTO_FAKE_HUB_H
#define DSKE_TEST_HUBPROTO_FAKE_HUB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"

enum fake_manner {
	FAKE_ANSWERS,  /* each frame with `answer` */
	FAKE_SILENT,   /* reads and says nothing */
	FAKE_DEAF,     /* does not even read */
	FAKE_LATE,     /* answers 300 ms later */
	FAKE_TRICKLES, /* answers with a byte every 2 ms */
	FAKE_GREETS,   /* sends `answer` at once, and reads */
	FAKE_FLOODS,   /* sends `answer` without end, from the start */
	FAKE_LEAVES,   /* sends `answer` at once, and closes */
};

struct fake_hub {
	enum fake_manner manner;
	const void *answer; /* borrowed, outlives the thread */
	size_t answer_len;
	char address[32];
	struct fd listener;
	pthread_t thread;
	atomic_bool stop;
	atomic_size_t received;    /* bytes */
	atomic_size_t connections; /* accepted so far */
};

void fake_hub_start(struct fake_hub *h, enum fake_manner manner, const void *answer, size_t answer_len);
void fake_hub_stop(struct fake_hub *h);

/* An address on which nobody listens. */
void fake_address_unused(char address[32]);

#endif
