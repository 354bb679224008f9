# SPDX-License-Identifier: Apache-2.0
# What both programs share: keys through the token, and how it goes.
noinst_LTLIBRARIES += %D%/libvpn.la
%C%_libvpn_la_SOURCES = \
	%D%/confine.c %D%/confine.h \
	%D%/nap.c %D%/nap.h \
	%D%/service.c %D%/service.h \
	%D%/status.c %D%/status.h \
	%D%/token.c %D%/token.h
%C%_libvpn_la_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)

# The tunnel under one-time pads: everything but main, so that tests link it.
noinst_LTLIBRARIES += %D%/libotp.la
%C%_libotp_la_SOURCES = \
	%D%/day.c %D%/day.h \
	%D%/device.c %D%/device.h \
	%D%/inbox.c %D%/inbox.h \
	%D%/otp-conf.c %D%/otp-conf.h \
	%D%/otp-report.c %D%/otp-report.h \
	%D%/outbox.c %D%/outbox.h \
	%D%/packet.c %D%/packet.h \
	%D%/pad.c %D%/pad.h \
	%D%/place.c %D%/place.h \
	%D%/segment.c %D%/segment.h \
	%D%/stock.c %D%/stock.h \
	%D%/supply.c %D%/supply.h \
	%D%/tunnel.c %D%/tunnel.h \
	%D%/word.c %D%/word.h

VPN_LIBS = %D%/libotp.la %D%/libvpn.la p11/libp11.la base/libprogram.la base/libbase.la $(SECCOMP_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(P11_LIBS)
sbin_PROGRAMS += %D%/dske-vpn
%C%_dske_vpn_SOURCES = %D%/otp-main.c
%C%_dske_vpn_LDADD = $(VPN_LIBS)

# WireGuard's keys: the same.
noinst_LTLIBRARIES += %D%/libwg.la
%C%_libwg_la_SOURCES = \
	%D%/wg-conf.c %D%/wg-conf.h \
	%D%/wg-device.c %D%/wg-device.h \
	%D%/wg-events.c %D%/wg-events.h \
	%D%/wg-hook.c %D%/wg-hook.h \
	%D%/wg-kernel.c \
	%D%/wg-link.c %D%/wg-link.h \
	%D%/wg-report.c %D%/wg-report.h \
	%D%/wg-user.c \
	%D%/wg-watch.c %D%/wg-watch.h
%C%_libwg_la_CPPFLAGS = $(AM_CPPFLAGS) $(MNL_CFLAGS)

WG_LIBS = %D%/libwg.la %D%/libvpn.la p11/libp11.la base/libprogram.la base/libbase.la $(MNL_LIBS) $(SECCOMP_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(P11_LIBS)
sbin_PROGRAMS += %D%/dske-wg
%C%_dske_wg_SOURCES = %D%/wg-main.c
%C%_dske_wg_LDADD = $(WG_LIBS)

# As hub/dske-hubd.service: beside the documents where nobody asked for them at their place.
VPN_UNITS = %D%/dske-vpn.service %D%/dske-wg.service
CLEANFILES += $(VPN_UNITS)
EXTRA_DIST += %D%/dske-vpn.service.in %D%/dske-wg.service.in
systemdsystemunit_DATA += $(VPN_UNITS)
%D%/dske-vpn.service: $(srcdir)/%D%/dske-vpn.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) %D% && sed -e 's|@sbindir[@]|$(sbindir)|' $(srcdir)/%D%/dske-vpn.service.in >$@
%D%/dske-wg.service: $(srcdir)/%D%/dske-wg.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) %D% && sed -e 's|@sbindir[@]|$(sbindir)|' $(srcdir)/%D%/dske-wg.service.in >$@
