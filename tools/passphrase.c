/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/passphrase.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
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

dske_rc passphrase_keep(const char *file, const char *text)
{
	AUTO(fd) f = FD_NONE;
	size_t len = strlen(text);
	if (file == NULL)
		return DSKE_OK;
	TRY(file_open(&f, file, O_WRONLY | O_CREAT | O_EXCL, 0600));
	TRY(file_pwrite(f.n, text, len, 0));
	TRY(file_pwrite(f.n, "\n", 1, len));
	return file_sync(f.n);
}

void passphrase_tell(const char *file, const char *text)
{
	if (file == NULL)
		printf("passphrase (shown this once; tell it by another way than the file goes): %s\n", text);
	else
		printf("passphrase in %s (carry it by another way than the PSKM)\n", file);
}
