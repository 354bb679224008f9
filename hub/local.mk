# SPDX-License-Identifier: Apache-2.0
# The reader of a hub's configuration, which the tools use too.
noinst_LTLIBRARIES += %D%/libhubconf.la
%C%_libhubconf_la_SOURCES = %D%/conf.c %D%/conf.h
