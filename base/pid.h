/* SPDX-License-Identifier: Apache-2.0 */
/* base/pid.h - getpid(2) without a system call: the number is kept in a page that a fork empties. */
#ifndef DSKE_BASE_PID_H
#define DSKE_BASE_PID_H

#include <sys/types.h>

/* As getpid(2), which it calls once a process (each time where the kernel does not empty pages). */
pid_t process_id(void);

#endif
