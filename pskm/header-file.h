/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/header-file.h - the file `header` of a table's folder (pskm/format.h). */
#ifndef DSKE_PSKM_HEADER_FILE_H
#define DSKE_PSKM_HEADER_FILE_H

#include "base/rc.h"
#include "pskm/header.h"

/* Durable.  Errors: as file_replace. */
dske_rc header_file_write(const char *path, const struct pskm_header *h);

/* Errors: as file_open; CORRUPT. */
dske_rc header_file_read(struct pskm_header *h, const char *path);

#endif
