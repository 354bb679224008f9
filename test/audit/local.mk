# SPDX-License-Identifier: Apache-2.0
# The auditor, its own tests, children that are forked amid agreements, and a sample of the trials.  `make trials N=200` runs as many of each kind.
audit_tests = %D%/test-auditor %D%/test-forked %D%/test-trials
dist_check_SCRIPTS += $(audit_tests)
check_PROGRAMS += %D%/agree-host
%C%_agree_host_SOURCES = %D%/agree-host.c
TESTS += $(audit_tests)
EXTRA_DIST += %D%/auditor.py %D%/disk.py %D%/moved.py %D%/portions.py %D%/trials

trials: all
	$(AM_TESTS_ENVIRONMENT) $(BASH) $(top_srcdir)/test/audit/trials $(N)
