/* SPDX-License-Identifier: Apache-2.0 */
/* dske - everything a person does with DSKE on the command line: dske [GROUP] COMMAND [OPTIONS]. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "tools/nearest.h"
#include "tools/tool.h"

static void write_row(FILE *to, const struct command *c)
{
	char left[64];
	snprintf(left, sizeof left, "%s%s%s %s", c->group, c->group[0] != '\0' ? " " : "", c->name, c->operands);
	fprintf(to, "  %-28s %s\n", left, c->summary);
}

/* All commands, or those of one group. */
static void write_commands(FILE *to, const char *group)
{
	fprintf(to, "usage: dske %s COMMAND [OPTIONS]\n\n", group != NULL ? group : "[GROUP]");
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (group == NULL || strcmp(c->group, group) == 0)
			write_row(to, c);
	}
	fprintf(to, "\nEach has --help with its options and examples, as has dske help COMMAND; man 1 dske tells the rest.\n");
}

static bool is_group(const char *word)
{
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (c->group[0] != '\0' && strcmp(c->group, word) == 0)
			return true;
	}
	return false;
}

static const struct command *find_command(const char *group, const char *name)
{
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (strcmp(c->group, group) == 0 && strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

static bool is_help(const char *word)
{
	return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int no_such_command(const char *group, const char *name)
{
	const struct command *near = nearest_command(group, name);
	const char *near_group = group[0] == '\0' ? nearest_group(name) : NULL;
	fprintf(stderr, "dske: there is no command %s%s%s", group, group[0] != '\0' ? " " : "", name);
	if (near_group != NULL)
		fprintf(stderr, "; dske %s COMMAND is meant, perhaps", near_group);
	else if (near != NULL)
		fprintf(stderr, "; dske %s%s%s is meant, perhaps", near->group, near->group[0] != '\0' ? " " : "", near->name);
	fprintf(stderr, ": dske --help shows all\n");
	return EXIT_USAGE;
}

static int run_in_group(const char *group, int argc, char **argv)
{
	if (argc < 2) {
		write_commands(stderr, group);
		return EXIT_USAGE;
	}
	if (is_help(argv[1])) {
		write_commands(stdout, group);
		return EXIT_OK;
	}
	const struct command *c = find_command(group, argv[1]);
	return c != NULL ? c->run(c, argc - 1, argv + 1) : no_such_command(group, argv[1]);
}

/* dske help key agree: as dske key agree --help. */
static int help(int argc, char **argv)
{
	static char wanted[] = "--help";
	const char *group = argc > 2 && is_group(argv[2]) ? argv[2] : "", *name = argv[argc - 1];
	if (argc == 2 || (argc == 3 && group[0] != '\0')) {
		write_commands(stdout, argc == 2 ? NULL : group);
		return EXIT_OK;
	}
	const struct command *c = argc <= (group[0] != '\0' ? 4 : 3) ? find_command(group, name) : NULL;
	char *as_option[] = {argv[argc - 1], wanted, NULL};
	return c != NULL ? c->run(c, 2, as_option) : no_such_command(group, name);
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		write_commands(stderr, NULL);
		return EXIT_USAGE;
	}
	if (is_help(argv[1]))
		return help(argc, argv);
	if (is_group(argv[1]))
		return run_in_group(argv[1], argc - 1, argv + 1);
	const struct command *c = find_command("", strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
	return c != NULL ? c->run(c, argc - 1, argv + 1) : no_such_command("", argv[1]);
}

int main(int argc, char **argv)
{
	process_harden();
	(void)log_open("stderr", LOG_LEVEL_WARN, "dske");
	int status = run(argc, argv);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "dske: cannot write to standard output: %s\n", strerror(errno));
	return status != EXIT_OK ? status : EXIT_FAILED;
}
