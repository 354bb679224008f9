/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/vici.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/log.h"

#define ANSWER_SECONDS 10

enum { CMD_REQUEST = 0, CMD_RESPONSE = 1 };
enum { SECTION_START = 1, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END, ELEMENTS };

/* ---- writing ------------------------------------------------------------------------------------------------ */

static void put_name(struct buf *b, const char *name)
{
	size_t len = strlen(name);
	if (len > UINT8_MAX)
		len = UINT8_MAX;
	buf_put_u8(b, (uint8_t)len);
	buf_put(b, name, len);
}

static void put_bytes(struct buf *b, const void *value, size_t len)
{
	if (len > UINT16_MAX)
		len = UINT16_MAX;
	buf_put_u8(b, (uint8_t)(len >> 8));
	buf_put_u8(b, (uint8_t)len);
	buf_put(b, value, len);
}

void vici_begin(struct buf *b, const char *command)
{
	buf_put_be32(b, 0); /* until it is sent */
	buf_put_u8(b, CMD_REQUEST);
	put_name(b, command);
}

void vici_value(struct buf *b, const char *name, const void *value, size_t len)
{
	buf_put_u8(b, KEY_VALUE);
	put_name(b, name);
	put_bytes(b, value, len);
}

void vici_text(struct buf *b, const char *name, const char *value)
{
	vici_value(b, name, value, strlen(value));
}

void vici_list(struct buf *b, const char *name, const char *const *items, size_t count)
{
	buf_put_u8(b, LIST_START);
	put_name(b, name);
	for (size_t i = 0; i < count; i++) {
		buf_put_u8(b, LIST_ITEM);
		put_bytes(b, items[i], strlen(items[i]));
	}
	buf_put_u8(b, LIST_END);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

struct reader {
	const uint8_t *at;
	size_t left;
};

struct piece {
	const uint8_t *bytes;
	size_t len;
};

static dske_rc take(struct piece *p, struct reader *r, size_t width)
{
	if (r->left < width)
		return FAIL(FORMAT, "charon's answer is cut short");
	p->len = width == 1 ? r->at[0] : (size_t)r->at[0] << 8 | r->at[1];
	if (p->len > r->left - width)
		return FAIL(FORMAT, "charon's answer is cut short");
	p->bytes = r->at + width;
	r->at += width + p->len;
	r->left -= width + p->len;
	return DSKE_OK;
}

static bool is(const struct piece *p, const char *text)
{
	return p->len == strlen(text) && memcmp(p->bytes, text, p->len) == 0;
}

static void copy_reason(char reason[VICI_REASON_MAX], const struct piece *value)
{
	size_t len = value->len < VICI_REASON_MAX - 1 ? value->len : VICI_REASON_MAX - 1;
	memcpy(reason, value->bytes, len);
	reason[len] = '\0';
	log_sanitise(reason);
}

dske_rc vici_read(const uint8_t *answer, size_t len, bool *success, char reason[VICI_REASON_MAX])
{
	static const struct {
		bool has_name, has_value;
		int depth;
	} elements[ELEMENTS] = {
		[SECTION_START] = {true, false, 1}, [SECTION_END] = {false, false, -1}, [KEY_VALUE] = {true, true, 0},
		[LIST_START] = {true, false, 1},    [LIST_ITEM] = {false, true, 0},     [LIST_END] = {false, false, -1},
	};
	struct reader r = {answer, len};
	int depth = 0;
	*success = false;
	reason[0] = '\0';
	if (len == 0 || *answer != CMD_RESPONSE)
		return FAIL(FORMAT, "charon does not know this command");
	r.at++;
	r.left--;
	while (r.left > 0) {
		struct piece name = {0}, value = {0};
		uint8_t type = *r.at++;
		r.left--;
		if (type == 0 || type >= ELEMENTS || depth + elements[type].depth < 0)
			return FAIL(FORMAT, "charon's answer is malformed");
		depth += elements[type].depth;
		if (elements[type].has_name)
			TRY(take(&name, &r, 1));
		if (elements[type].has_value)
			TRY(take(&value, &r, 2));
		if (type != KEY_VALUE || depth != 0)
			continue;
		if (is(&name, "success"))
			*success = is(&value, "yes");
		else if (is(&name, "errmsg"))
			copy_reason(reason, &value);
	}
	return depth == 0 ? DSKE_OK : FAIL(FORMAT, "charon's answer is malformed");
}

/* ---- the socket --------------------------------------------------------------------------------------------- */

dske_rc vici_connect(struct fd *f, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval most = {.tv_sec = ANSWER_SECONDS};
	if (strlen(path) >= sizeof a.sun_path)
		return FAIL(ARGS, "%s: the name of a socket has at most %zu bytes", path, sizeof a.sun_path - 1);
	strcpy(a.sun_path, path);
	fd_drop(f);
	f->n = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->n < 0 || setsockopt(f->n, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) != 0 ||
	    setsockopt(f->n, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) != 0)
		return FAIL(IO, "no socket: %m");
	if (connect(f->n, (const struct sockaddr *)&a, sizeof a) != 0)
		return FAIL(UNREACHABLE, "charon does not listen at %s: %m", path);
	return DSKE_OK;
}

static dske_rc broken(ssize_t n)
{
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return FAIL(TIMEOUT, "charon does not answer");
	return n == 0 ? FAIL(IO, "charon closed the connection") : FAIL(IO, "charon's socket: %m");
}

static dske_rc send_all(int fd, const uint8_t *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = send(fd, bytes + done, len - done, MSG_NOSIGNAL);
		if (n <= 0)
			return broken(n);
		done += (size_t)n;
	}
	return DSKE_OK;
}

static dske_rc receive_all(int fd, uint8_t *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = recv(fd, bytes + done, len - done, 0);
		if (n <= 0)
			return broken(n);
		done += (size_t)n;
	}
	return DSKE_OK;
}

dske_rc vici_call(int fd, const struct buf *request)
{
	uint8_t answer[VICI_ANSWER_MAX], header[4];
	char reason[VICI_REASON_MAX];
	bool success;
	TRY(buf_rc(request));
	size_t len = request->len - sizeof header;
	for (size_t i = 0; i < sizeof header; i++)
		header[i] = (uint8_t)(len >> (24 - 8 * i));
	TRY(send_all(fd, header, sizeof header));
	TRY(send_all(fd, request->data + sizeof header, len));
	TRY(receive_all(fd, header, sizeof header));
	len = (size_t)header[0] << 24 | (size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3];
	if (len > sizeof answer)
		return FAIL(TOOBIG, "charon's answer is longer than %zu bytes", sizeof answer);
	TRY(receive_all(fd, answer, len));
	TRY(vici_read(answer, len, &success, reason));
	return success ? DSKE_OK : FAIL(DENIED, "charon refuses: %s", reason[0] != '\0' ? reason : "it does not say why");
}
