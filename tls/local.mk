# SPDX-License-Identifier: Apache-2.0
# What the library is made of, so that tests link it; the library exports what its map names.
noinst_LTLIBRARIES += %D%/libtls.la
%C%_libtls_la_SOURCES = %D%/import.c %D%/import.h %D%/psk.c %D%/source.c %D%/source.h

TLS_LIBS = %D%/libtls.la p11/libp11.la base/libbase.la $(SSL_LIBS) $(CRYPTO_LIBS) $(P11_LIBS)
lib_LTLIBRARIES += %D%/libdske-tls.la
%C%_libdske_tls_la_SOURCES =
%C%_libdske_tls_la_LIBADD = $(TLS_LIBS)
%C%_libdske_tls_la_LDFLAGS = $(DSKE_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-Wl,--version-script=$(top_srcdir)/%D%/libdske-tls.map
EXTRA_%C%_libdske_tls_la_DEPENDENCIES = %D%/libdske-tls.map
EXTRA_DIST += %D%/libdske-tls.map

dskeinclude_HEADERS += %D%/dske-tls.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = %D%/libdske-tls.pc

# Examples: a client and a server that speak a line.
noinst_PROGRAMS += %D%/psk-client %D%/psk-server
%C%_psk_client_SOURCES = %D%/psk-client.c %D%/example.c %D%/example.h
%C%_psk_client_LDADD = %D%/libdske-tls.la $(SSL_LIBS) $(CRYPTO_LIBS)
%C%_psk_server_SOURCES = %D%/psk-server.c %D%/example.c %D%/example.h
%C%_psk_server_LDADD = %D%/libdske-tls.la $(SSL_LIBS) $(CRYPTO_LIBS)

# Programs find the library by its .pc file; the .la is of no use to them.
install-exec-hook:
	rm -f '$(DESTDIR)$(libdir)/libdske-tls.la'
uninstall-tls:
	rm -f '$(DESTDIR)$(libdir)'/libdske-tls.so '$(DESTDIR)$(libdir)'/libdske-tls.so.0*
.PHONY: uninstall-tls
