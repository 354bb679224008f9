/* SPDX-License-Identifier: Apache-2.0 */
/* hub/main.c - dske-hubd, the Security Hub (man 8 dske-hubd). */
#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "hub/hub.h"

enum exit_status { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3 };

static const char help[] = "Usage: dske-hubd [--config FILE] [--check-config]\n"
			   "Runs a Security Hub in the foreground, until SIGTERM.\n"
			   "\n"
			   "  -c, --config FILE   read FILE (default: %s)\n"
			   "      --check-config  say whether it is valid, and end\n"
			   "  -h, --help          show this\n"
			   "      --version       show the version\n"
			   "\n"
			   "SIGHUP reads groups, limits and log settings again.  See dske-hubd(8), dske-hubd.conf(5).\n";

struct options {
	const char *config;
	bool check;
	bool done; /* help or version: nothing more to do */
};

static bool options_read(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'C'},
		{"help", no_argument, NULL, 'h'},	  {"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'C':
			o->check = true;
			break;
		case 'h':
			printf(help, hub_conf_default_file());
			o->done = true;
			break;
		case 'V':
			puts("dske-hubd " PACKAGE_VERSION);
			o->done = true;
			break;
		default:
			return false;
		}
	}
	if (optind < argc)
		fprintf(stderr, "dske-hubd: unexpected argument '%s'\n", argv[optind]);
	return optind == argc;
}

/* No core file, no debugger, nothing gained by executing anything; files are for the hub's user alone. */
static void harden(void)
{
	process_harden();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write, which has a sentence */
}

static int complain(dske_rc rc, int status)
{
	fprintf(stderr, "dske-hubd: %s\n", rc_detail(rc));
	return status;
}

static int serve(struct hub_conf *conf)
{
	struct hub *h = NULL;
	dske_rc rc = log_open(conf->log, conf->log_level, "dske-hubd");

	if (!rc_ok(rc)) {
		hub_conf_drop(conf);
		return complain(rc, EXIT_CONFIG);
	}
	rc = hub_open(&h, conf);
	if (rc_ok(rc))
		rc = hub_run(h);
	if (rc_ok(rc))
		log_info("stopped");
	else
		log_error("%s", rc_detail(rc));
	hub_close(h);
	log_close();
	return rc_ok(rc) ? EXIT_GOOD : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct options o = {.config = hub_conf_default_file()};
	static struct hub_conf conf;

	if (!options_read(&o, argc, argv)) {
		fprintf(stderr, "Try 'dske-hubd --help'.\n");
		return EXIT_USAGE;
	}
	if (o.done)
		return EXIT_GOOD;
	harden();

	dske_rc rc = hub_conf_read(&conf, o.config);

	if (!rc_ok(rc))
		return complain(rc, EXIT_CONFIG);
	if (o.check) {
		printf("%s: valid\n", o.config);
		hub_conf_drop(&conf);
		return EXIT_GOOD;
	}
	return serve(&conf);
}
