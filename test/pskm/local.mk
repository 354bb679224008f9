# SPDX-License-Identifier: Apache-2.0
PSKM_TESTS = %D%/test-container %D%/test-cover %D%/test-crash %D%/test-entropy %D%/test-health %D%/test-ledger \
	%D%/test-lease %D%/test-lowwater %D%/test-passphrase %D%/test-power %D%/test-reference %D%/test-rest %D%/test-resume %D%/test-retire %D%/test-stock \
	%D%/test-stock-crash %D%/test-supply %D%/test-table %D%/test-table-key %D%/test-verify %D%/test-window
check_PROGRAMS += $(PSKM_TESTS)
TESTS += $(PSKM_TESTS)

PSKM_FIXTURE = %D%/fixture.c %D%/fixture.h test/lib/scratch.c test/lib/scratch.h

%C%_test_container_SOURCES = %D%/test-container.c $(PSKM_FIXTURE)
%C%_test_container_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_cover_SOURCES = %D%/test-cover.c $(PSKM_FIXTURE)
%C%_test_cover_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_crash_SOURCES = %D%/test-crash.c $(PSKM_FIXTURE)
%C%_test_crash_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
# faults and crashes are put in by the linker, in front of the functions of base/file.h
%C%_test_crash_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=file_pread -Wl,--wrap=file_pwrite -Wl,--wrap=file_sync -Wl,--wrap=file_erase_data
%C%_test_entropy_SOURCES = %D%/test-entropy.c $(PSKM_FIXTURE)
%C%_test_entropy_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_health_SOURCES = %D%/test-health.c
%C%_test_health_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_ledger_SOURCES = %D%/test-ledger.c $(PSKM_FIXTURE)
%C%_test_ledger_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_ledger_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=file_sync
%C%_test_lease_SOURCES = %D%/test-lease.c $(PSKM_FIXTURE)
%C%_test_lease_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_lowwater_SOURCES = %D%/test-lowwater.c $(PSKM_FIXTURE)
%C%_test_lowwater_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_passphrase_SOURCES = %D%/test-passphrase.c $(PSKM_FIXTURE)
%C%_test_passphrase_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_retire_SOURCES = %D%/test-retire.c $(PSKM_FIXTURE)
%C%_test_retire_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_resume_SOURCES = %D%/test-resume.c $(PSKM_FIXTURE)
%C%_test_resume_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_resume_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=file_pwrite -Wl,--wrap=file_sync
%C%_test_supply_SOURCES = %D%/test-supply.c $(PSKM_FIXTURE)
%C%_test_supply_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
# a clock that the test sets
%C%_test_supply_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=time
%C%_test_reference_SOURCES = %D%/test-reference.c $(PSKM_FIXTURE)
%C%_test_reference_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_rest_SOURCES = %D%/test-rest.c $(PSKM_FIXTURE)
%C%_test_rest_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_rest_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=file_sync
STOCK_WORLD = %D%/stock-world.c %D%/stock-world.h $(PSKM_FIXTURE)
%C%_test_stock_SOURCES = %D%/test-stock.c $(STOCK_WORLD)
%C%_test_stock_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_power_SOURCES = %D%/test-power.c $(STOCK_WORLD)
%C%_test_power_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_power_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=file_sync
%C%_test_stock_crash_SOURCES = %D%/test-stock-crash.c $(STOCK_WORLD)
%C%_test_stock_crash_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_stock_crash_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=file_pread -Wl,--wrap=file_pwrite -Wl,--wrap=fdatasync \
	-Wl,--wrap=fsync -Wl,--wrap=rename -Wl,--wrap=file_erase_data
%C%_test_table_SOURCES = %D%/test-table.c $(PSKM_FIXTURE)
%C%_test_table_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_table_key_SOURCES = %D%/test-table-key.c $(PSKM_FIXTURE)
%C%_test_table_key_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_window_SOURCES = %D%/test-window.c $(PSKM_FIXTURE)
%C%_test_window_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
%C%_test_verify_SOURCES = %D%/test-verify.c $(PSKM_FIXTURE)
%C%_test_verify_LDADD = $(PSKM_LIBS) $(TEST_LIBS)
