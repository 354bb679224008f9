/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrong-order: what makes dske-wrong and dske-hubd-wrong wrong.  They are the product's own objects, linked
 * with --wrap so that a commit of the ledger is put off until something has been sent: the one mistake that
 * must never be made, for test-calls to find.  No source of the product has a switch for it, and neither
 * program is installed.  Left alone they work, and their ledgers are right in the end.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "pskm/ledger.h"

dske_rc __real_ledger_commit(int fd, struct ledger *l);
dske_rc __wrap_ledger_commit(int fd, struct ledger *l);
dske_rc __real_ledger_read(int fd, struct ledger *l);
dske_rc __wrap_ledger_read(int fd, struct ledger *l);
void __real_table_close(struct table *t);
void __wrap_table_close(struct table *t);
ssize_t __real_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);

#define PENDING_MAX 16

static struct pending {
	int fd;
	struct ledger record;
} pending[PENDING_MAX];
static size_t count;

static void commit_pending(void)
{
	for (size_t i = 0; i < count; i++) {
		pending[i].record.seq--; /* which the commit raises */
		if (!rc_ok(__real_ledger_commit(pending[i].fd, &pending[i].record)))
			abort();
	}
	count = 0;
}

/* Does it say that more is used?  Other records are not what this is about. */
static bool uses_more(int fd, const struct ledger *l)
{
	struct ledger old;

	return rc_ok(__real_ledger_read(fd, &old)) && (l->lease_next > old.lease_next || l->up_high > old.up_high ||
						       l->down_high > old.down_high || l->state != old.state);
}

dske_rc __wrap_ledger_commit(int fd, struct ledger *l)
{
	for (size_t i = 0; i < count; i++)
		if (pending[i].fd == fd || count == PENDING_MAX)
			commit_pending();
	if (!uses_more(fd, l))
		return __real_ledger_commit(fd, l);
	l->seq++;
	pending[count++] = (struct pending){fd, *l};
	return DSKE_OK;
}

dske_rc __wrap_ledger_read(int fd, struct ledger *l)
{
	for (size_t i = 0; i < count; i++)
		if (pending[i].fd == fd) {
			*l = pending[i].record;
			return DSKE_OK;
		}
	return __real_ledger_read(fd, l);
}

void __wrap_table_close(struct table *t)
{
	commit_pending();
	__real_table_close(t);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
	ssize_t n = __real_send(fd, bytes, len, flags);

	if (n > 0)
		commit_pending();
	return n;
}
