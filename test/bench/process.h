/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/process.h - a hub's process: begun, reached, ended, and what it uses. */
#ifndef DSKE_TEST_BENCH_PROCESS_H
#define DSKE_TEST_BENCH_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* A real dske-hubd of this configuration, whose log is a file that is not there yet.  Returns when it listens, and where.
 * It ends with this process, however that ends.  No thread of ours may run yet. */
pid_t process_start_hub(const char *conf, const char *log, unsigned *port);

/* Asks it to end, and waits. */
void process_end(pid_t pid);

/* A connection to what listens there on loopback; nothing that is sent waits for more. */
int process_connect(unsigned port);

/* Of any process: seconds of processor time, of all its threads; bytes of resident memory, now and at most so far. */
double process_cpu(pid_t pid);
double process_memory(pid_t pid, bool peak);

#endif
