# SPDX-License-Identifier: Apache-2.0
dist_check_SCRIPTS += %D%/test-calling %D%/test-completion %D%/test-dske %D%/test-policy %D%/test-token %D%/test-unfinished
TESTS += %D%/test-calling %D%/test-completion %D%/test-dske %D%/test-policy %D%/test-token %D%/test-unfinished

check_PROGRAMS += %D%/test-vici
TESTS += %D%/test-vici
%C%_test_vici_SOURCES = %D%/test-vici.c
%C%_test_vici_LDADD = $(TOOLS_LIBS) $(TEST_LIBS)
