/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/health.c - repetition count and adaptive proportion, side by side over the same samples. */
#include "config.h"

#include "pskm/health.h"

#include "base/secret.h"

/* SP 800-90B 4.4.1 */
static bool repetition_take(struct health *h, uint8_t sample)
{
	h->run = h->run != 0 && sample == h->last ? h->run + 1 : 1;
	h->last = sample;
	return h->run < HEALTH_REPETITION_CUTOFF;
}

/* SP 800-90B 4.4.2; a window is judged when its count reaches the cutoff, not only at its end. */
static bool proportion_take(struct health *h, uint8_t sample)
{
	if (h->window_at == 0) {
		h->first = sample;
		h->proportion = 1;
	} else if (sample == h->first) {
		h->proportion++;
	}
	h->window_at = (h->window_at + 1) % HEALTH_WINDOW;
	return h->proportion < HEALTH_PROPORTION_CUTOFF;
}

enum health_verdict health_take(struct health *h, const uint8_t *samples, size_t len)
{
	for (size_t i = 0; i < len && h->verdict == HEALTH_GOOD; i++) {
		bool steady = repetition_take(h, samples[i]), even = proportion_take(h, samples[i]);

		h->seen++;
		h->verdict = !steady ? HEALTH_STUCK : !even ? HEALTH_BIASED : HEALTH_GOOD;
	}
	return h->verdict;
}

void health_drop(struct health *h)
{
	mem_wipe(h, sizeof *h);
}

const char *health_verdict_text(enum health_verdict v)
{
	static const char *const text[] = {
		[HEALTH_GOOD] = "passes",
		[HEALTH_STUCK] = "fails the repetition count test (SP 800-90B, 4.4.1): it is stuck",
		[HEALTH_BIASED] = "fails the adaptive proportion test (SP 800-90B, 4.4.2): it gives one value far too often",
	};

	return text[v];
}
