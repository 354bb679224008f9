/* SPDX-License-Identifier: Apache-2.0 */
/* core/gf256-public.c - the whole multiplication table, 64 KiB, its halves, and the inverses. */
#include "core/gf256-public.h"

#include <pthread.h>

#include "core/gf256.h"

static pthread_once_t made_once = PTHREAD_ONCE_INIT;
static struct gf256_public made;

/* A product of v is the sum of those of v's lowest bit and of the rest. */
static void row_make(uint8_t row[256], uint8_t c)
{
	for (unsigned v = 1; v < 256; v++) {
		unsigned low = v & -v;

		row[v] = v == low ? gf256_mul(c, (uint8_t)v) : (uint8_t)(row[low] ^ row[v ^ low]);
	}
}

static void make(void)
{
	for (unsigned c = 0; c < 256; c++) {
		row_make(made.product[c], (uint8_t)c);
		made.inverse[c] = gf256_inv((uint8_t)c);
		for (unsigned i = 0; i < GF256_HALVES; i++) {
			made.low[c][i] = made.product[c][i];
			made.high[c][i] = made.product[c][i << 4];
		}
	}
}

const struct gf256_public *gf256_public(void)
{
	pthread_once(&made_once, make);
	return &made;
}
