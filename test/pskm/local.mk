# SPDX-License-Identifier: Apache-2.0
PSKM_TESTS = %D%/test-container %D%/test-lease %D%/test-passphrase
check_PROGRAMS += $(PSKM_TESTS)
TESTS += $(PSKM_TESTS)

PSKM_FIXTURE = %D%/fixture.c %D%/fixture.h test/lib/scratch.c test/lib/scratch.h

%C%_test_container_SOURCES = %D%/test-container.c $(PSKM_FIXTURE)
%C%_test_container_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_lease_SOURCES = %D%/test-lease.c $(PSKM_FIXTURE)
%C%_test_lease_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_passphrase_SOURCES = %D%/test-passphrase.c $(PSKM_FIXTURE)
%C%_test_passphrase_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
