/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/command.h - what an operator asks of a hub.  A hub that runs holds its tables, so it is asked at its
 * control socket (hub/control.h), STATE/control; where none runs the same is done here, under the lock of
 * the state folder (hub/admin.h has the commands themselves).
 *
 * One line a direction, each a JSON object: the request has "command" and its arguments; the answer is the
 * command's, or {"error": {"code", "message"}}.  Only the hub's user and root are listened to.
 */
#ifndef DSKE_HUB_COMMAND_H
#define DSKE_HUB_COMMAND_H

#include <jansson.h>
#include <sys/un.h>

#include "base/file.h"
#include "base/rc.h"
#include "hub/conf.h"

#define COMMAND_REQUEST_MAX ((size_t)16 << 10) /* bytes of a line */
#define COMMAND_ANSWER_MAX ((size_t)64 << 20)
#define COMMAND_PATIENCE_S 60                  /* a hub that is asked answers within */

/*
 * Asks the hub of that state folder, or does it here.  request stays the caller's; *answer becomes his, or
 * NULL after a failure.  Errors: the command's own; BUSY (a hub runs, and its socket is not there yet), DENIED
 * (it is another user's), IO, TIMEOUT, NOMEM.
 */
dske_rc hub_command(const struct hub_conf *conf, const json_t *request, json_t **answer);

/* The socket's address; *folder must stay open for as long as it is used, since a long name is reached through
 * it.  Errors: as file_open. */
dske_rc command_address(struct sockaddr_un *address, struct fd *folder, const char *state);

/* A failure as an answer has it, and back.  A new reference; NULL without memory. */
json_t *command_error(dske_rc rc);
dske_rc command_result(const json_t *answer);

#endif
