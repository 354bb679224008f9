/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/confine.h - what a program of this room gives up when it has what it needs.
 *
 * Before the first other thread, and before a PKCS#11 module is loaded, which is confined with it: it may open files and
 * connect, at any time, as it must; nothing here forbids that.
 */
#ifndef DSKE_VPN_CONFINE_H
#define DSKE_VPN_CONFINE_H

#include "base/rc.h"

/* Gives up all capabilities but that to lock memory, CAP_NET_ADMIN if net_admin, and at root's, who stays root, those over
 * files of others, since tokens are often another user's.  None can be had again.  Errors: IO. */
dske_rc confine_rights(bool net_admin);

/* From now on system calls fail with EPERM that no tunnel, no keeper of keys and no module needs, and that help whoever has
 * taken one of them over: into other processes, namespaces, mounts, kernel modules, BPF, io_uring, raw sockets; other users'
 * IDs; and unless may_run, other programs.  Errors: IO. */
dske_rc confine_calls(bool may_run);

#endif
