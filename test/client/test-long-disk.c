/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long keys on a disk that is nearly full: a hub that sends more than its share keeps no other one out.  The disk is a small
 * file system in memory, in a name space of this process's own; where that cannot be had the tests are skipped.
 */
#include <config.h>

#include "test/client/world.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/net.h"

#define KEY_LEN (2 * KEY_PART_LEN + 17) /* three parts */
#define SHARE_ROOM ((2u << 20) + (64u << 10)) /* on the disk, and a little more */

static struct world w;
static bool may_mount;
static struct path disk;

/* ---- the disk ------------------------------------------------------------------------------------------------- */

static bool put_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Mounts are for this process alone, before it has threads; it stays who it is. */
static bool own_mounts(void)
{
	char users[64], groups[64];
	snprintf(users, sizeof users, "%u %u 1", geteuid(), geteuid());
	snprintf(groups, sizeof groups, "%u %u 1", getegid(), getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && put_line("/proc/self/setgroups", "deny") &&
	       put_line("/proc/self/uid_map", users) && put_line("/proc/self/gid_map", groups) &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* With room for so many KiB. */
static void disk_make(size_t kib)
{
	char options[64];
	snprintf(options, sizeof options, "size=%zuk,mode=0700", kib);
	assert_ok(path_format(&disk, "%s/disk", w.scratch.s));
	assert_ok(file_make_dirs(disk.s, 0700));
	if (mount("none", disk.s, "tmpfs", 0, options) != 0)
		skip();
}

static void disk_drop(void)
{
	assert_int_equal(umount(disk.s), 0);
}

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, UINT64_C(128) << 20, "k = 2\nk_b = 2\ntimeout = 5s");
	return 0;
}

/* ---- both ends -------------------------------------------------------------------------------------------------- */

struct vessel {
	uint8_t *bytes;
	size_t len;
	struct agree_sink sink;
};

static dske_rc pour(void *context, const uint8_t *bytes, size_t len)
{
	struct vessel *v = context;
	assert_true(v->len + len <= KEY_LEN);
	memcpy(v->bytes + v->len, bytes, len);
	v->len += len;
	return DSKE_OK;
}

struct end {
	struct caller caller;
	struct vessel vessel;
};

static void begin(struct end *e, struct client *c, const char *peer, enum agree_role role, const char *context, int64_t timeout_ms)
{
	struct agree_request *q = &e->caller.q;
	*e = (struct end){.caller.client = c, .vessel.bytes = calloc(1, KEY_LEN)};
	assert_non_null(e->vessel.bytes);
	e->vessel.sink = (struct agree_sink){.context = &e->vessel, .write = pour, .folder = role == ROLE_RECEIVER ? disk.s : NULL};
	*q = (struct agree_request){.role = role, .scheme = SCHEME_COUNT, .timeout_ms = timeout_ms};
	q->key_len = role == ROLE_INITIATOR ? KEY_LEN : 0; /* who is sent a key takes one of any length */
	q->sink = &e->vessel.sink;
	strcpy(q->peer, peer);
	q->context_len = (uint8_t)strlen(context);
	memcpy(q->context, context, q->context_len);
	caller_go(&e->caller);
}

static void end(struct end *e)
{
	caller_join(&e->caller);
	if (!rc_ok(e->caller.rc))
		print_message("# %s\n", e->caller.why);
	for (size_t i = 0; i < e->caller.r.report.count; i++)
		print_message("# %s: %s, %s\n", e->caller.r.report.hub[i].name, rc_name(e->caller.r.report.hub[i].rc),
			      e->caller.r.report.hub[i].detail);
}

static void drop(struct end *e)
{
	agree_result_drop(&e->caller.r);
	free(e->vessel.bytes);
}

static void send(struct end *a, const char *context)
{
	begin(a, w.alice, "bob", ROLE_INITIATOR, context, 5000);
	end(a);
	assert_ok(a->caller.rc);
}

static void assert_same(const struct end *a, const struct end *b)
{
	assert_ok(b->caller.rc);
	assert_int_equal(b->vessel.len, KEY_LEN);
	assert_true(memcmp(a->vessel.bytes, b->vessel.bytes, KEY_LEN) == 0);
}

static void all_hubs(enum mock_manner manner)
{
	for (size_t h = 0; h < WORLD_HUBS; h++)
		world_let_hub(&w, h, manner);
}

/* ---- the tests -------------------------------------------------------------------------------------------------- */

/* One hub delivers a share four times as long under terms of its own, and has the disk to itself while it does; then the
 * others come.  The disk has room for so many shares of the key, and two are needed. */
static void a_hub_that_fills_the_disk(void **state)
{
	static const unsigned rooms[] = {5, 4, 2}; /* one is left; it is full; the long share does not even begin */
	struct end a, b;
	char context[16];
	(void)state;
	if (!may_mount)
		skip();
	for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
		snprintf(context, sizeof context, "fills-%u", rooms[i]);
		disk_make(rooms[i] * (SHARE_ROOM >> 10));
		send(&a, context);
		all_hubs(MOCK_LATE);
		world_let_hub(&w, 0, MOCK_SWELLS);
		unsigned before = w.hub[0].pieces;
		begin(&b, w.bob, "alice", ROLE_RECEIVER, context, 9000);
		end(&b);
		print_message("# %u pieces of the long share, %u and %u of the others\n", w.hub[0].pieces - before,
			      w.hub[1].pieces, w.hub[2].pieces);
		assert_int_equal(w.hub[0].pieces - before >= 8, rooms[i] >= 4);
		assert_same(&a, &b);
		drop(&a);
		drop(&b);
		disk_drop();
		all_hubs(MOCK_HONEST);
	}
}

/* Three honest shares, room for two and a half, and two are enough. */
static void what_is_not_needed_need_not_fit(void **state)
{
	struct end a, b;
	(void)state;
	if (!may_mount)
		skip();
	disk_make(5 * (SHARE_ROOM >> 10) / 2);
	send(&a, "half");
	begin(&b, w.bob, "alice", ROLE_RECEIVER, "half", 5000);
	end(&b);
	assert_same(&a, &b);
	drop(&a);
	drop(&b);
	disk_drop();
}

/* Where honest shares alone do not fit it is told at once how much is needed, and where; nothing is lost. */
static void too_small_a_disk_is_told(void **state)
{
	struct end a, b;
	(void)state;
	if (!may_mount)
		skip();
	send(&a, "small");
	disk_make(3 * (SHARE_ROOM >> 10) / 2);
	int64_t begun = clock_ms();
	begin(&b, w.bob, "alice", ROLE_RECEIVER, "small", 8000);
	end(&b);
	assert_rc(b.caller.rc, IO);
	assert_in_range(clock_ms() - begun, 0, 4000);
	assert_non_null(strstr(b.caller.why, disk.s));
	assert_non_null(strstr(b.caller.why, " 4198466 bytes in ")); /* two shares, in blocks with a tag each */
	drop(&b);
	disk_drop();
	disk_make(4 * (SHARE_ROOM >> 10));
	begin(&b, w.bob, "alice", ROLE_RECEIVER, "small", 5000);
	end(&b);
	assert_same(&a, &b);
	drop(&a);
	drop(&b);
	disk_drop();
}

/* ---- a disk that others fill, and empty again ------------------------------------------------------------------------ */

static int set_up_all_needed(void **state)
{
	*state = &w;
	world_make(&w, UINT64_C(128) << 20, "k = 3\nk_b = 3\ntimeout = 5s");
	return 0;
}

static void nap(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void fill(int ballast)
{
	struct statvfs v;
	assert_int_equal(fstatvfs(ballast, &v), 0);
	off_t len = (off_t)(v.f_bavail * v.f_frsize);
	while (len > 0 && fallocate(ballast, 0, 0, len) != 0) /* shares may come between */
		len -= 1 << 18;
}

/* Two hubs of three that are needed find room and none by turns, and the third one is late: they have not delivered until
 * nothing is left to deliver on, when it comes. */
static void what_finds_no_room_is_not_asked_for_in_vain(void **state)
{
	struct end a, b;
	struct path name;
	(void)state;
	if (!may_mount)
		skip();
	send(&a, "flaps");
	disk_make(8 * (SHARE_ROOM >> 10));
	assert_ok(path_format(&name, "%s/ballast", disk.s));
	int ballast = open(name.s, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(ballast >= 0);
	fill(ballast);
	w.hub[2].is_held = true;
	world_let_hub(&w, 2, MOCK_LATE);
	unsigned before = w.hub[0].instructions;
	begin(&b, w.bob, "alice", ROLE_RECEIVER, "flaps", 20000);
	while (w.hub[0].instructions == before)
		nap(1);
	for (unsigned i = 0; i < 8; i++) {
		unsigned seen = w.hub[0].instructions;
		nap(100);
		assert_int_equal(ftruncate(ballast, 0), 0);
		for (unsigned ms = 0; ms < 100 && w.hub[0].instructions == seen; ms++)
			nap(1);
		fill(ballast);
	}
	assert_int_equal(ftruncate(ballast, 0), 0);
	w.hub[2].is_held = false;
	end(&b);
	print_message("# %u instructions\n", w.hub[0].instructions - before);
	assert_same(&a, &b);
	assert_in_range(w.hub[0].instructions - before, 1, 3);
	close(ballast);
	drop(&a);
	drop(&b);
	disk_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_hub_that_fills_the_disk, set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_needed_need_not_fit, set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(too_small_a_disk_is_told, set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(what_finds_no_room_is_not_asked_for_in_vain, set_up_all_needed, world_tear_down),
	};
	may_mount = own_mounts();
	return cmocka_run_group_tests_name("long-disk", tests, NULL, NULL);
}
