/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases and their verdicts.  A group of cases runs in a child; what has to outlive it, should the module take it down,
 * lies on a board that both share.
 */
#include "test/pkcs11/p11test.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#define GROUP_SECONDS 100

#define NAME_LEN 120
#define PROOFS 600
#define GROUP_MOST 400 /* cases in a group */

struct proof {
	CK_MECHANISM_TYPE type;
	bool crossed; /* beside OpenSSL; otherwise a known answer */
	char source[80];
};

struct board {
	unsigned count, bad;     /* cases that were reported */
	unsigned done;           /* of them, in this group */
	bool crashed[GROUP_MOST];
	bool finished;           /* the group came to its end */
	bool asking;             /* one call is under way, and it is all there is of its case */
	char name[NAME_LEN + 34]; /* of the case that runs */
	size_t proofs;
	struct proof proof[PROOFS];
};

static struct board *board;
static bool plain_verdicts;
static FILE *written; /* verdicts, beside what is printed; NULL: nowhere */
static const char *group;

/* The case that runs. */
static struct {
	bool implied;  /* it is the group's own, of checks around its cases */
	bool absent;   /* what it asks for is not offered */
	bool excused;  /* and that is right */
	bool answered; /* wrongly, and first so: */
	CK_RV first;
	unsigned seen; /* cases of this group, those before a crash included */
} now;

unsigned failures;

void board_new(bool verdicts, FILE *also)
{
	written = also;
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	plain_verdicts = verdicts;
	if (board == MAP_FAILED) {
		printf("Bail out! no memory\n");
		_exit(2);
	}
}

void fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	failures++;
	if (plain_verdicts)
		return;
	printf("# %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

void note(const char *format, ...)
{
	va_list args;

	if (plain_verdicts)
		return;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

void answer_is(const char *file, int line, const char *call, CK_RV rv)
{
	if (failures == 0)
		now.first = rv;
	now.answered = now.answered || failures == 0;
	fail(file, line, "%s is %s", call, rv_name(rv));
}

void absent(void)
{
	now.absent = true;
}

void excused(const char *why)
{
	note("%s", why);
	now.absent = now.excused = true;
}

/* ---- one case ------------------------------------------------------------------------------------------- */

static void report(const char *verdict, bool good)
{
	if (now.seen++ < board->done)
		return; /* before a crash */
	board->done = now.seen;
	board->count++;
	board->bad += !good;
	if (plain_verdicts)
		printf("%s\t%s\n", board->name, verdict);
	else if (good && strcmp(verdict, "not offered") == 0)
		printf("ok %u - %s # SKIP not offered\n", board->count, board->name);
	else
		printf("%s %u - %s: %s\n", good ? "ok" : "not ok", board->count, board->name, verdict);
	fflush(stdout);
	if (written != NULL) {
		fprintf(written, "%s\t%s\n", board->name, verdict);
		fflush(written);
	}
}

static void begin(const char *text)
{
	now.implied = text == NULL;
	now.absent = now.excused = now.answered = false;
	failures = 0;
	if (text != NULL)
		snprintf(board->name, sizeof board->name, "%.30s: %.*s", group, NAME_LEN, text);
	else
		snprintf(board->name, sizeof board->name, "%.30s%s", group, now.seen > 0 ? ": around its cases" : "");
}

/* Ends the case that runs.  One that is implied is there only if something went wrong, or nothing else was there. */
static void settle(bool last)
{
	char verdict[80];

	if (failures > 0) {
		bool named = now.answered;
		snprintf(verdict, sizeof verdict, "wrong%s%s", named ? ", " : "", named ? rv_name(now.first) : "");
		report(verdict, false);
	} else if (now.implied && (!last || now.seen > 0)) {
		return;
	} else if (now.absent) {
		report("not offered", !strict || now.excused);
	} else {
		report("right", true);
	}
}

void item(const char *format, ...)
{
	char text[NAME_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	settle(false);
	begin(text);
}

void item_end(void)
{
	settle(false);
	begin(NULL);
}

bool ask_begin(const char *name)
{
	item("%s", name);
	bool crashed = now.seen < GROUP_MOST && board->crashed[now.seen];
	if (crashed) {
		now.seen++;
		begin(NULL);
	}
	board->asking = !crashed;
	return !crashed;
}

void ask_end(const char *section, const char *call, CK_RV rv, const CK_RV *wanted, size_t count)
{
	bool good = false, off = rv == CKR_FUNCTION_NOT_SUPPORTED || rv == CKR_TOKEN_WRITE_PROTECTED;

	board->asking = false;
	for (size_t i = 0; i < count; i++)
		good = good || rv == wanted[i];
	if (!good && !plain_verdicts && (strict || !off) && now.seen >= board->done)
		printf("# %s: %s is to be %s\n", section, call, rv_name(wanted[0]));
	report(off ? "not offered" : rv_name(rv), good || (off && !strict));
	begin(NULL);
}

void answer(const char *section, const char *name, bool is, bool wanted)
{
	item("%s", name);
	if (is != wanted && !plain_verdicts)
		printf("# %s: it has to be %s\n", section, wanted ? "so" : "otherwise");
	report(is ? "yes" : "no", is == wanted);
	begin(NULL);
}

/* ---- what the cases prove of the mechanisms ------------------------------------------------------------- */

static void prove(CK_MECHANISM_TYPE type, bool crossed, const char *source)
{
	if (failures > 0 || board->proofs == PROOFS)
		return;
	struct proof *p = &board->proof[board->proofs++];
	p->type = type;
	p->crossed = crossed;
	snprintf(p->source, sizeof p->source, "%s", source);
}

void known_answer(CK_MECHANISM_TYPE type, const char *source)
{
	prove(type, false, source);
}

void crossed(CK_MECHANISM_TYPE type)
{
	prove(type, true, "");
}

const char *proof_of(CK_MECHANISM_TYPE type, bool crossed)
{
	for (size_t i = 0; i < board->proofs; i++)
		if (board->proof[i].type == type && board->proof[i].crossed == crossed)
			return board->proof[i].source;
	return NULL;
}

/* ---- a group of them ------------------------------------------------------------------------------------ */

static void child(const struct group *g)
{
	now.seen = 0;
	board->finished = board->asking = false;
	group = g->name;
	begin(NULL);
	alarm(GROUP_SECONDS);
	if (g->kind != RAW) {
		IS(initialize(), CKR_OK);
		slot = find_slot();
		CHECK(slot != (CK_SLOT_ID)-1 || token_label == NULL);
	}
	if ((g->kind == PUBLIC && slot == (CK_SLOT_ID)-1) || (g->kind >= USER && !usable()) ||
	    (g->kind == LOGIN && pin == NULL))
		absent();
	else if (failures == 0)
		g->run();
	p11->C_Finalize(NULL);
	settle(true);
	board->finished = true;
}

/* The child is gone before its end.  What it was at counts; one call by itself is left out when the group runs anew. */
static bool crash(const struct group *g, int status)
{
	bool again = board->asking && board->done < GROUP_MOST;
	bool slow = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;

	group = g->name;
	now.seen = board->done;
	if (again)
		board->crashed[board->done] = true;
	report(slow ? "hang" : "crash", false);
	return again;
}

void group_run(const struct group *g)
{
	int status;

	board->done = 0;
	memset(board->crashed, 0, sizeof board->crashed);
	do {
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			child(g);
			fflush(stdout);
#ifdef __SANITIZE_ADDRESS__
			__lsan_do_leak_check(); /* ends the process where something leaked */
#endif
			_exit(0);
		}
		status = -1;
		waitpid(pid, &status, 0);
	} while ((!board->finished || status != 0) && crash(g, status));
}

unsigned group_count(unsigned *bad)
{
	*bad = board->bad;
	return board->count;
}
