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

/* What the descriptor of that number is open on, 0: nothing.  Pages are made at need and stay. */
static _Atomic(_Atomic uint64_t *) pages[PAGES];

/* 0: nothing. */
static uint64_t open_on(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return 0;
	uint64_t what = (uint64_t)st.st_dev * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)st.st_ino;
	return what != 0 ? what : 1;
}

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

	if (fd < 0 || n / PAGE >= PAGES)
		return;
	_Atomic uint64_t *page = atomic_load(&pages[n / PAGE]);
	if (page == NULL)
		page = make_page(&pages[n / PAGE]);
	if (page != NULL)
		atomic_store(&page[n % PAGE], open_on(fd));
}

void heirloom_close(void)
{
	for (size_t i = 0; i < PAGES; i++) {
		_Atomic uint64_t *page = atomic_load(&pages[i]);
		for (size_t j = 0; page != NULL && j < PAGE; j++) {
			uint64_t what = atomic_load(&page[j]);
			int fd = (int)(i * PAGE + j);
			if (what == 0)
				continue;
			atomic_store(&page[j], 0);
			if (what == open_on(fd))
				close(fd);
		}
	}
}
