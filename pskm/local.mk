# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += %D%/libpskm.la
%C%_libpskm_la_SOURCES = \
	%D%/activation.c \
	%D%/folder.c %D%/folder.h \
	%D%/format.h \
	%D%/header.c %D%/header.h %D%/header-file.h \
	%D%/lease.c \
	%D%/ledger.c %D%/ledger.h \
	%D%/list.c %D%/list.h \
	%D%/table.c %D%/table.h %D%/table-impl.h \
	%D%/window.c %D%/window.h
