/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/bench/process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/net.h"
#include "test/bench/bench.h"

#define PATIENCE_MS 10000

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

pid_t process_start_hub(const char *conf, const char *log, unsigned *port)
{
	int64_t end = clock_ms() + PATIENCE_MS;
	pid_t pid = spawn(conf);

	while ((*port = port_in_log(log)) == 0) {
		bench_need(clock_ms() < end && waitpid(pid, NULL, WNOHANG) == 0, "a hub did not start (is top_builddir set?)");
		usleep(2000);
	}
	return pid;
}

void process_end(pid_t pid)
{
	kill(pid, SIGTERM);
	bench_need(waitpid(pid, NULL, 0) == pid, "waitpid");
}

int process_connect(unsigned port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;

	bench_need(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
			   setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0,
		   "connect");
	return fd;
}

static double thread_cpu(pid_t pid, const char *thread)
{
	unsigned long long ns = 0;
	char path[400];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/task/%s/schedstat", (long)pid, thread);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	bench_need(fscanf(f, "%llu", &ns) == 1, "a process's processor time cannot be read");
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
	bench_need(d != NULL, "a process's threads cannot be listed");
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
	bench_need(f != NULL, "a process's memory cannot be read");
	while (fgets(line, sizeof line, f) != NULL)
		if (peak ? sscanf(line, "VmHWM: %lf kB", &kib) == 1 : sscanf(line, "VmRSS: %lf kB", &kib) == 1)
			break;
	fclose(f);
	return 1024 * kib;
}
