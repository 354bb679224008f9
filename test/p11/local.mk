# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += %D%/test-modules
TESTS += %D%/test-modules
%C%_test_modules_SOURCES = %D%/test-modules.c
%C%_test_modules_LDADD = p11/libp11.la $(BASE_LIBS) $(P11_LIBS) $(TEST_LIBS)
