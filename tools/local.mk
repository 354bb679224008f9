# SPDX-License-Identifier: Apache-2.0
# When the first source is here:
#
#   noinst_LTLIBRARIES += %D%/libtools.la
#   %C%_libtools_la_SOURCES = %D%/NAME.c %D%/NAME.h
#
#   bin_PROGRAMS += %D%/dske
#   %C%_dske_SOURCES = %D%/main.c
#   %C%_dske_LDADD = $(TOOLS_LIBS)
#
# A completion: dist_bashcompletion_DATA += %D%/completion/dske, installed under the file's own name.
