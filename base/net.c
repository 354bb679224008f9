/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/net.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/heirloom.h"

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool port_check(const char *port)
{
	size_t len = strspn(port, "0123456789");

	return len >= 1 && len <= 5 && port[len] == '\0' && strtoul(port, NULL, 10) <= UINT16_MAX;
}

/* A host has no white space and no control characters; an IPv6 address stands in brackets. */
static bool host_check(const char *host, size_t len, bool bracketed)
{
	if (len == 0 || len >= sizeof((struct net_address *)0)->host)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (host[i] <= ' ' || host[i] == 0x7F || strchr("[]", host[i]) != NULL)
			return false;
		if (!bracketed && host[i] == ':')
			return false;
	}
	return true;
}

dske_rc net_address_parse(struct net_address *a, const char *text)
{
	const char *colon = strrchr(text, ':');
	bool bracketed = text[0] == '[';
	const char *host = bracketed ? text + 1 : text;
	const char *end = colon;

	if (bracketed && colon != NULL)
		end = colon > host && colon[-1] == ']' ? colon - 1 : NULL;
	if (end == NULL || !port_check(colon + 1) || !host_check(host, (size_t)(end - host), bracketed))
		return FAIL(CONFIG, "'%.300s' is no address: write host:port, or [address]:port for IPv6", text);
	memcpy(a->host, host, (size_t)(end - host));
	a->host[end - host] = '\0';
	snprintf(a->port, sizeof a->port, "%lu", strtoul(colon + 1, NULL, 10));
	return DSKE_OK;
}

static dske_rc resolve(struct addrinfo **list, const struct net_address *a, int flags)
{
	const struct addrinfo hints = {
		.ai_flags = flags | AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	int e = getaddrinfo(a->host, a->port, &hints, list);

	if (e != 0)
		return FAIL(UNREACHABLE, "cannot resolve %s: %s", a->host, e == EAI_SYSTEM ? strerror(errno) : gai_strerror(e));
	return DSKE_OK;
}

static void set_option(int fd, int level, int option, int value)
{
	/* Each of these improves the connection; none is needed. */
	(void)setsockopt(fd, level, option, &value, sizeof value);
}

/* Begins to connect to one address.  Zero, or the reason (errno) when it failed at once. */
static int connect_one(struct fd *f, const struct addrinfo *ai)
{
	AUTO(fd) s = FD_NONE;

	s.n = fd_above_standard(socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	if (s.n < 0)
		return errno;
	heirloom_note(s.n);
	set_option(s.n, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(s.n, SOL_SOCKET, SO_KEEPALIVE, 1);
	/* An interrupted connect(2) goes on in the background, as one in progress does. */
	if (connect(s.n, ai->ai_addr, ai->ai_addrlen) != 0 && errno != EINPROGRESS && errno != EINTR)
		return errno;
	/* On this machine a refusal is known already.  Asking now lets "localhost" pass from ::1 to
	 * 127.0.0.1; a refusal is left pending only where there is no further address. */
	struct pollfd p = {.fd = s.n, .events = POLLOUT};
	if (ai->ai_next != NULL && poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP)) != 0) {
		int reason = 0;
		socklen_t len = sizeof reason;
		if (getsockopt(s.n, SOL_SOCKET, SO_ERROR, &reason, &len) == 0 && reason != 0)
			return reason;
	}
	fd_drop(f);
	f->n = s.n;
	s.n = -1;
	return 0;
}

dske_rc net_connect_start(struct fd *f, const struct net_address *a)
{
	struct addrinfo *list = NULL;
	int reason = 0;

	TRY(resolve(&list, a, 0));
	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		reason = connect_one(f, ai);
		if (reason == 0)
			break;
	}
	freeaddrinfo(list);
	if (reason != 0)
		return FAIL(UNREACHABLE, "cannot connect to %s port %s: %s", a->host, a->port, strerror(reason));
	return DSKE_OK;
}

dske_rc net_connect_result(int fd)
{
	int reason = 0;
	socklen_t len = sizeof reason;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &len) != 0)
		reason = errno;
	if (reason != 0)
		return FAIL(UNREACHABLE, "cannot connect: %s", strerror(reason));
	return DSKE_OK;
}

static dske_rc fail_listen(const struct net_address *a, int reason)
{
	switch (reason) {
	case EADDRINUSE:
		return FAIL(BUSY, "port %s of %s is in use: stop the program that has it, or choose another port",
			    a->port, a->host);
	case EACCES:
	case EPERM:
		return FAIL(DENIED, "not allowed to listen on %s port %s: choose a port above 1023, or grant CAP_NET_BIND_SERVICE",
			    a->host, a->port);
	default:
		return FAIL(UNREACHABLE, "cannot listen on %s port %s: %s", a->host, a->port, strerror(reason));
	}
}

/* Zero, or the reason (errno). */
static int listen_one(struct fd *f, const struct addrinfo *ai, int backlog)
{
	AUTO(fd) s = FD_NONE;

	s.n = fd_above_standard(socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	if (s.n < 0)
		return errno;
	heirloom_note(s.n);
	set_option(s.n, SOL_SOCKET, SO_REUSEADDR, 1);
	if (ai->ai_family == AF_INET6)
		set_option(s.n, IPPROTO_IPV6, IPV6_V6ONLY, 0); /* [::] means every address, also IPv4 */
	if (bind(s.n, ai->ai_addr, ai->ai_addrlen) != 0 || listen(s.n, backlog) != 0)
		return errno;
	fd_drop(f);
	f->n = s.n;
	s.n = -1;
	return 0;
}

dske_rc net_listen(struct fd *f, const struct net_address *a, int backlog)
{
	struct addrinfo *list = NULL;
	int reason = 0;

	TRY(resolve(&list, a, AI_PASSIVE));
	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		reason = listen_one(f, ai, backlog);
		if (reason == 0)
			break;
	}
	freeaddrinfo(list);
	return reason == 0 ? DSKE_OK : fail_listen(a, reason);
}

dske_rc net_local_port(int fd, uint16_t *port)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return FAIL(IO, "cannot read the local address: %m");
	if (ss.ss_family == AF_INET)
		*port = ntohs(((const struct sockaddr_in *)&ss)->sin_port);
	else if (ss.ss_family == AF_INET6)
		*port = ntohs(((const struct sockaddr_in6 *)&ss)->sin6_port);
	else
		return FAIL(IO, "the descriptor is no TCP socket");
	return DSKE_OK;
}

static void address_text(char *out, size_t cap, const struct sockaddr *sa, socklen_t len)
{
	char host[NI_MAXHOST];
	char port[NI_MAXSERV];

	if (getnameinfo(sa, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(out, cap, "unknown");
	else
		snprintf(out, cap, sa->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* Errors of accept(2) that concern only the connection that is not there any more, or none. */
static bool accept_again(int reason)
{
	static const int harmless[] = {EAGAIN, EWOULDBLOCK, EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, ENETUNREACH,
				       EHOSTUNREACH, EPERM, ETIMEDOUT};

	for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
		if (reason == harmless[i])
			return true;
	}
	return false;
}

dske_rc net_accept(struct fd *f, int listener, char *peer, size_t peer_cap)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	fd_drop(f);
	int n = fd_above_standard(accept4(listener, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC));
	if (n < 0 && accept_again(errno))
		return DSKE_OK;
	if (n < 0)
		return FAIL(IO, "cannot accept a connection: %m");
	heirloom_note(n);
	set_option(n, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(n, SOL_SOCKET, SO_KEEPALIVE, 1);
	address_text(peer, peer_cap, (const struct sockaddr *)&ss, len);
	f->n = n;
	return DSKE_OK;
}

static dske_rc transfer_failed(const char *verb)
{
	switch (errno) {
	case EAGAIN:
		return DSKE_OK;
	case ECONNRESET:
	case EPIPE:
		return FAIL(CLOSED, "the other side closed the connection: %m");
	default:
		return FAIL(IO, "cannot %s the connection: %m", verb);
	}
}

dske_rc net_read(int fd, void *out, size_t cap, size_t *done)
{
	ssize_t n;

	*done = 0;
	if (cap == 0)
		return DSKE_OK;
	do
		n = recv(fd, out, cap, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return transfer_failed("read from");
	if (n == 0)
		return rc_make(DSKE_RC_CLOSED);
	*done = (size_t)n;
	return DSKE_OK;
}

dske_rc net_write(int fd, const void *bytes, size_t len, size_t *done)
{
	ssize_t n;

	*done = 0;
	if (len == 0)
		return DSKE_OK;
	do
		n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return transfer_failed("write to");
	*done = (size_t)n;
	return DSKE_OK;
}

dske_rc net_writev(int fd, const struct iovec *pieces, int count, size_t *done)
{
	struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = (size_t)count};
	ssize_t n;

	if (count == 1)
		return net_write(fd, pieces->iov_base, pieces->iov_len, done);
	*done = 0;
	if (count == 0)
		return DSKE_OK;
	do
		n = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return transfer_failed("write to");
	*done = (size_t)n;
	return DSKE_OK;
}
