# SPDX-License-Identifier: Apache-2.0
dist_check_SCRIPTS += %D%/check-layers %D%/check-text %D%/test-harness
TESTS += %D%/check-layers %D%/check-text %D%/test-harness

dist_check_SCRIPTS += %D%/check-otp %D%/check-requirements %D%/check-vectors
TESTS += %D%/check-otp %D%/check-requirements %D%/check-vectors
EXTRA_DIST += test/vectors/otp.txt
check_PROGRAMS += %D%/make-vectors %D%/read-items
EXTRA_DIST += %D%/cddl.py %D%/decoder.py test/vectors/adapted.txt test/vectors/agreement.txt test/vectors/frames.txt
%C%_make_vectors_SOURCES = %D%/make-vectors.c
%C%_make_vectors_LDADD = test/hubproto/libsamples.la pskm/libpskm.la $(HUBPROTO_LIBS) $(ARGON2_LIBS)
%C%_read_items_SOURCES = %D%/read-items.c
%C%_read_items_LDADD = test/hubproto/libsamples.la pskm/libpskm.la $(HUBPROTO_LIBS) $(ARGON2_LIBS)
