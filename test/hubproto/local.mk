# SPDX-License-Identifier: Apache-2.0
HUBPROTO_TESTS = %D%/test-direct %D%/test-fanout %D%/test-step %D%/test-frame %D%/test-messages %D%/test-traffic
check_PROGRAMS += $(HUBPROTO_TESTS)
TESTS += $(HUBPROTO_TESTS)

check_LTLIBRARIES += %D%/libsamples.la
%C%_libsamples_la_SOURCES = %D%/samples.c %D%/samples.h %D%/direct-samples.c %D%/direct-samples.h

%C%_test_direct_SOURCES = %D%/test-direct.c
%C%_test_direct_LDADD = %D%/libsamples.la $(HUBPROTO_LIBS) $(TEST_LIBS)
%C%_test_frame_SOURCES = %D%/test-frame.c
%C%_test_frame_LDADD = %D%/libsamples.la $(HUBPROTO_LIBS) $(TEST_LIBS)
%C%_test_messages_SOURCES = %D%/test-messages.c
%C%_test_messages_LDADD = %D%/libsamples.la $(HUBPROTO_LIBS) $(TEST_LIBS)
%C%_test_step_SOURCES = %D%/test-step.c %D%/fake-hub.c %D%/fake-hub.h
%C%_test_step_LDADD = %D%/libsamples.la $(HUBPROTO_LIBS) $(TEST_LIBS)

%C%_test_fanout_SOURCES = %D%/test-fanout.c %D%/fake-hub.c %D%/fake-hub.h
%C%_test_fanout_LDADD = %D%/libsamples.la $(HUBPROTO_LIBS) $(TEST_LIBS)
%C%_test_traffic_SOURCES = %D%/test-traffic.c
%C%_test_traffic_LDADD = $(HUBPROTO_LIBS) $(TEST_LIBS)
