# SPDX-License-Identifier: Apache-2.0
STORE_SOURCES = %D%/append.c %D%/image.c %D%/impl.h %D%/index.c %D%/key.c %D%/load.c %D%/pin.c %D%/record.c %D%/renew.c \
	%D%/sound.c %D%/store.c %D%/store.h

noinst_LTLIBRARIES += %D%/libstore.la
%C%_libstore_la_SOURCES = $(STORE_SOURCES)
