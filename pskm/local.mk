# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += %D%/libpskm.la
%C%_libpskm_la_SOURCES = \
	%D%/format.h \
	%D%/header.c %D%/header.h %D%/header-file.h \
	%D%/ledger.c %D%/ledger.h
