/* SPDX-License-Identifier: Apache-2.0 */
/* hub/parcel.c - the body first, then the frame around it. */
#include "hub/parcel.h"

#include <stdlib.h>

struct parcel *parcel_new(size_t room)
{
	struct parcel *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->holders = 1;
	buf_heap(&p->bytes, FRAME_WRAP_LEN + FRAME_HEAD_LEN + FRAME_MAX);
	buf_reserve(&p->bytes, FRAME_WRAP_LEN + room + TAG_LEN + 1);
	buf_grow(&p->bytes, FRAME_WRAP_LEN);
	return p;
}

dske_rc parcel_close(struct parcel *p, const struct envelope *e, const uint8_t *tag_key)
{
	return frame_wrap(&p->bytes, FRAME_WRAP_LEN, e, tag_key, &p->start);
}

const uint8_t *parcel_frame(const struct parcel *p)
{
	return p->bytes.data + p->start;
}

size_t parcel_len(const struct parcel *p)
{
	return p->bytes.len - p->start;
}

struct parcel *parcel_hold(struct parcel *p)
{
	p->holders++;
	return p;
}

void parcel_drop(struct parcel *p)
{
	if (!p || --p->holders > 0)
		return;
	buf_drop(&p->bytes);
	free(p);
}
