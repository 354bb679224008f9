/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/wg-hook.h - a new key for another consumer, by a command's standard input. */
#ifndef DSKE_VPN_WG_HOOK_H
#define DSKE_VPN_WG_HOOK_H

#include "base/rc.h"
#include "base/secret.h"

/* Runs the file, without a shell, with the key in base64 and a newline on its standard input, and DSKE_LINK and DSKE_PEER
 * in an environment that has PATH besides; waits until it ends, 30 s at most.  The key is in no argument and in no variable.
 * Errors: IO (it cannot be run, fails, or does not end: then it is killed). */
dske_rc wg_hook_run(const char *file, const char *link, const char *peer, const struct secret *key);

/* Base64 (RFC 4648, 4) in time that depends on len alone; 4 * ((len + 2) / 3) characters, no zero byte. */
void wg_base64(uint8_t *out, const uint8_t *bytes, size_t len);
#define WG_BASE64_LEN(len) (4 * (((len) + 2) / 3))

#endif
