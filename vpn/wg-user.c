/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/wg-user.c - WireGuard in user space, by the cross-platform protocol: lines "key=value", an empty one ends a request
 * and an answer.  Answers hold the interface's private key and other peers' keys, so they are read into secret memory.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/id.h"
#include "base/net.h"
#include "vpn/wg-device.h"

#define FOLDER "/var/run/wireguard"
#define ANSWER_FIRST ((size_t)64 << 10)
#define ANSWER_MOST ((size_t)16 << 20)
#define WAIT_S 5

static bool address_of(struct sockaddr_un *a, const char *interface)
{
	struct path path;
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!rc_ok(path_format(&path, FOLDER "/%s.sock", interface)) || strlen(path.s) >= sizeof a->sun_path)
		return false;
	strcpy(a->sun_path, path.s);
	return true;
}

static bool has(const char *interface)
{
	struct sockaddr_un a;
	return address_of(&a, interface) && access(a.sun_path, F_OK) == 0;
}

/* ---- asking ------------------------------------------------------------------------------------------------ */

static dske_rc connect_to(struct fd *f, const char *interface)
{
	struct sockaddr_un a;
	const struct timeval wait = {.tv_sec = WAIT_S};
	if (!address_of(&a, interface))
		return FAIL(TOOBIG, "%s: too long a name", interface);
	f->n = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->n < 0 || setsockopt(f->n, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
	    setsockopt(f->n, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0) /* connecting waits as long too */
		return FAIL(IO, "no socket: %s", strerror(errno));
	if (connect(f->n, (const struct sockaddr *)&a, sizeof a) == 0)
		return DSKE_OK;
	if (errno == EACCES || errno == EPERM)
		return FAIL(DENIED, "%s: %s", a.sun_path, strerror(errno));
	return FAIL(NOT_FOUND, "%s: %s: is its WireGuard running?", a.sun_path, strerror(errno));
}

static dske_rc send_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return FAIL(IO, "cannot ask WireGuard: %s", strerror(errno));
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return DSKE_OK;
}

static bool ends(const struct secret *s, size_t len)
{
	return len >= 2 && s->data[len - 1] == '\n' && s->data[len - 2] == '\n';
}

static dske_rc grow(struct secret *s, size_t len)
{
	AUTO(secret) larger = {0};
	if (2 * s->len > ANSWER_MOST)
		return FAIL(TOOBIG, "WireGuard answers with more than %zu bytes", ANSWER_MOST);
	TRY(secret_alloc(&larger, 2 * s->len));
	memcpy(larger.data, s->data, len);
	secret_move(s, &larger);
	return DSKE_OK;
}

/* The answer is text of whole lines; *answer ends with a zero byte, the only one. */
static dske_rc read_answer(int fd, struct secret *answer)
{
	size_t len = 0;
	int64_t until = clock_ms() + WAIT_S * 1000;
	TRY(secret_alloc(answer, ANSWER_FIRST));
	while (!ends(answer, len)) {
		if (clock_ms() > until)
			return FAIL(TIMEOUT, "WireGuard does not end its answer in %d seconds", WAIT_S);
		if (len + 1 == answer->len)
			TRY(grow(answer, len));
		ssize_t n = recv(fd, answer->data + len, answer->len - len - 1, 0);
		if (n == 0 || (n < 0 && errno != EINTR))
			return FAIL(IO, "WireGuard does not end its answer%s%s", n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
		len += n > 0 ? (size_t)n : 0;
	}
	if (memchr(answer->data, '\0', len) != NULL)
		return FAIL(FORMAT, "WireGuard answers with what is no text");
	answer->data[len] = '\0';
	return DSKE_OK;
}

static dske_rc ask(const char *interface, const uint8_t *request, size_t len, struct secret *answer)
{
	AUTO(fd) f = FD_NONE;
	TRY(connect_to(&f, interface));
	TRY(send_all(f.n, request, len));
	TRY(read_answer(f.n, answer));
	const char *status = strstr((const char *)answer->data, "errno=");
	if (status == NULL || strncmp(status, "errno=0\n", 8) != 0)
		return FAIL(IO, "WireGuard's %s refuses: errno %d", interface, status == NULL ? 0 : atoi(status + 6));
	return DSKE_OK;
}

/* ---- looking ----------------------------------------------------------------------------------------------- */

/* Is this the line of that key?  Then its value. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);
	return strncmp(line, key, len) == 0 && line[len] == '=' ? line + len + 1 : NULL;
}

/* Without tables: the pre-shared key is secret. */
static uint8_t nibble(char c)
{
	unsigned u = (unsigned char)c;
	unsigned is_letter = (u >> 6) & 1;
	return (uint8_t)((u & 0x0f) + 9 * is_letter);
}

static void read_hex(uint8_t out[WG_KEY_LEN], const char *text)
{
	for (size_t i = 0; i < WG_KEY_LEN && text[2 * i] != '\n' && text[2 * i + 1] != '\n'; i++)
		out[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
}

static void take_line(struct wg_state *s, const char *line)
{
	const char *v;
	if ((v = value_of(line, "preshared_key")) != NULL)
		read_hex(s->psk.data, v);
	else if ((v = value_of(line, "last_handshake_time_sec")) != NULL)
		s->handshake_s = strtoll(v, NULL, 10);
	else if ((v = value_of(line, "rx_bytes")) != NULL)
		s->received = strtoull(v, NULL, 10);
	else if ((v = value_of(line, "tx_bytes")) != NULL)
		s->sent = strtoull(v, NULL, 10);
}

static dske_rc look(const struct wg_peer *p, struct wg_state *s)
{
	static const char request[] = "get=1\n\n";
	AUTO(secret) answer = {0};
	uint8_t public_key[WG_KEY_LEN] = {0};
	bool is_it = false, found = false;
	TRY(ask(p->interface, (const uint8_t *)request, sizeof request - 1, &answer));
	for (const char *line = (const char *)answer.data; *line != '\0'; line = strchr(line, '\n') + 1) {
		const char *v = value_of(line, "public_key");
		if (v != NULL) {
			read_hex(public_key, v);
			is_it = memcmp(public_key, p->public_key, WG_KEY_LEN) == 0;
			found = found || is_it;
		}
		if (is_it)
			take_line(s, line);
	}
	return found ? DSKE_OK : FAIL(NOT_FOUND, "%s has no peer with that public key", p->interface);
}

/* ---- setting ----------------------------------------------------------------------------------------------- */

static uint8_t *put_hex(uint8_t *out, const uint8_t *bytes)
{
	for (size_t i = 0; i < 2 * WG_KEY_LEN; i++) {
		unsigned v = i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 0x0f;
		*out++ = (uint8_t)('0' + v + (((9 - v) >> 8) & ('a' - '9' - 1)));
	}
	return out;
}

static uint8_t *put_text(uint8_t *out, const char *text)
{
	size_t len = strlen(text);
	memcpy(out, text, len);
	return out + len;
}

static dske_rc set(const struct wg_peer *p, const struct secret *psk)
{
	AUTO(secret) request = {0};
	AUTO(secret) answer = {0};
	TRY(secret_alloc(&request, 256));
	uint8_t *at = put_text(request.data, "set=1\npublic_key=");
	at = put_hex(at, p->public_key);
	at = put_text(at, "\nupdate_only=true\npreshared_key=");
	at = put_hex(at, psk->data);
	at = put_text(at, "\n\n");
	return ask(p->interface, request.data, (size_t)(at - request.data), &answer);
}

const struct wg_backend wg_user = {has, look, set};
