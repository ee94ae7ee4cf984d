/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding out which of the psABI's levels this machine reaches.
 *
 * The compiler's __builtin_cpu_supports asks CPUID and the operating system (XGETBV) for the vector sets; what it
 * can't be asked for on every compiler we support (LZCNT, MOVBE, F16C), CPUID is asked directly. A virtual machine may
 * hide any of these, so none is deduced from another.
 */
#include "base/cpu.h"

#include <cpuid.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static bool has_v3_integer_sets(void)
{
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_MOVBE) == 0 || (c & bit_F16C) == 0)
		return false;
	return __get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & (1u << 5)) != 0; /* LZCNT */
}

static enum tr_isa detect(void)
{
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
	    !__builtin_cpu_supports("fma") || !has_v3_integer_sets())
		return TR_ISA_V2;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
	    !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
	    !__builtin_cpu_supports("avx512vl"))
		return TR_ISA_V3;
	return TR_ISA_V4;
}

static enum tr_isa limit_by_environment(enum tr_isa best)
{
	const char *wish = getenv("TAILRACE_ISA");

	if (wish == NULL)
		return best;
	for (enum tr_isa isa = TR_ISA_V2; isa < best; isa++)
		if (strcmp(wish, tr_cpu_isa_name(isa)) == 0)
			return isa;
	return best;
}

enum tr_isa tr_cpu_isa(void)
{
	/* Written by whichever thread comes first; all would write the same value, so relaxed is enough. */
	static _Atomic int known = -1;
	int isa = atomic_load_explicit(&known, memory_order_relaxed);

	if (isa < 0) {
		isa = (int)limit_by_environment(detect());
		atomic_store_explicit(&known, isa, memory_order_relaxed);
	}
	return (enum tr_isa)isa;
}

const char *tr_cpu_isa_name(enum tr_isa isa)
{
	static const char *const names[] = {"v2", "v3", "v4"};

	TR_ASSERT((size_t)isa < TR_COUNT_OF(names));
	return names[isa];
}
