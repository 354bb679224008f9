# SPDX-License-Identifier: Apache-2.0
# One script a page of doc/integrations, whose commands it runs.
integration_tests = %D%/test-openssl
dist_check_SCRIPTS += $(integration_tests)
TESTS += $(integration_tests)
EXTRA_DIST += %D%/page.bash
