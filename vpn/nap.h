/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/nap.h - a lock, and threads that sleep until somebody wakes them or a time is over. */
#ifndef DSKE_VPN_NAP_H
#define DSKE_VPN_NAP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct nap {
	pthread_mutex_t lock; /* also of what its owner says */
	pthread_cond_t woken;
};

void nap_init(struct nap *n);
void nap_drop(struct nap *n); /* nobody sleeps any more */

/* With the lock, which is free meanwhile: until nap_wake(), or until_ms of clock_ms() (base/net.h).  False: that is over. */
bool nap_until(struct nap *n, int64_t until_ms);

void nap_wake(struct nap *n); /* all of them; with the lock */

#endif
