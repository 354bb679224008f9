# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += %D%/libpkcs11.la
%C%_libpkcs11_la_SOURCES = \
	%D%/calls.h %D%/output.h %D%/p11-3x.h %D%/p11-3x-mac.h %D%/p11-3x-names.h \
	%D%/agree.c %D%/agree.h \
	%D%/async.c %D%/async.h \
	%D%/attr.c %D%/attr.h %D%/attr-array.c %D%/attr-array.h \
	%D%/cipher.c %D%/cipher-aead.c %D%/cipher-block.c %D%/cipher-param.c %D%/cipher-wrap.c %D%/cipher.h \
	%D%/crypto.c %D%/crypto.h \
	%D%/derive.c %D%/derive-108.c %D%/derive-dske.c %D%/derive-hkdf.c %D%/derive-kdf.c %D%/derive-kdf.h \
	%D%/derive-simple.c %D%/derive-tls.c %D%/derive.h \
	%D%/digest.c %D%/digest-state.c %D%/digest.h \
	%D%/dual.c %D%/dual.h \
	%D%/entry.c %D%/entry.h \
	%D%/event.c %D%/event.h \
	%D%/find.c %D%/find.h \
	%D%/hash.c %D%/hash.h \
	%D%/key.c %D%/key-form.c %D%/key-form.h %D%/key-new.c %D%/key-store.c %D%/key.h \
	%D%/keygen.c %D%/keygen-dske.c %D%/keygen-pbkdf2.c %D%/keygen.h \
	%D%/login.c %D%/login.h \
	%D%/mac.c %D%/mac.h \
	%D%/mech.c %D%/mech.h \
	%D%/message.c %D%/message.h \
	%D%/module.c %D%/module.h \
	%D%/nonce.c %D%/nonce.h %D%/nonce-book.c %D%/nonce-book.h \
	%D%/object.c %D%/object.h %D%/object-calls.c \
	%D%/otp.c %D%/otp.h %D%/otp-back.c %D%/otp-key.c %D%/otp-key.h %D%/otp-receive.c %D%/otp-send.c %D%/otp-state.h \
	%D%/peer.c %D%/peer.h \
	%D%/profile.c %D%/profile.h \
	%D%/random.c %D%/random.h \
	%D%/rv.c %D%/rv.h \
	%D%/session.c %D%/session.h \
	%D%/sign.c %D%/sign-message.c %D%/sign.h \
	%D%/slot.c %D%/slot.h \
	%D%/ticket.c %D%/ticket.h \
	%D%/wrap.c %D%/wrap.h

dskeinclude_HEADERS += %D%/dske-pkcs11.h

# The module.  In the build tree it is pkcs11/.libs/dske-pkcs11.so; installed it needs no .la.
PKCS11_MODULE_LDFLAGS = $(DSKE_LDFLAGS) $(MODULE_LDFLAGS) -module -avoid-version -shared -no-undefined \
	-Wl,--version-script=$(top_srcdir)/%D%/dske-pkcs11.map
p11moduledir = $(p11_module_dir)
p11module_LTLIBRARIES = %D%/dske-pkcs11.la
%C%_dske_pkcs11_la_SOURCES =
%C%_dske_pkcs11_la_LIBADD = $(PKCS11_LIBS)
%C%_dske_pkcs11_la_LDFLAGS = $(PKCS11_MODULE_LDFLAGS)
EXTRA_%C%_dske_pkcs11_la_DEPENDENCIES = %D%/dske-pkcs11.map
EXTRA_DIST += %D%/dske-pkcs11.map

p11configdir = $(p11_config_dir)
p11config_DATA = %D%/dske.module
CLEANFILES += %D%/dske.module
%D%/dske.module: Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	printf 'module: %s\n' '$(p11moduledir)/dske-pkcs11.so' > $@

install-data-hook:
	rm -f '$(DESTDIR)$(p11moduledir)/dske-pkcs11.la'
uninstall-hook: uninstall-tls
	rm -f '$(DESTDIR)$(p11moduledir)/dske-pkcs11.so'
