/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/bench-packet.c - what one datagram of the tunnel costs at either end, beside its parts and a copy. */
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "test/bench/bench.h"
#include "vpn/packet.h"

#define PAD_LEN ((size_t)1 << 20) /* of one key */
#define PADS 128                  /* beyond what the caches hold, as pads are that were agreed a while ago */
#define LONG 1420
#define SHORT 64

struct side {
	struct packet_tagger tagger;
	struct pad out, in;
	size_t len;
	uint8_t content[LONG], datagram[LONG + PACKET_MORE];
};

static void pad_make(struct pad *p, enum pad_side side)
{
	struct secret key = {0};
	bench_need_ok(secret_alloc(&key, PAD_LEN), "memory for a pad");
	bench_need_ok(pad_init(p, side, 1, &key), "a pad");
}

/* What is timed is the whole of a pad, so that caches see what they see in the tunnel. */
static double seal_pad(struct side *s, struct pad *pad, size_t *count)
{
	double began = bench_now();
	for (*count = 0; rc_ok(packet_seal(&s->tagger, pad, PACKET_DATA, 0, s->datagram, s->content, s->len)); ++*count)
		continue;
	return bench_now() - began;
}

/* Datagrams of zeros under pads of zeros: each has the same tag, so that one stands for all. */
static double open_pad(struct side *s, struct pad *pad, size_t *count)
{
	struct packet_head head;
	uint8_t out[LONG];
	struct pad one;
	double began;
	pad_make(&one, PAD_SENDS);
	bench_need_ok(packet_seal(&s->tagger, &one, PACKET_DATA, 0, s->datagram, s->content, s->len), "a datagram");
	pad_drop(&one);
	bench_need(packet_read_head(&head, s->datagram, s->len + PACKET_MORE), "a head");
	size_t units = (PACKET_KEY + s->len + PAD_UNIT - 1) / PAD_UNIT;
	began = bench_now();
	for (*count = 0; rc_ok(packet_open(&s->tagger, pad, &head, out, s->datagram, s->len + PACKET_MORE)); ++*count)
		head.unit += (uint32_t)units;
	return bench_now() - began;
}

static void measure(struct side *s, const char *what, enum pad_side which, size_t len)
{
	static struct pad pads[PADS];
	double nanoseconds[PADS];
	char name[64];
	s->len = len;
	for (size_t i = 0; i < PADS; i++)
		pad_make(&pads[i], which);
	for (size_t i = 0; i < PADS; i++) {
		size_t count;
		double seconds = which == PAD_SENDS ? seal_pad(s, &pads[i], &count) : open_pad(s, &pads[i], &count);
		bench_need(count > 0, "no packet went through");
		nanoseconds[i] = 1e9 * seconds / (double)count;
		pad_drop(&pads[i]);
	}
	double median = bench_quantile(nanoseconds, PADS, 0.5);
	snprintf(name, sizeof name, "%s %zu bytes", what, len);
	bench_line(name, median, "ns");
	snprintf(name, sizeof name, "... %.1f Gbit/s", 8 * (double)len / median);
	puts(name);
}

static void tag(struct side *s, size_t len)
{
	static uint8_t key[PACKET_KEY];
	size_t tag_len = PACKET_TAG;
	double began = bench_now();
	const int times = 100000;
	for (int i = 0; i < times; i++)
		bench_need(EVP_MAC_init(s->tagger.poly1305, key, sizeof key, NULL) == 1 &&
				   EVP_MAC_update(s->tagger.poly1305, s->datagram, len) == 1 &&
				   EVP_MAC_final(s->tagger.poly1305, s->datagram + len, &tag_len, PACKET_TAG) == 1, "a tag");
	char name[64];
	snprintf(name, sizeof name, "Poly1305 alone, %zu bytes", len);
	bench_line(name, 1e9 * (bench_now() - began) / times, "ns");
}

int main(void)
{
	static struct side s;
	bench_header(NULL);
	bench_need_ok(packet_tagger_init(&s.tagger), "Poly1305");
	for (int i = 0; i < 2; i++) {
		size_t len = i == 0 ? LONG : SHORT;
		measure(&s, "seal", PAD_SENDS, len);
		measure(&s, "open", PAD_RECEIVES, len);
		tag(&s, len);
	}
	packet_tagger_drop(&s.tagger);
	return 0;
}
