# SPDX-License-Identifier: Apache-2.0
# When the first source is here (everything in the library, so that tests link it too):
#
#   noinst_LTLIBRARIES += %D%/libpkcs11.la
#   %C%_libpkcs11_la_SOURCES = %D%/entry.c %D%/entry.h
#
#   dskeinclude_HEADERS = %D%/dske-pkcs11.h
#
#   p11moduledir = $(p11_module_dir)
#   p11module_LTLIBRARIES = dske-pkcs11.la
#   dske_pkcs11_la_SOURCES = %D%/module.c
#   dske_pkcs11_la_LIBADD = $(PKCS11_LIBS)
#   dske_pkcs11_la_LDFLAGS = $(DSKE_LDFLAGS) $(MODULE_LDFLAGS) -module -avoid-version -shared \
#   	-no-undefined -Wl,--version-script=$(srcdir)/%D%/dske-pkcs11.map
#   EXTRA_dske_pkcs11_la_DEPENDENCIES = %D%/dske-pkcs11.map
#   EXTRA_DIST += %D%/dske-pkcs11.map
#
#   p11configdir = $(p11_config_dir)
#   p11config_DATA = %D%/dske.module
#   CLEANFILES += %D%/dske.module
#   %D%/dske.module: Makefile
#   	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
#   	printf 'module: %s\n' '$(p11moduledir)/dske-pkcs11.so' > $@
#
#   install-data-hook:
#   	rm -f '$(DESTDIR)$(p11moduledir)/dske-pkcs11.la'
#   uninstall-hook:
#   	rm -f '$(DESTDIR)$(p11moduledir)/dske-pkcs11.so'
#
# The module is built as .libs/dske-pkcs11.so at the top of the build tree.

dskeinclude_HEADERS = %D%/dske-pkcs11.h

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
uninstall-hook:
	rm -f '$(DESTDIR)$(p11moduledir)/dske-pkcs11.so'
