/* SPDX-License-Identifier: Apache-2.0 */
/* The callbacks by which OpenSSL asks for external keys. */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "tls/dske-tls.h"
#include "tls/import.h"
#include "tls/source.h"

struct dske_tls {
	struct source *source;
};

/* What an SSL_CTX was told; owned by it. */
struct binding {
	struct dske_tls *tls;
	char *key; /* client's: label or id:HEX */
	char context[DSKE_TLS_CONTEXT_MAX + 1];
};

/* What an SSL offered or accepted last; owned by it. */
struct offer {
	uint8_t identity[IMPORT_IDENTITY_MAX];
	size_t len;
	char label[SOURCE_LABEL_MAX];
};

static _Thread_local dske_rc last;

const char *dske_tls_error(void)
{
	return rc_ok(last) ? NULL : rc_detail(last);
}

static int told(dske_rc rc)
{
	last = rc;
	return rc_ok(rc);
}

/* ---- beside OpenSSL's objects ------------------------------------------------------------------------------- */

static int binding_index = -1, offer_index = -1;
static pthread_once_t indices_once = PTHREAD_ONCE_INIT;

static void free_binding(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
	struct binding *b = p;
	(void)parent, (void)data, (void)index, (void)argl, (void)argp;
	if (b != NULL)
		free(b->key);
	free(b);
}

static void free_offer(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
	(void)parent, (void)data, (void)index, (void)argl, (void)argp;
	free(p);
}

static void make_indices(void)
{
	binding_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_binding);
	offer_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_offer);
}

static struct binding *binding_of(SSL *ssl)
{
	return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), binding_index);
}

/* NULL: no memory. */
static struct offer *offer_of(SSL *ssl)
{
	struct offer *o = SSL_get_ex_data(ssl, offer_index);
	if (o != NULL)
		return o;
	o = calloc(1, sizeof *o);
	if (o != NULL && SSL_set_ex_data(ssl, offer_index, o) != 1) {
		free(o);
		o = NULL;
	}
	return o;
}

const char *dske_tls_key(const SSL *ssl)
{
	const struct offer *o = offer_index >= 0 ? SSL_get_ex_data(ssl, offer_index) : NULL;
	return o != NULL && o->label[0] != '\0' && SSL_is_init_finished(ssl) && SSL_session_reused(ssl) ? o->label : NULL;
}

/* ---- the imported key as OpenSSL's session ------------------------------------------------------------------ */

static const struct suite {
	uint16_t kdf;
	const char *digest;
	unsigned char cipher[2]; /* one with that hash; either end may choose another (RFC 8446, 4.2.11) */
} suites[] = {
	{IMPORT_KDF_SHA256, "SHA256", {0x13, 0x01}},
	{IMPORT_KDF_SHA384, "SHA384", {0x13, 0x02}},
};

static const struct suite *suite_of_kdf(uint16_t kdf)
{
	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
		if (suites[i].kdf == kdf)
			return &suites[i];
	}
	return NULL;
}

static const struct suite *suite_of_digest(const EVP_MD *md)
{
	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
		if (md != NULL && EVP_MD_is_a(md, suites[i].digest))
			return &suites[i];
	}
	return NULL;
}

static dske_rc make_session(SSL *ssl, const struct suite *suite, const struct secret *psk, SSL_SESSION **out)
{
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite->cipher);
	SSL_SESSION *session = SSL_SESSION_new();
	if (session == NULL || cipher == NULL || SSL_SESSION_set1_master_key(session, psk->data, psk->len) != 1 ||
	    SSL_SESSION_set_cipher(session, cipher) != 1 || SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) != 1) {
		SSL_SESSION_free(session);
		return FAIL(UNSUPPORTED, "OpenSSL takes no session with that key");
	}
	*out = session;
	return DSKE_OK;
}

static dske_rc import_session(SSL *ssl, struct source *source, const struct source_key *key, const struct suite *suite,
			      const struct offer *o, SSL_SESSION **out)
{
	AUTO(secret) psk = {0};
	uint8_t info[IMPORT_INFO_LEN];
	size_t psk_len = import_psk_len(suite->kdf);
	TRY(import_info(info, o->identity, o->len, psk_len));
	TRY(source_import(source, key, info, psk_len, &psk));
	return make_session(ssl, suite, &psk, out);
}

/* ---- what both ends have to know ----------------------------------------------------------------------------- */

/* The identity's context: the serial number of the client's token, a zero, and what the application says.  By the
 * first a server knows its own client's message when it comes back to it. */
static size_t write_context(uint8_t out[IMPORT_CONTEXT_MAX], const char *serial, const char *application)
{
	size_t serial_len = strlen(serial) + 1, len = strlen(application);
	memcpy(out, serial, serial_len);
	memcpy(out + serial_len, application, len);
	return serial_len + len;
}

static dske_rc check_context(const struct imported_identity *identity, const struct binding *b, const struct source_key *key)
{
	const char *application = b->context, *serial = (const char *)identity->context;
	const char *end = memchr(identity->context, '\0', identity->context_len);
	if (end == NULL)
		return FAIL(FORMAT, "the offered identity does not say whose it is");
	size_t serial_len = (size_t)(end - serial), rest = identity->context_len - serial_len - 1;
	if (strcmp(serial, source_serial(b->tls->source)) == 0)
		return FAIL(DENIED, "a client of this very token is no peer of its server");
	char peer[sizeof key->peer * 2 + 1];
	hex_encode(peer, key->peer, sizeof key->peer);
	/* All that a serial number has of the client's ID: its first digits alone could be anybody's. */
	if (key->has_peer && (serial_len != SOURCE_SERIAL_MAX - 1 || strncmp(serial, peer, serial_len) != 0))
		return FAIL(DENIED, "the key %s was not agreed with this client", key->label);
	if (rest != strlen(application) || memcmp(end + 1, application, rest) != 0)
		return FAIL(DENIED, "the client speaks to another service than this one");
	return DSKE_OK;
}

/* ---- client ------------------------------------------------------------------------------------------------- */

/* Of the first suite of TLS 1.3 that is on. */
static const struct suite *first_suite(SSL *ssl)
{
	const struct suite *found = NULL;
	STACK_OF(SSL_CIPHER) *ciphers = SSL_get1_supported_ciphers(ssl);
	for (int i = 0; found == NULL && i < sk_SSL_CIPHER_num(ciphers); i++) {
		const SSL_CIPHER *c = sk_SSL_CIPHER_value(ciphers, i);
		if (SSL_CIPHER_get_protocol_id(c) >> 8 == 0x13)
			found = suite_of_digest(SSL_CIPHER_get_handshake_digest(c));
	}
	sk_SSL_CIPHER_free(ciphers);
	return found;
}

static dske_rc offer_key(SSL *ssl, const EVP_MD *md, struct offer *o, SSL_SESSION **out)
{
	const struct binding *b = binding_of(ssl);
	struct source *source = b->tls->source;
	struct imported_identity identity = {.protocol = IMPORT_PROTOCOL_TLS13};
	struct source_key key;
	const struct suite *suite = md != NULL ? suite_of_digest(md) : first_suite(ssl);
	if (suite == NULL)
		return FAIL(UNSUPPORTED, "no suite of TLS 1.3 with SHA-256 or SHA-384 is enabled");
	/* Its ticket would go beside the key, and whoever gave it out, with a certificate or none, could choose it. */
	if (SSL_get_session(ssl) != NULL && SSL_SESSION_is_resumable(SSL_get_session(ssl)))
		return FAIL(STATE, "a connection under a key does not resume an earlier session");
	TRY(source_find(source, b->key, &key));
	memcpy(identity.external, key.id, key.id_len);
	identity.external_len = key.id_len;
	identity.context_len = write_context(identity.context, source_serial(source), b->context);
	identity.kdf = suite->kdf;
	o->len = import_write(o->identity, &identity);
	memcpy(o->label, key.label, sizeof o->label);
	return import_session(ssl, source, &key, suite, o, out);
}

static int use_session(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len, SSL_SESSION **session)
{
	struct offer *o = offer_of(ssl);
	*session = NULL;
	if (!told(o != NULL ? offer_key(ssl, md, o, session) : rc_make(DSKE_RC_NOMEM)))
		return 0;
	*id = o->identity;
	*id_len = o->len;
	return 1;
}

/* ---- server ------------------------------------------------------------------------------------------------- */

static dske_rc accept_key(SSL *ssl, struct offer *o, SSL_SESSION **out)
{
	const struct binding *b = binding_of(ssl);
	struct imported_identity identity;
	struct source_key key;
	TRY(import_read(&identity, o->identity, o->len));
	const struct suite *suite = suite_of_kdf(identity.kdf);
	if (identity.protocol != IMPORT_PROTOCOL_TLS13 || suite == NULL)
		return FAIL(FORMAT, "the offered identity is for another protocol or hash");
	TRY(source_find_id(b->tls->source, identity.external, identity.external_len, &key));
	TRY(check_context(&identity, b, &key));
	TRY(import_session(ssl, b->tls->source, &key, suite, o, out));
	memcpy(o->label, key.label, sizeof o->label);
	return DSKE_OK;
}

/* An identity that is not ours, or not good, is passed over: another one may be, or a certificate. */
static int find_session(SSL *ssl, const unsigned char *identity, size_t len, SSL_SESSION **session)
{
	struct offer *o = offer_of(ssl);
	*session = NULL;
	if (o == NULL)
		return told(rc_make(DSKE_RC_NOMEM));
	o->label[0] = '\0';
	if (len > sizeof o->identity)
		return 1;
	memcpy(o->identity, identity, len);
	o->len = len;
	told(accept_key(ssl, o, session));
	return 1;
}

/* ---- setting up --------------------------------------------------------------------------------------------- */

struct dske_tls *dske_tls_new(const struct dske_tls_token *where)
{
	struct dske_tls *t = calloc(1, sizeof *t);
	pthread_once(&indices_once, make_indices);
	dske_rc rc = t == NULL || binding_index < 0 || offer_index < 0 ? rc_make(DSKE_RC_NOMEM) : source_new(&t->source, where);
	if (told(rc))
		return t;
	free(t);
	return NULL;
}

void dske_tls_free(struct dske_tls *t)
{
	if (t != NULL)
		source_free(t->source);
	free(t);
}

static dske_rc bind(struct dske_tls *t, SSL_CTX *ctx, const char *key, const char *context)
{
	if (context != NULL && strlen(context) > DSKE_TLS_CONTEXT_MAX)
		return FAIL(TOOBIG, "a context has at most %d bytes", DSKE_TLS_CONTEXT_MAX);
	if (SSL_CTX_get_ex_data(ctx, binding_index) != NULL)
		return FAIL(STATE, "this SSL_CTX has its key already");
	struct binding *b = calloc(1, sizeof *b);
	if (b == NULL || (key != NULL && (b->key = strdup(key)) == NULL) || SSL_CTX_set_ex_data(ctx, binding_index, b) != 1 ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1) {
		if (SSL_CTX_get_ex_data(ctx, binding_index) == NULL)
			free_binding(NULL, b, NULL, 0, 0, NULL);
		return rc_make(DSKE_RC_NOMEM);
	}
	SSL_CTX_clear_options(ctx, SSL_OP_ALLOW_NO_DHE_KEX); /* which openssl.cnf may have set for all programs */
	b->tls = t;
	strcpy(b->context, context != NULL ? context : "");
	return DSKE_OK;
}

static dske_rc make_client(struct dske_tls *t, SSL_CTX *ctx, const char *key, const char *context)
{
	struct source_key found;
	TRY(source_find(t->source, key, &found));
	TRY(bind(t, ctx, key, context));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_psk_use_session_callback(ctx, use_session);
	return DSKE_OK;
}

int dske_tls_client(struct dske_tls *t, SSL_CTX *ctx, const char *key, const char *context)
{
	return told(make_client(t, ctx, key, context));
}

int dske_tls_server(struct dske_tls *t, SSL_CTX *ctx, const char *context)
{
	if (!told(bind(t, ctx, NULL, context)))
		return 0;
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_psk_find_session_callback(ctx, find_session);
	return 1;
}
