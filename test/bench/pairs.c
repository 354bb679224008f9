/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/bench/pairs.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "test/bench/bench.h"

#define SETTLE_US 2000 /* for the receiver's WAIT to reach the hubs */
#define ROUNDS_PATIENCE 60.0 /* seconds for a number of rounds */

static double own_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *receive_rounds(void *context)
{
	struct pair *p = context;

	for (;;) {
		sem_wait(&p->begin);
		if (p->stop)
			return NULL;
		double cpu = own_cpu();
		p->receiver_rc = p->way->receive(p);
		p->held_at = bench_now();
		p->receiver_cpu += own_cpu() - cpu;
		if (!rc_ok(p->receiver_rc) && p->why[0] == '\0')
			snprintf(p->why, sizeof p->why, "receiver: %s", rc_detail(p->receiver_rc));
		sem_post(&p->held);
	}
}

void pairs_start(struct pairs *s, size_t count, const struct way *way, void *context)
{
	*s = (struct pairs){.count = count};
	bench_need(count <= PAIRS_MAX, "too many pairs");
	for (size_t i = 0; i < count; i++) {
		struct pair *p = &s->pair[i];
		p->way = way;
		p->context = context;
		p->number = i;
		sem_init(&p->begin, 0, 0);
		sem_init(&p->held, 0, 0);
		bench_need(pthread_create(&p->receiver, NULL, receive_rounds, p) == 0, "pthread_create");
	}
}

void pairs_stop(struct pairs *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct pair *p = &s->pair[i];
		p->stop = true;
		sem_post(&p->begin);
		pthread_join(p->receiver, NULL);
		secret_drop(&p->initiator_key);
		secret_drop(&p->receiver_key);
		sem_destroy(&p->begin);
		sem_destroy(&p->held);
	}
}

static bool keys_match(const struct pair *p)
{
	return p->initiator_key.len == p->receiver_key.len &&
	       (p->initiator_key.len == 0 || mem_equal(p->initiator_key.data, p->receiver_key.data, p->initiator_key.len));
}

/* Seconds, or less than 0 when it failed. */
static double one_round(struct pair *p, useconds_t pause)
{
	double start, end;
	dske_rc rc;

	bench_need_ok(id_random(&p->key_id), "id_random");
	sem_post(&p->begin);
	if (pause > 0)
		usleep(pause);
	double cpu = own_cpu();
	start = bench_now();
	rc = p->way->initiate(p);
	end = bench_now();
	p->initiator_cpu += own_cpu() - cpu;
	if (!rc_ok(rc) && p->why[0] == '\0')
		snprintf(p->why, sizeof p->why, "initiator: %s", rc_detail(rc));
	sem_wait(&p->held);
	p->rounds++;
	if (!rc_ok(rc) || !rc_ok(p->receiver_rc)) {
		p->failures++;
		return -1;
	}
	bench_need(keys_match(p), "the two ends hold different keys");
	return (p->held_at > end ? p->held_at : end) - start;
}

double pairs_latency(struct pairs *s)
{
	double taken = one_round(&s->pair[0], SETTLE_US);

	bench_need(taken >= 0, s->pair[0].why);
	return taken;
}

static void *initiate_rounds(void *context)
{
	struct pair *p = context;

	while (p->left > 0 && bench_now() < p->until) {
		p->left--;
		one_round(p, 0);
	}
	return NULL;
}

static size_t good_rounds(const struct pairs *s)
{
	size_t good = 0;

	for (size_t i = 0; i < s->count; i++)
		good += s->pair[i].rounds - s->pair[i].failures;
	return good;
}

static double rate(struct pairs *s, double seconds, size_t rounds)
{
	double start = bench_now();
	size_t before = good_rounds(s);

	for (size_t i = 0; i < s->count; i++) {
		s->pair[i].until = start + seconds;
		s->pair[i].left = rounds;
		bench_need(pthread_create(&s->pair[i].initiator, NULL, initiate_rounds, &s->pair[i]) == 0, "pthread_create");
	}
	for (size_t i = 0; i < s->count; i++)
		pthread_join(s->pair[i].initiator, NULL);
	return (double)(good_rounds(s) - before) / (bench_now() - start);
}

double pairs_rate(struct pairs *s, double seconds)
{
	return rate(s, seconds, SIZE_MAX);
}

double pairs_rate_of(struct pairs *s, size_t rounds)
{
	return rate(s, ROUNDS_PATIENCE, rounds);
}

struct pairs_cpu pairs_cpu(const struct pairs *s)
{
	struct pairs_cpu sum = {0};

	for (size_t i = 0; i < s->count; i++) {
		sum.initiators += s->pair[i].initiator_cpu;
		sum.receivers += s->pair[i].receiver_cpu;
	}
	return sum;
}

void pairs_complain(const struct pairs *s, const char *name)
{
	size_t rounds = 0, failures = 0;
	const char *why = "";

	for (size_t i = 0; i < s->count; i++) {
		rounds += s->pair[i].rounds;
		failures += s->pair[i].failures;
		if (s->pair[i].why[0] != '\0')
			why = s->pair[i].why;
	}
	if (failures > 0)
		printf("!! %s: %zu of %zu failed, one of them: %s\n", name, failures, rounds, why);
}
