/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store-work: work on a token's store that is struck or killed, and the audit of what is left.
 *
 *   store-work make FOLDER                 a token with a few objects
 *   store-work work FOLDER JOURNAL         adds, replaces and removes; makes the file anew; sets a PIN
 *   store-work crowd FOLDER KILLS          8 processes do so for as long as it takes to kill that many of them
 *   store-work audit FOLDER JOURNAL...     is each object there that was reported, whole, and no other?
 *
 * A journal has a line before each change and one after it: "B add V", "B replace V W", "B remove V", and "D" or, if the
 * change failed, "F".  V is an object's text without its filling.  What was begun and not done may be there or not.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "store/store.h"

#define PIN "user-pin"
#define NAME_MAX_ 32
#define MANY 200000
#define PROCESSES 8
#define FIRST "first-00001" /* that every token has from `make` */

static int failed(const char *what, dske_rc rc)
{
	fprintf(stderr, "store-work: %s: %s\n", what, rc_detail(rc));
	return 1;
}

/* ---- objects ---------------------------------------------------------------------------------------------- */

struct thing {
	char name[NAME_MAX_]; /* "TAG-NUMBER" */
	struct id id;
};

/* Its text is the name and as many dots as the name says. */
static size_t filled_len(const char *name)
{
	const char *dash = strrchr(name, '-');
	unsigned number = dash != NULL ? (unsigned)atoi(dash + 1) : 0;

	return NAME_MAX_ + number * 397 % 6000;
}

static dske_rc fill(struct secret *plain, const char *name)
{
	TRY(secret_alloc(plain, filled_len(name)));
	memset(plain->data, '.', plain->len);
	memcpy(plain->data, name, strlen(name));
	return DSKE_OK;
}

static bool take_name(char name[NAME_MAX_], const struct secret *plain)
{
	size_t len = 0;

	while (len < NAME_MAX_ - 1 && len < plain->len && plain->data[len] != '.')
		len++;
	memcpy(name, plain->data, len);
	name[len] = '\0';
	if (plain->len != filled_len(name))
		return false;
	while (len < plain->len && plain->data[len] == '.')
		len++;
	return len == plain->len;
}

/* ---- one worker ------------------------------------------------------------------------------------------- */

struct worker {
	struct store *store;
	struct secret master;
	struct fd journal;
	const char *tag;
	unsigned number, live, failures;
	struct thing own[64];
};

static void note(const struct worker *w, const char *line)
{
	for (size_t left = strlen(line); left > 0;) {
		ssize_t n = write(w->journal.n, line, left);
		if (n < 0 && errno != EINTR)
			exit(3);
		line += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
}

static bool noted(struct worker *w, dske_rc rc)
{
	note(w, rc_ok(rc) ? "D\n" : "F\n");
	if (!rc_ok(rc))
		w->failures++;
	return rc_ok(rc);
}

static void fresh_name(struct worker *w, char name[NAME_MAX_])
{
	snprintf(name, NAME_MAX_, "%s-%05u", w->tag, w->number++);
}

static void add(struct worker *w)
{
	AUTO(secret) plain = {0};
	struct thing t;
	char line[100];

	fresh_name(w, t.name);
	snprintf(line, sizeof line, "B add %s\n", t.name);
	note(w, line);
	dske_rc rc = fill(&plain, t.name);
	if (rc_ok(rc))
		rc = store_add(w->store, &w->master, &plain, &t.id);
	if (noted(w, rc))
		w->own[w->live++] = t;
}

static void drop(struct worker *w, unsigned k)
{
	w->own[k] = w->own[--w->live];
}

static void replace(struct worker *w, unsigned k)
{
	AUTO(secret) plain = {0};
	struct thing t = w->own[k];
	char line[100];

	fresh_name(w, t.name);
	snprintf(line, sizeof line, "B replace %s %s\n", w->own[k].name, t.name);
	note(w, line);
	dske_rc rc = fill(&plain, t.name);
	if (rc_ok(rc))
		rc = store_replace(w->store, &w->master, &plain, &t.id);
	if (noted(w, rc))
		w->own[k] = t;
	else
		drop(w, k);
}

static void take_out(struct worker *w, unsigned k)
{
	char line[100];

	snprintf(line, sizeof line, "B remove %s\n", w->own[k].name);
	note(w, line);
	(void)noted(w, store_remove(w->store, &w->master, &w->own[k].id));
	drop(w, k);
}

/* Of those that the worker owns, how many are in the store as they should be? */
struct view {
	const struct worker *w;
	unsigned found, gone;
	bool whole;
};

static dske_rc look(void *context, const struct id *id, const struct secret *plain)
{
	struct view *v = context;
	char name[NAME_MAX_];

	v->gone += plain == NULL;
	if (plain == NULL)
		return DSKE_OK;
	v->whole = v->whole && take_name(name, plain);
	for (unsigned k = 0; k < v->w->live; k++)
		v->found += id_equal(&v->w->own[k].id, id) && strcmp(v->w->own[k].name, name) == 0;
	return DSKE_OK;
}

static dske_rc follow(struct worker *w)
{
	struct view v = {.w = w, .whole = true};

	TRY(store_follow(w->store, &w->master, look, &v));
	return v.whole ? DSKE_OK : FAIL(CORRUPT, "an object is not whole");
}

static dske_rc find_own(struct worker *w)
{
	struct view v = {.w = w, .whole = true};

	TRY(store_each(w->store, &w->master, look, &v));
	if (!v.whole || v.found != w->live)
		return FAIL(CORRUPT, "%u of %u own objects were found", v.found, w->live);
	return DSKE_OK;
}

static dske_rc begin(struct worker *w, const char *dir, const char *journal, const char *tag)
{
	*w = (struct worker){.tag = tag, .journal = FD_NONE};
	TRY(file_open(&w->journal, journal, O_WRONLY | O_CREAT | O_APPEND, 0600));
	TRY(store_new(&w->store, dir, (struct store_cost){.memory_kib = 8, .passes = 1}));
	return store_login(w->store, STORE_PIN_USER, PIN, strlen(PIN), &w->master);
}

static void end(struct worker *w)
{
	store_free(w->store);
	secret_drop(&w->master);
	fd_drop(&w->journal);
}

/* Every kind of change, and enough of them that the file is made anew. */
static int work(const char *dir, const char *journal)
{
	struct worker w;
	dske_rc rc = begin(&w, dir, journal, "w");

	if (!rc_ok(rc)) {
		end(&w);
		return failed("login", rc);
	}
	for (int k = 0; k < 4; k++)
		add(&w);
	rc = follow(&w);
	for (int k = 0; k < 36 && w.live > 0 && rc_ok(rc); k++)
		replace(&w, (unsigned)k % w.live);
	if (w.live > 1)
		take_out(&w, 1);
	if (rc_ok(rc))
		rc = store_set_pin(w.store, &w.master, STORE_PIN_USER, PIN, strlen(PIN));
	add(&w);
	if (w.live > 0)
		take_out(&w, 0);
	if (rc_ok(rc) && w.failures == 0)
		rc = find_own(&w);
	int code = !rc_ok(rc) ? failed("work", rc) : w.failures > 0 ? failed("a change", rc_make(DSKE_RC_IO)) : 0;
	end(&w);
	return code;
}

static int make(const char *dir)
{
	static const uint8_t label[STORE_LABEL_LEN] = "struck                         ";
	AUTO(secret) master = {0};
	AUTO(secret) plain = {0};
	struct store *s = NULL;
	struct id id;

	dske_rc rc = store_new(&s, dir, (struct store_cost){.memory_kib = 8, .passes = 1});
	if (rc_ok(rc))
		rc = store_init(s, "so-pin", 6, label);
	if (rc_ok(rc))
		rc = store_login(s, STORE_PIN_SO, "so-pin", 6, &master);
	if (rc_ok(rc))
		rc = store_set_pin(s, &master, STORE_PIN_USER, PIN, strlen(PIN));
	if (rc_ok(rc))
		rc = fill(&plain, FIRST);
	if (rc_ok(rc))
		rc = store_add(s, &master, &plain, &id);
	store_free(s);
	return rc_ok(rc) ? 0 : failed("make", rc);
}

/* ---- a crowd ---------------------------------------------------------------------------------------------- */

static _Noreturn void crowd_member(const char *dir, unsigned number)
{
	char journal[512], tag[16];
	struct worker w;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	snprintf(journal, sizeof journal, "%s/journal-%u", dir, number);
	snprintf(tag, sizeof tag, "p%u", number);
	srand(number);
	dske_rc rc = begin(&w, dir, journal, tag);
	for (unsigned k = 0; rc_ok(rc) && w.failures == 0; k++) {
		if (w.live < 4 || (w.live < 40 && rand() % 3 == 0))
			add(&w);
		else if (rand() % 2 == 0)
			take_out(&w, (unsigned)rand() % w.live);
		else if (rc_ok(rc = follow(&w)))
			replace(&w, (unsigned)rand() % w.live);
		if (rc_ok(rc) && k % 16 == 15)
			rc = find_own(&w);
		if (getppid() == 1)
			_exit(1);
	}
	_exit(failed(tag, rc_ok(rc) ? rc_make(DSKE_RC_IO) : rc));
}

static pid_t member_start(const char *dir, unsigned number)
{
	pid_t pid = fork();

	if (pid == 0)
		crowd_member(dir, number);
	return pid;
}

/* Each is killed at some moment and another comes in its place; one that ends by itself has found something. */
static int crowd(const char *dir, unsigned kills)
{
	pid_t pid[PROCESSES];
	unsigned number = 0, bad = 0;
	int status;

	for (int k = 0; k < PROCESSES; k++)
		pid[k] = member_start(dir, number++);
	for (unsigned n = 0; n < kills + PROCESSES; n++) {
		int k = (int)(n < kills ? (unsigned)rand() % PROCESSES : n - kills);
		if (n < kills)
			usleep((useconds_t)(10000 + rand() % 60000));
		kill(pid[k], SIGKILL);
		waitpid(pid[k], &status, 0);
		bad += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
		if (n < kills)
			pid[k] = member_start(dir, number++);
	}
	printf("# %u processes, %u that ended by themselves\n", number, bad);
	return bad > 0;
}

/* ---- the audit -------------------------------------------------------------------------------------------- */

enum state { MUST, MAY, ONE_OF }; /* ONE_OF: this or the next */

struct expected {
	char name[NAME_MAX_];
	enum state state;
	unsigned seen;
};
static struct expected *expected;
static unsigned expected_count, strangers;

static struct expected *expect(const char *name, enum state state)
{
	struct expected *e = &expected[expected_count++];

	if (expected_count == MANY)
		exit(4);
	*e = (struct expected){.state = state};
	snprintf(e->name, sizeof e->name, "%s", name);
	return e;
}

static struct expected *find(const char *name)
{
	for (unsigned k = expected_count; k-- > 0;)
		if (strcmp(expected[k].name, name) == 0)
			return &expected[k];
	return NULL;
}

/* Taken out of the list by losing its name. */
static void gone(const char *name)
{
	struct expected *e = find(name);

	if (e != NULL)
		e->name[0] = '\0';
}

static void conclude(const char *verb, const char *v, const char *w, bool done)
{
	if (strcmp(verb, "add") == 0) {
		expect(v, done ? MUST : MAY);
	} else if (strcmp(verb, "remove") == 0 && done) {
		gone(v);
	} else if (strcmp(verb, "remove") == 0) {
		struct expected *e = find(v);
		if (e != NULL)
			e->state = MAY;
	} else if (strcmp(verb, "replace") == 0) {
		gone(v);
		if (!done)
			expect(v, ONE_OF);
		expect(w, done ? MUST : MAY);
	}
}

static void journal_read(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[200], verb[20] = "", v[NAME_MAX_] = "", w[NAME_MAX_] = "";

	while (f != NULL && fgets(line, sizeof line, f) != NULL && strchr(line, '\n') != NULL) {
		if (line[0] == 'B')
			(void)!sscanf(line, "B %19s %31s %31s", verb, v, w);
		else
			conclude(verb, v, w, line[0] == 'D');
		if (line[0] != 'B')
			verb[0] = '\0';
	}
	conclude(verb, v, w, false);
	if (f != NULL)
		fclose(f);
}

static dske_rc audit_visit(void *context, const struct id *id, const struct secret *plain)
{
	char name[NAME_MAX_];
	struct expected *e = take_name(name, plain) ? find(name) : NULL;

	(void)context, (void)id;
	if (e != NULL)
		e->seen++;
	else
		printf("# nobody made %s, or not whole\n", name), strangers++;
	return DSKE_OK;
}

static unsigned audit_count(unsigned *must)
{
	unsigned wrong = strangers;

	for (unsigned k = 0; k < expected_count; k++) {
		const struct expected *e = &expected[k];
		if (e->name[0] == '\0')
			continue;
		unsigned seen = e->seen + (e->state == ONE_OF ? e[1].seen : 0);
		bool fine = e->state == MAY ? seen <= 1 : seen == 1;
		*must += e->state == MUST;
		if (!fine)
			printf("# %s is there %u times\n", e->name, seen);
		wrong += !fine;
	}
	return wrong;
}

static int audit(const char *dir, char **journals)
{
	AUTO(secret) master = {0};
	AUTO(secret) plain = {0};
	struct store *s = NULL;
	struct id id;
	unsigned must = 0;

	expected = calloc(MANY, sizeof *expected);
	if (expected == NULL)
		return failed("audit", rc_make(DSKE_RC_NOMEM));
	expect(FIRST, MUST);
	for (; *journals != NULL; journals++)
		journal_read(*journals);
	dske_rc rc = store_new(&s, dir, (struct store_cost){.memory_kib = 8, .passes = 1});
	if (rc_ok(rc))
		rc = store_login(s, STORE_PIN_USER, PIN, strlen(PIN), &master);
	if (rc_ok(rc))
		rc = store_each(s, &master, audit_visit, NULL);
	unsigned wrong = audit_count(&must);
	/* and it can be worked with */
	if (rc_ok(rc))
		rc = fill(&plain, FIRST);
	if (rc_ok(rc))
		rc = store_add(s, &master, &plain, &id);
	if (rc_ok(rc))
		rc = store_remove(s, &master, &id);
	store_free(s);
	printf("# %u objects that must be there, %u wrong\n", must, wrong);
	return rc_ok(rc) ? wrong > 0 : failed("audit", rc);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make(argv[2]);
	if (argc == 4 && strcmp(argv[1], "work") == 0)
		return work(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "crowd") == 0)
		return crowd(argv[2], (unsigned)atoi(argv[3]));
	if (argc >= 3 && strcmp(argv[1], "audit") == 0)
		return audit(argv[2], argv + 3);
	return 2;
}
