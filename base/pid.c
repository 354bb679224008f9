/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/pid.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

struct page {
	_Atomic pid_t pid; /* 0: not asked for yet in this process */
};

static _Atomic(struct page *) page;

/* NULL where a fork would not empty it.  Of several threads one makes it. */
static struct page *page_make(void)
{
	size_t len = (size_t)sysconf(_SC_PAGESIZE);
	struct page *made = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *was = NULL;

	if (made == MAP_FAILED)
		return NULL;
	if (madvise(made, len, MADV_WIPEONFORK) == 0 && atomic_compare_exchange_strong(&page, &was, made))
		return made;
	munmap(made, len);
	return was;
}

pid_t process_id(void)
{
	struct page *p = atomic_load_explicit(&page, memory_order_acquire);
	pid_t pid;

	if (p == NULL)
		p = page_make();
	if (p == NULL)
		return getpid();
	pid = atomic_load_explicit(&p->pid, memory_order_relaxed);
	if (pid == 0) {
		pid = getpid();
		atomic_store_explicit(&p->pid, pid, memory_order_relaxed);
	}
	return pid;
}
