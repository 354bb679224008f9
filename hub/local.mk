# SPDX-License-Identifier: Apache-2.0
# The reader of a hub's configuration, which the tools use too.
noinst_LTLIBRARIES += %D%/libhubconf.la
%C%_libhubconf_la_SOURCES = \
	%D%/allotment.c %D%/allotment.h \
	%D%/conf.c %D%/conf.h %D%/conf-impl.h \
	%D%/conf-distributor.c

# What an operator's command needs, whether a hub runs or not: the tools use it too.
noinst_LTLIBRARIES += %D%/libhubadmin.la
%C%_libhubadmin_la_SOURCES = \
	%D%/acknowledge.c %D%/acknowledge.h \
	%D%/admin.c %D%/admin.h \
	%D%/command.c %D%/command.h \
	%D%/directory.c %D%/directory.h \
	%D%/vault.c %D%/vault.h
%C%_libhubadmin_la_LIBADD = %D%/libhubconf.la

# Everything but main, so that tests link it.
noinst_LTLIBRARIES += %D%/libhub.la
%C%_libhub_la_SOURCES = \
	%D%/activate.c %D%/activate.h \
	%D%/confirm.c %D%/confirm.h \
	%D%/conn.c %D%/conn.h %D%/conn-out.c %D%/conn-window.c \
	%D%/control.c %D%/control.h \
	%D%/dispatch.c %D%/dispatch.h \
	%D%/hash.c %D%/hash.h \
	%D%/hub.c %D%/hub.h \
	%D%/identify.c %D%/identify.h \
	%D%/journal.c %D%/journal.h %D%/journal-impl.h %D%/journal-open.c %D%/journal-segment.c \
	%D%/lease.c %D%/lease.h \
	%D%/limits.c %D%/limits.h \
	%D%/loop.c \
	%D%/lowwater.c %D%/lowwater.h \
	%D%/mailbox.c %D%/mailbox.h %D%/mailbox-impl.h %D%/mailbox-account.c %D%/mailbox-confirm.c %D%/mailbox-expiry.c \
	%D%/mailbox-index.c %D%/mailbox-long.c %D%/mailbox-policy.c %D%/mailbox-purge.c %D%/mailbox-reclaim.c \
	%D%/mailbox-record.c %D%/mailbox-replay.c %D%/mailbox-share.c \
	%D%/notify.c %D%/notify.h \
	%D%/parcel.c %D%/parcel.h \
	%D%/peer.c %D%/peer.h \
	%D%/places.c %D%/places.h \
	%D%/policy.c %D%/policy.h \
	%D%/quota.c %D%/quota.h \
	%D%/relay.c %D%/relay.h %D%/relay-part.c \
	%D%/retire.c %D%/retire.h \
	%D%/siphash.h \
	%D%/storekey.c %D%/storekey.h \
	%D%/stranger.c %D%/stranger.h \
	%D%/wait.c %D%/wait.h
%C%_libhub_la_LIBADD = %D%/libhubadmin.la

# Where nobody asked for it at its place, it lies beside the documents.
CLEANFILES += %D%/dske-hubd.service
EXTRA_DIST += %D%/dske-hubd.service.in
systemdsystemunit_DATA = %D%/dske-hubd.service
%D%/dske-hubd.service: $(srcdir)/%D%/dske-hubd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) %D% && \
		sed -e 's|@sbindir[@]|$(sbindir)|' -e 's|@service_type[@]|$(service_type)|' $(srcdir)/%D%/dske-hubd.service.in >$@

sbin_PROGRAMS += %D%/dske-hubd
%C%_dske_hubd_SOURCES = %D%/main.c
%C%_dske_hubd_LDADD = $(HUB_LIBS)
