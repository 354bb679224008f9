# SPDX-License-Identifier: Apache-2.0
# One script a page of doc/integrations, whose commands it runs.
integration_tests = %D%/test-gnutls %D%/test-java %D%/test-openssl %D%/test-p11-kit %D%/test-python %D%/test-strongswan %D%/test-stunnel %D%/test-unlock
dist_check_SCRIPTS += $(integration_tests)
TESTS += $(integration_tests)
EXTRA_DIST += %D%/page.bash
