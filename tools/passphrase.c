/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/passphrase.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pskm/passphrase.h"
#include "tools/secret-input.h"

dske_rc passphrase_input(struct secret *out, const char *file)
{
	struct path source;
	if (file == NULL || strcmp(file, "prompt") == 0)
		return secret_input(out, NULL, "passphrase");
	if (strncmp(file, "env:", 4) == 0 || strncmp(file, "file:", 5) == 0)
		return secret_input(out, file, "passphrase");
	TRY(path_format(&source, "file:%s", file));
	return secret_input(out, source.s, "passphrase");
}

dske_rc passphrase_check_free(const char *file)
{
	if (file != NULL && access(file, F_OK) == 0)
		return FAIL(EXISTS, "%s exists already", file);
	return DSKE_OK;
}

void pass_file_drop(struct pass_file *p)
{
	if (p->path != NULL)
		(void)unlink(p->path);
	fd_drop(&p->file);
	p->path = NULL;
}

dske_rc passphrase_place(struct pass_file *p, const char *file)
{
	static const char room[PASSPHRASE_TEXT_MAX + 1];
	if (file == NULL)
		return DSKE_OK;
	TRY(file_open(&p->file, file, O_WRONLY | O_CREAT | O_EXCL, 0600));
	p->path = file;
	TRY(file_pwrite(p->file.n, room, sizeof room, 0));
	TRY(file_sync(p->file.n));
	return file_sync_dir_of(file);
}

dske_rc passphrase_put(struct pass_file *p, const char *text)
{
	size_t len = strlen(text);
	if (p->path == NULL)
		return DSKE_OK;
	TRY(file_pwrite(p->file.n, text, len, 0));
	TRY(file_pwrite(p->file.n, "\n", 1, len));
	if (ftruncate(p->file.n, (off_t)len + 1) != 0)
		return FAIL(IO, "cannot cut %s: %m", p->path);
	TRY(file_sync(p->file.n));
	p->path = NULL;
	return DSKE_OK;
}

static bool has_line(const char *path, const char *text)
{
	AUTO(buf) b = {0};
	size_t len = strlen(text);
	bool same = rc_ok(file_read_all(&b, path, len + 1)) && b.len == len + 1 && memcmp(b.data, text, len) == 0;
	mem_wipe(b.data, b.len);
	return same;
}

dske_rc passphrase_keep(const char *file, const char *text)
{
	AUTO(pass_file) p = PASS_FILE_NONE;
	dske_rc rc = passphrase_place(&p, file);
	if (rc_is(rc, DSKE_RC_EXISTS) && has_line(file, text))
		return DSKE_OK;
	TRY(rc);
	return passphrase_put(&p, text);
}

void passphrase_tell(const char *file, const char *text)
{
	if (file == NULL)
		printf("passphrase (shown this once; tell it by another way than the file goes): %s\n", text);
	else
		printf("passphrase in %s (carry it by another way than the PSKM)\n", file);
}
