/* SPDX-License-Identifier: Apache-2.0 */
/* store/load.c - reads what was appended to the token's file, and says what is damaged in it. */
#include <config.h>

#include "store/impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AHEAD_MAX (256u << 10)

struct reading {
	struct store *s;
	struct image *i;
	struct view view;
	bool anew;  /* from the first record on */
	bool found; /* there was a record to read */
	bool visiting;
};

static dske_rc damaged(const struct store *s, uint64_t sequence, const struct id *name, const char *how)
{
	char hex[ID_HEX_LEN];

	return FAIL(CORRUPT, "%s is damaged: record %llu (of object %s) %s; take the file back from a backup, or initialise the "
		    "token again", s->file.s, (unsigned long long)sequence, id_hex(name, hex), how);
}

/* ---- where to begin --------------------------------------------------------------------------------------- */

static dske_rc marks_read(const struct store *s, struct image *i, const struct secret *master)
{
	i->marked = 0;
	i->mark_bad = false;
	for (unsigned k = 0; k < MARKS; k++) {
		const uint8_t *mark = i->state + AT_MARKS + k * MARK_LEN;
		bool good;
		TRY(mark_check(i->state, k, i->header, master, &good));
		i->mark_bad = i->mark_bad || !good;
		if (good && store_get_u64(mark) > i->marked) {
			i->marked = store_get_u64(mark);
			i->mark = k;
		}
	}
	if (i->marked < STORE_RECORDS_AT)
		return FAIL(CORRUPT, "%s is damaged: both marks behind its header, of what is done, were changed", s->file.s);
	if (i->marked > i->size)
		return FAIL(CORRUPT, "%s is damaged: it ends at byte %llu, but has objects up to %llu; take it back from a backup",
			    s->file.s, (unsigned long long)i->size, (unsigned long long)i->marked);
	return DSKE_OK;
}

/* Is what was read before still the beginning of the file?  Else it was put back from a copy. */
static dske_rc position_holds(const struct store *s, const struct image *i, bool *holds)
{
	const struct position *p = &s->position;
	uint8_t sum[LINK_SUM_LEN];

	*holds = p->known && s->dev == i->dev && s->ino == i->ino && p->end <= i->size && memcmp(p->generation, i->header + AT_GENERATION, GENERATION_LEN) == 0;
	if (!*holds || p->sequence == 0)
		return DSKE_OK;
	TRY(file_pread(i->file.n, sum, sizeof sum, p->end - sizeof sum));
	*holds = memcmp(sum, p->link, sizeof sum) == 0;
	return DSKE_OK;
}

static void begin_anew(struct store *s, const struct image *i)
{
	position_begin(&s->position, i->header);
	index_lift(&s->index);
	if (i->writing)
		leftover_sweep(s);
}

/* ---- one record ------------------------------------------------------------------------------------------- */

/* What its former record held is to be overwritten, if that was not done (it opened). */
static dske_rc dead_note(struct reading *l, const struct place *former)
{
	struct image *i = l->i;

	if (!l->anew || !i->writing || former == NULL || former->at == 0 || former->bad || former->len == 0)
		return DSKE_OK;
	if (i->dead_count == i->dead_cap) {
		size_t cap = i->dead_cap > 0 ? 2 * i->dead_cap : 16;
		struct extent *grown = reallocarray(i->dead, cap, sizeof *grown);
		if (grown == NULL)
			return FAIL(NOMEM, "no memory for the token's objects");
		i->dead = grown;
		i->dead_cap = cap;
	}
	i->dead[i->dead_count++] = (struct extent){former->at + HEAD_LEN, former->len};
	return DSKE_OK;
}

/* Now that it is open, as if all had been told to nobody. */
static dske_rc record_visit(struct reading *l, const struct id *name, const struct secret *plain)
{
	struct index *x = &l->s->index;

	if (!l->visiting)
		return DSKE_OK;
	if (!id_equal(name, &table_key_name))
		TRY(l->i->visit(l->i->visit_context, name, plain));
	index_told(x, index_find(x, name));
	return DSKE_OK;
}

/* `before`: the position that the record is at.  plain: NULL if it does not open. */
static dske_rc record_take(struct reading *l, const struct record *r, const struct position *before, const struct secret *plain)
{
	struct index *x = &l->s->index;
	struct place now = {.name = r->name, .at = before->end, .sequence = r->sequence, .version = r->version, .len = r->len,
			    .bad = plain == NULL};

	TRY(dead_note(l, index_find(x, &r->name)));
	l->found = true;
	memcpy(now.link, before->link, sizeof now.link);
	if (r->kind == KIND_OBJECT) {
		TRY(index_put(x, &now));
		return plain != NULL ? record_visit(l, &r->name, plain) : DSKE_OK;
	}
	index_remove(x, &r->name, r->version);
	return DSKE_OK;
}

/* What comes after the mark and is not whole was never reported. */
static dske_rc tail_ends(struct reading *l, const uint8_t *head, size_t len, bool *more)
{
	for (size_t k = 0; k < len; k++)
		l->i->torn = l->i->torn || head[k] != 0;
	*more = false;
	return DSKE_OK;
}

static uint64_t ahead(const struct reading *l)
{
	uint64_t at = l->s->position.end, done = l->i->marked > at ? l->i->marked - at : HEAD_LEN;

	return done < AHEAD_MAX ? done : AHEAD_MAX;
}

static dske_rc head_at_end(struct reading *l, struct record *r, bool *more)
{
	const struct position *p = &l->s->position;
	uint64_t left = l->i->size - p->end;
	const uint8_t *bytes;

	if (left < HEAD_LEN + END_LEN)
		return tail_ends(l, NULL, 0, more);
	TRY(view_get(&l->view, p->end, HEAD_LEN, ahead(l), &bytes));
	bool whole = store_head_read(bytes, p->sequence + 1, r) && record_size(r->len) <= left;
	if (p->end >= l->i->marked)
		return whole ? DSKE_OK : tail_ends(l, bytes, HEAD_LEN, more);
	if (!whole || record_size(r->len) > l->i->marked - p->end)
		return damaged(l->s, p->sequence + 1, &r->name, "has a head that was changed");
	return DSKE_OK;
}

static dske_rc record_next(struct reading *l, bool *more)
{
	struct secret plain; /* borrowed */
	struct position *p = &l->s->position, before = *p;
	const uint8_t *bytes;
	struct record r;
	bool linked;

	*more = true;
	TRY(head_at_end(l, &r, more));
	if (!*more)
		return DSKE_OK;
	TRY(view_get(&l->view, p->end, record_size(r.len), ahead(l), &bytes));
	dske_rc rc = record_open(&l->view, bytes, p->link, &l->i->key, &plain);
	if (!rc_ok(rc) && !rc_is(rc, DSKE_RC_TAG))
		return rc;
	if (!rc_ok(rc) && p->end >= l->i->marked)
		return tail_ends(l, bytes, HEAD_LEN, more);
	TRY(position_advance(p, bytes, &linked));
	if (!linked && before.end >= l->i->marked)
		return tail_ends(l, bytes, HEAD_LEN, more);
	if (!linked || (!rc_ok(rc) && r.kind == KIND_REMOVED))
		return damaged(l->s, r.sequence, &r.name, "has an end that was changed");
	return record_take(l, &r, &before, rc_ok(rc) ? &plain : NULL);
}

/* ---- all of them ------------------------------------------------------------------------------------------ */

static dske_rc read_on(struct reading *l, enum load what)
{
	struct store *s = l->s;
	bool more = true;

	while (more)
		TRY(record_next(l, &more));
	if (s->index.bad > 0 && what != LOAD_WHAT_OPENS) {
		const struct place *p = index_first_bad(&s->index);
		return damaged(s, p->sequence, &p->name, "was changed");
	}
	/* A mark is written when the record that it tells of is on the disk. */
	if (l->i->mark_bad && s->position.end <= l->i->marked)
		return FAIL(CORRUPT, "%s is damaged: a mark behind its header was changed, or the last record taken out", s->file.s);
	/* Its writer may have died before it was synced: what is shown has to last. */
	if (l->found && s->position.end > l->i->marked)
		TRY(file_sync(l->i->file.n));
	if (l->anew)
		index_settle(&s->index);
	return DSKE_OK;
}

dske_rc image_load(struct store *s, struct image *i, const struct secret *master, enum load what)
{
	struct reading l = {.s = s, .i = i, .view = {.fd = i->file.n}};
	bool holds;

	TRY(image_check_master(i, master));
	TRY(header_check_mac(s, i->header, master)); /* each time: what is in the file now may go into the next one */
	TRY(records_key(i->header, master, &i->key));
	TRY(marks_read(s, i, master));
	TRY(position_holds(s, i, &holds));
	l.anew = !holds || what == LOAD_WHAT_OPENS || (what == LOAD_ALL && !store_is_sound(s, &i->stamp));
	l.visiting = l.anew && what == LOAD_ALL && i->visit != NULL;
	s->position.known = false; /* until all of it was read */
	if (l.anew)
		begin_anew(s, i);
	dske_rc rc = read_on(&l, what);
	view_drop(&l.view);
	TRY(rc);
	s->position.known = true;
	if (l.anew && what != LOAD_WHAT_OPENS)
		store_sound_at(s, &i->stamp);
	i->visited = l.visiting;
	store_watch(s, i);
	return DSKE_OK;
}

dske_rc place_open(const struct store *s, struct view *w, const struct image *i, const struct place *p, struct secret *plain)
{
	uint64_t left = s->position.end - p->at;
	const uint8_t *bytes;

	TRY(view_get(w, p->at, record_size(p->len), left < AHEAD_MAX ? left : AHEAD_MAX, &bytes));
	bool same = store_get_u32(bytes) == p->len;
	dske_rc rc = same ? record_open(w, bytes, p->link, &i->key, plain) : rc_make(DSKE_RC_TAG);
	return rc_is(rc, DSKE_RC_TAG) ? damaged(s, p->sequence, &p->name, "was changed") : rc;
}

/* ---- has it changed? -------------------------------------------------------------------------------------- */

/* A host may have closed the descriptor with all others that it does not know, and opened something there. */
static bool watched_is_ours(const struct store *s)
{
	struct stat st;

	return s->watched.n >= 0 && fstat(s->watched.n, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino;
}

void store_unwatch(struct store *s)
{
	if (watched_is_ours(s))
		fd_drop(&s->watched);
	s->watched.n = -1;
}

void store_watch(struct store *s, const struct image *i)
{
	memcpy(s->marks, i->state + AT_MARKS, sizeof s->marks);
	if (s->dev == i->dev && s->ino == i->ino && watched_is_ours(s))
		return;
	store_unwatch(s);
	s->watched.n = fcntl(i->file.n, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	s->dev = i->dev;
	s->ino = i->ino;
}

bool store_changed(struct store *s)
{
	HOLD(s);
	struct stat named;
	uint8_t marks[sizeof s->marks];

	bool there = stat(s->file.s, &named) == 0;
	if (!s->position.known || s->index.first != NULL || !there)
		return there || s->watched.n >= 0;
	if (named.st_dev != s->dev || named.st_ino != s->ino || !watched_is_ours(s))
		return true;
	return pread(s->watched.n, marks, sizeof marks, STORE_HEADER_LEN + AT_MARKS) != (ssize_t)sizeof marks ||
	       memcmp(marks, s->marks, sizeof marks) != 0;
}
