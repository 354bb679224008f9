# SPDX-License-Identifier: Apache-2.0
# A benchmark is a program that prints a header and one aligned line a measurement, "NAME  NUMBER UNIT"
# (doc/benchmarks.md).  Built and run by `make bench` alone; none passes or fails by the clock.

BENCH_LIB = %D%/bench.c %D%/bench.h
BENCH_TABLES = %D%/tables.c %D%/tables.h test/lib/scratch.c test/lib/scratch.h
BENCH_HUBS = %D%/process.c %D%/process.h $(BENCH_TABLES)
BENCH_NETWORK = %D%/network.c %D%/network.h %D%/pairs.c %D%/pairs.h $(BENCH_HUBS)
BENCH_AGREEMENTS = %D%/agreements.c %D%/agreements.h $(BENCH_NETWORK)

EXTRA_PROGRAMS += $(BENCHES)
bench: $(BENCHES)
	@DSKE_BENCH_COMMIT=`git -C $(srcdir) describe --always --dirty 2>/dev/null`; export DSKE_BENCH_COMMIT; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	for b in $(BENCHES); do echo "== $$b"; ./$$b || exit 1; done

BENCHES += %D%/bench-core
%C%_bench_core_SOURCES = %D%/bench-core.c $(BENCH_LIB)
%C%_bench_core_LDADD = $(CORE_LIBS)

BENCHES += %D%/bench-whole
%C%_bench_whole_SOURCES = %D%/bench-whole.c $(BENCH_LIB)
%C%_bench_whole_LDADD = $(CORE_LIBS)

# The paper's Figure 5 from measurements of this machine, as figure5.csv and figure5.svg.  A minute or two.
EXTRA_DIST += %D%/draw-figure5.py
bench-figure5: %D%/bench-whole
	%D%/bench-whole --figure figure5.csv
	$(srcdir)/%D%/draw-figure5.py figure5.csv >figure5.svg
CLEANFILES += figure5.csv figure5.svg
dist_check_SCRIPTS += %D%/test-figure5
TESTS += %D%/test-figure5

BENCHES += %D%/bench-ledger
%C%_bench_ledger_SOURCES = %D%/bench-ledger.c $(BENCH_TABLES) $(BENCH_LIB)
%C%_bench_ledger_LDADD = $(PSKM_LIBS)

BENCHES += %D%/bench-mailbox
%C%_bench_mailbox_SOURCES = %D%/bench-mailbox.c $(BENCH_TABLES) $(BENCH_LIB)
%C%_bench_mailbox_LDADD = $(HUB_LIBS)

BENCHES += %D%/bench-agree
%C%_bench_agree_SOURCES = %D%/bench-agree.c %D%/echo.c %D%/echo.h $(BENCH_AGREEMENTS) $(BENCH_LIB)
%C%_bench_agree_LDADD = $(CLIENT_LIBS)

BENCH_SWARM = %D%/lone.c %D%/lone.h %D%/swarm.c %D%/swarm.h %D%/swarm-real.c $(BENCH_HUBS) $(BENCH_LIB)
BENCHES += %D%/bench-hub
%C%_bench_hub_SOURCES = %D%/bench-hub.c %D%/swarm-stub.c $(BENCH_SWARM)
%C%_bench_hub_LDADD = $(CLIENT_LIBS)

BENCHES += %D%/bench-crowd
%C%_bench_crowd_SOURCES = %D%/bench-crowd.c $(BENCH_SWARM)
%C%_bench_crowd_LDADD = $(CLIENT_LIBS)

BENCHES += %D%/bench-search
%C%_bench_search_SOURCES = %D%/bench-search.c $(BENCH_LIB)
%C%_bench_search_LDADD = $(CORE_LIBS)

# What grows with clients, names and hubs (doc/benchmarks.md); minutes.  SCALE: an axis, and sizes if others are wanted.
EXTRA_PROGRAMS += %D%/bench-scale
%C%_bench_scale_SOURCES = %D%/bench-scale.c %D%/scale.h %D%/scale-clients.c %D%/scale-names.c %D%/scale-hubs.c \
	$(BENCH_AGREEMENTS) $(BENCH_LIB)
%C%_bench_scale_LDADD = $(HUB_LIBS) $(CLIENT_LIBS)
bench-scale: %D%/bench-scale hub/dske-hubd
	@DSKE_BENCH_COMMIT=`git -C $(srcdir) describe --always --dirty 2>/dev/null`; export DSKE_BENCH_COMMIT; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	if test -n "$(SCALE)"; then set -- "$(SCALE)"; else set -- clients names hubs; fi; \
	for axis; do %D%/bench-scale $$axis || exit 1; done

# Gigabytes, and minutes: apart from the others.
EXTRA_DIST += %D%/bench-pskm
bench-pskm: tools/dske
	@DSKE_BENCH_COMMIT=`git -C $(srcdir) describe --always --dirty 2>/dev/null`; export DSKE_BENCH_COMMIT; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; $(srcdir)/%D%/bench-pskm

# Bytes on the wire, by real hubs and a tap between; no clock.
EXTRA_DIST += %D%/bench-traffic
bench-traffic: tools/dske hub/dske-hubd
	@top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; export top_srcdir top_builddir; $(srcdir)/%D%/bench-traffic

# A PKCS#11 module beside SoftHSM.
EXTRA_PROGRAMS += %D%/bench-pkcs11
%C%_bench_pkcs11_SOURCES = %D%/bench-pkcs11.c %D%/p11-bare.c %D%/p11-side.c %D%/p11-side.h $(BENCH_LIB)
%C%_bench_pkcs11_CPPFLAGS = $(AM_CPPFLAGS) $(P11_CFLAGS)
%C%_bench_pkcs11_LDADD = $(BASE_LIBS)
EXTRA_DIST += %D%/bench-pkcs11.py
bench-pkcs11: %D%/bench-pkcs11 test/pkcs11/make-token test/pkcs11/dske-fake.la
	@DSKE_BENCH_COMMIT=`git -C $(srcdir) describe --always --dirty 2>/dev/null`; export DSKE_BENCH_COMMIT; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; $(srcdir)/%D%/bench-pkcs11.py $(BENCH_KEYS)

# One-time pads of the token, by both ends in one process.  OTP_LINES: lines of their configurations, in quotes.
EXTRA_PROGRAMS += %D%/bench-otp
%C%_bench_otp_SOURCES = %D%/bench-otp.c test/lib/scratch.c test/lib/scratch.h $(BENCH_LIB)
%C%_bench_otp_CPPFLAGS = $(AM_CPPFLAGS) $(P11_CFLAGS)
%C%_bench_otp_LDADD = $(FAKE_PKCS11_LIBS)
bench-otp: %D%/bench-otp
	@DSKE_BENCH_COMMIT=`git -C $(srcdir) describe --always --dirty 2>/dev/null`; export DSKE_BENCH_COMMIT; \
	%D%/bench-otp $(OTP_LINES)

# A datagram of the tunnel, sealed and opened.
BENCHES += %D%/bench-packet
%C%_bench_packet_SOURCES = %D%/bench-packet.c $(BENCH_LIB)
%C%_bench_packet_LDADD = $(VPN_LIBS)

# Tunnels between network namespaces; root.  What is set is said at the head of each script.
EXTRA_PROGRAMS += %D%/pad-watch
%C%_pad_watch_SOURCES = %D%/pad-watch.c $(BENCH_LIB)
%C%_pad_watch_LDADD = $(VPN_LIBS)
EXTRA_DIST += %D%/vpn.bash %D%/bench-vpn test/vpn/wireguard.bash
bench-vpn: %D%/pad-watch vpn/dske-vpn tools/dske hub/dske-hubd pkcs11/dske-pkcs11.la
	@DSKE_BENCH_COMMIT=`git -C $(srcdir) describe --always --dirty 2>/dev/null`; export DSKE_BENCH_COMMIT; \
	top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; export top_srcdir top_builddir; $(srcdir)/%D%/bench-vpn

# Table 1 of the paper's 5.2, and the long line that it needs.
EXTRA_PROGRAMS += %D%/delay
%C%_delay_SOURCES = %D%/delay.c $(BENCH_LIB)
%C%_delay_LDADD = $(VPN_LIBS)
EXTRA_DIST += %D%/bench-table1 %D%/draw-table1.py
dist_check_SCRIPTS += %D%/test-table1
TESTS += %D%/test-table1
bench-table1: %D%/delay vpn/dske-vpn vpn/dske-wg tools/dske hub/dske-hubd pkcs11/dske-pkcs11.la
	@DSKE_BENCH_COMMIT=`git -C $(srcdir) describe --always --dirty 2>/dev/null`; export DSKE_BENCH_COMMIT; \
	top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; export top_srcdir top_builddir; $(srcdir)/%D%/bench-table1
