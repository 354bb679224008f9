/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/bench/lone.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/net.h"
#include "pskm/list.h"
#include "test/bench/bench.h"
#include "test/bench/tables.h"

#define PATIENCE_MS 10000

static void inside(struct path *p, const struct lone *l, const char *name)
{
	bench_need_ok(path_format(p, "%s/%s", l->folder.s, name), "path");
}

/* ---- the hub ------------------------------------------------------------------------------------------- */

void lone_make(struct lone *l, const struct path *scratch, const char *name, const char *limits)
{
	char text[8192], hex[ID_HEX_LEN];
	struct path conf, log;

	*l = (struct lone){.hub = {{0x48, 1}}};
	bench_need_ok(path_format(&l->folder, "%s/%s", scratch->s, name), "path");
	bench_need_ok(file_make_dirs(l->folder.s, 0700), "mkdir");
	inside(&conf, l, "hubd.conf");
	inside(&log, l, "log");
	int len = snprintf(text, sizeof text,
			   "[hub]\nname = hub1\nid = %s\nlisten = 127.0.0.1:0\nlog = %s\nlog_level = info\n"
			   "[limits]\n%s[group all]\nmembers = *\n",
			   id_hex(&l->hub, hex), log.s, limits != NULL ? limits : "");
	bench_need_ok(file_replace(conf.s, text, (size_t)len, 0600), "hubd.conf");
}

struct table *lone_client(struct lone *l, size_t number, uint64_t table_len, struct pskm_header *h)
{
	struct path hub_tables, tables, folder;
	struct table *t = NULL;
	char name[16];

	*h = (struct pskm_header){.hub = l->hub, .client = {{0xC1, (uint8_t)(number >> 8), (uint8_t)number}}, .created = 1,
				  .layout.len = table_len};
	snprintf(name, sizeof name, "c%u", (unsigned)(number & 0xffff));
	strcpy(h->client_name, name);
	strcpy(h->hub_name, "hub1");
	strcpy(h->hub_address, "127.0.0.1:1");
	inside(&hub_tables, l, "tables");
	inside(&tables, l, name);
	bench_table_make(h, hub_tables.s, tables.s);
	bench_need_ok(table_folder(&folder, tables.s, &h->table), "table_folder");
	bench_need_ok(table_open(&t, folder.s, SIDE_CLIENT, NULL), "table_open");
	return t;
}

static pid_t spawn(const char *conf)
{
	const char *top = getenv("top_builddir");
	pid_t parent = getpid(), pid;
	struct path program;

	bench_need_ok(path_format(&program, "%s/hub/dske-hubd", top != NULL ? top : "."), "path");
	pid = fork();
	bench_need(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		execl(program.s, "dske-hubd", "--config", conf, (char *)NULL);
	perror(program.s);
	_exit(127);
}

/* From the line that says where it listens. */
static unsigned port_in_log(const char *path)
{
	AUTO(buf) log = {0};
	const char *at;
	unsigned port = 0;

	if (!rc_ok(file_read_all(&log, path, 1u << 20)))
		return 0;
	buf_put_u8(&log, 0);
	at = strstr((const char *)log.data, " port ");
	return at != NULL && sscanf(at, " port %u", &port) == 1 ? port : 0;
}

void lone_start(struct lone *l)
{
	int64_t end = clock_ms() + PATIENCE_MS;
	struct path conf, log;

	inside(&conf, l, "hubd.conf");
	inside(&log, l, "log");
	l->pid = spawn(conf.s);
	while ((l->port = port_in_log(log.s)) == 0) {
		bench_need(clock_ms() < end && waitpid(l->pid, NULL, WNOHANG) == 0,
			   "the hub did not start (is top_builddir set?)");
		usleep(2000);
	}
}

void lone_stop(struct lone *l)
{
	kill(l->pid, SIGTERM);
	bench_need(waitpid(l->pid, NULL, 0) == l->pid, "waitpid");
}

/* ---- what a process uses -------------------------------------------------------------------------------- */

static double thread_cpu(pid_t pid, const char *thread)
{
	unsigned long long ns = 0;
	char path[400];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/task/%s/schedstat", (long)pid, thread);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	bench_need(fscanf(f, "%llu", &ns) == 1, "the hub's processor time cannot be read");
	fclose(f);
	return 1e-9 * (double)ns;
}

double process_cpu(pid_t pid)
{
	char path[64];
	double sum = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
	d = opendir(path);
	bench_need(d != NULL, "the hub's threads cannot be listed");
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.')
			sum += thread_cpu(pid, e->d_name);
	closedir(d);
	return sum;
}

double process_memory(pid_t pid, bool peak)
{
	char path[64], line[256];
	double kib = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	f = fopen(path, "re");
	bench_need(f != NULL, "the hub's memory cannot be read");
	while (fgets(line, sizeof line, f) != NULL)
		if (peak ? sscanf(line, "VmHWM: %lf kB", &kib) == 1 : sscanf(line, "VmRSS: %lf kB", &kib) == 1)
			break;
	fclose(f);
	return 1024 * kib;
}
