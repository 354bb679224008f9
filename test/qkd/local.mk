# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += %D%/test-answer
TESTS += %D%/test-answer
%C%_test_answer_SOURCES = %D%/test-answer.c
%C%_test_answer_LDADD = $(QKD_LIBS) $(PSKM_LIBS) $(TEST_LIBS)

EXTRA_DIST += %D%/mock-kme.py
QKD_MOCK = %D%/mock.c %D%/mock.h test/lib/scratch.c test/lib/scratch.h

# libcurl fills memory that MemorySanitizer has not seen it fill.
check_PROGRAMS += %D%/test-kme
%C%_test_kme_SOURCES = %D%/test-kme.c $(QKD_MOCK)
%C%_test_kme_LDADD = $(QKD_LIBS) $(PSKM_LIBS) $(TEST_LIBS)
if !MSAN
TESTS += %D%/test-kme
endif

EXTRA_DIST += %D%/kme.bash
dist_check_SCRIPTS += %D%/test-link %D%/test-refill
if !MSAN
TESTS += %D%/test-link %D%/test-refill
endif
