/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/inbox.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>

dske_rc inbox_init(struct inbox *b, int fd)
{
	int yes = 1;
	*b = (struct inbox){.fd = fd};
	TRY(secret_alloc(&b->bytes, INBOX_BATCH * (size_t)INBOX_BYTES));
	(void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &yes, sizeof yes); /* without it datagrams come one by one */
	return DSKE_OK;
}

void inbox_drop(struct inbox *b)
{
	secret_drop(&b->bytes);
	*b = (struct inbox){.fd = -1};
}

static uint8_t *bytes_of(const struct inbox *b, size_t message)
{
	return b->bytes.data + message * INBOX_BYTES;
}

static void make_ready(struct inbox *b, size_t i)
{
	b->parts[i] = (struct iovec){bytes_of(b, i), INBOX_BYTES};
	b->from[i] = (struct place){.len = 0};
	b->messages[i].msg_hdr = (struct msghdr){.msg_name = &b->from[i].address, .msg_namelen = sizeof b->from[i].address,
						 .msg_iov = &b->parts[i], .msg_iovlen = 1, .msg_control = b->control[i],
						 .msg_controllen = sizeof b->control[i]};
}

/* How the kernel joined it; all of it, when it is one. */
static size_t step_of(struct mmsghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m->msg_hdr); c != NULL; c = CMSG_NXTHDR(&m->msg_hdr, c)) {
		int step;
		if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO)
			continue;
		memcpy(&step, CMSG_DATA(c), sizeof step);
		return step > 0 ? (size_t)step : m->msg_len;
	}
	return m->msg_len;
}

dske_rc inbox_read(struct inbox *b, bool *any)
{
	for (size_t i = 0; i < INBOX_BATCH; i++)
		make_ready(b, i);
	int got = recvmmsg(b->fd, b->messages, INBOX_BATCH, MSG_DONTWAIT, NULL);
	b->count = got > 0 ? (size_t)got : 0;
	b->message = b->at = 0;
	*any = got > 0;
	bool is_lasting = got < 0 && (errno == EBADF || errno == ENOTSOCK || errno == EFAULT || errno == EINVAL);
	if (is_lasting)
		return FAIL(IO, "cannot receive: %s", strerror(errno));
	return DSKE_OK; /* what an ICMP message brought counts as nothing */
}

uint8_t *inbox_next(struct inbox *b, size_t *len, const struct place **from)
{
	while (b->message < b->count && b->at >= b->messages[b->message].msg_len) {
		b->message++;
		b->at = 0;
	}
	if (b->message == b->count)
		return NULL;
	struct mmsghdr *m = &b->messages[b->message];
	if (b->at == 0) {
		b->step = step_of(m);
		b->from[b->message].len = m->msg_hdr.msg_namelen;
	}
	uint8_t *datagram = bytes_of(b, b->message) + b->at;
	size_t left = m->msg_len - b->at;
	*len = left < b->step ? left : b->step;
	*from = &b->from[b->message];
	b->at += *len;
	return datagram;
}
