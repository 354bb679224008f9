/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/source.h - where the bytes of a new table come from: sources of entropy, another table, a link. */
#ifndef DSKE_PSKM_SOURCE_H
#define DSKE_PSKM_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

/* Fills out with the next len bytes, in the table's order; after a failure the making ends with that error. */
typedef dske_rc pskm_fill(void *context, void *out, size_t len);

struct pskm_source {
	pskm_fill *fill;
	void *context; /* borrowed */
};

static inline dske_rc source_fill(const struct pskm_source *s, void *out, size_t len)
{
	return s->fill(s->context, out, len);
}

/* Called now and then; return false to cancel (CANCELLED, and what was made is removed). */
typedef bool pskm_progress(void *context, uint64_t done, uint64_t total);

#endif
