# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += %D%/libbase.la
%C%_libbase_la_SOURCES = \
	%D%/alike.c %D%/alike.h \
	%D%/buf.c %D%/buf.h \
	%D%/conf.c %D%/conf.h \
	%D%/cpu.c %D%/cpu.h \
	%D%/crypto.c %D%/crypto.h \
	%D%/file.c %D%/file.h \
	%D%/gate.c %D%/gate.h \
	%D%/heirloom.c %D%/heirloom.h \
	%D%/id.c %D%/id.h \
	%D%/listing.c %D%/listing.h \
	%D%/log.c %D%/log.h \
	%D%/net.c %D%/net.h \
	%D%/pid.c %D%/pid.h \
	%D%/quota.c %D%/quota.h \
	%D%/rc.c %D%/rc.h \
	%D%/secret.c %D%/secret.h

# The frame of a daemon, apart from what libraries carry into applications.
noinst_LTLIBRARIES += %D%/libprogram.la
%C%_libprogram_la_SOURCES = %D%/program.c %D%/program.h
