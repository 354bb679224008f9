# SPDX-License-Identifier: Apache-2.0
# Everything but main, so that tests link it.
noinst_LTLIBRARIES += %D%/libtools.la
%C%_libtools_la_SOURCES = \
	%D%/cmd-agree.c \
	%D%/cmd-create.c \
	%D%/cmd-cut.c \
	%D%/cmd-distributor.c \
	%D%/cmd-doctor.c \
	%D%/cmd-hub.c \
	%D%/cmd-acknowledge.c \
	%D%/cmd-hub-tables.c \
	%D%/cmd-init.c \
	%D%/cmd-key.c \
	%D%/cmd-media.c \
	%D%/cmd-peer.c \
	%D%/cmd-peer-ask.c \
	%D%/cmd-policy.c \
	%D%/cmd-ppk.c \
	%D%/cmd-retire.c \
	%D%/cmd-pskm.c \
	%D%/cmd-qkd.c \
	%D%/cmd-status.c \
	%D%/cmd-stock.c \
	%D%/cmd-tables.c \
	%D%/cmd-token.c \
	%D%/cmd-vpn.c \
	%D%/commands.c %D%/commands.h \
	%D%/distributor.c %D%/distributor.h \
	%D%/key-type.c %D%/key-type.h \
	%D%/keyfile.c %D%/keyfile.h %D%/longkey.c %D%/longkey.h \
	%D%/options.c \
	%D%/nearest.c %D%/nearest.h \
	%D%/output.c %D%/output.h \
	%D%/passphrase.c %D%/passphrase.h \
	%D%/qkd.c %D%/qkd.h \
	%D%/reference.c %D%/reference.h \
	%D%/report.c %D%/report.h \
	%D%/secret-input.c %D%/secret-input.h \
	%D%/stocks.c %D%/stocks.h \
	%D%/token.c %D%/token.h \
	%D%/token-key.c %D%/token-key.h \
	%D%/vici.c %D%/vici.h \
	%D%/tool.c %D%/tool.h
%C%_libtools_la_CPPFLAGS = $(AM_CPPFLAGS) -DP11_MODULE_DIR='"$(p11_module_dir)"'
%C%_libtools_la_LIBADD = hub/libhubadmin.la

bin_PROGRAMS += %D%/dske
%C%_dske_SOURCES = %D%/main.c
%C%_dske_LDADD = $(TOOLS_LIBS) $(P11_LIBS)

# Installed under the command's name, where bash looks for it.
dist_bashcompletion_DATA += %D%/completion/dske
