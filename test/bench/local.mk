# SPDX-License-Identifier: Apache-2.0
# A benchmark is a program that prints one aligned line a measurement, "NAME  NUMBER UNIT":
#
#   BENCHES += %D%/bench-NAME
#   %C%_bench_NAME_SOURCES = %D%/bench-NAME.c
#   %C%_bench_NAME_LDADD = $(CORE_LIBS)
#
# Built and run by `make bench` alone.

EXTRA_PROGRAMS += $(BENCHES)
bench: $(BENCHES)
	@for b in $(BENCHES); do echo "== $$b"; ./$$b || exit 1; done

BENCHES += %D%/bench-core
%C%_bench_core_SOURCES = %D%/bench-core.c
%C%_bench_core_LDADD = $(CORE_LIBS)
