/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret.h: where secrets lie, that they are wiped, and what a forked child sees. */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"

static bool all_are(const uint8_t *p, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != value)
			return false;
	}
	return true;
}

/* One row of /proc/self/smaps. */
struct area {
	uintptr_t start, end;
	char rights[8];
	char flags[256];
};

/* Finds the area that holds an address. */
static bool area_find(struct area *out, const void *address)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	char line[512];
	bool inside = false;

	*out = (struct area){0};
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		struct area a = {0};
		if (sscanf(line, "%lx-%lx %7s", &a.start, &a.end, a.rights) == 3) {
			inside = (uintptr_t)address >= a.start && (uintptr_t)address < a.end;
			if (inside)
				*out = a;
		} else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			snprintf(out->flags, sizeof out->flags, "%.250s", line + 8);
		}
	}
	if (maps != NULL)
		fclose(maps);
	return out->end != 0;
}

static bool has_flag(const struct area *a, const char *flag)
{
	char word[8];

	snprintf(word, sizeof word, " %s", flag);
	return strstr(a->flags, word) != NULL;
}

static bool is_guard(const void *address)
{
	struct area a;

	return area_find(&a, address) && strcmp(a.rights, "---p") == 0;
}

/* Runs a check in a forked child; its true is our true. */
static bool in_child(bool (*check)(void *), void *arg)
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		alarm(5); /* a lock that never opens ends here */
		_exit(check(arg) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void secrets_begin_as_zeros(void **state)
{
	(void)state;
	for (size_t len = 1; len < 20000; len += 1 + len / 7) {
		for (int round = 0; round < 2; round++) {
			AUTO(secret) s = {0};
			assert_true(rc_ok(secret_alloc(&s, len)));
			assert_int_equal(s.len, len);
			assert_true(all_are(s.data, len, 0));
			assert_int_equal((uintptr_t)s.data % 32, 0);
			memset(s.data, 0xA5, len);
		}
	}
}

static void no_bytes_need_no_memory(void **state)
{
	struct secret s = {0};

	(void)state;
	assert_true(rc_ok(secret_alloc(&s, 0)));
	assert_null(s.data);
	assert_true(rc_ok(secret_from(&s, NULL, 0)));
	assert_true(rc_ok(secret_random(&s, 0)));
	secret_drop(&s);
	secret_drop(&s);
	assert_int_equal(s.len, 0);
}

static void impossible_sizes_are_refused(void **state)
{
	const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4096, SIZE_MAX - 3 * 4096, SIZE_MAX / 2};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct secret s = {0};
		assert_true(rc_is(secret_alloc(&s, sizes[i]), DSKE_RC_NOMEM));
		assert_null(s.data);
		assert_int_equal(s.len, 0);
		assert_true(rc_is(secret_random(&s, sizes[i]), DSKE_RC_NOMEM));
		assert_null(s.data);
	}
}

static void bytes_are_copied_in(void **state)
{
	AUTO(secret) s = {0};

	(void)state;
	assert_true(rc_ok(secret_from(&s, "sixteen letters", 16)));
	assert_int_equal(s.len, 16);
	assert_memory_equal(s.data, "sixteen letters", 16);
}

static void random_secrets_differ(void **state)
{
	(void)state;
	const size_t sizes[] = {16, 300, 5000, 1000000};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		AUTO(secret) a = {0};
		AUTO(secret) b = {0};
		assert_true(rc_ok(secret_random(&a, sizes[i])));
		assert_true(rc_ok(secret_random(&b, sizes[i])));
		assert_memory_not_equal(a.data, b.data, 16);
		/* the last bytes are filled as well: 16 zeros come once in 2^128 */
		assert_false(all_are(a.data + sizes[i] - 16, 16, 0));
	}
}

static void moving_leaves_one_owner(void **state)
{
	struct secret a = {0}, b = {0};

	(void)state;
	assert_true(rc_ok(secret_from(&a, "first", 5)));
	assert_true(rc_ok(secret_from(&b, "second", 6)));
	const uint8_t *place = a.data;
	secret_move(&b, &a);
	assert_null(a.data);
	assert_int_equal(a.len, 0);
	assert_ptr_equal(b.data, place);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "first", 5);
	secret_move(&b, &b);
	assert_memory_equal(b.data, "first", 5);
	secret_move(&b, &a);
	assert_null(b.data);
}

static void dropping_wipes(void **state)
{
	struct secret keeper = {0}, s = {0};

	(void)state;
	/* The keeper holds the chunk in place, so that the wiped bytes can be looked at. */
	assert_true(rc_ok(secret_alloc(&keeper, 1)));
	for (size_t len = 1; len <= 4096; len += 1 + len / 3) {
		assert_true(rc_ok(secret_alloc(&s, len)));
		memset(s.data, 0x5A, len);
		const uint8_t *place = s.data;
		secret_drop(&s);
		assert_null(s.data);
		assert_int_equal(s.len, 0);
		assert_true(all_are(place, len, 0));
	}
	secret_drop(&keeper);
}

static void cutting_wipes_and_gives_back(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 4096; len += 1 + len / 3) {
		for (size_t cut = 0; cut <= len + 1; cut += 1 + len / 5) {
			AUTO(secret) keeper = {0};
			AUTO(secret) s = {0};
			assert_true(rc_ok(secret_alloc(&keeper, 1)));
			assert_true(rc_ok(secret_alloc(&s, len)));
			memset(s.data, 0x5A, len);
			const uint8_t *place = s.data;
			size_t left = cut < len ? cut : len;
			secret_cut(&s, cut);
			assert_int_equal(s.len, left);
			assert_true(all_are(place, left, left > 0 ? 0x5A : 0));
			assert_true(all_are(place + left, len - left, 0));
		}
	}
}

static void large_secrets_are_cut_to_pages(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t len = 5 * page + 100;
	struct secret s = {0};

	(void)state;
	assert_true(rc_ok(secret_alloc(&s, len)));
	memset(s.data, 0x5A, len);
	const size_t cuts[] = {5 * page + 100, 5 * page + 7, 5 * page, 3 * page - 1, 2 * page + 1, 2 * page, 10, 0};
	for (size_t i = 0; i < sizeof cuts / sizeof cuts[0] - 1; i++) {
		size_t inner = (cuts[i] + page - 1) / page * page;
		secret_cut(&s, cuts[i]);
		assert_int_equal(s.len, cuts[i]);
		assert_true(all_are(s.data, cuts[i], 0x5A));
		assert_true(all_are(s.data + cuts[i], inner - cuts[i], 0));
		assert_true(is_guard(s.data - 1));
		assert_true(is_guard(s.data + inner));
	}
	secret_cut(&s, 0);
	assert_null(s.data);
}

/* Random allocations, cuts and drops against a model: no two share a byte, and none changes by itself. */
static void many_secrets_keep_apart(void **state)
{
	enum { COUNT = 300 };
	struct secret s[COUNT] = {0};
	uint32_t seed = 12345;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		seed = seed * 1664525 + 1013904223;
		size_t i = (seed >> 8) % COUNT;
		uint8_t mark = (uint8_t)(i + 1);
		if (s[i].data == NULL) {
			size_t len = 1 + (seed >> 4) % ((seed & 15) == 0 ? 9000 : 700);
			assert_true(rc_ok(secret_alloc(&s[i], len)));
			assert_true(all_are(s[i].data, len, 0));
			memset(s[i].data, mark, len);
			continue;
		}
		assert_true(all_are(s[i].data, s[i].len, mark));
		if ((seed >> 28) < 8)
			secret_cut(&s[i], (seed >> 9) % (s[i].len + 1));
		else
			secret_drop(&s[i]);
	}
	for (size_t i = 0; i < COUNT; i++) {
		assert_true(all_are(s[i].data, s[i].len, (uint8_t)(i + 1)));
		secret_drop(&s[i]);
	}
}

static void given_back_memory_is_used_again(void **state)
{
	enum { COUNT = 3000 };
	static struct secret s[COUNT];
	struct area before, after;

	(void)state;
	assert_true(rc_ok(secret_alloc(&s[0], 32)));
	const uint8_t *place = s[0].data;
	assert_true(area_find(&before, place));
	for (size_t i = 1; i < COUNT; i++)
		assert_true(rc_ok(secret_alloc(&s[i], 100)));
	for (size_t i = 1; i < COUNT; i++)
		secret_drop(&s[i]);
	assert_true(area_find(&after, place));
	assert_int_equal(before.start, after.start);
	assert_true(rc_ok(secret_alloc(&s[1], 32)));
	assert_in_range((uintptr_t)s[1].data, before.start, before.end - 1);
	secret_drop(&s[0]);
	secret_drop(&s[1]);
}

static void memory_is_kept_out_of_core_files_and_guarded(void **state)
{
	const size_t sizes[] = {1, 32, 4096, 4097, 100000};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		AUTO(secret) s = {0};
		struct area a;
		assert_true(rc_ok(secret_alloc(&s, sizes[i])));
		assert_true(area_find(&a, s.data));
		assert_true(has_flag(&a, "dd")); /* MADV_DONTDUMP */
		assert_true(has_flag(&a, "wf")); /* MADV_WIPEONFORK */
		assert_string_equal(a.rights, "rw-p");
		assert_true(a.start <= (uintptr_t)s.data && (uintptr_t)s.data + s.len <= a.end);
		assert_true(is_guard((const void *)(a.start - 1)));
		assert_true(is_guard((const void *)a.end));
	}
}

static bool allocate_without_locks(void *arg)
{
	const struct rlimit none = {0, 0};
	struct secret s = {0};
	struct area a;

	(void)arg;
	if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
		return false;
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else /proc/self belongs to root now */
	for (size_t len = 32; len < 100000; len *= 9) {
		if (!rc_ok(secret_alloc(&s, len)) || !area_find(&a, s.data))
			return false;
		if (has_flag(&a, "lo") || !has_flag(&a, "dd"))
			return false;
		secret_drop(&s);
	}
	return true;
}

/* The sanitizers turn mlock(2) into nothing. */
#if defined(__has_feature)
#define FEATURE(x) __has_feature(x)
#else
#define FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || FEATURE(address_sanitizer) || FEATURE(memory_sanitizer)
#define MLOCK_WORKS false
#else
#define MLOCK_WORKS true
#endif

static void memory_is_locked_while_that_is_allowed(void **state)
{
	struct rlimit limit;
	struct secret s = {0};
	struct area a;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_true(rc_ok(secret_alloc(&s, 32)));
	assert_true(area_find(&a, s.data));
	secret_drop(&s);
	/* What other tests of this process hold is far below a megabyte. */
	if (MLOCK_WORKS && limit.rlim_cur >= 1 << 20)
		assert_true(has_flag(&a, "lo"));
	assert_true(in_child(allocate_without_locks, NULL));
}

struct inheritance {
	struct secret small, large;
};

/* Also where others of that length were given back that are not. */
static bool new_pages_are_locked(size_t len)
{
	AUTO(secret) s = {0};
	struct rlimit limit;
	struct area a;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || !rc_ok(secret_alloc(&s, len)) || !area_find(&a, s.data))
		return false;
	return !MLOCK_WORKS || limit.rlim_cur < 1 << 20 || has_flag(&a, "lo");
}

static bool child_sees_zeros(void *arg)
{
	struct inheritance *in = arg;
	struct area inherited;
	struct secret fresh[3] = {0};

	if (!all_are(in->small.data, in->small.len, 0) || !all_are(in->large.data, in->large.len, 0))
		return false;
	if (!area_find(&inherited, in->small.data))
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (!rc_ok(secret_random(&fresh[i], 16 + i * 3000)))
			return false;
		/* not where locks were lost with the fork */
		if ((uintptr_t)fresh[i].data >= inherited.start && (uintptr_t)fresh[i].data < inherited.end)
			return false;
	}
	secret_cut(&in->small, 5);
	secret_cut(&in->large, 5000);
	secret_drop(&in->small);
	secret_drop(&in->large);
	if (all_are(fresh[2].data, 6000, 0) || !new_pages_are_locked(5000))
		return false;
	for (size_t i = 0; i < 3; i++)
		secret_drop(&fresh[i]);
	return in->small.data == NULL && in->large.data == NULL;
}

static bool child_and_grandchild_see_zeros(void *arg)
{
	struct secret own = {0};

	if (!rc_ok(secret_from(&own, "the child's own", 16)))
		return false;
	struct inheritance in = {0};
	if (!rc_ok(secret_from(&in.small, "small", 5)) || !rc_ok(secret_random(&in.large, 10000)))
		return false;
	bool ok = in_child(child_sees_zeros, &in) && child_sees_zeros(arg);
	return ok && memcmp(own.data, "the child's own", 16) == 0;
}

static void forked_children_own_nothing(void **state)
{
	struct inheritance in = {0};
	uint8_t copy[20000];

	(void)state;
	assert_true(rc_ok(secret_from(&in.small, "a small secret", 15)));
	assert_true(rc_ok(secret_random(&in.large, sizeof copy)));
	memcpy(copy, in.large.data, sizeof copy);
	assert_true(in_child(child_sees_zeros, &in));
	assert_true(in_child(child_and_grandchild_see_zeros, &in));
	assert_memory_equal(in.small.data, "a small secret", 15);
	assert_memory_equal(in.large.data, copy, sizeof copy);
	secret_drop(&in.small);
	secret_drop(&in.large);
}

static atomic_bool stop;

static void *allocate_for_ever(void *arg)
{
	uint8_t mark = *(const uint8_t *)arg;

	while (!atomic_load(&stop)) {
		struct secret s[8] = {0};
		for (size_t i = 0; i < 8; i++) {
			if (!rc_ok(secret_alloc(&s[i], 1 + i * 700)) || !all_are(s[i].data, s[i].len, 0))
				return NULL;
			memset(s[i].data, mark, s[i].len);
		}
		for (size_t i = 0; i < 8; i++) {
			if (!all_are(s[i].data, s[i].len, mark))
				return NULL;
			secret_drop(&s[i]);
		}
	}
	return arg;
}

static bool child_allocates(void *arg)
{
	struct secret s[4] = {0};

	(void)arg;
	for (size_t i = 0; i < 4; i++) {
		if (!rc_ok(secret_alloc(&s[i], 10 + 1500 * i)) || !all_are(s[i].data, s[i].len, 0))
			return false;
	}
	for (size_t i = 0; i < 4; i++)
		secret_drop(&s[i]);
	return true;
}

/* Children are forked while other threads are anywhere inside the allocator. */
static void threads_and_forks_do_not_disturb(void **state)
{
	enum { CROWD = 2000 };
	static struct secret crowd[CROWD];
	pthread_t threads[3];
	static uint8_t marks[3] = {1, 2, 3};

	(void)state;
	/* A crowded chunk makes every search for room long, so that most forks meet a held lock. */
	for (size_t i = 0; i < CROWD; i++)
		assert_true(rc_ok(secret_alloc(&crowd[i], 1)));
	atomic_store(&stop, false);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, allocate_for_ever, &marks[i]), 0);
	int good = 0;
	while (good < 60 && in_child(child_allocates, NULL))
		good++;
	atomic_store(&stop, true);
	for (size_t i = 0; i < 3; i++) {
		void *result = NULL;
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_ptr_equal(result, &marks[i]);
	}
	assert_int_equal(good, 60);
	for (size_t i = 0; i < CROWD; i++)
		secret_drop(&crowd[i]);
}

static void wiping_wipes_exactly_its_range(void **state)
{
	uint8_t bytes[64];

	(void)state;
	for (size_t from = 0; from <= 64; from += 3) {
		for (size_t len = 0; from + len <= 64; len++) {
			memset(bytes, 9, sizeof bytes);
			mem_wipe(bytes + from, len);
			assert_true(all_are(bytes, from, 9));
			assert_true(all_are(bytes + from, len, 0));
			assert_true(all_are(bytes + from + len, 64 - from - len, 9));
		}
	}
	mem_wipe(NULL, 0);
}

static void comparing_finds_every_bit(void **state)
{
	uint8_t a[40], b[40];

	(void)state;
	for (size_t i = 0; i < sizeof a; i++)
		a[i] = b[i] = (uint8_t)(i * 37);
	for (size_t len = 0; len <= sizeof a; len++)
		assert_true(mem_equal(a, b, len));
	for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		for (size_t len = 0; len <= sizeof a; len++)
			assert_int_equal(mem_equal(a, b, len), len <= bit / 8);
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	memset(a, 0x00, sizeof a);
	memset(b, 0xFF, sizeof b);
	assert_false(mem_equal(a, b, sizeof a));
}

static void random_bytes_fill_every_place(void **state)
{
	uint8_t bytes[600];
	uint8_t seen[600] = {0};

	(void)state;
	for (int round = 0; round < 16; round++) {
		assert_true(rc_ok(random_fill(bytes, sizeof bytes)));
		for (size_t i = 0; i < sizeof bytes; i++)
			seen[i] |= bytes[i];
	}
	for (size_t i = 0; i < sizeof seen; i++)
		assert_int_not_equal(seen[i], 0);
	memset(bytes, 7, sizeof bytes);
	assert_true(rc_ok(random_fill(bytes, 0)));
	assert_true(all_are(bytes, sizeof bytes, 7));
}

static bool is_hardened(void *arg)
{
	struct rlimit core = {1, 1};

	(void)arg;
	process_harden();
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 &&
	       core.rlim_max == 0;
}

static void hardened_processes_leave_no_core(void **state)
{
	(void)state;
	assert_true(in_child(is_hardened, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_begin_as_zeros),
		cmocka_unit_test(no_bytes_need_no_memory),
		cmocka_unit_test(impossible_sizes_are_refused),
		cmocka_unit_test(bytes_are_copied_in),
		cmocka_unit_test(random_secrets_differ),
		cmocka_unit_test(moving_leaves_one_owner),
		cmocka_unit_test(dropping_wipes),
		cmocka_unit_test(cutting_wipes_and_gives_back),
		cmocka_unit_test(large_secrets_are_cut_to_pages),
		cmocka_unit_test(many_secrets_keep_apart),
		cmocka_unit_test(given_back_memory_is_used_again),
		cmocka_unit_test(memory_is_kept_out_of_core_files_and_guarded),
		cmocka_unit_test(memory_is_locked_while_that_is_allowed),
		cmocka_unit_test(forked_children_own_nothing),
		cmocka_unit_test(threads_and_forks_do_not_disturb),
		cmocka_unit_test(wiping_wipes_exactly_its_range),
		cmocka_unit_test(comparing_finds_every_bit),
		cmocka_unit_test(random_bytes_fill_every_place),
		cmocka_unit_test(hardened_processes_leave_no_core),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
