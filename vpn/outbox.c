/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/outbox.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>

void outbox_init(struct outbox *o, int fd)
{
	int value = 0;
	socklen_t len = sizeof value;
	o->fd = fd;
	o->joins = getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &value, &len) == 0;
	o->len = o->step = o->count = 0;
	o->is_full = false;
}

static bool fits(const struct outbox *o, size_t len)
{
	return !o->is_full && o->count < OUTBOX_MOST && len <= o->step && o->len + len <= sizeof o->bytes;
}

uint8_t *outbox_place(struct outbox *o, const struct place *to, size_t len)
{
	if (o->count > 0 && !fits(o, len))
		outbox_flush(o, to);
	if (o->count == 0)
		o->step = len;
	uint8_t *at = o->bytes + o->len;
	o->is_full = len < o->step;
	o->len += len;
	o->count++;
	return at;
}

void outbox_take_back(struct outbox *o, size_t len)
{
	o->len -= len;
	o->count--;
	o->is_full = false;
}

static ssize_t send_once(const struct outbox *o, const struct place *to, uint8_t *bytes, size_t len, bool joined)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(uint16_t))];
	} control;
	struct iovec part = {bytes, len};
	struct msghdr m = {.msg_name = (void *)(uintptr_t)&to->address, .msg_namelen = to->len, .msg_iov = &part, .msg_iovlen = 1};
	if (joined) {
		uint16_t step = (uint16_t)o->step;
		m.msg_control = control.room;
		m.msg_controllen = sizeof control.room;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = IPPROTO_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof step);
		memcpy(CMSG_DATA(c), &step, sizeof step);
	}
	ssize_t sent;
	do
		sent = sendmsg(o->fd, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}

/* A kernel or a device that does not cut: one by one, from now on. */
static bool is_no_cut(void)
{
	return errno == EIO || errno == EINVAL || errno == EOPNOTSUPP;
}

void outbox_flush(struct outbox *o, const struct place *to)
{
	bool joined = o->joins && o->count > 1, ok = false;
	if (o->count > 0 && to->len > 0 && joined) {
		ok = send_once(o, to, o->bytes, o->len, true) >= 0;
		o->joins = ok || !is_no_cut();
		joined = ok || o->joins;
		o->lost += ok || !joined ? 0 : o->count;
		o->sent += ok ? o->count : 0;
	}
	for (size_t at = 0; !joined && to->len > 0 && at < o->len; at += o->step) {
		size_t len = o->len - at < o->step ? o->len - at : o->step;
		ok = send_once(o, to, o->bytes + at, len, false) >= 0;
		*(ok ? &o->sent : &o->lost) += 1;
	}
	o->len = o->count = 0;
	o->is_full = false;
}
