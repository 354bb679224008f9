# SPDX-License-Identifier: Apache-2.0
# When the first source is here:
#
#   noinst_LTLIBRARIES += %D%/libpskm.la
#   %C%_libpskm_la_SOURCES = %D%/NAME.c %D%/NAME.h
