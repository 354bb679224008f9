# SPDX-License-Identifier: Apache-2.0
HUB_TESTS = %D%/test-attacks %D%/test-confirm %D%/test-control %D%/test-crowd %D%/test-hostile %D%/test-journal %D%/test-kill %D%/test-lease %D%/test-limits %D%/test-long %D%/test-mailbox %D%/test-mailbox-bounds %D%/test-mailbox-model %D%/test-out %D%/test-program %D%/test-quota %D%/test-refuse %D%/test-relay \
	%D%/test-retire
check_PROGRAMS += $(HUB_TESTS)
TESTS += $(HUB_TESTS)

MAILBOX_ALONE = %D%/box.c %D%/box.h test/lib/scratch.c test/lib/scratch.h
%C%_test_mailbox_SOURCES = %D%/test-mailbox.c $(MAILBOX_ALONE)
%C%_test_mailbox_bounds_SOURCES = %D%/test-mailbox-bounds.c $(MAILBOX_ALONE)
%C%_test_mailbox_bounds_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_journal_SOURCES = %D%/test-journal.c $(MAILBOX_ALONE)
%C%_test_journal_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_mailbox_model_SOURCES = %D%/test-mailbox-model.c $(MAILBOX_ALONE)
%C%_test_mailbox_model_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_mailbox_model_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=file_pwrite -Wl,--wrap=file_sync
%C%_test_mailbox_LDADD = $(HUB_LIBS) $(TEST_LIBS)

# A real dske-hubd and raw clients.
HUB_PAIR = %D%/pair.c %D%/pair.h $(HUB_RIG)
HUB_RIG = %D%/line.c %D%/rig.c %D%/rig.h test/lib/scratch.c test/lib/scratch.h

%C%_test_confirm_SOURCES = %D%/test-confirm.c $(HUB_PAIR)
%C%_test_confirm_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_control_SOURCES = %D%/test-control.c $(HUB_RIG)
%C%_test_control_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_crowd_SOURCES = %D%/test-crowd.c $(HUB_PAIR)
%C%_test_crowd_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_hostile_SOURCES = %D%/test-hostile.c $(HUB_PAIR)
%C%_test_hostile_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_lease_SOURCES = %D%/test-lease.c $(HUB_RIG)
%C%_test_lease_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_long_SOURCES = %D%/test-long.c $(HUB_PAIR)
%C%_test_long_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_limits_SOURCES = %D%/test-limits.c $(HUB_PAIR)
%C%_test_limits_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_program_SOURCES = %D%/test-program.c $(HUB_RIG)
%C%_test_program_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_refuse_SOURCES = %D%/test-refuse.c $(HUB_RIG)
%C%_test_refuse_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_out_SOURCES = %D%/test-out.c
%C%_test_out_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_relay_SOURCES = %D%/test-relay.c $(HUB_PAIR)
%C%_test_relay_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_kill_SOURCES = %D%/test-kill.c $(HUB_PAIR)
%C%_test_kill_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_retire_SOURCES = %D%/test-retire.c $(HUB_PAIR)
%C%_test_retire_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_quota_SOURCES = %D%/test-quota.c $(HUB_RIG)
%C%_test_quota_LDADD = $(HUB_LIBS) $(TEST_LIBS)
%C%_test_attacks_SOURCES = %D%/test-attacks.c $(HUB_PAIR)
%C%_test_attacks_LDADD = $(HUB_LIBS) $(TEST_LIBS)
