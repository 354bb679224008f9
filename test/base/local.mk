# SPDX-License-Identifier: Apache-2.0
BASE_TESTS = \
	%D%/test-alike \
	%D%/test-buf \
	%D%/test-conf \
	%D%/test-cpu \
	%D%/test-crypto \
	%D%/test-file \
	%D%/test-gate \
	%D%/test-id \
	%D%/test-kept \
	%D%/test-listing \
	%D%/test-log \
	%D%/test-pid \
	%D%/test-net \
	%D%/test-path \
	%D%/test-quota \
	%D%/test-rc \
	%D%/test-secret
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)

%C%_test_alike_SOURCES = %D%/test-alike.c
%C%_test_alike_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_buf_SOURCES = %D%/test-buf.c
%C%_test_buf_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_conf_SOURCES = %D%/test-conf.c test/lib/scratch.c test/lib/scratch.h
%C%_test_conf_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_cpu_SOURCES = %D%/test-cpu.c
%C%_test_cpu_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_crypto_SOURCES = %D%/test-crypto.c
%C%_test_crypto_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_file_SOURCES = %D%/test-file.c test/lib/scratch.c test/lib/scratch.h
%C%_test_file_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_gate_SOURCES = %D%/test-gate.c
%C%_test_gate_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_id_SOURCES = %D%/test-id.c
%C%_test_id_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_kept_SOURCES = %D%/test-kept.c
%C%_test_kept_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_listing_SOURCES = %D%/test-listing.c test/lib/scratch.c test/lib/scratch.h
%C%_test_listing_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_log_SOURCES = %D%/test-log.c test/lib/scratch.c test/lib/scratch.h
%C%_test_log_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_net_SOURCES = %D%/test-net.c
%C%_test_net_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_pid_SOURCES = %D%/test-pid.c
%C%_test_pid_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_path_SOURCES = %D%/test-path.c test/lib/scratch.c test/lib/scratch.h
%C%_test_path_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_rc_SOURCES = %D%/test-rc.c
%C%_test_rc_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_secret_SOURCES = %D%/test-secret.c
%C%_test_secret_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_quota_SOURCES = %D%/test-quota.c
%C%_test_quota_LDADD = $(BASE_LIBS) $(TEST_LIBS)
