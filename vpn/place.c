/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/place.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/net.h"

#define BUFFER_BYTES (8 << 20)

bool place_is(const struct place *a, const struct place *b)
{
	return a->len == b->len && memcmp(&a->address, &b->address, a->len) == 0;
}

dske_rc place_parse_as(struct place *p, const char *text, int family)
{
	struct net_address a;
	struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
	hints.ai_flags |= family == AF_INET6 ? AI_V4MAPPED : 0;
	char any[32];
	if (text[0] == ':' && (size_t)snprintf(any, sizeof any, "[::]%s", text) < sizeof any)
		text = any;
	TRY(net_address_parse(&a, text));
	int e = getaddrinfo(a.host, a.port, &hints, &found);
	if (e != 0)
		return FAIL(UNREACHABLE, "%s: %s", text, gai_strerror(e));
	*p = (struct place){.len = found->ai_addrlen};
	memcpy(&p->address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return DSKE_OK;
}

dske_rc place_parse(struct place *p, const char *text)
{
	return place_parse_as(p, text, AF_UNSPEC);
}

const char *place_text(const struct place *p, char out[PLACE_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN + 8], port[8];
	if (p->len == 0 || getnameinfo((const struct sockaddr *)&p->address, p->len, host, sizeof host, port, sizeof port,
				       NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return strcpy(out, "unknown");
	snprintf(out, PLACE_TEXT_MAX, strchr(host, ':') != NULL ? "[%.50s]:%s" : "%.50s:%s", host, port);
	return out;
}

/* Beyond the system's limit where that is allowed. */
static void set_buffer(int fd, int force, int plain)
{
	int bytes = BUFFER_BYTES;
	if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof bytes) != 0)
		(void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
}

/* Anybody can send an ICMP message that says "too large", after which the kernel would refuse datagrams for minutes.  What is
 * longer than a link takes goes in fragments. */
static void set_path_mtu(int fd, int family)
{
	int four = IP_PMTUDISC_OMIT, six = IPV6_PMTUDISC_OMIT;
	(void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &four, sizeof four);
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &six, sizeof six);
}

dske_rc place_listen(struct fd *f, const struct place *p)
{
	char text[PLACE_TEXT_MAX];
	int no = 0;
	fd_drop(f);
	f->n = socket(p->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (f->n < 0)
		return FAIL(IO, "no UDP socket: %s", strerror(errno));
	if (p->address.ss_family == AF_INET6)
		(void)setsockopt(f->n, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	set_path_mtu(f->n, p->address.ss_family);
	set_buffer(f->n, SO_RCVBUFFORCE, SO_RCVBUF);
	set_buffer(f->n, SO_SNDBUFFORCE, SO_SNDBUF);
	if (bind(f->n, (const struct sockaddr *)&p->address, p->len) == 0)
		return DSKE_OK;
	int e = errno;
	fd_drop(f);
	if (e == EADDRINUSE)
		return FAIL(BUSY, "%s is in use: give another listen address", place_text(p, text));
	return e == EACCES ? FAIL(DENIED, "%s: %s", place_text(p, text), strerror(e)) : FAIL(IO, "%s: %s", place_text(p, text), strerror(e));
}
