# SPDX-License-Identifier: Apache-2.0
dist_check_SCRIPTS += %D%/test-calling %D%/test-completion %D%/test-dske %D%/test-policy %D%/test-token %D%/test-unfinished
TESTS += %D%/test-calling %D%/test-completion %D%/test-dske %D%/test-policy %D%/test-token %D%/test-unfinished
