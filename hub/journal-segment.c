/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/journal-segment.c - the files: segments in use, and spares.
 *
 * A spare is cleared from its second block to its end, synced, and only then in its first block, where a segment says
 * what it is: a file that was a segment says so, or is zeros all over.
 */
#include "config.h"

#include "hub/journal-impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLEAR_STEP ((size_t)1 << 20)
#define CLEAR_LEAST (64u << 10) /* for less nothing is done yet */

static dske_rc file_name(struct path *p, const struct journal *j, uint32_t file)
{
	return path_format(p, "%s/segment-%06u", j->folder.s, file);
}

dske_rc segment_open(struct segment **out, struct journal *j, uint32_t file, int flags)
{
	struct segment *s = calloc(1, sizeof *s);
	struct path p;
	struct stat st = {0};

	*out = s;
	if (!s)
		return rc_make(DSKE_RC_NOMEM);
	s->fd.n = -1;
	s->file = file;
	s->cleared = BLOCK;

	dske_rc rc = file_name(&p, j, file);

	if (rc_ok(rc))
		rc = file_open(&s->fd, p.s, O_RDWR | O_NOFOLLOW | flags, 0600);
	if (rc_ok(rc) && fstat(s->fd.n, &st) != 0)
		rc = FAIL(IO, "cannot look at %s: %m", p.s);
	if (rc_ok(rc) && (!S_ISREG(st.st_mode) || st.st_size > JOURNAL_SEGMENT_MAX))
		rc = FAIL(CORRUPT, "%s is no segment of a mailbox", p.s);
	s->len = (uint32_t)st.st_size;
	if (!rc_ok(rc)) {
		segment_free(s);
		*out = NULL;
	}
	return rc;
}

void segment_free(struct segment *s)
{
	if (s)
		fd_drop(&s->fd);
	free(s);
}

dske_rc segment_list_add(struct segment ***list, size_t *count, size_t *cap, struct segment *s)
{
	if (*count == *cap) {
		size_t n = *cap ? 2 * *cap : 8;
		struct segment **more = realloc(*list, n * sizeof *more);

		if (!more)
			return rc_make(DSKE_RC_NOMEM);
		*list = more;
		*cap = n;
	}
	(*list)[(*count)++] = s;
	return DSKE_OK;
}

static struct segment *list_take(struct segment **list, size_t *count, size_t at)
{
	struct segment *s = list[at];

	memmove(list + at, list + at + 1, (--*count - at) * sizeof *list);
	return s;
}

/* ---- spares ------------------------------------------------------------------------------------------------ */

static bool is_ready(const struct segment *s)
{
	return s->cleared >= s->len;
}

static size_t ready_count(const struct journal *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->spares; i++)
		n += is_ready(j->spare[i]);
	return n;
}

static uint32_t next_len(const struct journal *j)
{
	uint64_t len = journal_disk(j) / 32 & ~(uint64_t)(CLEAR_STEP - 1);

	if (j->segment_len > 0)
		return j->segment_len;
	len = len < JOURNAL_SEGMENT_LEN ? JOURNAL_SEGMENT_LEN : len;
	return len > JOURNAL_SEGMENT_MAX ? JOURNAL_SEGMENT_MAX : (uint32_t)len;
}

static dske_rc spare_make(struct journal *j)
{
	struct segment *s;
	struct path p;

	TRY(segment_open(&s, j, j->next_file, O_CREAT | O_EXCL));
	j->next_file++;
	s->len = next_len(j);

	dske_rc rc = segment_list_add(&j->spare, &j->spares, &j->spares_cap, s);

	if (!rc_ok(rc)) {
		segment_free(s);
		return rc;
	}
	TRY(file_name(&p, j, s->file));
	return file_sync_dir_of(p.s);
}

dske_rc segment_zero(struct segment *s, uint32_t from, uint32_t len)
{
	static const uint8_t zeros[CLEAR_STEP];

	for (uint32_t step; len > 0; from += step, len -= step) {
		step = len < sizeof zeros ? len : (uint32_t)sizeof zeros;
		TRY(file_pwrite(s->fd.n, zeros, step, from));
	}
	return DSKE_OK;
}

/* Zeros, up to so many bytes. */
static dske_rc clear(struct segment *s, uint64_t bytes)
{
	while (s->cleared < s->len && bytes > 0) {
		uint64_t step = s->len - s->cleared;

		step = step < bytes ? step : bytes;
		step = step < CLEAR_STEP ? step : CLEAR_STEP;
		TRY(segment_zero(s, s->cleared, (uint32_t)step));
		/* begun now, so that the sync at the end finds little to do */
		(void)sync_file_range(s->fd.n, s->cleared, (off_t)step, SYNC_FILE_RANGE_WRITE);
		s->cleared += (uint32_t)step;
		bytes -= step;
		if (!is_ready(s))
			continue;
		TRY(file_sync(s->fd.n));
		TRY(segment_zero(s, 0, BLOCK));
		TRY(file_sync(s->fd.n));
	}
	return DSKE_OK;
}

dske_rc journal_need_spare(struct journal *j)
{
	if (j->spares == 0)
		TRY(spare_make(j));
	return ready_count(j) > 0 ? DSKE_OK : clear(j->spare[0], UINT64_MAX);
}

dske_rc journal_take_spare(struct journal *j)
{
	size_t at = 0;

	TRY(journal_need_spare(j));
	while (!is_ready(j->spare[at]))
		at++;

	struct segment *s = list_take(j->spare, &j->spares, at);

	s->number = j->count > 0 ? j->segment[j->count - 1]->number + 1 : 1;
	j->first = j->count > 0 ? j->first : 1;
	return segment_list_add(&j->segment, &j->count, &j->cap, s);
}

dske_rc journal_put_aside(struct journal *j)
{
	for (; j->released > 0; j->released--) {
		struct segment *s = list_take(j->segment, &j->count, 0);

		s->number = 0;
		s->cleared = BLOCK;
		TRY(segment_list_add(&j->spare, &j->spares, &j->spares_cap, s));
	}
	return DSKE_OK;
}

/* One that is ready is enough: others are removed, once they are zeros. */
static dske_rc spare_remove(struct journal *j, size_t at)
{
	struct segment *s = list_take(j->spare, &j->spares, at);
	struct path p;
	dske_rc rc = file_name(&p, j, s->file);

	if (rc_ok(rc) && unlink(p.s) != 0)
		rc = FAIL(IO, "cannot remove %s: %m", p.s);
	segment_free(s);
	return rc;
}

dske_rc journal_tend(struct journal *j, uint64_t bytes)
{
	size_t at = 0;

	j->credit += bytes;
	if (j->credit < CLEAR_LEAST)
		return DSKE_OK;
	bytes = j->credit;
	j->credit = 0;

	while (at < j->spares && is_ready(j->spare[at]))
		at++;
	if (at < j->spares)
		TRY(clear(j->spare[at], bytes));
	else if (ready_count(j) > 1)
		return spare_remove(j, 0);
	else if (j->spares == 0 && j->count > 0 && j->end > j->segment[j->count - 1]->len / 2)
		return spare_make(j);
	return DSKE_OK;
}
