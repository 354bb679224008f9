/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/nap.h"

#include <errno.h>
#include <time.h>

void nap_init(struct nap *n)
{
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->woken, NULL);
}

void nap_drop(struct nap *n)
{
	pthread_cond_destroy(&n->woken);
	pthread_mutex_destroy(&n->lock);
}

bool nap_until(struct nap *n, int64_t until_ms)
{
	struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	return pthread_cond_clockwait(&n->woken, &n->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT;
}

void nap_wake(struct nap *n)
{
	pthread_cond_broadcast(&n->woken);
}
