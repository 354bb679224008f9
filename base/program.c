/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "base/program.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/secret.h"

/* ---- options ----------------------------------------------------------------------------------------------- */

static const char help[] = "Usage: %s [--config FILE] [--check-config]\n"
			   "%s\n"
			   "\n"
			   "  -c, --config FILE   read FILE (default: %s)\n"
			   "      --check-config  say whether it is valid, and end\n"
			   "  -h, --help          show this\n"
			   "      --version       show the version\n"
			   "\n"
			   "%s\n";

struct options {
	const char *config;
	bool check;
};

#define GO_ON (-1)

static int usage(const struct program *p)
{
	fprintf(stderr, "Try '%s --help'.\n", p->name);
	return EXIT_USAGE;
}

/* Returns GO_ON, or the exit status to leave with. */
static int options_read(struct options *o, const struct program *p, int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'C'},
		{"help", no_argument, NULL, 'h'},	  {"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;
	*o = (struct options){.config = p->file};
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (c == 'h')
			return printf(help, p->name, p->what, p->file, p->more) > 0 ? EXIT_GOOD : EXIT_FAILED;
		if (c == 'V')
			return printf("%s " PACKAGE_VERSION "\n", p->name) > 0 ? EXIT_GOOD : EXIT_FAILED;
		if (c == '?')
			return usage(p);
		o->config = c == 'c' ? optarg : o->config;
		o->check = o->check || c == 'C';
	}
	if (optind == argc)
		return GO_ON;
	fprintf(stderr, "%s: unexpected argument '%s'\n", p->name, argv[optind]);
	return usage(p);
}

/* ---- the process ------------------------------------------------------------------------------------------- */

/* No core file, no debugger, nothing gained by executing anything; files are for this user alone. */
static void harden(void)
{
	process_harden();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write, which has a sentence */
}

dske_rc program_signals(struct fd *f, bool with_hangup)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (with_hangup)
		sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return FAIL(IO, "cannot block signals: %s", strerror(errno));
	f->n = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return f->n >= 0 ? DSKE_OK : FAIL(IO, "cannot take signals: %s", strerror(errno));
}

/* ---- main -------------------------------------------------------------------------------------------------- */

static int complain(const struct program *p, dske_rc rc)
{
	fprintf(stderr, "%s: %s\n", p->name, rc_detail(rc));
	return EXIT_CONFIG;
}

static int serve(const struct program *p, void *context)
{
	dske_rc rc = p->run(context);
	if (rc_ok(rc))
		log_info("stopped");
	else
		log_error("%s", rc_detail(rc));
	return rc_ok(rc) ? EXIT_GOOD : EXIT_FAILED;
}

/* What follows once the configuration is read. */
static int go_on(const struct program *p, void *context, const struct options *o, const struct program_log *log)
{
	if (o->check)
		return printf("%s: valid\n", o->config) > 0 ? EXIT_GOOD : EXIT_FAILED;
	dske_rc rc = log_open(log->target, log->level, p->name);
	return rc_ok(rc) ? serve(p, context) : complain(p, rc);
}

int program_main(const struct program *p, void *context, int argc, char **argv)
{
	struct options o;
	struct program_log log;
	int status = options_read(&o, p, argc, argv);
	if (status != GO_ON)
		return status;
	harden();
	dske_rc rc = p->read(context, o.config, &log);
	if (!rc_ok(rc))
		return complain(p, rc);
	status = go_on(p, context, &o, &log);
	p->drop(context);
	log_close();
	return status;
}
