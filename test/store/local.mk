# SPDX-License-Identifier: Apache-2.0
STORE_TESTS = %D%/test-store %D%/test-store-attacks %D%/test-store-damage %D%/test-store-sound
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
STORE_FIXTURE = %D%/fixture.c %D%/fixture.h

%C%_test_store_SOURCES = %D%/test-store.c $(STORE_FIXTURE)
%C%_test_store_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)
%C%_test_store_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=argon2id_hash_raw
%C%_test_store_attacks_SOURCES = %D%/test-store-attacks.c $(STORE_FIXTURE)
%C%_test_store_attacks_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)
%C%_test_store_attacks_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=file_pread
%C%_test_store_damage_SOURCES = %D%/test-store-damage.c $(STORE_FIXTURE)
%C%_test_store_damage_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)
%C%_test_store_sound_SOURCES = %D%/test-store-sound.c $(STORE_FIXTURE)
%C%_test_store_sound_LDADD = $(CLIENT_LIBS) $(TEST_LIBS)
