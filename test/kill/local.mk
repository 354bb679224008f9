# SPDX-License-Identifier: Apache-2.0
# Killed at every system call: strike does it to a command, workloads.bash sets the scene, test-calls kills
# and has the auditor look at what is left.  `make check` takes a sample of the calls, `make kill` each one.
check_PROGRAMS += %D%/strike
%C%_strike_SOURCES = %D%/strike.c

# The product with its commits put off until it has sent: to be caught.  Made by the linker alone.
check_PROGRAMS += %D%/dske-wrong %D%/dske-hubd-wrong
wrong_order = -Wl,--wrap=ledger_commit -Wl,--wrap=ledger_read -Wl,--wrap=table_close -Wl,--wrap=send
%C%_dske_wrong_SOURCES = tools/main.c %D%/wrong-order.c
%C%_dske_wrong_LDADD = $(TOOLS_LIBS) $(P11_LIBS)
%C%_dske_wrong_LDFLAGS = $(AM_LDFLAGS) $(wrong_order)
%C%_dske_hubd_wrong_SOURCES = hub/main.c %D%/wrong-order.c
%C%_dske_hubd_wrong_LDADD = $(HUB_LIBS)
%C%_dske_hubd_wrong_LDFLAGS = $(AM_LDFLAGS) $(wrong_order)

dist_check_SCRIPTS += %D%/test-calls %D%/test-faults %D%/test-calls-keys %D%/test-faults-keys
TESTS += %D%/test-calls %D%/test-faults %D%/test-calls-keys %D%/test-faults-keys
EXTRA_DIST += %D%/workloads.bash %D%/workloads-refill.bash %D%/workloads-keys.bash

# Many processes and threads on one table, some of them killed.
check_PROGRAMS += %D%/test-crowd
TESTS += %D%/test-crowd
%C%_test_crowd_SOURCES = %D%/test-crowd.c $(PSKM_FIXTURE)
%C%_test_crowd_LDADD = $(PSKM_LIBS) $(TEST_LIBS)

# The token's store, struck; and eight processes at it.
check_PROGRAMS += %D%/store-work
%C%_store_work_SOURCES = %D%/store-work.c
%C%_store_work_LDADD = $(CLIENT_LIBS)
dist_check_SCRIPTS += %D%/test-store
TESTS += %D%/test-store
kill-store: %D%/strike %D%/store-work
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' DSKE_KILL_EVERY=1 DSKE_CROWD_KILLS=400 \
		$(BASH) $(srcdir)/%D%/test-store

kill_programs = %D%/strike %D%/dske-wrong %D%/dske-hubd-wrong
KILL_WORKLOADS = all
kill: all $(kill_programs)
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' DSKE_KILL_EVERY=1 \
		$(BASH) $(srcdir)/%D%/test-calls $(KILL_WORKLOADS)

# Not killed, but let down: each call that fails, with each error.
FAULTS_WORKLOADS = all
faults: all $(kill_programs)
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' DSKE_FAULTS_EVERY=1 \
		$(BASH) $(srcdir)/%D%/test-faults $(FAULTS_WORKLOADS)
