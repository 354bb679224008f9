# SPDX-License-Identifier: Apache-2.0
# Constant time, seen by MemorySanitizer: part of `make check` in a build with --enable-msan alone,
# which `make check-all` makes.
if MSAN
check_PROGRAMS += %D%/test-ct
%C%_test_ct_SOURCES = %D%/test-ct.c
%C%_test_ct_LDADD = $(CORE_LIBS)
TESTS += %D%/test-ct
endif
