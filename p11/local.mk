# SPDX-License-Identifier: Apache-2.0
# What programs and libraries share that use a PKCS#11 module, ours or another, as any application would.
noinst_LTLIBRARIES += %D%/libp11.la
%C%_libp11_la_SOURCES = \
	%D%/answer.c %D%/answer.h \
	%D%/modules.c %D%/modules.h \
	%D%/value.c %D%/value.h
