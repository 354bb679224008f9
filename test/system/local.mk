# SPDX-License-Identifier: Apache-2.0
# A script that prints TAP (executable; $top_srcdir and $top_builddir are in its environment):
#
#   dist_check_SCRIPTS += %D%/test-NAME
#   TESTS += %D%/test-NAME
dist_check_SCRIPTS += %D%/test-hardening %D%/test-install
TESTS += %D%/test-hardening
EXTRA_DIST += %D%/demo.bash %D%/tap.bash %D%/wiretap.py
