# SPDX-License-Identifier: Apache-2.0
VPN_TESTS = %D%/test-conf %D%/test-confine %D%/test-day %D%/test-packet %D%/test-segment %D%/test-stock %D%/test-watch
check_PROGRAMS += $(VPN_TESTS)
dist_check_SCRIPTS += %D%/test-units %D%/test-vectors %D%/test-tunnel %D%/test-wg %D%/test-wireguard
TESTS += $(VPN_TESTS) %D%/test-units %D%/test-vectors %D%/test-tunnel %D%/test-wg %D%/test-wireguard
EXTRA_DIST += %D%/datagrams.py %D%/mitm.py %D%/net.bash %D%/show-tunnel test/vectors/datagram.txt

%C%_test_conf_SOURCES = %D%/test-conf.c
%C%_test_conf_LDADD = vpn/libwg.la $(VPN_LIBS) $(MNL_LIBS) $(TEST_LIBS)
%C%_test_confine_SOURCES = %D%/test-confine.c
%C%_test_confine_LDADD = $(VPN_LIBS) $(TEST_LIBS)
%C%_test_day_SOURCES = %D%/test-day.c
%C%_test_day_LDADD = $(VPN_LIBS) $(TEST_LIBS)
%C%_test_packet_SOURCES = %D%/test-packet.c test/core/seeded.h test/core/vectors.h
%C%_test_packet_LDADD = $(VPN_LIBS) $(TEST_LIBS)
%C%_test_segment_SOURCES = %D%/test-segment.c test/core/seeded.h
%C%_test_segment_LDADD = $(VPN_LIBS) $(TEST_LIBS)
%C%_test_stock_SOURCES = %D%/test-stock.c
%C%_test_stock_LDADD = $(VPN_LIBS) $(TEST_LIBS)
%C%_test_watch_SOURCES = %D%/test-watch.c test/core/seeded.h
%C%_test_watch_LDADD = $(WG_LIBS) $(TEST_LIBS)

# Minutes of loss and of kills (CONTRIBUTING.md); root.
EXTRA_DIST += %D%/soak %D%/probes.py
soak: vpn/dske-vpn vpn/dske-wg tools/dske hub/dske-hubd pkcs11/dske-pkcs11.la
	@top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; MINUTES='$(MINUTES)'; SEED='$(SEED)'; \
	export top_srcdir top_builddir MINUTES SEED; $(srcdir)/%D%/soak

# The kernel's WireGuard, in a guest; ten minutes, and packages of its own (doc/long-runs.md).
EXTRA_DIST += %D%/check-kernel
check-kernel: vpn/dske-vpn vpn/dske-wg tools/dske hub/dske-hubd pkcs11/dske-pkcs11.la
	@top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; export top_srcdir top_builddir; $(srcdir)/%D%/check-kernel
