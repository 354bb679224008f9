/* SPDX-License-Identifier: Apache-2.0 */
/* hub/hub.c - opening and closing a hub; its configuration read again. */
#include "hub/hub.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/net.h"
#include "base/program.h"
#include "hub/conn.h"
#include "hub/control.h"
#include "hub/retire.h"

#define BACKLOG 512
#define SPARE_DESCRIPTORS 64

/* A connection needs one descriptor and a table three; the kernel's default of 1024 is soon too few. */
static void raise_limit(const struct hub *h)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
	if (l.rlim_cur < h->conf.connections + 3 * vault_count(h->vault) + SPARE_DESCRIPTORS)
		log_warn("only %llu files may be open at once: too few for %u connections and %zu tables",
			 (unsigned long long)l.rlim_cur, h->conf.connections, vault_count(h->vault));
}

static dske_rc lock_state(struct hub *h)
{
	struct path p;

	TRY(file_make_dirs(h->conf.state.s, 0700));
	TRY(path_format(&p, "%s/lock", h->conf.state.s));
	TRY(file_open(&h->lock, p.s, O_RDWR | O_CREAT, 0600));

	dske_rc rc = file_lock(h->lock.n, FILE_LOCK_EXCLUSIVE, false);

	if (rc_is(rc, DSKE_RC_BUSY))
		return FAIL(BUSY, "another dske-hubd is running on %s; stop it first", h->conf.state.s);
	return rc;
}

static dske_rc watch(struct hub *h, struct fd *fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = fd};

	if (epoll_ctl(h->epoll.n, EPOLL_CTL_ADD, fd->n, &ev) != 0)
		return FAIL(IO, "cannot watch a descriptor: %m");
	return DSKE_OK;
}

static dske_rc open_signals(struct hub *h)
{
	TRY(program_signals(&h->signals, true));
	return watch(h, &h->signals);
}

static dske_rc open_port(struct hub *h)
{
	uint16_t port = 0;

	TRY(net_listen(&h->listener, &h->conf.address, BACKLOG));
	TRY(net_local_port(h->listener.n, &port));
	TRY(watch(h, &h->listener));
	log_info("hub %s listens on %s port %u: %zu clients, %zu tables", h->conf.name, h->conf.address.host, port,
		 directory_count(vault_directory(h->vault)), vault_count(h->vault));
	return DSKE_OK;
}

static dske_rc open_parts(struct hub *h)
{
	AUTO(secret) table_key = {0};
	struct path tables;
	size_t waiting = 0;

	TRY(lock_state(h));
	TRY(hub_conf_tables(&h->conf, &tables));
	TRY(hub_conf_table_key(&h->conf, &table_key));
	TRY(vault_new(&h->vault, tables.s, &h->conf.id, &table_key));
	TRY(mailbox_open(&h->mailbox, h->conf.state.s, h->now_ms));
	TRY(retire_purge_all(h));
	TRY(mailbox_count(h->mailbox, &waiting));
	if (waiting > 0)
		log_info("%zu shares wait in the mailbox", waiting);
	raise_limit(h);
	h->epoll.n = epoll_create1(EPOLL_CLOEXEC);
	if (h->epoll.n < 0)
		return FAIL(IO, "cannot make an epoll: %m");
	TRY(open_signals(h));
	TRY(control_open(&h->control, h));
	return open_port(h);
}

dske_rc hub_open(struct hub **out, struct hub_conf *conf)
{
	struct hub *h = calloc(1, sizeof *h);

	*out = NULL;
	if (!h) {
		hub_conf_drop(conf);
		return rc_make(DSKE_RC_NOMEM);
	}
	h->conf = *conf;
	*conf = (struct hub_conf){0};
	h->read_space = malloc(HUB_READ_LEN);
	h->lock.n = h->epoll.n = h->listener.n = h->signals.n = -1;
	h->now_ms = clock_ms();
	h->wake_ms = INT64_MAX;

	dske_rc rc = h->read_space ? open_parts(h) : rc_make(DSKE_RC_NOMEM);

	if (rc_ok(rc))
		*out = h;
	else
		hub_close(h);
	return rc;
}

/* What may change while it runs is taken over; what may not is compared. */
static void take_over(struct hub *h, struct hub_conf *fresh)
{
	struct hub_conf old = h->conf;

	if (!id_equal(&old.id, &fresh->id) || strcmp(old.name, fresh->name) != 0)
		log_warn("the hub's name or id has changed: that needs a restart, and new PSKMs");
	if (strcmp(old.listen, fresh->listen) != 0 || strcmp(old.state.s, fresh->state.s) != 0)
		log_warn("listen or state has changed: that needs a restart");
	fresh->id = old.id;

	h->conf = *fresh;
	*fresh = (struct hub_conf){0};
	hub_conf_drop(&old);
}

void hub_reload(struct hub *h)
{
	struct path file = h->conf.file;
	struct hub_conf fresh;
	dske_rc rc = hub_conf_read(&fresh, file.s);

	if (rc_ok(rc))
		rc = log_open(fresh.log, fresh.log_level, "dske-hubd");
	if (!rc_ok(rc)) {
		log_error("the configuration stays as it was: %s", rc_detail(rc));
		hub_conf_drop(&fresh);
		return;
	}
	take_over(h, &fresh);
	log_info("read %s again: %zu groups", h->conf.file.s, h->conf.group_count);
}

void hub_close(struct hub *h)
{
	if (!h)
		return;
	while (h->first)
		conn_free(h->first);
	if (h->mailbox)
		(void)mailbox_commit(h->mailbox); /* what ended with the connections */
	control_close(h->control);
	mailbox_close(h->mailbox);
	vault_free(h->vault);
	fd_drop(&h->listener);
	fd_drop(&h->signals);
	fd_drop(&h->epoll);
	fd_drop(&h->lock);
	hub_conf_drop(&h->conf);
	free(h->read_space);
	free(h);
}
