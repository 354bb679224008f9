/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/heirloom.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 1024u /* descriptors in a page; a higher one than all pages hold is the child's to leave open */
#define PAGES 256u

/* Inode by number of descriptor, 0: none.  Pages are made at need and stay. */
static _Atomic(_Atomic uint64_t *) pages[PAGES];

static _Atomic uint64_t *make_page(_Atomic(_Atomic uint64_t *) *at)
{
	_Atomic uint64_t *none = NULL, *made = calloc(PAGE, sizeof *made);

	if (made == NULL || atomic_compare_exchange_strong(at, &none, made))
		return made;
	free(made);
	return none; /* another thread's */
}

void heirloom_note(int fd)
{
	size_t n = (size_t)fd;
	struct stat st;

	if (fd < 0 || n / PAGE >= PAGES || fstat(fd, &st) != 0)
		return;
	_Atomic uint64_t *page = atomic_load(&pages[n / PAGE]);
	if (page == NULL)
		page = make_page(&pages[n / PAGE]);
	if (page != NULL)
		atomic_store(&page[n % PAGE], st.st_ino);
}

static void close_one(int fd, uint64_t inode)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_ino == inode)
		close(fd);
}

void heirloom_close(void)
{
	for (size_t i = 0; i < PAGES; i++) {
		_Atomic uint64_t *page = atomic_load(&pages[i]);
		for (size_t j = 0; page != NULL && j < PAGE; j++) {
			uint64_t inode = atomic_exchange(&page[j], 0);
			if (inode != 0)
				close_one((int)(i * PAGE + j), inode);
		}
	}
}
