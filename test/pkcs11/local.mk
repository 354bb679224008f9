# SPDX-License-Identifier: Apache-2.0
# The token over a client without a network (fake-client.c): as a module for stock programs, and for
# unit tests.
noinst_LTLIBRARIES += %D%/libfakeclient.la
%C%_libfakeclient_la_SOURCES = %D%/fake-client.c client/config.c client/peers.c
FAKE_PKCS11_LIBS = pkcs11/libpkcs11.la %D%/libfakeclient.la $(PSKM_LIBS)

check_LTLIBRARIES += %D%/dske-fake.la
%C%_dske_fake_la_SOURCES =
%C%_dske_fake_la_LIBADD = $(FAKE_PKCS11_LIBS)
%C%_dske_fake_la_LDFLAGS = $(PKCS11_MODULE_LDFLAGS) -rpath /nowhere
