# SPDX-License-Identifier: Apache-2.0
CLIENT_WORLD = %D%/mock-hub.c %D%/mock-hub-confirm.c %D%/mock-hub.h %D%/mock-hub-impl.h %D%/mock-hub-loop.c %D%/mock-hub-long.c %D%/world.c %D%/world.h test/lib/scratch.c test/lib/scratch.h

check_PROGRAMS += %D%/test-agree
TESTS += %D%/test-agree
%C%_test_agree_SOURCES = %D%/test-agree.c $(CLIENT_WORLD)
%C%_test_agree_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-convoy
TESTS += %D%/test-convoy
%C%_test_convoy_SOURCES = %D%/test-convoy.c $(CLIENT_WORLD)
%C%_test_convoy_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-confirm
TESTS += %D%/test-confirm
%C%_test_confirm_SOURCES = %D%/test-confirm.c $(CLIENT_WORLD)
%C%_test_confirm_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-adapted
TESTS += %D%/test-adapted
%C%_test_adapted_SOURCES = %D%/test-adapted.c %D%/meddler.c %D%/meddler.h $(CLIENT_WORLD)
%C%_test_adapted_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-hostile
TESTS += %D%/test-hostile
%C%_test_hostile_SOURCES = %D%/test-hostile.c $(CLIENT_WORLD)
%C%_test_hostile_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-silence
TESTS += %D%/test-silence
%C%_test_silence_SOURCES = %D%/test-silence.c $(CLIENT_WORLD)
%C%_test_silence_CPPFLAGS = $(AM_CPPFLAGS) -DWORLD_HUBS=20
%C%_test_silence_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-long-disk
TESTS += %D%/test-long-disk
%C%_test_long_disk_SOURCES = %D%/test-long-disk.c $(CLIENT_WORLD)
%C%_test_long_disk_CPPFLAGS = $(AM_CPPFLAGS) -DWORLD_HUBS=3
%C%_test_long_disk_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-stakes
TESTS += %D%/test-stakes
%C%_test_stakes_SOURCES = %D%/test-stakes.c
%C%_test_stakes_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-long
TESTS += %D%/test-long
%C%_test_long_SOURCES = %D%/test-long.c $(CLIENT_WORLD)
%C%_test_long_CPPFLAGS = $(AM_CPPFLAGS) -DWORLD_HUBS=3
%C%_test_long_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-waste
TESTS += %D%/test-waste
%C%_test_waste_SOURCES = %D%/test-waste.c $(CLIENT_WORLD)
%C%_test_waste_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-tables
TESTS += %D%/test-tables
%C%_test_tables_SOURCES = %D%/test-tables.c $(CLIENT_WORLD)
%C%_test_tables_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-group
TESTS += %D%/test-group
%C%_test_group_SOURCES = %D%/test-group.c $(CLIENT_WORLD)
%C%_test_group_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-media
TESTS += %D%/test-media
%C%_test_media_SOURCES = %D%/test-media.c $(CLIENT_WORLD)
%C%_test_media_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

# Real hubs, as the benchmarks start them.
check_PROGRAMS += %D%/test-join
TESTS += %D%/test-join
%C%_test_join_SOURCES = %D%/test-join.c $(BENCH_NETWORK) $(BENCH_LIB)
%C%_test_join_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-config
TESTS += %D%/test-config
%C%_test_config_SOURCES = %D%/test-config.c test/lib/scratch.c test/lib/scratch.h
%C%_test_config_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-identity
TESTS += %D%/test-identity
%C%_test_identity_SOURCES = %D%/test-identity.c $(CLIENT_WORLD)
%C%_test_identity_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-quota
TESTS += %D%/test-quota
%C%_test_quota_SOURCES = %D%/test-quota.c %D%/meddler.c %D%/meddler.h $(CLIENT_WORLD)
%C%_test_quota_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/test-attacks
TESTS += %D%/test-attacks
%C%_test_attacks_SOURCES = %D%/test-attacks.c %D%/meddler.c %D%/meddler.h $(CLIENT_WORLD)
%C%_test_attacks_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)
