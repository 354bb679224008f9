/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/folder.c - making a table's folder in one step, as others see it. */
#include "config.h"

#include "pskm/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pskm/format.h"
#include "pskm/header-file.h"
#include "pskm/list.h"

static const char *const file_names[] = {TABLE_FILE_HEADER, TABLE_FILE_KEYS, TABLE_FILE_TABLE, TABLE_FILE_LEDGER,
						TABLE_FILE_MAKING};

static void erase_file(const char *dir, const char *name)
{
	AUTO(fd) f = FD_NONE;
	struct path p;
	struct stat st;

	/* Most often it comes here after a failure, whose sentence must stay the last one. */
	if (!rc_ok(path_format(&p, "%s/%s", dir, name)) || lstat(p.s, &st) != 0 ||
	    !rc_ok(file_open_ordinary(&f, p.s, O_WRONLY | O_NOFOLLOW, 0)) || fstat(f.n, &st) != 0)
		return;
	(void)file_erase_data(f.n, 0, (uint64_t)st.st_size);
	(void)file_sync(f.n);
}

/* What cannot be erased is removed all the same. */
static void remove_files(const char *dir)
{
	struct path p;

	/* The next import of the same PSKM uses the same bytes, so an unfinished one's must not stay in free blocks. */
	erase_file(dir, TABLE_FILE_MAKING);
	erase_file(dir, TABLE_FILE_KEYS);
	erase_file(dir, TABLE_FILE_TABLE);
	for (size_t i = 0; i < sizeof file_names / sizeof file_names[0]; i++)
		if (rc_ok(path_format(&p, "%s/%s", dir, file_names[i])))
			(void)unlink(p.s);
}

static dske_rc refuse_existing(const struct folder *f)
{
	struct stat st;

	if (lstat(f->final.s, &st) == 0)
		return FAIL(EXISTS, "this PSKM is there already: %s", f->final.s);
	return DSKE_OK;
}

/* Locks the folder and makes sure that it still bears the name: its last maker may just have finished. */
static dske_rc lock_folder(struct folder *f)
{
	struct stat by_name, by_fd;

	TRY(file_open(&f->lock, f->temporary.s, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
	if (flock(f->lock.n, LOCK_EX | LOCK_NB) != 0)
		return FAIL(BUSY, "another process is just making %s", f->final.s);
	if (lstat(f->temporary.s, &by_name) != 0 || fstat(f->lock.n, &by_fd) != 0 || by_name.st_ino != by_fd.st_ino)
		return FAIL(BUSY, "another process has just made %s", f->final.s);
	return DSKE_OK;
}

static dske_rc name_paths(struct folder *f, const char *tables_dir, const struct id *table)
{
	char hex[ID_HEX_LEN];

	*f = (struct folder){.lock = FD_NONE};
	TRY(table_folder(&f->final, tables_dir, table));
	return path_format(&f->temporary, "%s/" TABLE_NEW_PREFIX "%s", tables_dir, id_hex(table, hex));
}

dske_rc folder_resume(struct folder *f, const char *tables_dir, const struct id *table)
{
	TRY(name_paths(f, tables_dir, table));
	TRY(lock_folder(f));
	TRY(refuse_existing(f));
	f->open = true;
	return DSKE_OK;
}

void folder_keep(struct folder *f)
{
	f->open = false;
}

dske_rc folder_check_free(const char *tables_dir, const struct id *table)
{
	struct folder f;

	TRY(name_paths(&f, tables_dir, table));
	return refuse_existing(&f);
}

dske_rc folder_begin(struct folder *f, const char *tables_dir, const struct id *table)
{
	TRY(name_paths(f, tables_dir, table));
	TRY(file_make_dirs(tables_dir, 0700));
	TRY(refuse_existing(f));
	if (mkdir(f->temporary.s, 0700) != 0 && errno != EEXIST)
		return FAIL(IO, "cannot create folder %s: %m", f->temporary.s);
	TRY(lock_folder(f));
	TRY(refuse_existing(f));
	f->open = true;
	remove_files(f->temporary.s);
	return DSKE_OK;
}

dske_rc folder_create_cover(const struct folder *f, struct cover *c, const struct pskm_header *h,
			    const struct secret *table_key)
{
	cover_init(c, &h->table, h->layout.len);
	return cover_create(c, f->temporary.s, table_key);
}

dske_rc folder_finish(struct folder *f, const struct pskm_header *h, enum side side)
{
	struct ledger ledger;
	struct path p;

	ledger_init(&ledger, h, side);
	TRY(path_format(&p, "%s/" TABLE_FILE_LEDGER, f->temporary.s));
	TRY(ledger_create(p.s, &ledger));
	TRY(path_format(&p, "%s/" TABLE_FILE_HEADER, f->temporary.s));
	TRY(header_file_write(p.s, h)); /* syncs the folder, too */
	TRY(refuse_existing(f));
	if (rename(f->temporary.s, f->final.s) != 0)
		return FAIL(IO, "cannot give %s its name: %m", f->final.s);
	f->open = false;
	return file_sync_dir_of(f->final.s);
}

void folder_drop(struct folder *f)
{
	if (f->open) {
		remove_files(f->temporary.s);
		(void)rmdir(f->temporary.s);
	}
	f->open = false;
	fd_drop(&f->lock);
}
