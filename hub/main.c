/* SPDX-License-Identifier: Apache-2.0 */
/* hub/main.c - dske-hubd, the Security Hub (man 8 dske-hubd). */
#include "config.h"

#include "base/program.h"
#include "hub/hub.h"

struct daemon {
	struct hub_conf conf; /* until the hub has it */
	struct hub *hub;
};

static dske_rc daemon_read(void *context, const char *file, struct program_log *log)
{
	struct daemon *d = context;

	TRY(hub_conf_read(&d->conf, file));
	*log = (struct program_log){d->conf.log, d->conf.log_level};
	return DSKE_OK;
}

static dske_rc daemon_run(void *context)
{
	struct daemon *d = context;

	TRY(hub_open(&d->hub, &d->conf));
	return hub_run(d->hub);
}

static void daemon_drop(void *context)
{
	struct daemon *d = context;

	hub_close(d->hub);
	hub_conf_drop(&d->conf);
}

int main(int argc, char **argv)
{
	static struct daemon d;
	const struct program program = {
		.name = "dske-hubd",
		.what = "Runs a Security Hub in the foreground, until SIGTERM.",
		.more = "SIGHUP reads groups, limits and log settings again.  See dske-hubd(8), dske-hubd.conf(5).",
		.file = hub_conf_default_file(),
		.read = daemon_read,
		.run = daemon_run,
		.drop = daemon_drop,
	};

	return program_main(&program, &d, argc, argv);
}
