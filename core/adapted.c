/* SPDX-License-Identifier: Apache-2.0 */
/* core/adapted.c - which simple shares survived, and what they give (DSKE 3). */
#include "core/adapted.h"

#include <string.h>

#include "core/xorshare.h"

/* ---- names ------------------------------------------------------------------------------------------ */

/* Names are public, so that any fixed difference will do. */
static void differ(struct id *out, const struct id *key_id, const char by[ID_LEN + 1])
{
	for (size_t i = 0; i < ID_LEN; i++)
		out->b[i] = key_id->b[i] ^ (uint8_t)by[i];
}

void adapted_second_id(struct id *out, const struct id *key_id)
{
	differ(out, key_id, "DSKE second pass");
}

void adapted_fallback_id(struct id *out, const struct id *key_id)
{
	differ(out, key_id, "DSKE by fallback");
}

/* ---- keys ------------------------------------------------------------------------------------------- */

dske_rc adapted_begin(struct adapted *a, const struct terms *t, uint8_t least, struct secret *material)
{
	*a = (struct adapted){.n = t->n, .least = least, .share_len = (uint32_t)terms_share_len(t)};
	if (t->scheme != SCHEME_ADAPTED || least < 1 || least > t->n)
		return FAIL(ARGS, "no second pass has scheme %d, n = %d and at least %d shares", (int)t->scheme, t->n, least);
	if (material->len != ADAPTED_MATERIAL_LEN(t->n))
		return FAIL(ARGS, "%zu bytes of key material; n = %d needs %u", material->len, t->n, ADAPTED_MATERIAL_LEN(t->n));
	secret_move(&a->material, material);
	return DSKE_OK;
}

static uint8_t *key_at(const struct adapted *a, size_t index)
{
	return a->material.data + TAG_KEY_LEN * index;
}

const uint8_t *adapted_bobs_key(const struct adapted *a)
{
	return key_at(a, a->n);
}

const uint8_t *adapted_alices_key(const struct adapted *a)
{
	return key_at(a, a->n + 1u);
}

/* Each has tagged one share, at either end.  Of the first that was chosen c stays, in front, to be the proof. */
static void forget_share_keys(struct adapted *a, uint8_t first_chosen)
{
	memmove(a->material.data, key_at(a, first_chosen - 1u), GF128_LEN);
	mem_wipe(a->material.data + GF128_LEN, TAG_KEY_LEN * (size_t)a->n - GF128_LEN);
}

static dske_rc state_check(const struct adapted *a, enum adapted_state wanted)
{
	return a->state == wanted ? DSKE_OK : FAIL(STATE, "a second pass is gone through once, in order");
}

static dske_rc ended(struct adapted *a, dske_rc why)
{
	a->state = ADAPTED_FAILED;
	secret_drop(&a->y0);
	secret_drop(&a->material);
	return why;
}

/* ---- Bob tags ---------------------------------------------------------------------------------------- */

dske_rc adapted_tag(struct adapted *a, const uint8_t *const *shares, struct adapted_marks *out)
{
	size_t count = 0;

	TRY(state_check(a, ADAPTED_OPEN));
	for (size_t i = 0; i < a->n; i++)
		count += shares[i] != NULL;
	if (count < a->least)
		return FAIL(TOO_FEW, "%zu shares of the second pass, %d are needed", count, a->least);
	out->count = 0;
	for (size_t i = 0; i < a->n; i++) {
		if (!shares[i])
			continue;
		struct adapted_mark *m = &out->at[out->count++];
		m->x = (uint8_t)(i + 1);
		a->marked[m->x] = true;
		tag_compute(&m->tag, key_at(a, i), shares[i], a->share_len);
	}
	a->state = ADAPTED_TAGGED;
	return DSKE_OK;
}

/* ---- either: Y_0 -------------------------------------------------------------------------------------- */

/* DSKE 3: "reconstructs a secret from the shares for this list using the simple (n', n') secret sharing scheme" */
static dske_rc combine(struct adapted *a, const uint8_t *const *shares, const struct adapted_list *list)
{
	const uint8_t *chosen[TERMS_HUBS_MAX];

	for (size_t i = 0; i < list->count; i++)
		chosen[i] = shares[list->x[i] - 1];
	TRY(secret_alloc(&a->y0, a->share_len));
	xorshare_combine(a->y0.data, chosen, list->count, a->share_len);
	return DSKE_OK;
}

static const uint8_t *key_of(const struct adapted *a)
{
	return a->y0.data + KEY_TAG_KEY_LEN;
}

static size_t key_len_of(const struct adapted *a)
{
	return a->share_len - KEY_TAG_KEY_LEN;
}

/* ---- Alice chooses ------------------------------------------------------------------------------------- */

static dske_rc marks_check(const struct adapted *a, const struct adapted_marks *marks)
{
	for (size_t i = 0; i < marks->count; i++)
		if (marks->at[i].x < 1 || marks->at[i].x > a->n || (i > 0 && marks->at[i].x <= marks->at[i - 1].x))
			return FAIL(FORMAT, "shares that are not in order, or of no hub");
	return DSKE_OK;
}

/* DSKE 3: Alice "validates each tag for the corresponding share, and draws up a list of n' Security Hubs for which the
 * tags are valid". */
static void choose_valid(const struct adapted *a, const uint8_t *const *shares, const struct adapted_marks *marks,
			 struct adapted_list *out)
{
	out->count = 0;
	for (size_t i = 0; i < marks->count; i++) {
		const struct adapted_mark *m = &marks->at[i];
		const uint8_t *share = shares[m->x - 1];

		if (share && tag_check(&m->tag, key_at(a, m->x - 1u), share, a->share_len))
			out->x[out->count++] = m->x;
	}
}

dske_rc adapted_choose(struct adapted *a, const uint8_t *const *shares, const struct adapted_marks *marks, struct adapted_list *out)
{
	TRY(state_check(a, ADAPTED_OPEN));
	dske_rc rc = marks_check(a, marks);
	if (!rc_ok(rc))
		return ended(a, rc);
	choose_valid(a, shares, marks, out);
	if (out->count < a->least)
		return ended(a, FAIL(TOO_FEW, "%d of the shares arrived as they were sent, k = %d are needed", out->count, a->least));
	TRY(combine(a, shares, out));
	key_tag_compute(&out->key_tag, a->y0.data, key_of(a), key_len_of(a));
	forget_share_keys(a, out->x[0]);
	a->state = ADAPTED_CHOSEN;
	return DSKE_OK;
}

/* ---- Bob concludes ------------------------------------------------------------------------------------- */

/* DSKE 3: Bob "checks that the list is a subset of his". */
static dske_rc list_check(const struct adapted *a, const struct adapted_list *list)
{
	if (list->count < a->least)
		return FAIL(TOO_FEW, "the list has %d shares, at least %d are accepted", list->count, a->least);
	for (size_t i = 0; i < list->count; i++) {
		if (list->x[i] < 1 || list->x[i] > a->n || (i > 0 && list->x[i] <= list->x[i - 1]))
			return FAIL(FORMAT, "a list that is not in order, or names no hub");
		if (!a->marked[list->x[i]])
			return FAIL(DENIED, "the list names a share that did not come");
	}
	return DSKE_OK;
}

static dske_rc conclude(struct adapted *a, const uint8_t *const *shares, const struct adapted_list *list)
{
	TRY(list_check(a, list));
	TRY(combine(a, shares, list));
	if (!key_tag_check(&list->key_tag, a->y0.data, key_of(a), key_len_of(a)))
		return FAIL(NO_CANDIDATE, "the shares that were chosen do not give the key that the key tag is of");
	return DSKE_OK;
}

dske_rc adapted_conclude(struct adapted *a, const uint8_t *const *shares, const struct adapted_list *list)
{
	TRY(state_check(a, ADAPTED_TAGGED));
	dske_rc rc = conclude(a, shares, list);
	if (!rc_ok(rc))
		return ended(a, rc);
	forget_share_keys(a, list->x[0]);
	a->state = ADAPTED_CONCLUDED;
	return DSKE_OK;
}

/* ---- the result ------------------------------------------------------------------------------------------ */

dske_rc adapted_key(const struct adapted *a, struct secret *key)
{
	if (!a->y0.data)
		return FAIL(STATE, "nothing is agreed yet");
	return secret_from(key, key_of(a), key_len_of(a));
}

/* Without d the tag of that share still tells nothing of it. */
void adapted_proof(const struct adapted *a, struct tag *out)
{
	memcpy(out->b, a->material.data, TAG_LEN);
}

bool adapted_is_proof(const struct adapted *a, const struct tag *proof)
{
	return a->state == ADAPTED_CHOSEN && mem_equal(proof->b, a->material.data, TAG_LEN);
}

void adapted_drop(struct adapted *a)
{
	secret_drop(&a->material);
	secret_drop(&a->y0);
	*a = (struct adapted){0};
}
