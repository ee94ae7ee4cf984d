/* SPDX-License-Identifier: Apache-2.0
 *
 * tailrace-bench: runs the table of measures and prints it.
 *
 *     tailrace-bench [--list] [--only NAME[,NAME]] [--pairs N] [--json] [--processor-time]
 *
 * NAME selects the cases whose name begins with it. Exit status 1 if a measured case misses what it must reach.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cpu.h"
#include "bench/bench.h"

static const struct tr_bench_case *const tables[] = {
	tr_bench_expression_cases, tr_bench_group_cases, tr_bench_window_cases, tr_bench_exchange_cases,
	tr_bench_decode_cases, tr_bench_generator_cases, tr_bench_state_cases,
