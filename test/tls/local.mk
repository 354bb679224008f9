# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += %D%/test-import
TESTS += %D%/test-import
%C%_test_import_SOURCES = %D%/test-import.c test/core/vectors.h
%C%_test_import_LDADD = $(TLS_LIBS) $(TEST_LIBS)

check_PROGRAMS += %D%/source-host
%C%_source_host_SOURCES = %D%/source-host.c
%C%_source_host_LDADD = $(TLS_LIBS)

check_PROGRAMS += %D%/resume-host
%C%_resume_host_SOURCES = %D%/resume-host.c
%C%_resume_host_LDADD = $(TLS_LIBS)

dist_check_SCRIPTS += %D%/test-source %D%/test-vectors
TESTS += %D%/test-source %D%/test-vectors
EXTRA_DIST += %D%/importer.py test/vectors/importer.txt

check_PROGRAMS += %D%/choice-host
%C%_choice_host_SOURCES = %D%/choice-host.c
%C%_choice_host_LDADD = $(TLS_LIBS)
dist_check_SCRIPTS += %D%/test-choice
TESTS += %D%/test-choice
