# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += %D%/libcore.la
%C%_libcore_la_SOURCES = \
	%D%/adapted.c %D%/adapted.h \
	%D%/agree.c %D%/agree.h \
	%D%/candidate.c %D%/candidate.h \
	%D%/cbor.c %D%/cbor.h \
	%D%/confirm.c %D%/confirm.h \
	%D%/consistent.c %D%/consistent.h \
	%D%/digest.c %D%/digest.h \
	%D%/gf128.c %D%/gf128.h %D%/gf128-impl.h %D%/gf128-portable.c \
	%D%/gf128-pclmul.c %D%/gf128-pmull.c %D%/gf128-steps.h %D%/gf128-vpclmul.c \
	%D%/gf256.c %D%/gf256.h %D%/gf256-impl.h %D%/gf256-portable.c \
	%D%/gf256-avx2.c %D%/gf256-gfni.c %D%/gf256-gfni256.c %D%/gf256-lanes.h %D%/gf256-neon.c %D%/gf256-public.c \
	%D%/gf256-public.h %D%/gf256-rows.h %D%/gf256-ymm.h \
	%D%/identity.c %D%/identity.h \
	%D%/layout.c %D%/layout.h \
	%D%/locate.c %D%/locate.h \
	%D%/pad.c %D%/pad.h \
	%D%/ranges.c %D%/ranges.h \
	%D%/receiver.c \
	%D%/residue.c %D%/residue.h \
	%D%/search.c %D%/search.h \
	%D%/shamir.c %D%/shamir.h \
	%D%/subset.c %D%/subset.h \
	%D%/tag.c %D%/tag.h \
	%D%/terms.c %D%/terms.h \
	%D%/thresholds.c %D%/thresholds.h \
	%D%/xorshare.c %D%/xorshare.h
