/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CKM_SP800_108_COUNTER_KDF, _FEEDBACK_KDF and _DOUBLE_PIPELINE_KDF (NIST SP 800-108, 4.1 to 4.3), for one key or
 * several at once.
 *
 * What the pseudorandom function is given each time is a list of fields in the host's order: the iteration variable
 * (the counter; K(i-1); A(i)), in the latter two modes a counter if it wants one, the length of what is derived, and
 * bytes.  Each key begins with an output of its own of the function.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/terms.h"
#include "pkcs11/derive-kdf.h"
#include "pkcs11/mech.h"

#define FIELDS_MAX 32
#define KEYS_MAX 64 /* of one call */

enum mode { MODE_COUNTER, MODE_FEEDBACK, MODE_PIPELINE };

/* A number of a public value, as the host wants it written. */
struct number {
	bool little;
	size_t bytes;
};

struct field {
	enum { FIELD_VARIABLE, FIELD_COUNTER, FIELD_LENGTH, FIELD_BYTES } kind;
	struct number format; /* of FIELD_COUNTER and FIELD_LENGTH */
	bool by_segments;     /* FIELD_LENGTH: of the outputs, and not of the keys */
	const uint8_t *bytes; /* of FIELD_BYTES; borrowed */
	size_t len;
};

struct kbkdf {
	const struct derive_call *call;
	enum mode mode;
	struct mac *prf;
	size_t block;  /* bytes of one output */
	struct field field[FIELDS_MAX];
	size_t fields;
	const uint8_t *iv; /* MODE_FEEDBACK: K(0) */
	size_t iv_len;
	size_t keys;
	struct {
		struct object *key; /* a reference, until it is in the table */
		size_t len;
		CK_OBJECT_HANDLE *out;
	} made[KEYS_MAX];
};

/* ---- parameters ------------------------------------------------------------------------------------------- */

static CK_RV read_number(struct number *n, CK_BBOOL little, CK_ULONG bits, CK_ULONG most)
{
	if (little > 1 || bits == 0 || bits % 8 != 0 || bits > most)
		return CKR_MECHANISM_PARAM_INVALID;
	*n = (struct number){little != 0, bits / 8};
	return CKR_OK;
}

static CK_RV read_counter(struct field *f, const CK_PRF_DATA_PARAM *p)
{
	CK_SP800_108_COUNTER_FORMAT format;

	if (p->pValue == NULL || p->ulValueLen != sizeof format)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(&format, p->pValue, sizeof format);
	f->kind = FIELD_COUNTER;
	return read_number(&f->format, format.bLittleEndian, format.ulWidthInBits, 32);
}

static CK_RV read_length(struct field *f, const CK_PRF_DATA_PARAM *p)
{
	CK_SP800_108_DKM_LENGTH_FORMAT format;

	if (p->pValue == NULL || p->ulValueLen != sizeof format)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(&format, p->pValue, sizeof format);
	if (format.dkmLengthMethod != CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS &&
	    format.dkmLengthMethod != CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS)
		return CKR_MECHANISM_PARAM_INVALID;
	f->kind = FIELD_LENGTH;
	f->by_segments = format.dkmLengthMethod == CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS;
	return read_number(&f->format, format.bLittleEndian, format.ulWidthInBits, 64);
}

static CK_RV read_field(const struct kbkdf *b, struct field *f, const CK_PRF_DATA_PARAM *p)
{
	switch (p->type) {
	case CK_SP800_108_ITERATION_VARIABLE:
		if (b->mode == MODE_COUNTER)
			return read_counter(f, p);
		f->kind = FIELD_VARIABLE;
		return p->pValue == NULL && p->ulValueLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
	case CK_SP800_108_COUNTER:
		return b->mode == MODE_COUNTER ? CKR_MECHANISM_PARAM_INVALID : read_counter(f, p);
	case CK_SP800_108_DKM_LENGTH:
		return read_length(f, p);
	case CK_SP800_108_BYTE_ARRAY:
		f->kind = FIELD_BYTES;
		f->bytes = p->pValue;
		f->len = p->ulValueLen;
		return kdf_input_ok(p->pValue, p->ulValueLen, KDF_INPUT_MAX) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
	default:
		return CKR_MECHANISM_PARAM_INVALID;
	}
}

/* At most one of each, but for bytes; and the iteration variable there has to be. */
static CK_RV check_fields(const struct kbkdf *b)
{
	size_t count[FIELD_BYTES + 1] = {0};

	for (size_t i = 0; i < b->fields; i++)
		count[b->field[i].kind]++;
	if (count[FIELD_VARIABLE] > 1 || count[FIELD_COUNTER] > 1 || count[FIELD_LENGTH] > 1)
		return CKR_MECHANISM_PARAM_INVALID;
	return count[b->mode == MODE_COUNTER ? FIELD_COUNTER : FIELD_VARIABLE] == 1 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV read_fields(struct kbkdf *b, const CK_PRF_DATA_PARAM *params, CK_ULONG n)
{
	if (params == NULL || n == 0 || n > FIELDS_MAX)
		return CKR_MECHANISM_PARAM_INVALID;
	for (CK_ULONG i = 0; i < n; i++) {
		CK_PRF_DATA_PARAM p;
		memcpy(&p, &params[i], sizeof p);
		TRY_RV(read_field(b, &b->field[b->fields++], &p));
	}
	return check_fields(b);
}

/* The function's key has to be one that the function's own mechanism takes. */
static CK_RV read_prf(struct kbkdf *b, CK_MECHANISM_TYPE type)
{
	const struct object *base = b->call->base;
	const struct mech *row = type == CKM_AES_CMAC || hash_by_hmac(type) != NULL ? mech_find(type) : NULL;

	if (row == NULL)
		return CKR_MECHANISM_PARAM_INVALID;
	if (!row->key_fits(object_ulong(b->call->m, base, CKA_KEY_TYPE)))
		return CKR_KEY_TYPE_INCONSISTENT;
	b->prf = mac_new(row->hash != NULL ? CRYPTO_HMAC : CRYPTO_CMAC, row->hash, base->value.data, base->value.len);
	if (b->prf == NULL)
		return CKR_DEVICE_ERROR;
	b->block = mac_len(b->prf);
	return CKR_OK;
}

/* ---- the keys --------------------------------------------------------------------------------------------- */

static CK_RV add_key(struct kbkdf *b, const CK_ATTRIBUTE *templ, CK_ULONG n, CK_OBJECT_HANDLE *out)
{
	b->made[b->keys].out = out;
	TRY_RV(kdf_key_new(b->call, templ, n, &b->made[b->keys].key, &b->made[b->keys].len));
	size_t len = b->made[b->keys].len;
	/* A second key begins with an output of its own: at a bound of the stream, or not. */
	bool off = len % KDF_UNIT != 0 || (b->keys > 0 && b->block % KDF_UNIT != 0);
	if (off && kdf_is_bounded(b->call, b->made[b->keys].key))
		return CKR_KEY_SIZE_RANGE;
	b->keys++;
	return len > 0 ? CKR_OK : CKR_TEMPLATE_INCOMPLETE;
}

static CK_RV add_keys(struct kbkdf *b, const CK_DERIVED_KEY *more, CK_ULONG n)
{
	if (n >= KEYS_MAX || (more == NULL && n > 0))
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(add_key(b, b->call->templ, b->call->n, b->call->out));
	for (CK_ULONG i = 0; i < n; i++) {
		CK_DERIVED_KEY one;
		memcpy(&one, &more[i], sizeof one);
		if (one.phKey == NULL || (one.pTemplate == NULL && one.ulAttributeCount > 0))
			return CKR_MECHANISM_PARAM_INVALID;
		TRY_RV(add_key(b, one.pTemplate, one.ulAttributeCount, one.phKey));
	}
	return CKR_OK;
}

/* How many outputs that takes. */
static uint64_t blocks_of(const struct kbkdf *b, size_t len)
{
	return (len + b->block - 1) / b->block;
}

static uint64_t bits_in_all(const struct kbkdf *b, bool by_segments)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < b->keys; i++)
		bytes += by_segments ? blocks_of(b, b->made[i].len) * b->block : b->made[i].len;
	return bytes * 8;
}

static bool number_holds(const struct number *n, uint64_t v)
{
	return n->bytes == 8 || v >> 8 * n->bytes == 0;
}

/* SP 800-108, 4: no more outputs than the counter can count; and the length can be written down. */
static CK_RV check_lengths(const struct kbkdf *b)
{
	uint64_t blocks = 0;

	for (size_t i = 0; i < b->keys; i++)
		blocks += blocks_of(b, b->made[i].len);
	for (size_t i = 0; i < b->fields; i++) {
		const struct field *f = &b->field[i];
		if (f->kind == FIELD_COUNTER && !number_holds(&f->format, blocks))
			return CKR_KEY_SIZE_RANGE;
		if (f->kind == FIELD_LENGTH && !number_holds(&f->format, bits_in_all(b, f->by_segments)))
			return CKR_KEY_SIZE_RANGE;
	}
	return CKR_OK;
}

/* ---- the function ----------------------------------------------------------------------------------------- */

static bool put_number(struct mac *prf, const struct number *n, uint64_t v)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < n->bytes; i++)
		bytes[n->little ? i : n->bytes - 1 - i] = (uint8_t)(v >> 8 * i);
	return mac_update(prf, bytes, n->bytes);
}

struct step {
	uint64_t count;
	uint8_t variable[MAC_MAX]; /* K(i-1) or A(i) */
	const uint8_t *at;         /* where it is: K(0) is the host's */
	size_t len;
	bool fixed_only;           /* A(0): what does not change alone */
};

static bool put_field(const struct kbkdf *b, const struct field *f, const struct step *s)
{
	switch (f->kind) {
	case FIELD_VARIABLE:
		return s->fixed_only || mac_update(b->prf, s->at, s->len);
	case FIELD_COUNTER:
		return s->fixed_only || put_number(b->prf, &f->format, s->count);
	case FIELD_LENGTH:
		return put_number(b->prf, &f->format, bits_in_all(b, f->by_segments));
	case FIELD_BYTES:
		return mac_update(b->prf, f->bytes, f->len);
	}
	return false;
}

static bool run_prf(const struct kbkdf *b, const struct step *s, uint8_t out[MAC_MAX])
{
	bool good = mac_start(b->prf, NULL);

	for (size_t i = 0; i < b->fields; i++)
		good = good && put_field(b, &b->field[i], s);
	return good && mac_final(b->prf, out);
}

/* The next output, and the variable for the one after it. */
static bool next_block(const struct kbkdf *b, struct step *s, uint8_t out[MAC_MAX])
{
	bool good = true;

	s->count++;
	if (b->mode == MODE_PIPELINE) { /* A(1) of A(0), or A(i) of A(i-1) */
		s->fixed_only = s->count == 1;
		good = s->fixed_only ? run_prf(b, s, s->variable) : mac_whole(b->prf, s->variable, b->block, s->variable);
		s->fixed_only = false;
		s->at = s->variable;
		s->len = b->block;
	}
	good = good && run_prf(b, s, out);
	if (good && b->mode == MODE_FEEDBACK) {
		memcpy(s->variable, out, b->block);
		s->at = s->variable;
		s->len = b->block;
	}
	return good;
}

static CK_RV fill_key(const struct kbkdf *b, struct step *s, struct object *key, size_t len)
{
	AUTO(secret) value = {0};
	uint8_t block[MAC_MAX];
	bool good = true;

	TRY_RV(rv_from(secret_alloc(&value, len)));
	for (size_t at = 0; good && at < len; at += b->block) {
		good = next_block(b, s, block);
		if (good)
			memcpy(value.data + at, block, len - at < b->block ? len - at : b->block);
	}
	mem_wipe(block, sizeof block);
	return good ? key_set_value(key, &value) : CKR_DEVICE_ERROR;
}

static CK_RV fill_keys(struct kbkdf *b)
{
	struct step s = {.at = b->iv, .len = b->iv_len};
	CK_RV rv = CKR_OK;

	if (!crypto_quiet_begin())
		return CKR_DEVICE_ERROR;
	for (size_t i = 0; i < b->keys && rv == CKR_OK; i++)
		rv = fill_key(b, &s, b->made[i].key, b->made[i].len);
	crypto_quiet_end();
	mem_wipe(&s, sizeof s);
	return rv;
}

/* ---- all of them, or none --------------------------------------------------------------------------------- */

static CK_RV keep_keys(struct kbkdf *b)
{
	for (size_t i = 0; i < b->keys; i++) {
		CK_RV rv = key_keep(b->call->m, b->made[i].key);
		if (rv == CKR_OK)
			continue;
		while (i-- > 0)
			(void)key_forget(b->call->m, b->made[i].key);
		return rv;
	}
	return CKR_OK;
}

/* The table takes over our references.  What is in it when another fails goes again. */
static CK_RV show_keys(struct kbkdf *b)
{
	struct module *m = b->call->m;
	CK_OBJECT_HANDLE handle[KEYS_MAX];

	for (size_t i = 0; i < b->keys; i++) {
		struct object *key = object_ref(b->made[i].key);
		CK_RV rv = key_add(m, b->call->s, key, &handle[i]);
		if (rv == CKR_OK)
			continue;
		for (size_t k = 0; k < b->keys; k++)
			(void)key_destroy(m, b->made[k].key); /* out of the store, and of the table if it is there */
		return rv;
	}
	for (size_t i = 0; i < b->keys; i++)
		memcpy(b->made[i].out, &handle[i], sizeof handle[i]);
	return CKR_OK;
}

static CK_RV prepare(struct kbkdf *b)
{
	CK_SP800_108_FEEDBACK_KDF_PARAMS p = {0};
	CK_SP800_108_KDF_PARAMS plain;
	const struct derive_call *c = b->call;

	TRY_RV(key_allows(c->m, c->base, c->row, CKA_DERIVE, CKR_KEY_TYPE_INCONSISTENT));
	if (b->mode == MODE_FEEDBACK) {
		TRY_RV(kdf_param(c, &p, sizeof p));
	} else {
		TRY_RV(kdf_param(c, &plain, sizeof plain));
		p = (CK_SP800_108_FEEDBACK_KDF_PARAMS){.prfType = plain.prfType,
						       .ulNumberOfDataParams = plain.ulNumberOfDataParams,
						       .pDataParams = plain.pDataParams,
						       .ulAdditionalDerivedKeys = plain.ulAdditionalDerivedKeys,
						       .pAdditionalDerivedKeys = plain.pAdditionalDerivedKeys};
	}
	if (!kdf_input_ok(p.pIV, p.ulIVLen, KDF_INPUT_MAX))
		return CKR_MECHANISM_PARAM_INVALID;
	b->iv = p.pIV;
	b->iv_len = p.ulIVLen;
	TRY_RV(read_fields(b, p.pDataParams, p.ulNumberOfDataParams));
	TRY_RV(read_prf(b, p.prfType));
	TRY_RV(add_keys(b, p.pAdditionalDerivedKeys, p.ulAdditionalDerivedKeys));
	return check_lengths(b);
}

static CK_RV run(struct kbkdf *b)
{
	TRY_RV(prepare(b));
	TRY_RV(fill_keys(b));
	TRY_RV(keep_keys(b));
	return show_keys(b);
}

static CK_RV derive_108(const struct derive_call *c, enum mode mode)
{
	struct kbkdf *b = calloc(1, sizeof *b);

	if (b == NULL)
		return CKR_HOST_MEMORY;
	b->call = c;
	b->mode = mode;
	CK_RV rv = run(b);
	for (size_t i = 0; i < KEYS_MAX; i++)
		object_unref(b->made[i].key);
	mac_free(b->prf);
	free(b);
	return rv;
}

static CK_RV derive_counter(const struct derive_call *c)
{
	return derive_108(c, MODE_COUNTER);
}

static CK_RV derive_feedback(const struct derive_call *c)
{
	return derive_108(c, MODE_FEEDBACK);
}

static CK_RV derive_pipeline(const struct derive_call *c)
{
	return derive_108(c, MODE_PIPELINE);
}

const struct derive_kind derive_108_counter = {.run = derive_counter};
const struct derive_kind derive_108_feedback = {.run = derive_feedback};
const struct derive_kind derive_108_pipeline = {.run = derive_pipeline};
