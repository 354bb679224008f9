/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "test/pkcs11/wild.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REGIONS 192
#define PAGE 4096u
#define FILLING 0xa5
#define HUGE_LEN (((size_t)1 << 31) + 3 * PAGE)

struct region {
	unsigned char *at;    /* WILD_ROOM bytes between two pages that cannot be touched */
	unsigned char *given; /* in use from there on */
	size_t len;
	bool protected;
};

static struct region region[REGIONS];
static size_t used;
static uint64_t state64;

/* Neighbours have nothing in common. */
void wild_seed(uint64_t seed)
{
	state64 = (seed + 1) * 0xd1342543de82ef95u;
	state64 = (state64 ^ (state64 >> 29)) * 0xda942042e4dd58b5u;
	state64 ^= state64 >> 32;
}

unsigned draw(unsigned below)
{
	state64 += 0x9e3779b97f4a7c15u;
	uint64_t z = state64;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (unsigned)(z >> 33) % below;
}

bool one_in(unsigned n)
{
	return draw(n) == 0;
}

CK_ULONG draw_odd(void)
{
	static const CK_ULONG odd[] = {0, 1, 2, 255, 65536, 0x7fffffff, 0x80000000ul, 0xfffffffful, (CK_ULONG)1 << 32,
				       (CK_ULONG)1 << 61, (CK_ULONG)1 << 63, ~0ul / 8, ~0ul / 24 + 1, ~0ul - 1, ~0ul};

	return odd[draw(sizeof odd / sizeof odd[0])];
}

static struct region *region_take(void)
{
	if (used == REGIONS)
		abort();
	struct region *r = &region[used++];
	if (r->at == NULL) {
		unsigned char *p = mmap(NULL, WILD_ROOM + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED || mprotect(p + PAGE, WILD_ROOM, PROT_READ | PROT_WRITE) != 0)
			abort();
		r->at = p + PAGE;
	}
	memset(r->at, FILLING, WILD_ROOM);
	return r;
}

static void *give(size_t len, size_t behind)
{
	struct region *r = region_take();

	if (len + behind > WILD_ROOM)
		abort();
	r->given = r->at + WILD_ROOM - len - behind;
	r->len = len;
	return r->given;
}

void *wild_memory(size_t len)
{
	if (len == 0 || draw(8) > 0)
		return give(len, 0);
	return give(len, WILD_ROOM - len); /* right behind the first of the two pages */
}

void *wild_memory_odd(size_t len)
{
	return give(len, 1 + 2 * draw(4) + (len & 1));
}

void *wild_copy(const void *bytes, size_t len)
{
	void *p = wild_memory(len);

	if (len > 0)
		memcpy(p, bytes, len);
	return p;
}

void *wild_huge(size_t *len)
{
	static void *huge;

	if (huge == NULL)
		huge = mmap(NULL, HUGE_LEN, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	*len = HUGE_LEN;
	return huge != MAP_FAILED ? huge : NULL;
}

void wild_memory_protect(void *p)
{
	for (size_t i = 0; i < used; i++) {
		if (region[i].given != p || mprotect(region[i].at, WILD_ROOM, PROT_READ) != 0)
			continue;
		region[i].protected = true;
	}
}

static bool region_whole(const struct region *r)
{
	for (const unsigned char *p = r->at; p < r->given; p++) {
		if (*p != FILLING)
			return false;
	}
	for (const unsigned char *p = r->given + r->len; p < r->at + WILD_ROOM; p++) {
		if (*p != FILLING)
			return false;
	}
	return true;
}

bool wild_memory_whole(void)
{
	for (size_t i = 0; i < used; i++) {
		if (!region_whole(&region[i]))
			return false;
	}
	return true;
}

void wild_memory_reset(void)
{
	for (size_t i = 0; i < used; i++) {
		if (region[i].protected && mprotect(region[i].at, WILD_ROOM, PROT_READ | PROT_WRITE) != 0)
			abort();
		region[i].protected = false;
	}
	used = 0;
}
