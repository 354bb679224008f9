/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strike: runs a command and does something to its N-th system call that touches the world.
 *
 *   strike [OPTIONS] -- COMMAND [ARGUMENTS]
 *     --at N          which call, from 1 (default: none; the calls are counted)
 *     --do DEED       kill     SIGKILL before the call; it does not happen (default)
 *                     tear     SIGKILL after it, and of what it was to write only the first half is written
 *                     short    half of it is written, and the command is told so
 *                     pretend  it does not happen, and the command is told that it did
 *                     EIO, ENOSPC, EINTR, ...  it does not happen and fails with that error
 *     --for-good      the same with every counted call from there on
 *     --calls A,B     count only these (default: all of the table below that change something)
 *     --file PATTERN  count only calls on a descriptor whose path matches, as in fnmatch(3)
 *     --report FILE   what happened: "calls N", "struck NAME", "ended exit N" or "ended signal N"; and of
 *                     each call how many were counted: "called NAME N"
 *
 * Counting begins at the command's entry point, so the dynamic loader's calls are not among them, and
 * goes over all its threads and children.  A second execve begins anew at the new program's entry.
 *
 * Exits as the command did, with 128 + N after signal N; 77 when this system allows no ptrace(2); 99 for
 * trouble of its own.  SIGTERM is passed on to the command.  If strike dies, so does the command.
 */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT_TRACE 77
#define TROUBLE 99

#ifndef __x86_64__
int main(void)
{
	puts("strike knows the registers of x86-64 only");
	return CANNOT_TRACE;
}
#else

static _Noreturn void trouble(const char *what)
{
	fprintf(stderr, "strike: %s: %s\n", what, strerror(errno));
	exit(TROUBLE);
}

/* ---- which calls -------------------------------------------------------------------------------- */

enum {
	WRITES = 1, /* its third argument is a length, its result what was written of it */
	SENDS = 2,  /* as WRITES, to a socket */
	OPENS = 4,  /* counts when its flags say O_CREAT, unless it was asked for by name */
	QUIET = 8,  /* changes nothing: counts only when it was asked for by name */
	NO_FD = 16, /* its first argument is no descriptor of a file that --file could match */
};

struct call {
	long nr;
	const char *name;
	unsigned traits;
	bool wanted, by_name;
	uint64_t counted;
};

static struct call calls[] = {
	{.nr = SYS_write, .name = "write", .traits = WRITES},
	{.nr = SYS_pwrite64, .name = "pwrite64", .traits = WRITES},
	{.nr = SYS_writev, .name = "writev"},
	{.nr = SYS_pwritev, .name = "pwritev"},
	{.nr = SYS_fsync, .name = "fsync"},
	{.nr = SYS_fdatasync, .name = "fdatasync"},
	{.nr = SYS_sync_file_range, .name = "sync_file_range"},
	{.nr = SYS_msync, .name = "msync", .traits = NO_FD},
	{.nr = SYS_ftruncate, .name = "ftruncate"},
	{.nr = SYS_fallocate, .name = "fallocate"},
	{.nr = SYS_rename, .name = "rename", .traits = NO_FD},
	{.nr = SYS_renameat, .name = "renameat", .traits = NO_FD},
	{.nr = SYS_renameat2, .name = "renameat2", .traits = NO_FD},
	{.nr = SYS_link, .name = "link", .traits = NO_FD},
	{.nr = SYS_linkat, .name = "linkat", .traits = NO_FD},
	{.nr = SYS_unlink, .name = "unlink", .traits = NO_FD},
	{.nr = SYS_unlinkat, .name = "unlinkat", .traits = NO_FD},
	{.nr = SYS_mkdir, .name = "mkdir", .traits = NO_FD},
	{.nr = SYS_mkdirat, .name = "mkdirat", .traits = NO_FD},
	{.nr = SYS_rmdir, .name = "rmdir", .traits = NO_FD},
	{.nr = SYS_fchmod, .name = "fchmod"},
	{.nr = SYS_chmod, .name = "chmod", .traits = NO_FD},
	{.nr = SYS_open, .name = "open", .traits = OPENS | NO_FD},
	{.nr = SYS_openat, .name = "openat", .traits = OPENS | NO_FD},
	{.nr = SYS_sendto, .name = "sendto", .traits = SENDS},
	{.nr = SYS_sendmsg, .name = "sendmsg"},
	{.nr = SYS_connect, .name = "connect"},
	{.nr = SYS_read, .name = "read", .traits = QUIET},
	{.nr = SYS_pread64, .name = "pread64", .traits = QUIET},
	{.nr = SYS_recvfrom, .name = "recvfrom", .traits = QUIET},
	{.nr = SYS_mmap, .name = "mmap", .traits = QUIET | NO_FD},
};
#define CALL_COUNT (sizeof calls / sizeof calls[0])

static bool calls_choose(const char *list)
{
	for (size_t i = 0; i < CALL_COUNT; i++)
		calls[i].wanted = list == NULL && (calls[i].traits & QUIET) == 0;
	while (list != NULL && *list != '\0') {
		size_t len = strcspn(list, ","), i = 0;
		while (i < CALL_COUNT && (strlen(calls[i].name) != len || strncmp(calls[i].name, list, len) != 0))
			i++;
		if (i == CALL_COUNT)
			return false;
		calls[i].wanted = calls[i].by_name = true;
		list += len + (list[len] == ',');
	}
	return true;
}

static struct call *call_find(uint64_t nr)
{
	for (size_t i = 0; i < CALL_COUNT; i++)
		if (calls[i].wanted && (uint64_t)calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

/* ---- which deed --------------------------------------------------------------------------------- */

enum deed { DEED_NONE, DEED_KILL, DEED_TEAR, DEED_SHORT, DEED_PRETEND, DEED_FAIL };

static const struct {
	const char *name;
	enum deed deed;
	int error;
} deeds[] = {
	{"kill", DEED_KILL, 0},         {"tear", DEED_TEAR, 0},         {"short", DEED_SHORT, 0},
	{"pretend", DEED_PRETEND, 0},   {"EIO", DEED_FAIL, EIO},        {"ENOSPC", DEED_FAIL, ENOSPC},
	{"EINTR", DEED_FAIL, EINTR},    {"EDQUOT", DEED_FAIL, EDQUOT},  {"ENOMEM", DEED_FAIL, ENOMEM},
	{"EMFILE", DEED_FAIL, EMFILE},  {"EROFS", DEED_FAIL, EROFS},    {"EACCES", DEED_FAIL, EACCES},
	{"EPIPE", DEED_FAIL, EPIPE},    {"ECONNRESET", DEED_FAIL, ECONNRESET},
};
#define DEED_COUNT (sizeof deeds / sizeof deeds[0])

static struct plan {
	uint64_t at;
	enum deed deed;
	int error;
	bool for_good;
	const char *file, *report;
} plan = {.deed = DEED_KILL};

static struct outcome {
	uint64_t calls;
	const char *struck;
	int status;
} outcome;

static bool deed_choose(const char *name)
{
	for (size_t i = 0; i < DEED_COUNT; i++)
		if (strcmp(deeds[i].name, name) == 0) {
			plan.deed = deeds[i].deed;
			plan.error = deeds[i].error;
			return true;
		}
	return false;
}

/* ---- threads ------------------------------------------------------------------------------------ */

struct thread {
	pid_t tid;
	bool armed; /* past its program's entry */
	bool inside;
	enum deed deed; /* to be finished when the call returns */
	unsigned long long len, result;
	unsigned long entry;
	long entry_code;
};
static struct thread threads[256];
static volatile sig_atomic_t command_pid;

static struct thread *thread_get(pid_t tid)
{
	struct thread *free = NULL;

	for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
		if (threads[i].tid == tid)
			return &threads[i];
		if (threads[i].tid == 0 && free == NULL)
			free = &threads[i];
	}
	if (free == NULL) {
		errno = EAGAIN;
		trouble("more threads than it can follow");
	}
	*free = (struct thread){.tid = tid};
	return free;
}

static void registers_get(pid_t tid, struct user_regs_struct *r)
{
	if (ptrace(PTRACE_GETREGS, tid, NULL, r) != 0 && errno != ESRCH)
		trouble("PTRACE_GETREGS");
}

static void registers_set(pid_t tid, const struct user_regs_struct *r)
{
	if (ptrace(PTRACE_SETREGS, tid, NULL, r) != 0 && errno != ESRCH)
		trouble("PTRACE_SETREGS");
}

/* ---- the entry point ---------------------------------------------------------------------------- */

static unsigned long entry_find(pid_t tid)
{
	char name[64];
	Elf64_auxv_t v;
	unsigned long entry = 0;

	snprintf(name, sizeof name, "/proc/%d/auxv", (int)tid);
	FILE *f = fopen(name, "re");
	if (f == NULL)
		trouble(name);
	while (fread(&v, sizeof v, 1, f) == 1)
		if (v.a_type == AT_ENTRY)
			entry = v.a_un.a_val;
	fclose(f);
	return entry;
}

/* A breakpoint at the new program's entry. */
static void entry_watch(struct thread *t)
{
	t->armed = false;
	t->entry = entry_find(t->tid);
	errno = 0;
	t->entry_code = ptrace(PTRACE_PEEKTEXT, t->tid, (void *)t->entry, NULL);
	if (errno != 0 ||
	    ptrace(PTRACE_POKETEXT, t->tid, (void *)t->entry, (void *)((t->entry_code & ~0xffL) | 0xcc)) != 0)
		trouble("cannot set a breakpoint");
}

/* True if the trap was that breakpoint. */
static bool entry_reached(struct thread *t)
{
	struct user_regs_struct r = {0};

	if (t->armed || t->entry == 0)
		return false;
	registers_get(t->tid, &r);
	if (r.rip != t->entry + 1)
		return false;
	r.rip = t->entry;
	if (ptrace(PTRACE_POKETEXT, t->tid, (void *)t->entry, (void *)t->entry_code) != 0)
		trouble("cannot remove the breakpoint");
	registers_set(t->tid, &r);
	t->armed = true;
	return true;
}

/* ---- a call begins, a call ends ----------------------------------------------------------------- */

static bool file_matches(pid_t tid, const struct call *c, unsigned long long fd)
{
	char name[64], path[PATH_MAX];

	if (plan.file == NULL)
		return true;
	if ((c->traits & NO_FD) != 0)
		return false;
	snprintf(name, sizeof name, "/proc/%d/fd/%llu", (int)tid, fd);
	ssize_t n = readlink(name, path, sizeof path - 1);
	if (n < 0 && errno != ENOENT)
		trouble(name);
	if (n < 0)
		return false;
	path[n] = '\0';
	return fnmatch(plan.file, path, 0) == 0;
}

static bool call_counts(pid_t tid, const struct call *c, const struct user_regs_struct *r)
{
	unsigned long long flags = c->nr == SYS_open ? r->rsi : r->rdx;

	if ((c->traits & OPENS) != 0 && !c->by_name && (flags & O_CREAT) == 0)
		return false;
	return file_matches(tid, c, r->rdi);
}

static void deed_begin(struct thread *t, const struct call *c, struct user_regs_struct *r)
{
	bool writes = (c->traits & (WRITES | SENDS)) != 0;

	outcome.struck = c->name;
	t->deed = plan.deed;
	t->len = r->rdx;
	switch (plan.deed) {
	case DEED_SHORT:
	case DEED_TEAR:
		if (writes && r->rdx > 1)
			r->rdx /= 2;
		break;
	case DEED_FAIL:
		r->orig_rax = ~0ULL;
		t->result = (unsigned long long)-(long long)plan.error;
		break;
	default:
		r->orig_rax = ~0ULL;
		t->result = writes ? r->rdx : 0;
	}
	registers_set(t->tid, r);
	if (plan.deed == DEED_KILL)
		kill(command_pid, SIGKILL);
}

/* Our programs let nobody but root look at them; to know a descriptor's path strike has to. */
static void keep_in_sight(const struct thread *t, struct user_regs_struct *r)
{
	if (plan.file == NULL || r->orig_rax != SYS_prctl || r->rdi != PR_SET_DUMPABLE)
		return;
	r->rsi = 1;
	registers_set(t->tid, r);
}

static void call_begin(struct thread *t)
{
	struct user_regs_struct r = {0};

	registers_get(t->tid, &r);
	keep_in_sight(t, &r);
	struct call *c = call_find(r.orig_rax);
	if (!t->armed || c == NULL || !call_counts(t->tid, c, &r))
		return;
	outcome.calls++;
	c->counted++;
	if (plan.at > 0 && (outcome.calls == plan.at || (plan.for_good && outcome.calls > plan.at)))
		deed_begin(t, c, &r);
}

static void call_end(struct thread *t)
{
	struct user_regs_struct r = {0};

	if (t->deed == DEED_TEAR)
		kill(command_pid, SIGKILL);
	if (t->deed == DEED_NONE || t->deed == DEED_TEAR)
		return;
	registers_get(t->tid, &r);
	if (t->deed == DEED_SHORT)
		r.rdx = t->len; /* the kernel leaves it alone, and so must we */
	else
		r.rax = t->result;
	registers_set(t->tid, &r);
	t->deed = DEED_NONE;
}

/* ---- following ---------------------------------------------------------------------------------- */

static void forked(struct thread *t)
{
	unsigned long child = 0;

	if (ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &child) != 0)
		trouble("PTRACE_GETEVENTMSG");
	thread_get((pid_t)child)->armed = t->armed;
}

/* What a stop means; the signal to deliver when the thread goes on. */
static int stopped(struct thread *t, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (sig == (SIGTRAP | 0x80)) {
		t->inside = !t->inside;
		if (t->inside)
			call_begin(t);
		else
			call_end(t);
		return 0;
	}
	if (event == PTRACE_EVENT_EXEC)
		entry_watch(t);
	else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE)
		forked(t);
	if (event != 0 || (sig == SIGTRAP && entry_reached(t)))
		return 0;
	return sig;
}

static void pass_on(int sig)
{
	if (command_pid > 0)
		kill((pid_t)command_pid, sig);
}

/* Until the command and everything that it started is gone. */
static void follow(void)
{
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (tid <= 0)
			continue;
		struct thread *t = thread_get(tid);
		bool fresh = !WIFSTOPPED(status) ? false : t->entry == 0 && !t->inside && tid != command_pid;
		if (!WIFSTOPPED(status)) {
			if (tid == command_pid)
				outcome.status = status;
			*t = (struct thread){0};
			continue;
		}
		int sig = stopped(t, status);
		if (fresh && sig == SIGSTOP)
			sig = 0; /* every new thread begins with one */
		if (ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(intptr_t)sig) != 0 && errno != ESRCH)
			trouble("PTRACE_SYSCALL");
	}
}

static pid_t launch(char **command)
{
	pid_t pid = fork();

	if (pid < 0)
		trouble("fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(CANNOT_TRACE);
		raise(SIGSTOP);
		execvp(command[0], command);
		fprintf(stderr, "strike: %s: %s\n", command[0], strerror(errno));
		_exit(127);
	}
	return pid;
}

/* False if tracing is not allowed here. */
static bool begin(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return false;
	long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK |
		       PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)options) != 0)
		return false;
	return ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0;
}

static void report(void)
{
	if (plan.report == NULL)
		return;
	FILE *f = fopen(plan.report, "we");
	if (f == NULL)
		trouble(plan.report);
	fprintf(f, "calls %llu\n", (unsigned long long)outcome.calls);
	if (outcome.struck != NULL)
		fprintf(f, "struck %s\n", outcome.struck);
	if (WIFSIGNALED(outcome.status))
		fprintf(f, "ended signal %d\n", WTERMSIG(outcome.status));
	else
		fprintf(f, "ended exit %d\n", WEXITSTATUS(outcome.status));
	for (size_t i = 0; i < CALL_COUNT; i++)
		if (calls[i].counted > 0)
			fprintf(f, "called %s %llu\n", calls[i].name, (unsigned long long)calls[i].counted);
	if (fclose(f) != 0)
		trouble(plan.report);
}

static bool option_take(int option)
{
	char *end = NULL;

	switch (option) {
	case 'a':
		plan.at = strtoull(optarg, &end, 10);
		return *end == '\0' && plan.at > 0;
	case 'd':
		return deed_choose(optarg);
	case 'g':
		plan.for_good = true;
		return true;
	case 'c':
		return calls_choose(optarg);
	case 'f':
		plan.file = optarg;
		return true;
	case 'r':
		plan.report = optarg;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"at", required_argument, NULL, 'a'},   {"do", required_argument, NULL, 'd'},
		{"for-good", no_argument, NULL, 'g'},   {"calls", required_argument, NULL, 'c'},
		{"file", required_argument, NULL, 'f'}, {"report", required_argument, NULL, 'r'},
		{0},
	};
	int option;

	calls_choose(NULL);
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1)
		if (!option_take(option)) {
			fprintf(stderr, "strike: see the top of test/kill/strike.c\n");
			return TROUBLE;
		}
	if (optind == argc)
		return TROUBLE;
	command_pid = launch(argv + optind);
	signal(SIGTERM, pass_on);
	if (!begin((pid_t)command_pid)) {
		kill((pid_t)command_pid, SIGKILL);
		return CANNOT_TRACE;
	}
	follow();
	report();
	return WIFSIGNALED(outcome.status) ? 128 + WTERMSIG(outcome.status) : WEXITSTATUS(outcome.status);
}
#endif
