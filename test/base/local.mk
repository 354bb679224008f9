# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += \
	%D%/test-buf \
	%D%/test-id \
	%D%/test-rc \
	%D%/test-secret
TESTS += \
	%D%/test-buf \
	%D%/test-id \
	%D%/test-rc \
	%D%/test-secret

%C%_test_buf_SOURCES = %D%/test-buf.c
%C%_test_buf_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_id_SOURCES = %D%/test-id.c
%C%_test_id_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_rc_SOURCES = %D%/test-rc.c
%C%_test_rc_LDADD = $(BASE_LIBS) $(TEST_LIBS)

%C%_test_secret_SOURCES = %D%/test-secret.c
%C%_test_secret_LDADD = $(BASE_LIBS) $(TEST_LIBS)
