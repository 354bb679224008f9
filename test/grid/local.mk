# SPDX-License-Identifier: Apache-2.0
# The grid of DSKE 5.1: a sample in `make check`, the whole (some minutes) by `make grid`.
check_PROGRAMS += %D%/test-grid
TESTS += %D%/test-grid
%C%_test_grid_SOURCES = %D%/test-grid.c %D%/cell.c %D%/cell.h test/core/network.h test/core/seeded.h
%C%_test_grid_LDADD = $(CORE_LIBS) $(TEST_LIBS)
dist_check_SCRIPTS += %D%/test-picture
TESTS += %D%/test-picture
EXTRA_DIST += %D%/draw.py

# Writes grid.csv, grid-long.csv and grid.svg here, and compares outcomes with those of doc/.
grid: %D%/test-grid
	%D%/test-grid --short >grid.csv
	%D%/test-grid --long 200 1 >grid-long.csv
	python3 $(srcdir)/%D%/draw.py grid.csv grid.svg
	cmp grid.csv $(srcdir)/doc/grid.csv
	cut -d, -f1-7 grid-long.csv >grid-long.tmp
	cut -d, -f1-7 $(srcdir)/doc/grid-long.csv | cmp - grid-long.tmp
CLEANFILES += grid.csv grid-long.csv grid-long.tmp grid.svg
