/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qkd/kme.h - the keys of a QKD link, from our key management entity: the REST interface of ETSI GS QKD 014
 * V1.1.1.  The SAE that asks first (the hub, "master") gets fresh keys and their IDs; the other ("slave") names
 * the IDs to its own KME and gets the same keys.
 *
 * A KME hands out each key once to either side and forgets it.  Whoever loses an answer has lost its keys.
 * For programs, one thread.
 */
#ifndef DSKE_QKD_KME_H
#define DSKE_QKD_KME_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"
#include "pskm/qkdconf.h"
#include "qkd/answer.h"

struct kme;

/* Asks for the status, and holds our configuration against it: the key size must be one that the KME gives.  conf
 * is borrowed and outlives it.  Errors: those of kme_take. */
dske_rc kme_open(struct kme **out, const struct qkdconf *conf);
void kme_close(struct kme *k); /* what is under way is lost; safe on NULL */

const struct kme_status *kme_status(const struct kme *k); /* as it was when we opened */
size_t kme_key_len(const struct kme *k);                  /* bytes */
size_t kme_batch(const struct kme *k);                    /* keys that one request may ask for */

/* May another request be under way? */
bool kme_has_room(const struct kme *k);

/* Begins a request, behind those under way: for `number` fresh keys (ids NULL), or for the keys of these IDs, which
 * are copied.  1 <= number <= QKDCONF_PER_REQUEST_MOST.  Errors: NOMEM. */
dske_rc kme_ask(struct kme *k, const struct id *ids, size_t number);

/* Waits for the oldest request's keys: their IDs (when they were fresh, else NULL), and number * kme_key_len bytes, in
 * the order in which they were asked for.  While the KME says that it has none ready (503) it is asked again, until
 * it has given nothing for the configured timeout.
 * Errors: TIMEOUT, UNREACHABLE, CLOSED, IO, DENIED (certificates, or it does not serve us), REFUSED (what
 * the KME says), FORMAT, TOOBIG (its answer is none), NOMEM. */
dske_rc kme_take(struct kme *k, struct id *ids, uint8_t *keys);

#endif
