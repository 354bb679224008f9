# SPDX-License-Identifier: Apache-2.0
# A test (one cmocka group a program: TAP allows one plan):
#
#   check_PROGRAMS += %D%/test-NAME
#   %C%_test_NAME_SOURCES = %D%/test-NAME.c
#   %C%_test_NAME_LDADD = $(BASE_LIBS) $(TEST_LIBS)
#   TESTS += %D%/test-NAME
