# SPDX-License-Identifier: Apache-2.0
dist_check_SCRIPTS += %D%/check-layers %D%/check-text %D%/test-harness
TESTS += %D%/check-layers %D%/check-text %D%/test-harness
