# SPDX-License-Identifier: Apache-2.0
# The token over a client without a network (fake-client.c): as a module for stock programs, and for
# unit tests.
noinst_LTLIBRARIES += %D%/libfakeclient.la
%C%_libfakeclient_la_SOURCES = %D%/fake-client.c client/config.c client/media.c client/peers.c client/places.c \
	client/report.c $(STORE_SOURCES) client/watch.c
# The same where PINs are cheap to change too: for programs that make thousands of calls a second.
check_LTLIBRARIES += %D%/libcheapclient.la
%C%_libcheapclient_la_SOURCES = $(%C%_libfakeclient_la_SOURCES)
%C%_libcheapclient_la_CPPFLAGS = $(AM_CPPFLAGS) -DDEFAULT_MEMORY_KIB=8u -DDEFAULT_PASSES=1u
CHEAP_PKCS11_LIBS = pkcs11/libpkcs11.la %D%/libcheapclient.la $(PSKM_LIBS)
FAKE_PKCS11_LIBS = pkcs11/libpkcs11.la %D%/libfakeclient.la $(PSKM_LIBS)

check_LTLIBRARIES += %D%/dske-fake.la
%C%_dske_fake_la_SOURCES =
%C%_dske_fake_la_LIBADD = $(FAKE_PKCS11_LIBS)
%C%_dske_fake_la_LDFLAGS = $(PKCS11_MODULE_LDFLAGS) -rpath /nowhere

# Programs that the scripts use: trials of any module, a host that leaves badly, a token with cheap PINs.
check_PROGRAMS += %D%/p11test %D%/exit-host %D%/make-token
%C%_p11test_SOURCES = %D%/p11test-names.c %D%/p11test-rules.c %D%/p11test-verdict.c %D%/p11test.c %D%/p11test.h %D%/p11test-cipher.c %D%/p11test-derive.c %D%/p11test-digest.c \
	%D%/p11test-keygen.c %D%/p11test-life.c %D%/p11test-mac.c %D%/p11test-objects.c %D%/p11test-process.c %D%/p11test-sign.c
%C%_exit_host_SOURCES = %D%/exit-host.c %D%/host.c %D%/host.h
%C%_exit_host_LDADD = $(CRYPTO_LIBS)
check_PROGRAMS += %D%/fork-host
%C%_fork_host_SOURCES = %D%/fork-host.c
dist_check_SCRIPTS += %D%/test-forks
TESTS += %D%/test-forks
# Leaving with threads in the module, and children of such processes: `make check` takes samples.
exits: %D%/exit-host %D%/p11test %D%/dske-fake.la
	@DSKE_EXITS=$${N:-1000} DSKE_TEST_SECONDS=7200 top_srcdir='$(top_srcdir)' top_builddir='$(top_builddir)' \
		$(BASH) $(srcdir)/test/run-test $(BASH) $(srcdir)/%D%/test-exit
forks: %D%/fork-host %D%/p11test %D%/make-token %D%/dske-fake.la
	@DSKE_FORKS=$${N:-10000} DSKE_TEST_SECONDS=7200 top_srcdir='$(top_srcdir)' top_builddir='$(top_builddir)' \
		$(BASH) $(srcdir)/test/run-test $(BASH) $(srcdir)/%D%/test-forks
CHEAP_TOKEN = %D%/cheap-token.c %D%/cheap-token.h
%C%_make_token_SOURCES = %D%/make-token.c $(CHEAP_TOKEN)
%C%_make_token_LDADD = $(FAKE_PKCS11_LIBS)
# Modes of encryption, messages and wrapping.
%C%_p11test_SOURCES += %D%/p11test-dual.c %D%/p11test-generated.c %D%/p11test-known.c %D%/p11test-message.c %D%/p11test-modes.c %D%/p11test-wrap.c
%C%_p11test_SOURCES += %D%/p11test-keys.c %D%/p11test-order.c %D%/p11test-sessions.c %D%/p11test-things.c %D%/p11test-users.c
# What it makes, beside OpenSSL.
%C%_p11test_SOURCES += %D%/p11test-cross.c %D%/p11test-cross.h %D%/p11test-cross-kdf.c %D%/p11test-proofs.c
%C%_p11test_LDADD = $(CRYPTO_LIBS)
# A module that p11test has to find wrong.
check_LTLIBRARIES += %D%/liar.la
%C%_liar_la_SOURCES = %D%/liar.c
%C%_liar_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere

check_PROGRAMS += %D%/test-derive %D%/test-interfaces %D%/test-objects %D%/test-tables %D%/test-templates %D%/test-token
%C%_test_derive_SOURCES = %D%/test-derive.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_derive_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
%C%_test_interfaces_SOURCES = %D%/test-interfaces.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_interfaces_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
%C%_test_objects_SOURCES = %D%/test-objects.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_objects_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
%C%_test_templates_SOURCES = %D%/test-templates.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_templates_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
%C%_test_tables_SOURCES = %D%/test-tables.c %D%/nss-offsets.c tools/key-type.c tools/key-type.h
%C%_test_tables_CPPFLAGS = $(AM_CPPFLAGS) -idirafter /usr/include/nspr
%C%_test_tables_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
%C%_test_token_SOURCES = %D%/test-token.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_token_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
check_PROGRAMS += %D%/test-digest
%C%_test_digest_SOURCES = %D%/test-digest.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_digest_LDADD = $(FAKE_PKCS11_LIBS) $(CRYPTO_LIBS) $(TEST_LIBS)
TESTS += %D%/test-digest
check_PROGRAMS += %D%/test-keygen
%C%_test_keygen_SOURCES = %D%/test-keygen.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_keygen_LDADD = $(FAKE_PKCS11_LIBS) $(CRYPTO_LIBS) $(TEST_LIBS)
TESTS += %D%/test-keygen
check_PROGRAMS += %D%/test-nonces
%C%_test_nonces_SOURCES = %D%/test-nonces.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_nonces_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-nonces
check_PROGRAMS += %D%/test-kdf-rules
KDF_FIXTURE = %D%/kdf-fixture.c %D%/kdf-fixture.h %D%/token-fixture.c %D%/token-fixture.h
%C%_test_kdf_rules_SOURCES = %D%/test-kdf-rules.c $(KDF_FIXTURE)
%C%_test_kdf_rules_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-kdf-rules
check_PROGRAMS += %D%/test-attacks
%C%_test_attacks_SOURCES = %D%/test-attacks.c $(KDF_FIXTURE)
%C%_test_attacks_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-attacks
check_PROGRAMS += %D%/test-kdf
%C%_test_kdf_SOURCES = %D%/test-kdf.c $(KDF_FIXTURE)
%C%_test_kdf_LDADD = $(FAKE_PKCS11_LIBS) $(CRYPTO_LIBS) $(TEST_LIBS)
TESTS += %D%/test-kdf
check_PROGRAMS += %D%/test-mac
%C%_test_mac_SOURCES = %D%/test-mac.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_mac_LDADD = $(FAKE_PKCS11_LIBS) $(CRYPTO_LIBS) $(TEST_LIBS)
TESTS += %D%/test-mac
check_PROGRAMS += %D%/test-generated
%C%_test_generated_SOURCES = %D%/test-generated.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_generated_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-generated

check_PROGRAMS += %D%/test-routes
%C%_test_routes_SOURCES = %D%/test-routes.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_routes_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-routes
check_PROGRAMS += %D%/test-otp %D%/test-otp-form
%C%_test_otp_form_SOURCES = %D%/test-otp-form.c
%C%_test_otp_form_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-otp-form
OTP_FIXTURE = %D%/otp-fixture.c %D%/otp-fixture.h %D%/token-fixture.c %D%/token-fixture.h
%C%_test_otp_SOURCES = %D%/test-otp.c $(OTP_FIXTURE)
%C%_test_otp_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
check_PROGRAMS += %D%/test-otp-crowd
%C%_test_otp_crowd_SOURCES = %D%/test-otp-crowd.c $(OTP_FIXTURE)
%C%_test_otp_crowd_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-otp %D%/test-otp-crowd
check_PROGRAMS += %D%/test-otp-ahead
%C%_test_otp_ahead_SOURCES = %D%/test-otp-ahead.c $(OTP_FIXTURE)
%C%_test_otp_ahead_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
%C%_test_otp_ahead_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=store_replace
TESTS += %D%/test-otp-ahead
# Pads of processes that are struck: a sample; DSKE_OTP_EVERY=1 for all calls.
check_PROGRAMS += %D%/otp-host
%C%_otp_host_SOURCES = %D%/otp-host.c
dist_check_SCRIPTS += %D%/test-otp-kill
TESTS += %D%/test-otp-kill
# Who guesses PINs.  `make check` takes a sample, `make guesses` what is due at closing.
check_PROGRAMS += %D%/test-guesses
%C%_test_guesses_SOURCES = %D%/test-guesses.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_guesses_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-guesses
guesses: %D%/test-guesses
	@DSKE_GUESS_PROCESSES=64 DSKE_GUESS_ROUNDS=200 $(BASH) $(srcdir)/test/run-test ./%D%/test-guesses

# Over the real client.
check_PROGRAMS += %D%/test-slots
%C%_test_slots_SOURCES = %D%/test-slots.c test/lib/scratch.c test/lib/scratch.h
%C%_test_slots_LDADD = $(PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-slots

check_PROGRAMS += %D%/test-locked
%C%_test_locked_SOURCES = %D%/test-locked.c $(CHEAP_TOKEN) $(CLIENT_WORLD)
%C%_test_locked_LDADD = $(PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-locked

TESTS += %D%/test-derive %D%/test-interfaces %D%/test-objects %D%/test-tables %D%/test-templates %D%/test-token

dist_check_SCRIPTS += %D%/test-exit %D%/test-p11 %D%/test-stock
EXTRA_DIST += %D%/stock.sh %D%/differences.txt
dist_noinst_SCRIPTS += %D%/compare-verdicts
TESTS += %D%/test-exit %D%/test-p11 %D%/test-stock

check_PROGRAMS += %D%/test-cipher
%C%_test_cipher_SOURCES = %D%/test-cipher.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_cipher_LDADD = $(FAKE_PKCS11_LIBS) $(CRYPTO_LIBS) $(TEST_LIBS)
TESTS += %D%/test-cipher

# The module in its hosts.
check_PROGRAMS += %D%/test-sessions
%C%_test_sessions_SOURCES = %D%/test-sessions.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_sessions_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-sessions
check_PROGRAMS += %D%/test-races
%C%_test_races_SOURCES = %D%/test-races.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_races_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-races
check_PROGRAMS += %D%/test-stalled
WORLD_TOKEN = %D%/world-token.c %D%/world-token.h $(CHEAP_TOKEN) $(CLIENT_WORLD)
%C%_test_stalled_SOURCES = %D%/test-stalled.c $(WORLD_TOKEN)
%C%_test_stalled_CPPFLAGS = $(AM_CPPFLAGS) -DWORLD_HUBS=3
%C%_test_stalled_LDADD = $(PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-stalled
HOST = %D%/host.c %D%/host.h
check_PROGRAMS += %D%/reload-host %D%/plain-host %D%/prefork-host
%C%_plain_host_SOURCES = %D%/plain-host.c $(HOST)
%C%_reload_host_SOURCES = %D%/reload-host.c $(HOST)
%C%_prefork_host_SOURCES = %D%/prefork-host.c $(HOST)
check_LTLIBRARIES += %D%/probe-provider.la
%C%_probe_provider_la_SOURCES = %D%/probe-provider.c $(HOST)
%C%_probe_provider_la_CPPFLAGS = $(AM_CPPFLAGS)
%C%_probe_provider_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
dist_check_SCRIPTS += %D%/test-hosts %D%/test-p11-kit
TESTS += %D%/test-hosts %D%/test-p11-kit
EXTRA_DIST += %D%/differences-proxy.txt %D%/differences-socket.txt
check_PROGRAMS += %D%/test-threads
%C%_test_threads_SOURCES = %D%/test-threads.c %D%/token-fixture.c %D%/token-fixture.h
%C%_test_threads_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-threads
check_PROGRAMS += %D%/test-signals
%C%_test_signals_SOURCES = %D%/test-signals.c $(WORLD_TOKEN)
%C%_test_signals_CPPFLAGS = $(AM_CPPFLAGS) -DWORLD_HUBS=3
%C%_test_signals_LDADD = $(PKCS11_LIBS) $(TEST_LIBS)
%C%_test_signals_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=read,--wrap=pread,--wrap=write,--wrap=pwrite,--wrap=recv \
	-Wl,--wrap=send,--wrap=getrandom,--wrap=poll,--wrap=fsync,--wrap=fdatasync,--wrap=ftruncate \
	-Wl,--wrap=fallocate,--wrap=open,--wrap=fcntl,--wrap=connect
TESTS += %D%/test-signals
check_PROGRAMS += %D%/test-surroundings
%C%_test_surroundings_SOURCES = %D%/test-surroundings.c $(WORLD_TOKEN)
%C%_test_surroundings_CPPFLAGS = $(AM_CPPFLAGS) -DWORLD_HUBS=3
%C%_test_surroundings_LDADD = $(PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-surroundings

# Every function with arguments by chance.  `make check` takes a sample; `make bad-arguments N=100000`, built with
# --enable-sanitizers, is what is due at closing.
check_PROGRAMS += %D%/test-bad-arguments
%C%_test_bad_arguments_SOURCES = %D%/test-bad-arguments.c %D%/wild-calls.c %D%/wild-mech.c %D%/wild-memory.c %D%/wild-templ.c \
	%D%/wild-values.c %D%/wild-world.c %D%/wild.h %D%/token-fixture.c %D%/token-fixture.h
%C%_test_bad_arguments_LDADD = $(FAKE_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-bad-arguments
bad-arguments: %D%/test-bad-arguments
	@DSKE_TEST_SECONDS=7200 DSKE_BAD_CASES=$${N:-100000} DSKE_BAD_SEED=$${SEED:-1} \
		$(BASH) $(srcdir)/test/run-test ./%D%/test-bad-arguments

# Threads that share all there is.  `make check` takes two seconds; DSKE_SHARED_SECONDS=300 with --enable-tsan is due at
# closing.
check_PROGRAMS += %D%/test-shared
%C%_test_shared_SOURCES = %D%/test-shared.c $(CALLS_SOURCES)
%C%_test_shared_LDADD = $(CHEAP_PKCS11_LIBS) $(TEST_LIBS)
TESTS += %D%/test-shared
