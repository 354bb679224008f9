# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += %D%/libpskm.la
%C%_libpskm_la_SOURCES = \
	%D%/activation.c \
	%D%/aead.c %D%/aead.h \
	%D%/block.c %D%/block.h \
	%D%/code.c %D%/code.h \
	%D%/container.h \
	%D%/container-chunks.c \
	%D%/container-destroy.c \
	%D%/container-head.c %D%/container-impl.h \
	%D%/container-make.c \
	%D%/container-read.c \
	%D%/container-resume.c \
	%D%/container-walk.c %D%/container-walk.h \
	%D%/cover.c %D%/cover.h \
	%D%/entropy.c %D%/entropy.h \
	%D%/folder.c %D%/folder.h \
	%D%/format.h \
	%D%/health.c %D%/health.h \
	%D%/header.c %D%/header.h %D%/header-file.h \
	%D%/lease.c \
	%D%/keystream.c %D%/keystream.h \
	%D%/ledger.c %D%/ledger.h \
	%D%/list.c %D%/list.h \
	%D%/lowwater.c %D%/lowwater.h \
	%D%/passphrase.h \
	%D%/portion.c %D%/portion.h \
	%D%/qkdconf.c %D%/qkdconf.h \
	%D%/reference.h %D%/reference-impl.h \
	%D%/reference-head.c %D%/reference-keys.c %D%/reference-rest.c %D%/reference-walk.c \
	%D%/repeats.c %D%/repeats.h \
	%D%/rest.c %D%/rest.h \
	%D%/retire.c \
	%D%/source.h \
	%D%/stock.c %D%/stock.h %D%/stock-impl.h \
	%D%/stock-accept.c \
	%D%/stock-cut.c \
	%D%/stock-log.c %D%/stock-log.h \
	%D%/stock-record.c %D%/stock-record.h \
	%D%/stock-report.c %D%/stock-report.h \
	%D%/stock-tell.c \
	%D%/supply.c %D%/supply.h \
	%D%/table-key.c %D%/table-key.h \
	%D%/table-make.c %D%/table-make.h \
	%D%/table.c %D%/table.h %D%/table-impl.h \
	%D%/unfinished.c %D%/unfinished.h \
	%D%/window.c %D%/window.h
