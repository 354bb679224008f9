# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += %D%/libhubproto.la
%C%_libhubproto_la_SOURCES = \
	%D%/direct.c %D%/direct.h \
	%D%/fanout.c %D%/fanout.h \
	%D%/frame.c %D%/frame.h \
	%D%/msg-activation.c \
	%D%/msg-attest.c \
	%D%/msg-cloned.c \
	%D%/msg-confirm.c \
	%D%/msg-confirmation.c \
	%D%/msg-grant.c \
	%D%/msg-identify.c \
	%D%/msg-identity.c \
	%D%/msg-instruction.c \
	%D%/msg-lease.c \
	%D%/msg-muster.c \
	%D%/msg-note.c \
	%D%/msg-part.c \
	%D%/msg-piece.c \
	%D%/msg-policy.c \
	%D%/msg-ready.c \
	%D%/msg-receipt.c \
	%D%/msg-reply.c \
	%D%/msg-retiring.c \
	%D%/msg-share.c \
	%D%/msg-terms.c \
	%D%/msg-wait.c \
	%D%/msg.h \
	%D%/status.c %D%/status.h \
	%D%/stream.c \
	%D%/traffic.c %D%/traffic.h
