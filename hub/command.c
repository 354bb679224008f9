/* SPDX-License-Identifier: Apache-2.0 */
/* hub/command.c - asking the hub that runs, or standing in for one that does not. */
#define _GNU_SOURCE /* O_PATH */
#include "hub/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "hub/admin.h"

#define SOCKET_NAME "control"
#define READ_STEP 16384

dske_rc command_address(struct sockaddr_un *address, struct fd *folder, const char *state)
{
	int len = snprintf(address->sun_path, sizeof address->sun_path, "%s/" SOCKET_NAME, state);

	address->sun_family = AF_UNIX;
	if (len > 0 && (size_t)len < sizeof address->sun_path)
		return DSKE_OK;
	TRY(file_open(folder, state, O_PATH | O_DIRECTORY, 0));
	snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/" SOCKET_NAME, folder->n);
	return DSKE_OK;
}

/* ---- failures ----------------------------------------------------------------------------------- */

json_t *command_error(dske_rc rc)
{
	return json_pack("{s:{s:s, s:s}}", "error", "code", rc_name(rc), "message", rc_detail(rc));
}

dske_rc command_result(const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));

	if (!error)
		return DSKE_OK;
	for (int i = 1; code && message && i < DSKE_RC_COUNT; i++)
		if (strcmp(rc_name((dske_rc){i}), code) == 0)
			return rc_fail(i, "%s", message);
	return FAIL(FORMAT, "the hub's answer is of another version; is dske as new as dske-hubd?");
}

/* ---- the hub that runs -------------------------------------------------------------------------- */

/* f->n stays -1 when no hub listens. */
static dske_rc reach(struct fd *f, const char *state)
{
	AUTO(fd) folder = FD_NONE;
	struct sockaddr_un at = {0};
	struct timeval patience = {.tv_sec = COMMAND_PATIENCE_S};

	TRY(command_address(&at, &folder, state));
	f->n = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->n < 0)
		return FAIL(IO, "cannot make a socket: %m");
	if (connect(f->n, (const struct sockaddr *)&at, sizeof at) != 0) {
		bool absent = errno == ENOENT || errno == ECONNREFUSED;
		dske_rc rc = absent ? DSKE_OK : rc_fail(errno == EACCES ? DSKE_RC_DENIED : DSKE_RC_IO,
							"cannot ask the hub of %s: %m", state);
		fd_drop(f);
		return rc;
	}
	setsockopt(f->n, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(f->n, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	return DSKE_OK;
}

static dske_rc send_line(int fd, const json_t *request)
{
	char line[COMMAND_REQUEST_MAX];
	size_t len = json_dumpb(request, line, sizeof line - 1, JSON_COMPACT);

	if (len > sizeof line - 1)
		return FAIL(TOOBIG, "that is more than a hub takes in one command");
	line[len++] = '\n';
	for (size_t at = 0; at < len;) {
		ssize_t n = send(fd, line + at, len - at, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return FAIL(CLOSED, "the hub does not take the command: %m");
		at += n > 0 ? (size_t)n : 0;
	}
	return DSKE_OK;
}

/* All that comes, until the hub closes. */
static dske_rc receive_all(int fd, struct buf *text)
{
	char step[READ_STEP];

	for (;;) {
		ssize_t n = recv(fd, step, sizeof step, 0);
		if (n == 0)
			return buf_rc(text);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return FAIL(TIMEOUT, "the hub did not answer; whether it did what it was asked is not known");
		if (n < 0)
			return FAIL(IO, "cannot read the hub's answer: %m");
		buf_put(text, step, (size_t)n);
	}
}

static dske_rc ask(int fd, const json_t *request, json_t **answer)
{
	AUTO(buf) text = {0};

	buf_heap(&text, COMMAND_ANSWER_MAX);
	TRY(send_line(fd, request));
	TRY(receive_all(fd, &text));
	*answer = json_loadb((const char *)text.data, text.len, 0, NULL);
	if (!json_is_object(*answer))
		return FAIL(CLOSED, "the hub ended before it answered; whether it did what it was asked is not known");
	return command_result(*answer);
}

/* ---- without one -------------------------------------------------------------------------------- */

static dske_rc lock_state(struct fd *lock, const char *state)
{
	struct path p;

	TRY(file_check_owner(state));
	TRY(path_format(&p, "%s/lock", state));
	TRY(file_open(lock, p.s, O_RDWR | O_CREAT, 0600));

	dske_rc rc = file_lock(lock->n, FILE_LOCK_EXCLUSIVE, false);

	if (rc_is(rc, DSKE_RC_BUSY))
		return FAIL(BUSY, "another program holds %s, and does not listen there: a hub that is just starting or "
				  "stopping, or another command; try again", state);
	return rc;
}

static dske_rc do_here(const struct hub_conf *conf, const json_t *request, json_t **answer)
{
	AUTO(fd) lock = FD_NONE;
	AUTO(secret) table_key = {0};
	struct path tables;
	struct admin a = {0};

	TRY(lock_state(&lock, conf->state.s));
	TRY(hub_conf_tables(conf, &tables));
	(void)hub_conf_table_key(conf, &table_key); /* what reads no bytes works without */
	TRY(vault_new(&a.vault, tables.s, &conf->id, &table_key));

	dske_rc rc = admin_run(&a, request, answer);

	vault_free(a.vault);
	return rc;
}

dske_rc hub_command(const struct hub_conf *conf, const json_t *request, json_t **answer)
{
	AUTO(fd) f = FD_NONE;

	*answer = NULL;
	TRY(reach(&f, conf->state.s));

	dske_rc rc = f.n >= 0 ? ask(f.n, request, answer) : do_here(conf, request, answer);

	if (!rc_ok(rc)) {
		json_decref(*answer);
		*answer = NULL;
	}
	return rc;
}
