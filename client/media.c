/* SPDX-License-Identifier: Apache-2.0 */
/* client/media.c - the tables that were accepted on media, and where they lie. */
#include <config.h>

#include "client/media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/listing.h"
#include "pskm/format.h"
#include "pskm/header-file.h"

#define FOLDER_FILES_MAX 16 /* in a table's folder; it has four */
#define OFFERS_MAX 256      /* of what somebody may have put on media */

/* ---- what was accepted ------------------------------------------------------------------------------ */

dske_rc accepted_folder(struct path *out, const struct config *c)
{
	return path_format(out, "%s/media", c->state.s);
}

static dske_rc entry_read(struct table_entry *e, const char *folder, const struct config *c)
{
	char hex[ID_HEX_LEN];
	struct path p;
	TRY(path_format(&p, "%s/%s", folder, id_hex(&e->table, hex)));
	TRY(header_file_read(&e->header, p.s));
	if (!id_equal(&e->header.table, &e->table))
		return FAIL(CORRUPT, "%s holds another table's header", p.s);
	if (!id_equal(&e->header.client, &c->id))
		return FAIL(DENIED, "%s is for %s, whose ID is another one than ours", p.s, e->header.client_name);
	return DSKE_OK;
}

static dske_rc append(struct table_entry **list, size_t *count, const struct id *id, const char *folder,
		      const struct config *c)
{
	struct table_entry *grown = reallocarray(*list, *count + 1, sizeof *grown);
	if (grown == NULL)
		return rc_make(DSKE_RC_NOMEM);
	*list = grown;
	struct table_entry *e = &grown[(*count)++];
	*e = (struct table_entry){.table = *id};
	e->rc = entry_read(e, folder, c);
	if (!rc_ok(e->rc))
		snprintf(e->why, sizeof e->why, "%s", rc_detail(e->rc));
	return DSKE_OK;
}

static int by_table(const void *a, const void *b)
{
	return id_compare(&((const struct table_entry *)a)->table, &((const struct table_entry *)b)->table);
}

dske_rc accepted_read(struct table_entry **out, size_t *count, const struct config *c)
{
	struct path folder;
	AUTO(listing) l = LISTING_NONE;
	const char *name;
	struct id id;
	*out = NULL;
	*count = 0;
	TRY(accepted_folder(&folder, c));
	dske_rc rc = listing_open(&l, folder.s);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	while (rc_ok(rc) && rc_ok(rc = listing_next(&name, &l)) && name != NULL) {
		if (table_name_read(&id, name))
			rc = append(out, count, &id, folder.s, c);
	}
	if (*count > 1)
		qsort(*out, *count, sizeof **out, by_table);
	return rc;
}

static bool same_header(const struct pskm_header *a, const struct pskm_header *b)
{
	uint8_t x[PSKM_HEADER_MAX], y[sizeof x];
	struct buf one, other;
	buf_fixed(&one, x, sizeof x);
	buf_fixed(&other, y, sizeof y);
	return rc_ok(pskm_header_write(&one, a)) && rc_ok(pskm_header_write(&other, b)) && one.len == other.len &&
	       memcmp(x, y, one.len) == 0;
}

static dske_rc mark_path(struct path *out, const struct config *c, const struct id *table)
{
	char hex[ID_HEX_LEN];
	return path_format(out, "%s/media/%s.mark", c->state.s, id_hex(table, hex));
}

static dske_rc mark_of(uint8_t mark[TABLE_MARK_LEN], const struct pskm_header *h, const char *folder)
{
	struct table *t = NULL;
	TRY(table_open(&t, folder, SIDE_CLIENT, NULL));
	dske_rc rc = same_header(table_header(t), h) ? table_mark(t, mark)
						     : FAIL(CORRUPT, "%s was just exchanged for another table", folder);
	table_close(t);
	return rc;
}

/* The header comes last: it is what accepts. */
dske_rc accepted_add(const struct config *c, const struct pskm_header *h, const char *folder)
{
	uint8_t mark[TABLE_MARK_LEN];
	char hex[ID_HEX_LEN];
	struct path p;
	if (!id_equal(&h->client, &c->id))
		return FAIL(DENIED, "this table was made for %s, whose ID is another one than ours", h->client_name);
	TRY(mark_of(mark, h, folder));
	TRY(accepted_folder(&p, c));
	TRY(file_make_dirs(p.s, 0700));
	TRY(file_sync_dir_of(p.s));
	TRY(mark_path(&p, c, &h->table));
	TRY(file_replace(p.s, mark, sizeof mark, 0600));
	TRY(path_format(&p, "%s/media/%s", c->state.s, id_hex(&h->table, hex)));
	return header_file_write(p.s, h);
}

dske_rc accepted_check(const struct config *c, const struct table *t)
{
	AUTO(buf) accepted = {0};
	uint8_t mark[TABLE_MARK_LEN];
	const struct pskm_header *h = table_header(t);
	struct path p;
	TRY(mark_path(&p, c, &h->table));
	TRY(file_read_ordinary(&accepted, p.s, sizeof mark));
	TRY(table_mark(t, mark));
	if (accepted.len == sizeof mark && mem_equal(accepted.data, mark, sizeof mark))
		return DSKE_OK;
	return FAIL(DENIED, "what lies on the medium is another table than the one that was accepted, with the same header: "
			    "somebody may try to pass for hub %s", h->hub_name);
}

dske_rc accepted_remove(const struct config *c, const struct id *table)
{
	char hex[ID_HEX_LEN];
	struct path p, mark;
	TRY(path_format(&p, "%s/media/%s", c->state.s, id_hex(table, hex)));
	TRY(mark_path(&mark, c, table));
	if (unlink(p.s) != 0 && errno == ENOENT)
		return FAIL(NOT_FOUND, "no table %s on a medium was accepted", hex);
	if (access(p.s, F_OK) == 0)
		return FAIL(DENIED, "cannot remove %s", p.s);
	(void)unlink(mark.s); /* it says nothing without the header */
	return file_sync_dir_of(p.s);
}

/* ---- where one lies --------------------------------------------------------------------------------- */

bool spot_equal(const struct spot *a, const struct spot *b)
{
	return a->mount == b->mount && a->device == b->device && a->inode == b->inode &&
	       strcmp(a->folder.s, b->folder.s) == 0;
}

static dske_rc stat_plainly(struct statx *st, const char *path)
{
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, st) == 0)
		return DSKE_OK;
	return rc_fail(errno == ENOENT || errno == ENOTDIR ? DSKE_RC_NOT_FOUND : DSKE_RC_IO, "%s: %m", path);
}

/* Else someone else could give us other files between two looks. */
static dske_rc check_ours(const struct statx *st, const char *path)
{
	if (!S_ISDIR(st->stx_mode))
		return FAIL(DENIED, "%s is no folder", path);
	if (st->stx_uid != geteuid() && st->stx_uid != 0)
		return FAIL(DENIED, "%s belongs to user %u: run this as that user, or mount the medium for this one", path, st->stx_uid);
	if ((st->stx_mode & 022) != 0)
		return FAIL(DENIED, "others may write to %s: close it (chmod go-w), or mount the medium with umask=077", path);
	return DSKE_OK;
}

dske_rc spot_stat(struct spot *s, const char *tables_dir, const struct id *table)
{
	struct statx st;
	*s = (struct spot){0};
	TRY(table_folder(&s->folder, tables_dir, table));
	TRY(stat_plainly(&st, s->folder.s));
	s->mount = st.stx_mnt_id;
	s->device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	s->inode = st.stx_ino;
	return DSKE_OK;
}

dske_rc place_check(const char *folder)
{
	struct statx st;
	TRY(stat_plainly(&st, folder));
	return check_ours(&st, folder);
}

dske_rc spot_look(struct spot *s, const char *tables_dir, const struct id *table)
{
	TRY(spot_stat(s, tables_dir, table));
	TRY(place_check(s->folder.s));
	return place_check(tables_dir);
}

/* A link would lead to a file that is another table's, or no table's at all. */
static dske_rc check_files(const char *folder)
{
	AUTO(listing) l = LISTING_NONE;
	const char *name;
	struct stat st;
	size_t files = 0;
	dske_rc rc = listing_open(&l, folder);
	while (rc_ok(rc) && rc_ok(rc = listing_next(&name, &l)) && name != NULL) {
		if (fstatat(dirfd(l.dir), name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
		    ++files > FOLDER_FILES_MAX)
			return FAIL(DENIED, "%s is no table's folder: there is more in it than a table's own files", folder);
	}
	return rc;
}

static dske_rc read_header(struct pskm_header *h, const struct spot *s)
{
	struct path p;
	TRY(check_files(s->folder.s));
	TRY(path_format(&p, "%s/" TABLE_FILE_HEADER, s->folder.s));
	return header_file_read(h, p.s);
}

dske_rc spot_check(const struct spot *s, const struct pskm_header *accepted)
{
	struct pskm_header h;
	TRY(read_header(&h, s));
	if (!same_header(&h, accepted))
		return FAIL(DENIED, "%s is another table than the one that was accepted under its name", s->folder.s);
	return DSKE_OK;
}

/* ---- what lies there besides ------------------------------------------------------------------------- */

static bool is_offer(struct offer *o, const char *tables_dir, const char *name, const struct config *c)
{
	char hex[ID_HEX_LEN];
	struct path p;
	struct id id;
	return table_name_read(&id, name) && rc_ok(spot_look(&o->spot, tables_dir, &id)) &&
	       rc_ok(read_header(&o->header, &o->spot)) && id_equal(&o->header.table, &id) &&
	       id_equal(&o->header.client, &c->id) && rc_ok(path_format(&p, "%s/media/%s", c->state.s, id_hex(&id, hex))) &&
	       access(p.s, F_OK) != 0;
}

static dske_rc find_in(struct offer **list, size_t *count, const char *tables_dir, const struct config *c)
{
	AUTO(listing) l = LISTING_NONE;
	const char *name;
	dske_rc rc = DSKE_OK;
	if (!rc_ok(listing_open(&l, tables_dir)))
		return DSKE_OK;
	while (rc_ok(rc) && *count < OFFERS_MAX && rc_ok(listing_next(&name, &l)) && name != NULL) {
		struct offer *grown = reallocarray(*list, *count + 1, sizeof *grown);
		if (grown == NULL) {
			rc = rc_make(DSKE_RC_NOMEM);
			continue;
		}
		*list = grown;
		*count += is_offer(&grown[*count], tables_dir, name, c);
	}
	return rc;
}

dske_rc offers_find(struct offer **out, size_t *count, const struct config *c)
{
	AUTO(places) places = {0};
	dske_rc rc = DSKE_OK;
	*out = NULL;
	*count = 0;
	TRY(places_find(&places, c));
	for (size_t i = 0; rc_ok(rc) && i < places.count; i++)
		rc = find_in(out, count, places.at[i].s, c);
	return rc;
}
