# SPDX-License-Identifier: Apache-2.0
# Killed at every system call: strike does it to a command, test-calls sets the scene and looks at what
# is left.  `make check` takes a sample of the calls, `make kill` each one.
check_PROGRAMS += %D%/strike
%C%_strike_SOURCES = %D%/strike.c

dist_check_SCRIPTS += %D%/test-calls
TESTS += %D%/test-calls

kill: all %D%/strike
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' DSKE_KILL_EVERY=1 \
		$(BASH) $(srcdir)/%D%/test-calls $(KILL_WORKLOADS)
