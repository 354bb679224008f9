# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += %D%/libcore.la
%C%_libcore_la_SOURCES = %D%/cbor.c %D%/cbor.h
