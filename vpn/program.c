/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/program.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/secret.h"

static const char help[] = "Usage: %s [--config FILE] [--check-config]\n"
			   "%s\n"
			   "\n"
			   "  -c, --config FILE   read FILE (default: %s)\n"
			   "      --check-config  say whether it is valid, and end\n"
			   "  -h, --help          show this\n"
			   "      --version       show the version\n"
			   "\n"
			   "%s\n";

static int usage(const struct program_text *text)
{
	fprintf(stderr, "Try '%s --help'.\n", text->name);
	return EXIT_USAGE;
}

int program_options_read(struct program_options *o, const struct program_text *text, int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'C'},
		{"help", no_argument, NULL, 'h'},	  {"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;
	*o = (struct program_options){.config = text->file};
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (c == 'h')
			return printf(help, text->name, text->what, text->file, text->more) > 0 ? EXIT_GOOD : EXIT_FAILED;
		if (c == 'V')
			return printf("%s " PACKAGE_VERSION "\n", text->name) > 0 ? EXIT_GOOD : EXIT_FAILED;
		if (c == '?')
			return usage(text);
		o->config = c == 'c' ? optarg : o->config;
		o->check = o->check || c == 'C';
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "%s: unexpected argument '%s'\n", text->name, argv[optind]);
	return usage(text);
}

void program_harden(void)
{
	process_harden();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
}

dske_rc program_signals(struct fd *f)
{
	sigset_t ends;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	f->n = signalfd(-1, &ends, SFD_CLOEXEC);
	return f->n >= 0 ? DSKE_OK : FAIL(IO, "no signalfd: %s", strerror(errno));
}

int program_complain(const struct program_text *text, dske_rc rc, enum exit_status status)
{
	fprintf(stderr, "%s: %s\n", text->name, rc_detail(rc));
	return (int)status;
}
