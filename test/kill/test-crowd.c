/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 16 processes of 16 threads lease from one table of a client, and use what they get, while processes are
 * killed at random and replaced.  No slot and no byte may be given out twice, and hub and client have to
 * hold the same bytes under the same offsets.
 *
 *   DSKE_CROWD_WINDOWS=N   how many leases (default 300); some thousands take minutes
 *
 * The hub is a process of its own with the hub's table, and speaks by packets, a connection a thread:
 *
 *	client                                        hub
 *	ask: slot, lowest            -------->
 *	                             <--------        grant: start, end
 *	confirm: start, end          -------->
 *	                             <--------        pad: offset and bytes of the down region
 *	pad: of the up region        -------->
 *
 * Whoever is about to use a range appends it to a file first, with one write(2), which a kill cannot take
 * back; in the end those of each kind must be disjoint.
 */
#include "config.h"

#include "test/pskm/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES 16
#define THREADS 16
#define LINES_MAX (4 * PROCESSES * THREADS)
#define WINDOW 600 /* bytes wanted of each region */
#define PAD 100
#define SLOT_COST 8192 /* bytes of table for each lease slot */

enum kind { KIND_SLOT, KIND_UP, KIND_DOWN, KIND_COUNT };

struct use {
	uint64_t start, end;
	uint64_t kind;
};

struct packet {
	uint64_t a, b; /* what they mean: above */
	uint8_t bytes[PAD];
};

static struct shared {
	_Atomic unsigned leases, overtaken, failures;
	_Atomic bool stop;
} *shared;
static int uses; /* the file, O_APPEND */
static struct sockaddr_un hub_address = {.sun_family = AF_UNIX};
static const char *client_dir;

static bool failed(const char *what)
{
	shared->failures++;
	fprintf(stderr, "%s\n", what);
	return false;
}

static void note(enum kind kind, uint64_t start, uint64_t len)
{
	struct use u = {start, start + len, kind};

	if (write(uses, &u, sizeof u) != (ssize_t)sizeof u)
		failed("a use could not be noted");
}

/* ---- the hub ------------------------------------------------------------------------------------- */

struct served {
	int fd;
	struct window *up;
	bool granted, confirmed;
};

static bool hub_grant(struct table *t, struct served *s, struct packet *p)
{
	uint8_t digest[LEASE_DIGEST_LEN] = {1};
	enum lease_kind kind;
	uint64_t next;

	memcpy(digest + 1, &p->a, sizeof p->a);
	if (!rc_ok(table_lease_classify(t, p->a, digest, &kind, &next)))
		return failed("the hub cannot look at a lease");
	if (kind == LEASE_STALE) { /* LEASE_MEMORY others came before it: it leases anew */
		shared->overtaken++;
		p->a = p->b = 0;
		return true;
	}
	if (kind != LEASE_FRESH)
		return failed("two leases on one slot");
	if (!rc_ok(table_lease_grant(t, p->a, digest, p->b, WINDOW, WINDOW, &s->up)))
		return failed("the hub cannot grant");
	p->a = window_start(s->up);
	p->b = window_end(s->up);
	s->granted = true;
	return true;
}

/* A pad of the window that the client allowed goes down. */
static bool hub_confirm(struct table *t, struct served *s, struct packet *p)
{
	struct window *down = NULL;
	AUTO(pad) pad = {0};

	if (!rc_ok(table_lease_confirm(t, p->a, p->b, &down)))
		return failed("the hub cannot confirm");
	s->confirmed = true;
	/* another's later window may have come first: then the hub has nothing in this one */
	p->b = 0;
	if (rc_ok(window_reserve(down, PAD, &pad))) {
		note(KIND_DOWN, pad.offset, PAD);
		p->a = pad.offset;
		p->b = PAD;
		memcpy(p->bytes, pad.bytes.data, PAD);
	}
	window_free(down);
	return true;
}

static bool hub_takes(struct served *s, const struct packet *p)
{
	AUTO(pad) pad = {0};

	if (!rc_ok(window_take(s->up, p->a, PAD, &pad)))
		return failed("bytes were used twice, or outside of a window");
	if (!mem_equal(pad.bytes.data, p->bytes, PAD))
		return failed("hub and client hold different bytes");
	return true;
}

/* False when the connection is over. */
static bool hub_serve(struct table *t, struct served *s)
{
	struct packet p;

	if (recv(s->fd, &p, sizeof p, 0) != (ssize_t)sizeof p)
		return false;
	if (s->confirmed)
		return hub_takes(s, &p);
	if (!(s->granted ? hub_confirm(t, s, &p) : hub_grant(t, s, &p)))
		return false;
	return send(s->fd, &p, sizeof p, MSG_NOSIGNAL) == (ssize_t)sizeof p;
}

static void hub_hang_up(struct served *s)
{
	window_free(s->up);
	close(s->fd);
	*s = (struct served){.fd = -1};
}

static void hub_accept(int door, struct served *lines)
{
	int fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < LINES_MAX; i++)
		if (lines[i].fd < 0) {
			lines[i].fd = fd;
			return;
		}
	failed("the hub has no room");
}

static _Noreturn void hub_run(const char *dir, int door)
{
	static struct served lines[LINES_MAX];
	static struct pollfd polled[LINES_MAX + 1];
	struct table *t;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!rc_ok(table_open(&t, dir, SIDE_HUB, NULL)))
		_exit(1);
	for (size_t i = 0; i < LINES_MAX; i++)
		lines[i].fd = -1;
	for (;;) {
		for (size_t i = 0; i < LINES_MAX; i++)
			polled[i] = (struct pollfd){.fd = lines[i].fd, .events = POLLIN};
		polled[LINES_MAX] = (struct pollfd){.fd = door, .events = POLLIN};
		poll(polled, LINES_MAX + 1, -1);
		for (size_t i = 0; i < LINES_MAX; i++)
			if (polled[i].revents != 0 && !hub_serve(t, &lines[i]))
				hub_hang_up(&lines[i]);
		if (polled[LINES_MAX].revents != 0)
			hub_accept(door, lines);
	}
}

/* ---- a thread of a client ------------------------------------------------------------------------ */

static bool say(int fd, const struct packet *p)
{
	return send(fd, p, sizeof *p, MSG_NOSIGNAL) == (ssize_t)sizeof *p || failed("the hub does not listen");
}

static bool hear(int fd, struct packet *p)
{
	return recv(fd, p, sizeof *p, 0) == (ssize_t)sizeof *p || failed("the hub does not answer");
}

static bool use_down(struct window *down, const struct packet *p)
{
	AUTO(pad) pad = {0};

	if (p->b == 0)
		return true;
	if (!rc_ok(window_take(down, p->a, PAD, &pad)) || !mem_equal(pad.bytes.data, p->bytes, PAD))
		return failed("what came down is not of the window, or other bytes");
	return true;
}

static bool use_up(int fd, struct window *up)
{
	while (window_left(up) >= PAD) {
		AUTO(pad) pad = {0};
		struct packet p = {0};

		if (!rc_ok(window_reserve(up, PAD, &pad)))
			return failed("a window does not give what it has");
		note(KIND_UP, pad.offset, PAD);
		p.a = pad.offset;
		memcpy(p.bytes, pad.bytes.data, PAD);
		if (!say(fd, &p))
			return false;
	}
	return true;
}

static bool lease_used(int fd, struct table *t)
{
	AUTO(lease_keys) keys = {0};
	struct window *up, *down;
	struct packet p = {0};
	uint64_t slot, lowest;

	if (!rc_ok(table_lease_take(t, &slot, &lowest, &keys)))
		return failed("no slot");
	note(KIND_SLOT, slot, 1);
	p.a = slot;
	p.b = lowest;
	if (!say(fd, &p) || !hear(fd, &p) || p.b == 0)
		return false;
	if (!rc_ok(table_lease_granted(t, p.a, p.b, WINDOW, &up, &down)))
		return failed("a grant that cannot be taken");
	p.a = window_start(down);
	p.b = window_end(down);
	bool fine = say(fd, &p) && hear(fd, &p) && use_down(down, &p) && use_up(fd, up);
	window_free(up);
	window_free(down);
	return fine;
}

static void *thread_run(void *context)
{
	while (!shared->stop) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&hub_address, sizeof hub_address) != 0)
			failed("no way to the hub");
		else if (lease_used(fd, context))
			shared->leases++;
		if (fd >= 0)
			close(fd);
		if (shared->failures > 20)
			break;
	}
	return NULL;
}

static pid_t process_start(void)
{
	pthread_t thread[THREADS];
	struct table *t;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!rc_ok(table_open(&t, client_dir, SIDE_CLIENT, NULL))) {
		failed("a table that cannot be opened");
		_exit(1);
	}
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, thread_run, t) != 0)
			_exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}

/* ---- the test ------------------------------------------------------------------------------------ */

static unsigned windows_wanted(void)
{
	const char *text = getenv("DSKE_CROWD_WINDOWS");
	unsigned n = text != NULL ? (unsigned)strtoul(text, NULL, 10) : 0;

	return n > 0 ? n : 300;
}

static int by_start(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

static void assert_no_overlap(off_t len)
{
	size_t count = (size_t)len / sizeof(struct use), of[KIND_COUNT] = {0}, overlaps = 0;
	struct use *u = malloc((size_t)len);

	assert_non_null(u);
	assert_int_equal(pread(uses, u, (size_t)len, 0), len);
	qsort(u, count, sizeof *u, by_start);
	for (size_t i = 0; i < count; i++) {
		of[u[i].kind]++;
		overlaps += i > 0 && u[i].kind == u[i - 1].kind && u[i].start < u[i - 1].end;
	}
	print_message("# %zu slots, %zu ranges up, %zu ranges down: %zu overlaps\n", of[KIND_SLOT], of[KIND_UP],
		      of[KIND_DOWN], overlaps);
	free(u);
	assert_int_equal(overlaps, 0);
	assert_in_range(of[KIND_SLOT], shared->leases, SIZE_MAX);
	assert_in_range(of[KIND_UP], 1, SIZE_MAX); /* a grant that a later one overtook is empty */
	assert_in_range(of[KIND_DOWN], 1, SIZE_MAX);
}

static int door_open(const struct fixture *f)
{
	int door = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_in_range(snprintf(hub_address.sun_path, sizeof hub_address.sun_path, "%s/hub.socket", f->scratch.s), 1,
			sizeof hub_address.sun_path - 1);
	assert_int_equal(bind(door, (struct sockaddr *)&hub_address, sizeof hub_address), 0);
	assert_int_equal(listen(door, LINES_MAX), 0);
	return door;
}

/* Until there were enough leases.  Returns how many processes were killed. */
static unsigned kill_and_replace(pid_t *process, unsigned wanted)
{
	unsigned killed = 0;

	while (shared->leases < wanted && shared->failures == 0) {
		int status, victim = rand() % PROCESSES;

		nanosleep(&(struct timespec){.tv_nsec = 1000000L * (20 + rand() % 60)}, NULL);
		kill(process[victim], SIGKILL);
		assert_int_equal(waitpid(process[victim], &status, 0), process[victim]);
		assert_true(WIFSIGNALED(status));
		killed++;
		process[victim] = process_start();
	}
	return killed;
}

static void test_crowd(void **state)
{
	struct fixture f;
	pid_t process[PROCESSES], hub;
	unsigned wanted = windows_wanted();
	uint64_t len = UINT64_C(8) << 20;
	int status;

	(void)state;
	while (len < (uint64_t)wanted * 3 * SLOT_COST)
		len *= 2; /* the killed take slots too */
	fixture_active(&f, len);
	client_dir = f.client_dir.s;
	table_close(f.hub);
	table_close(f.client);
	f.hub = f.client = NULL;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	struct path notes;
	assert_ok(path_format(&notes, "%s/uses", f.scratch.s));
	uses = open(notes.s, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int door = door_open(&f);
	hub = fork();
	if (hub == 0)
		hub_run(f.hub_dir.s, door);
	srand((unsigned)time(NULL));
	for (int i = 0; i < PROCESSES; i++)
		process[i] = process_start();
	unsigned killed = kill_and_replace(process, wanted);
	shared->stop = true;
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(process[i], &status, 0), process[i]);
		assert_int_equal(status, 0);
	}
	kill(hub, SIGKILL);
	assert_int_equal(waitpid(hub, &status, 0), hub);
	print_message("# %u leases by %d processes of %d threads; %u processes killed, %u leases overtaken\n",
		      shared->leases, PROCESSES, THREADS, killed, shared->overtaken);
	assert_int_equal(shared->failures, 0);
	assert_no_overlap(lseek(uses, 0, SEEK_END));
	close(uses);
	close(door);
	unlink(notes.s);
	unlink(hub_address.sun_path);
	munmap(shared, sizeof *shared);
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_crowd)};

	return cmocka_run_group_tests_name("crowd", tests, NULL, NULL);
}
