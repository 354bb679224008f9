/* SPDX-License-Identifier: Apache-2.0 */
/* test/base/test-cpu.c - what base/cpu.c finds, beside what the compiler's library finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cpu.h"

static void it_agrees_with_the_compiler(void **state)
{
	(void)state;
#ifdef __x86_64__
	__builtin_cpu_init();
	assert_int_equal(cpu_has(CPU_PCLMUL), __builtin_cpu_supports("pclmul") != 0);
	assert_int_equal(cpu_has(CPU_AVX2), __builtin_cpu_supports("avx2") != 0);
	assert_int_equal(cpu_has(CPU_AVX512),
			 __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0);
	assert_int_equal(cpu_has(CPU_AVX512VL), __builtin_cpu_supports("avx512vl") != 0);
	assert_int_equal(cpu_has(CPU_GFNI), __builtin_cpu_supports("gfni") != 0);
	assert_int_equal(cpu_has(CPU_VPCLMUL), __builtin_cpu_supports("vpclmulqdq") != 0);
	assert_false(cpu_has(CPU_PMULL));
#else
	for (int i = 0; i < CPU_PMULL; i++)
		assert_false(cpu_has((enum cpu_feature)i));
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(it_agrees_with_the_compiler)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
