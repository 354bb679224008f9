# SPDX-License-Identifier: Apache-2.0
# When the first source is here (everything but main in the library, so that tests link it):
#
#   noinst_LTLIBRARIES += %D%/libhub.la
#   %C%_libhub_la_SOURCES = %D%/relay.c %D%/relay.h
#
#   sbin_PROGRAMS += %D%/dske-hubd
#   %C%_dske_hubd_SOURCES = %D%/main.c
#   %C%_dske_hubd_LDADD = $(HUB_LIBS)
