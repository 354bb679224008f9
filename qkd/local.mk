# SPDX-License-Identifier: Apache-2.0
# For programs that fetch keys alone: neither the hub nor the PKCS#11 module links libcurl.
noinst_LTLIBRARIES += %D%/libqkd.la
%C%_libqkd_la_SOURCES = \
	%D%/answer.c %D%/answer.h \
	%D%/base64.c %D%/base64.h \
	%D%/http.c %D%/http.h \
	%D%/json.c %D%/json.h \
	%D%/kme.c %D%/kme.h
%C%_libqkd_la_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
