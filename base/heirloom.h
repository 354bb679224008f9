/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/heirloom.h - which sockets and locked files a forked child inherits from here, whoever of its parent's threads was using
 * them and however far he was: so that the child closes them without looking at anything else of its parent.  A lock on
 * a file is held until the last descriptor of it is closed: in a child that stays, for ever.  No lock in here.
 */
#ifndef DSKE_BASE_HEIRLOOM_H
#define DSKE_BASE_HEIRLOOM_H

/* A socket was made, or a file will be locked.  That it is closed nobody says: its number may come again, but for another
 * file. */
void heirloom_note(int fd);

/* In a forked child, before it makes any: closes those that its parent had open, without a shutdown.  By base/gate.h's
 * fork handler, once that is started. */
void heirloom_close(void);

#endif
