/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/identity.h - who is a peer?  (DSKE 2.2.)  Every hub is asked; a record stands when more than
 * half of the client's configured hubs, and at least max(k, k_B), say the same.
 */
#ifndef DSKE_CORE_IDENTITY_H
#define DSKE_CORE_IDENTITY_H

#include <stddef.h>

#include "base/id.h"
#include "base/rc.h"

struct identity {
	struct id id;
	char name[NAME_MAX_LEN + 1];
};

enum identity_answer { IDENTITY_SILENT, IDENTITY_UNKNOWN, IDENTITY_SAYS };

struct identity_vote {
	enum identity_answer answer;
	struct identity says;  /* with IDENTITY_SAYS, and ... */
	char local[NAME_MAX_LEN + 1]; /* ... the hub's own identifier for that client: to be shown, it decides nothing */
	bool contradicts;      /* another ID for the name, or another name for the ID, than identity_judge was given */
};

/* Settles votes[hub_count] into *out.  least is max(k, k_B).  A contradicting hub is marked.
 * Errors: TOO_FEW (no record has the votes; the sentence counts them). */
dske_rc identity_settle(struct identity *out, struct identity_vote *votes, size_t hub_count, size_t least);

/* Marks the votes that contradict a record: one that was settled, or was pinned before.  Silence, "unknown", and what
 * is said of somebody else altogether contradict nothing. */
void identity_judge(struct identity_vote *votes, size_t hub_count, const struct identity *record);

#endif
