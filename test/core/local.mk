# SPDX-License-Identifier: Apache-2.0
CORE_TESTS = %D%/test-agree %D%/test-tag
check_PROGRAMS += $(CORE_TESTS)
dist_check_SCRIPTS += %D%/test-model
TESTS += $(CORE_TESTS) %D%/test-model
EXTRA_DIST += test/spec/model.py test/vectors/gf128-mul.txt test/vectors/key-tag.txt \
	test/vectors/shamir.txt test/vectors/tag.txt

%C%_test_agree_SOURCES = %D%/test-agree.c %D%/network.h %D%/seeded.h
%C%_test_agree_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_tag_SOURCES = %D%/test-tag.c %D%/vectors.h %D%/seeded.h
%C%_test_tag_LDADD = $(CORE_LIBS) $(TEST_LIBS)
