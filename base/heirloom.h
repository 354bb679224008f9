/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/heirloom.h - which descriptors of sockets a forked child inherits from here, whoever of its parent's threads was using
 * them and however far he was: so that the child closes them without looking at anything else of its parent.  No lock.
 */
#ifndef DSKE_BASE_HEIRLOOM_H
#define DSKE_BASE_HEIRLOOM_H

/* A socket was made.  That it is closed nobody says: its number may come again, its inode does not. */
void heirloom_note(int fd);

/* In a forked child, before it makes any: closes those that its parent had open, without a shutdown. */
void heirloom_close(void);

#endif
