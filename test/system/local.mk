# SPDX-License-Identifier: Apache-2.0
# Scripts that print TAP; $top_srcdir and $top_builddir are in their environment.
system_tests = %D%/test-adapted %D%/test-confirm %D%/test-decoder %D%/test-demo %D%/test-group %D%/test-refusals %D%/test-rest %D%/test-kill %D%/test-limits %D%/test-readme \
	%D%/test-distributor %D%/test-hardening %D%/test-identity %D%/test-install %D%/test-long %D%/test-long-wire %D%/test-loss %D%/test-mangled %D%/test-many %D%/test-pads %D%/test-retire %D%/test-retry
dist_check_SCRIPTS += $(system_tests)
TESTS += $(system_tests)
EXTRA_DIST += %D%/demo.bash %D%/group.bash %D%/mangle.py %D%/tap.bash %D%/trickle.py %D%/wiretap.py

# A hub whose shares are wrong and whose tags are right.  Made by the linker alone.
check_PROGRAMS += %D%/dske-hubd-lying
%C%_dske_hubd_lying_SOURCES = hub/main.c %D%/lying-hub.c
%C%_dske_hubd_lying_LDADD = $(HUB_LIBS)
%C%_dske_hubd_lying_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pad_xor

# Passphrases of a scene's PSKMs, which cost next to nothing.
check_PROGRAMS += %D%/dske-cheap
%C%_dske_cheap_SOURCES = tools/main.c %D%/cheap-passphrase.c
%C%_dske_cheap_LDADD = $(TOOLS_LIBS) $(P11_LIBS)
%C%_dske_cheap_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=head_make

# A member of a group who tells a hub what it knows, and that hub, which gives another member another key.
check_PROGRAMS += %D%/dske-leaking %D%/dske-hubd-splitting
%C%_dske_leaking_SOURCES = tools/main.c %D%/leaking-member.c
%C%_dske_leaking_LDADD = $(TOOLS_LIBS) $(P11_LIBS)
%C%_dske_leaking_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=key_tag_check
%C%_dske_hubd_splitting_SOURCES = hub/main.c %D%/splitting-hub.c
%C%_dske_hubd_splitting_LDADD = $(HUB_LIBS)
%C%_dske_hubd_splitting_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pad_xor
