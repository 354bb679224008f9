# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += %D%/libclient.la
%C%_libclient_la_SOURCES = \
	%D%/activate.c \
	%D%/adapted-initiator.c %D%/adapted-receiver.c %D%/adapted.h \
	%D%/agree.c \
	%D%/agreement.h \
	%D%/arrival.c %D%/reception.h \
	%D%/ask.c %D%/ask.h \
	%D%/client.c %D%/client.h \
	%D%/config.c %D%/config.h \
	%D%/convoy.c %D%/convoy.h \
	%D%/convoy-join.c %D%/convoy-impl.h \
	%D%/direct.c %D%/direct.h %D%/door.c \
	%D%/exchange.c \
	%D%/group.c %D%/group.h \
	%D%/identify.c \
	%D%/initiator.c \
	%D%/intake.c %D%/intake.h \
	%D%/lease.c \
	%D%/link.c %D%/link.h \
	%D%/long-initiator.c \
	%D%/media.c %D%/media.h \
	%D%/muster.c \
	%D%/note.c \
	%D%/peers.c %D%/peers.h \
	%D%/places.c %D%/places.h \
	%D%/policy.c %D%/policy.h \
	%D%/pool.c %D%/pool.h \
	%D%/quota.c %D%/quota.h \
	%D%/ready.c \
	%D%/receiver.c \
	%D%/report.c \
	%D%/request.c %D%/request.h \
	%D%/retire.c \
	%D%/spool.c %D%/spool.h \
	%D%/stakes.c %D%/stakes.h \
	%D%/tables.c \
	%D%/taken.c %D%/taken.h \
	%D%/telephone.c \
	%D%/unlock.c \
	%D%/watch.c %D%/watch.h
