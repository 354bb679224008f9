# SPDX-License-Identifier: Apache-2.0
CORE_TESTS = %D%/test-adapted %D%/test-agree %D%/test-attacks %D%/test-candidate %D%/test-cbor %D%/test-confirm %D%/test-gf128 %D%/test-gf256 %D%/test-identity \
	%D%/test-layout %D%/test-leakage %D%/test-long %D%/test-pad %D%/test-ranges %D%/test-search %D%/test-shamir %D%/test-tag \
	%D%/test-tag-bound %D%/test-terms %D%/test-thresholds
check_PROGRAMS += $(CORE_TESTS)
dist_check_SCRIPTS += %D%/test-kernels %D%/test-model
TESTS += $(CORE_TESTS) %D%/test-kernels %D%/test-model
EXTRA_DIST += %D%/kernels.c test/spec/model.py test/vectors/gf128-mul.txt test/vectors/key-tag.txt \
	test/vectors/shamir.txt test/vectors/tag.txt

%C%_test_adapted_SOURCES = %D%/test-adapted.c %D%/network.h %D%/seeded.h
%C%_test_adapted_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_agree_SOURCES = %D%/test-agree.c %D%/network.h %D%/seeded.h
%C%_test_agree_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_attacks_SOURCES = %D%/test-attacks.c %D%/network.h %D%/seeded.h
%C%_test_attacks_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_candidate_SOURCES = %D%/test-candidate.c %D%/network.h %D%/seeded.h
%C%_test_candidate_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_confirm_SOURCES = %D%/test-confirm.c %D%/network.h %D%/seeded.h
%C%_test_confirm_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_gf128_SOURCES = %D%/test-gf128.c %D%/seeded.h %D%/vectors.h
%C%_test_gf128_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_gf256_SOURCES = %D%/test-gf256.c %D%/seeded.h
%C%_test_gf256_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_identity_SOURCES = %D%/test-identity.c
%C%_test_identity_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_layout_SOURCES = %D%/test-layout.c %D%/seeded.h
%C%_test_layout_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_leakage_SOURCES = %D%/test-leakage.c %D%/seeded.h
%C%_test_leakage_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_long_SOURCES = %D%/test-long.c %D%/network.h %D%/seeded.h
%C%_test_long_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_pad_SOURCES = %D%/test-pad.c %D%/seeded.h
%C%_test_pad_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_ranges_SOURCES = %D%/test-ranges.c %D%/seeded.h
%C%_test_ranges_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_search_SOURCES = %D%/test-search.c %D%/seeded.h
%C%_test_search_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_shamir_SOURCES = %D%/test-shamir.c %D%/seeded.h %D%/vectors.h
%C%_test_shamir_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_tag_SOURCES = %D%/test-tag.c %D%/seeded.h %D%/vectors.h
%C%_test_tag_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_tag_bound_SOURCES = %D%/test-tag-bound.c %D%/seeded.h
%C%_test_tag_bound_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_terms_SOURCES = %D%/test-terms.c %D%/network.h %D%/seeded.h
%C%_test_terms_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_cbor_SOURCES = %D%/test-cbor.c
%C%_test_cbor_LDADD = $(CORE_LIBS) $(TEST_LIBS)
%C%_test_thresholds_SOURCES = %D%/test-thresholds.c
%C%_test_thresholds_LDADD = $(CORE_LIBS) $(TEST_LIBS)

# Every variant of the fields, at every level of optimisation, by every compiler that is here.
KERNEL_SHAPES = 20000
kernels:
	@top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; export top_srcdir top_builddir; \
	KERNEL_LEVELS='0 1 2 3' KERNEL_SHAPES=$(KERNEL_SHAPES) $(BASH) $(srcdir)/%D%/test-kernels
