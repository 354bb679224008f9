# SPDX-License-Identifier: Apache-2.0
# A simulated network: a sample in `make check`; `make sim SEEDS=1000000 SEED=1` for as many as one likes.
check_PROGRAMS += %D%/test-sim
TESTS += %D%/test-sim
%C%_test_sim_SOURCES = \
	%D%/test-sim.c %D%/sim.c %D%/sim.h %D%/judge.c %D%/link.c %D%/hub.c %D%/conduct.c %D%/initiator.c %D%/member.c \
	%D%/group.c %D%/foretell.c %D%/confirm-ends.c %D%/confirm-hub.c %D%/adapted-link.c \
	%D%/adapted-alice.c %D%/adapted-bob.c test/core/seeded.h
%C%_test_sim_LDADD = $(HUBPROTO_LIBS) $(TEST_LIBS)

SEEDS = 100000
SEED = 1
sim: %D%/test-sim
	@%D%/test-sim $(SEEDS) $(SEED)
