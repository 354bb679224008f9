/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/hub/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/net.h"
#include "pskm/container-impl.h"
#include "pskm/list.h"

#define ARGUMENTS_MAX 8

/* ---- the program ----------------------------------------------------------------------------------------- */

static const char *program(void)
{
	static struct path p;
	const char *top = getenv("top_builddir");

	assert_ok(path_format(&p, "%s/hub/dske-hubd", top != NULL ? top : "."));
	return p.s;
}

void rig_init(struct rig *r)
{
	*r = (struct rig){0};
	scratch_make(&r->scratch);
	assert_ok(path_format(&r->conf, "%s/hubd.conf", r->scratch.s));
	assert_ok(path_format(&r->log, "%s/log", r->scratch.s));
	assert_ok(path_format(&r->state, "%s/state", r->scratch.s));
	memset(r->hub.b, 0x11, ID_LEN);
	strcpy(r->listen, "127.0.0.1:0");
	rig_configure(r);
}

void rig_configure(struct rig *r)
{
	AUTO(buf) text = {0};
	char hex[ID_HEX_LEN], head[512];

	buf_heap(&text, 8192);
	snprintf(head, sizeof head, "[hub]\nname = hub1\nid = %s\nlisten = %s\nstate = state\nlog_level = debug\n",
		 id_hex(&r->hub, hex), r->listen);
	buf_put(&text, head, strlen(head));
	if (r->limits != NULL) {
		buf_put(&text, "[limits]\n", 9);
		buf_put(&text, r->limits, strlen(r->limits));
	}
	const char *groups = r->groups != NULL ? r->groups : "\n[group all]\nmembers = *\n";
	buf_put(&text, groups, strlen(groups));
	assert_ok(file_replace(r->conf.s, text.data, text.len, 0600));
}

static pid_t spawn(const char *output, uint64_t file_limit, char *const *arguments)
{
	struct rlimit limit = {file_limit, file_limit};
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	int n = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(n, STDOUT_FILENO);
	dup2(n, STDERR_FILENO);
	if (file_limit > 0)
		setrlimit(RLIMIT_FSIZE, &limit);
	execv(program(), arguments);
	_exit(127);
}

static void learn_port(struct rig *r)
{
	char text[65536], *at;

	scratch_read(r->log.s, text, sizeof text);
	at = strstr(text, " port ");
	assert_non_null(at);
	r->port = (uint16_t)atoi(at + 6);
	snprintf(r->listen, sizeof r->listen, "127.0.0.1:%u", r->port);
	rig_configure(r);
}

void rig_start(struct rig *r)
{
	char *arguments[] = {(char *)"dske-hubd", (char *)"--config", r->conf.s, NULL};
	size_t before = rig_log_count(r, "listens on");

	r->pid = spawn(r->log.s, r->file_limit, arguments);
	for (int64_t end = clock_ms() + RIG_PATIENCE_MS; rig_log_count(r, "listens on") == before;) {
		assert_true(clock_ms() < end);
		usleep(2000);
	}
	if (r->port == 0)
		learn_port(r);
}

int rig_wait(struct rig *r)
{
	int status = 0;

	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	r->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void rig_kill(struct rig *r)
{
	kill(r->pid, SIGKILL);
	rig_wait(r);
}

int rig_stop(struct rig *r)
{
	kill(r->pid, SIGTERM);
	return rig_wait(r);
}

void rig_restart(struct rig *r)
{
	rig_kill(r);
	rig_start(r);
}

void rig_drop(struct rig *r)
{
	if (r->pid > 0)
		assert_int_equal(rig_stop(r), 0);
	scratch_remove(&r->scratch);
}

int rig_run(struct rig *r, char *out, size_t cap, ...)
{
	char *arguments[ARGUMENTS_MAX + 2] = {(char *)"dske-hubd"};
	const char *output = scratch_path(&r->scratch, "output");
	int status = 0;
	va_list list;

	va_start(list, cap);
	for (int i = 1; i <= ARGUMENTS_MAX; i++) {
		arguments[i] = va_arg(list, char *);
		if (arguments[i] == NULL)
			break;
	}
	va_end(list);
	unlink(output);
	pid_t pid = spawn(output, 0, arguments);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	scratch_read(output, out, cap);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

size_t rig_log_count(const struct rig *r, const char *text)
{
	AUTO(buf) log = {0};
	size_t count = 0;

	if (access(r->log.s, F_OK) != 0)
		return 0;
	assert_ok(file_read_all(&log, r->log.s, 16u << 20));
	buf_put_u8(&log, 0);
	for (const char *at = (const char *)log.data; (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

bool rig_logged(const struct rig *r, const char *text)
{
	for (int64_t end = clock_ms() + RIG_PATIENCE_MS; clock_ms() < end; usleep(2000))
		if (rig_log_count(r, text) > 0)
			return true;
	return false;
}

int64_t rig_cpu_ms(const struct rig *r)
{
	char name[64], text[1024];
	unsigned long long user = 0, system = 0;

	snprintf(name, sizeof name, "/proc/%d/stat", (int)r->pid);
	scratch_read(name, text, sizeof text);

	const char *at = strrchr(text, ')'); /* behind the program's name */

	assert_non_null(at);
	assert_int_equal(sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system), 2);
	return (int64_t)((user + system) * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK));
}

/* ---- parties --------------------------------------------------------------------------------------------- */

void party_make_for(struct party *p, struct rig *r, const char *name, const struct id *client)
{
	static const struct kdf_cost cheap = {1, 8, 1};
	char passphrase[PASSPHRASE_TEXT_MAX];
	struct path hub_tables, container, folder;
	struct pskm_header h = {.hub = r->hub, .client = *client, .layout.len = r->table_len != 0 ? r->table_len : RIG_TABLE_LEN, .created = 1};

	*p = (struct party){.rig = r};
	strcpy(h.hub_name, "hub1");
	snprintf(h.client_name, sizeof h.client_name, "%s", name);
	strcpy(h.hub_address, "127.0.0.1:1");
	assert_ok(path_format(&hub_tables, "%s/tables", r->state.s));
	assert_ok(path_format(&container, "%s/pskm", r->scratch.s));
	assert_ok(path_format(&p->tables, "%s/%s", r->scratch.s, name));
	assert_ok(container_make_at_cost(&h, hub_tables.s, container.s, passphrase, &cheap, NULL, NULL));
	assert_ok(container_import(container.s, passphrase, client, p->tables.s, NULL, &p->header, NULL, NULL));
	assert_int_equal(unlink(container.s), 0);
	assert_ok(table_folder(&folder, p->tables.s, &p->header.table));
	assert_ok(table_open(&p->table, folder.s, SIDE_CLIENT, NULL));
}

void party_make(struct party *p, struct rig *r, const char *name)
{
	struct id client;

	memset(client.b, name[0], ID_LEN);
	party_make_for(p, r, name, &client);
}

void party_drop(struct party *p)
{
	table_close(p->table);
}
