/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/qkd/mock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/lib/scratch.h"

static void run(const struct mock *m, const char *option, const char *value)
{
	struct path script;
	const char *top = getenv("top_srcdir");

	assert_true(rc_ok(path_format(&script, "%s/test/qkd/mock-kme.py", top != NULL ? top : ".")));
	execlp("python3", "python3", script.s, m->folder.s, option, value, (char *)NULL);
	_exit(127);
}

static void await_ports(struct mock *m)
{
	const char *path = scratch_path(&m->folder, "ports");
	char text[64];

	for (int i = 0; i < 1000 && access(path, F_OK) != 0; i++)
		usleep(10000);
	scratch_read(path, text, sizeof text);
	assert_int_equal(sscanf(text, "%u %u", &m->port[0], &m->port[1]), 2);
}

void mock_start(struct mock *m, const char *option, const char *value)
{
	static const char *const peers[] = {"sae-b", "sae-a"};

	*m = (struct mock){.pid = 0};
	scratch_make(&m->folder);
	m->pid = fork();
	assert_true(m->pid >= 0);
	if (m->pid == 0)
		run(m, option, value);
	await_ports(m);
	for (int i = 0; i < 2; i++) {
		struct qkdconf *c = &m->end[i];

		*c = (struct qkdconf){.name = "mock", .key_bits = 256, .per_request = 128, .timeout_ms = 3000};
		snprintf(c->url, sizeof c->url, "http://127.0.0.1:%u", m->port[i]);
		snprintf(c->peer, sizeof c->peer, "%s", peers[i]);
	}
}

void mock_stop(struct mock *m)
{
	kill(m->pid, SIGTERM);
	waitpid(m->pid, NULL, 0);
	scratch_remove(&m->folder);
}

void mock_fault(struct mock *m, const char *fault)
{
	if (fault != NULL)
		scratch_write(&m->folder, "fault", fault, strlen(fault));
	else
		(void)unlink(scratch_path(&m->folder, "fault"));
}
