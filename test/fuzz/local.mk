# SPDX-License-Identifier: Apache-2.0
# A fuzzer is a source fuzz-NAME.c with LLVMFuzzerTestOneInput, and a folder corpus/NAME of inputs:
#
#   FUZZERS += %D%/fuzz-NAME
#   %C%_fuzz_NAME_SOURCES = %D%/fuzz-NAME.c
#   %C%_fuzz_NAME_LDADD = $(FUZZ_LIBS) $(CORE_LIBS)
#   EXTRA_DIST += %D%/corpus/NAME
#
# `make check` runs it over its corpus and damaged copies of it.  With CC=clang and --enable-fuzzing
# it is linked with libFuzzer, and `make fuzz` looks for new inputs, FUZZ_SECONDS for each fuzzer.  A
# fix for what it finds lands with that input in the corpus.

FUZZERS += %D%/fuzz-cbor
%C%_fuzz_cbor_SOURCES = %D%/fuzz-cbor.c
%C%_fuzz_cbor_LDADD = $(FUZZ_LIBS) $(CORE_LIBS)
EXTRA_DIST += %D%/corpus/cbor

FUZZERS += %D%/fuzz-conf
%C%_fuzz_conf_SOURCES = %D%/fuzz-conf.c
%C%_fuzz_conf_LDADD = $(FUZZ_LIBS) $(BASE_LIBS)
EXTRA_DIST += %D%/corpus/conf

FUZZERS += %D%/fuzz-pskm
%C%_fuzz_pskm_SOURCES = %D%/fuzz-pskm.c
%C%_fuzz_pskm_LDADD = $(FUZZ_LIBS) $(PSKM_LIBS)
EXTRA_DIST += %D%/corpus/pskm

FUZZERS += %D%/fuzz-frame
%C%_fuzz_frame_SOURCES = %D%/fuzz-frame.c
%C%_fuzz_frame_LDADD = $(FUZZ_LIBS) test/hubproto/libsamples.la $(HUBPROTO_LIBS)
EXTRA_DIST += %D%/corpus/frame

FUZZERS += %D%/fuzz-direct
%C%_fuzz_direct_SOURCES = %D%/fuzz-direct.c
%C%_fuzz_direct_LDADD = $(FUZZ_LIBS) test/hubproto/libsamples.la $(HUBPROTO_LIBS)
EXTRA_DIST += %D%/corpus/direct

FUZZERS += %D%/fuzz-vici
%C%_fuzz_vici_SOURCES = %D%/fuzz-vici.c
%C%_fuzz_vici_LDADD = $(FUZZ_LIBS) $(TOOLS_LIBS)
EXTRA_DIST += %D%/corpus/vici

FUZZERS += %D%/fuzz-qkd
%C%_fuzz_qkd_SOURCES = %D%/fuzz-qkd.c
%C%_fuzz_qkd_LDADD = $(FUZZ_LIBS) $(QKD_LIBS) $(PSKM_LIBS)
EXTRA_DIST += %D%/corpus/qkd

FUZZERS += %D%/fuzz-tunnel
%C%_fuzz_tunnel_SOURCES = %D%/fuzz-tunnel.c
%C%_fuzz_tunnel_LDADD = $(FUZZ_LIBS) $(VPN_LIBS)
EXTRA_DIST += %D%/corpus/tunnel

# Opens a mailbox in TMPDIR, quickest in memory.
FUZZERS += %D%/fuzz-mailbox
%C%_fuzz_mailbox_SOURCES = %D%/fuzz-mailbox.c test/lib/scratch.c test/lib/scratch.h
%C%_fuzz_mailbox_LDADD = $(FUZZ_LIBS) $(HUB_LIBS)
EXTRA_DIST += %D%/corpus/mailbox

# Sequences of PKCS#11 calls, over a token in TMPDIR: quickest where that is in memory (TMPDIR=/dev/shm make fuzz).
CALLS_SOURCES = %D%/calls-keys.c %D%/calls-model.c %D%/calls-step.c %D%/calls-token.c %D%/calls-token.h \
	%D%/calls-use.c %D%/calls.h
FUZZERS += %D%/fuzz-calls
%C%_fuzz_calls_SOURCES = %D%/fuzz-calls.c $(CALLS_SOURCES)
%C%_fuzz_calls_LDADD = $(FUZZ_LIBS) $(CHEAP_PKCS11_LIBS)
EXTRA_DIST += %D%/corpus/calls

check_PROGRAMS += $(FUZZERS)
if ENABLE_FUZZING
FUZZ_LIBS = $(LIBFUZZER)
else
FUZZ_LIBS = %D%/libreplay.la
check_LTLIBRARIES += %D%/libreplay.la
%C%_libreplay_la_SOURCES = %D%/replay.c
TESTS += $(FUZZERS)
endif

FUZZ_SECONDS = 60
fuzz: $(FUZZERS)
if ENABLE_FUZZING
	@for f in $(FUZZERS); do \
		name=$${f##*/fuzz-}; new=fuzz-new/$$name; echo "== $$f: new inputs in $$new"; \
		$(MKDIR_P) $$new && ./$$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$new/ \
			-print_final_stats=0 $$new $(srcdir)/test/fuzz/corpus/$$name || exit 1; \
	done
else
	@echo "make fuzz needs libFuzzer: configure with CC=clang --enable-fuzzing" >&2; exit 1
endif
