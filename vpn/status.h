/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/status.h - a socket at which a program tells how it goes: who connects gets one JSON object and the end.  For its
 * own user and root (the file's mode, 0600); nothing is read.
 */
#ifndef DSKE_VPN_STATUS_H
#define DSKE_VPN_STATUS_H

#include <jansson.h>

#include "base/file.h"
#include "base/rc.h"

struct status {
	struct fd fd; /* for poll */
	struct path path;
};

/* Makes the folder if it is not there; replaces a socket that a killed program left.  Errors: BUSY (another program
 * answers there), DENIED, IO, TOOBIG. */
dske_rc status_open(struct status *s, const char *path);
void status_drop(struct status *s); /* removes it */

/* Gives it to a user before rights are given up.  Errors: IO. */
dske_rc status_give(const struct status *s, unsigned uid, unsigned gid);

/* Answers one who connected.  object is borrowed. */
void status_answer(const struct status *s, const json_t *object);

#endif
