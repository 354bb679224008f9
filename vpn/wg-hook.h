/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/wg-hook.h - a new key for another consumer, by a command's standard input.
 *
 * A command has the rights that dske-wg was started with.  dske-wg itself gives them up, and the right to run anything; so
 * each command is run by a process that was forked before that, and can do nothing else:
 *
 *	dske-wg -- key --> the hook's process -- its standard input --> command
 *	        <- how it ended --
 */
#ifndef DSKE_VPN_WG_HOOK_H
#define DSKE_VPN_WG_HOOK_H

#include "base/rc.h"
#include "base/secret.h"

struct wg_hook;

/* Forks the process: before the first thread, and before rights are given up.  Ended by wg_hook_free; with this process it
 * ends as well.  Errors: IO, NOMEM. */
dske_rc wg_hook_start(struct wg_hook **out, const char *file, const char *link, const char *peer);
void wg_hook_free(struct wg_hook *h); /* safe on NULL */

/* Runs the file, without a shell, with the key (at most WG_HOOK_KEY_MAX bytes) in base64 and a newline on its standard input, and
 * DSKE_LINK and DSKE_PEER in an environment that has PATH besides; waits until it ends, 30 s at most.  The key is in no argument
 * and in no variable.  One thread at a time.  Errors: IO (it cannot be run, fails, or does not end: then it is killed). */
dske_rc wg_hook_run(struct wg_hook *h, const struct secret *key);
#define WG_HOOK_KEY_MAX 64

/* Base64 (RFC 4648, 4) in time that depends on len alone; 4 * ((len + 2) / 3) characters, no zero byte. */
void wg_base64(uint8_t *out, const uint8_t *bytes, size_t len);
#define WG_BASE64_LEN(len) (4 * (((len) + 2) / 3))

#endif
