# SPDX-License-Identifier: Apache-2.0
# Scripts that print TAP; $top_srcdir and $top_builddir are in their environment.
system_tests = %D%/test-decoder %D%/test-demo %D%/test-group %D%/test-refusals %D%/test-rest %D%/test-kill %D%/test-readme \
	%D%/test-distributor %D%/test-hardening %D%/test-identity %D%/test-install %D%/test-retire
dist_check_SCRIPTS += $(system_tests)
TESTS += $(system_tests)
EXTRA_DIST += %D%/demo.bash %D%/tap.bash %D%/wiretap.py
