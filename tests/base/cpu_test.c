/* SPDX-License-Identifier: Apache-2.0
 * The level that is chosen agrees with what the kernel lists in /proc/cpuinfo, and the environment can lower it.
 */
#include "tr_test.h"

#include <stdbool.h>
#include <unistd.h>

#include "base/cpu.h"

static bool has_flag(const char *flags, const char *name)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(flags, word) != NULL;
}

static void agrees_with_the_kernel(void **state)
{
	static const char *const v3[] = {"avx2", "bmi1", "bmi2", "fma", "movbe", "f16c", "abm"};
	static const char *const v4[] = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};
	FILE *file = fopen("/proc/cpuinfo", "r");
	static char line[16384];
	enum tr_isa expected = TR_ISA_V4;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL && strncmp(line, "flags", 5) != 0)
		continue;
	fclose(file);
	line[strcspn(line, "\n")] = ' ';
	for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++)
		if (!has_flag(line, v4[i]))
			expected = TR_ISA_V3;
	for (size_t i = 0; i < sizeof(v3) / sizeof(v3[0]); i++)
		if (!has_flag(line, v3[i]))
			expected = TR_ISA_V2;
	if (getenv("TAILRACE_ISA") != NULL)
		assert_true(tr_cpu_isa() <= expected);
	else
		assert_int_equal(tr_cpu_isa(), expected);
}

static void names_levels(void **state)
{
	assert_string_equal(tr_cpu_isa_name(TR_ISA_V2), "v2");
	assert_string_equal(tr_cpu_isa_name(TR_ISA_V4), "v4");
}

/* Run last, in a process of its own: the choice is made once. */
static int lowered(void) { return tr_cpu_isa() == TR_ISA_V2 ? 0 : 1; }

static void environment_lowers_the_choice(void **state)
{
	char command[4200], path[4096] = "";

	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	snprintf(command, sizeof(command), "TAILRACE_ISA=v2 '%s' lowered", path);
	assert_int_equal(system(command), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_kernel),
		cmocka_unit_test(names_levels),
		cmocka_unit_test(environment_lowers_the_choice),
	};

	if (argc > 1 && strcmp(argv[1], "lowered") == 0)
		return lowered();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
