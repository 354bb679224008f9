/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/wg-events.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/net.h"

dske_rc wg_events_open(struct wg_events *e)
{
	*e = (struct wg_events){.links = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK), .end.n = eventfd(0, EFD_CLOEXEC)};
	if (e->links == NULL || mnl_socket_bind(e->links, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
		return FAIL(IO, "no netlink socket: %s", strerror(errno));
	return e->end.n >= 0 ? DSKE_OK : FAIL(IO, "no eventfd: %s", strerror(errno));
}

void wg_events_drop(struct wg_events *e)
{
	if (e->links != NULL)
		mnl_socket_close(e->links);
	e->links = NULL;
	fd_drop(&e->end);
}

void wg_events_end(const struct wg_events *e)
{
	uint64_t one = 1;
	(void)!write(e->end.n, &one, sizeof one);
}

struct looking {
	const char *interface;
	bool found;
};

static int take(const struct nlmsghdr *h, void *context)
{
	struct looking *l = context;
	const char *end = mnl_nlmsg_get_payload_tail(h);
	const struct nlattr *a = mnl_nlmsg_get_payload_offset(h, sizeof(struct ifinfomsg));
	for (; mnl_attr_ok(a, (int)(end - (const char *)a)); a = mnl_attr_next(a)) {
		if (mnl_attr_get_type(a) == IFLA_IFNAME && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			l->found = l->found || strcmp(mnl_attr_get_str(a), l->interface) == 0;
	}
	return MNL_CB_OK;
}

/* Takes all that was told.  What was too much to be told may have been of any. */
static bool is_told_of(const struct wg_events *e, const char *interface)
{
	struct looking l = {.interface = interface};
	char bytes[8192];
	ssize_t got;
	while ((got = mnl_socket_recvfrom(e->links, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR)) {
		if (got > 0)
			(void)mnl_cb_run(bytes, (size_t)got, 0, 0, take, &l);
	}
	return l.found || (got < 0 && errno != EAGAIN);
}

bool wg_events_wait(const struct wg_events *e, const char *interface, int ms)
{
	int64_t until = clock_ms() + ms, left;
	while ((left = until - clock_ms()) > 0) {
		struct pollfd p[] = {{mnl_socket_get_fd(e->links), POLLIN, 0}, {e->end.n, POLLIN, 0}};
		poll(p, 2, (int)left);
		if (p[1].revents != 0)
			return false;
		if (p[0].revents != 0 && is_told_of(e, interface))
			return true;
	}
	struct pollfd over = {e->end.n, POLLIN, 0};
	return poll(&over, 1, 0) <= 0;
}
