/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define PAIRS_DEFAULT 15
#define SIDE_MS_DEFAULT 60.0
#define CALIBRATION_REPEAT_MAX (1u << 20)

struct cpu_ticks {
	uint64_t total;
	uint64_t steal;
	uint64_t busy; /* user, nice, system, interrupts: of all processes */
	double own;    /* seconds that this process used */
};

static clockid_t measure_clock = CLOCK_MONOTONIC; /* written once, at the start */

void tr_harness_use_processor_time(void) { measure_clock = CLOCK_PROCESS_CPUTIME_ID; }
bool tr_harness_is_processor_time(void) { return measure_clock == CLOCK_PROCESS_CPUTIME_ID; }

static double clock_seconds(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double tr_harness_seconds(void) { return clock_seconds(measure_clock); }

static struct cpu_ticks read_ticks(void)
{
	struct cpu_ticks ticks = {.own = clock_seconds(CLOCK_PROCESS_CPUTIME_ID)};
	unsigned long long field[8] = {0};
	FILE *file = fopen("/proc/stat", "r");

	if (file == NULL)
		return ticks;
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &field[0], &field[1], &field[2], &field[3],
		   &field[4], &field[5], &field[6], &field[7]) == 8) {
		for (int i = 0; i < 8; i++)
			ticks.total += field[i];
		ticks.steal = field[7];
		ticks.busy = field[0] + field[1] + field[2] + field[5] + field[6];
	}
	fclose(file);
	return ticks;
}

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double sorted_median(const double *sorted, uint32_t count)
{
	TR_ASSERT(count > 0);
	return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* The largest k with P(X < k) <= 2.5 % for X ~ Binomial(n, 1/2): then [x(k), x(n + 1 - k)] encloses the median. */
void tr_harness_median_ranks(uint32_t count, uint32_t *low, uint32_t *high)
{
	uint32_t k = 0;
	double below = 0;

	TR_ASSERT(count > 0 && count <= TR_HARNESS_PAIRS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		const double n = count;
		const double log_p = lgamma(n + 1) - lgamma((double)i + 1) - lgamma(n - (double)i + 1) - n * log(2);

		below += exp(log_p);
		if (below > 0.025)
			break;
		k = i + 1;
	}
	*low = k == 0 ? 1 : k;
	*high = count + 1 - *low;
}

static double run_side(const struct tr_harness_side *side, uint32_t repeat, double *rate)
{
	double counted = -1;
	const double start = tr_harness_seconds();
	const uint64_t rows = side->body(side->context, repeat, &counted);
	double seconds = tr_harness_seconds() - start;

	if (counted >= 0)
		seconds = counted;
	TR_ASSERT(rows > 0);
	if (seconds < 1e-9)
		seconds = 1e-9;
	*rate = (double)rows / seconds;
	return seconds;
}

/* How often a side repeats its body to fill `side_ms`. Runs it at least twice, which also warms it. */
static uint32_t calibrate(const struct tr_harness_side *side, double side_ms)
{
	uint32_t repeat = 1;
	double rate;

	run_side(side, 1, &rate);
	for (;;) {
		const double seconds = run_side(side, repeat, &rate);

		if (seconds * 1000 >= side_ms / 4 || repeat >= CALIBRATION_REPEAT_MAX) {
			const double wanted = (double)repeat * side_ms / (seconds * 1000) + 0.5;

			return wanted < 1                        ? 1
			       : wanted > CALIBRATION_REPEAT_MAX ? CALIBRATION_REPEAT_MAX
								 : (uint32_t)wanted;
		}
		repeat *= 4;
	}
}

static void rate_of(double *rates, uint32_t count, struct tr_harness_rate *rate)
{
	qsort(rates, count, sizeof(double), compare_doubles);
	rate->best = rates[count - 1];
	rate->median = sorted_median(rates, count);
}

/* Shares of all processors' time between two readings. */
static double steal_share(const struct cpu_ticks *before, const struct cpu_ticks *after)
{
	const double total = (double)(after->total - before->total);

	return total > 0 ? (double)(after->steal - before->steal) / total : 0;
}

static double others_share(const struct cpu_ticks *before, const struct cpu_ticks *after)
{
	const double total = (double)(after->total - before->total);
	const double own = (after->own - before->own) * (double)sysconf(_SC_CLK_TCK);
	const double busy = (double)(after->busy - before->busy);

	/* Ticks are counted in whole: two of them are no evidence. */
	return total > 0 && busy > own + 2 ? (busy - own) / total : 0;
}

static bool is_disturbed(const struct cpu_ticks *before, const struct cpu_ticks *after)
{
	if (steal_share(before, after) > TR_HARNESS_STEAL_LIMIT)
		return true;
	return measure_clock == CLOCK_MONOTONIC && others_share(before, after) > TR_HARNESS_OTHERS_LIMIT;
}

static void run_pairs(const struct tr_harness_side *a, const struct tr_harness_side *b,
		      const struct tr_harness_options *options, struct tr_harness_result *result)
{
	double rate_a[TR_HARNESS_PAIRS_MAX];
	double rate_b[TR_HARNESS_PAIRS_MAX];
	double ratio[TR_HARNESS_PAIRS_MAX];
	const uint32_t pairs = options->pairs != 0 ? TR_MIN(options->pairs, TR_HARNESS_PAIRS_MAX) : PAIRS_DEFAULT;
	const double side_ms = options->side_ms > 0 ? options->side_ms : SIDE_MS_DEFAULT;
	const uint32_t repeat_a = calibrate(a, side_ms);
	const uint32_t repeat_b = b != NULL ? calibrate(b, side_ms) : 0;
	double steal = 0, others = 0;
	uint32_t redo_left = pairs, low, high;

	memset(result, 0, sizeof(*result));
	while (result->pairs < pairs) {
		const struct cpu_ticks before = read_ticks();
		const uint32_t i = result->pairs;
		struct cpu_ticks after;
		bool disturbed;

		rate_b[i] = 1;
		if (b != NULL && i % 2 == 1)
			run_side(b, repeat_b, &rate_b[i]);
		run_side(a, repeat_a, &rate_a[i]);
		if (b != NULL && i % 2 == 0)
			run_side(b, repeat_b, &rate_b[i]);
		after = read_ticks();
		disturbed = is_disturbed(&before, &after);
		if (disturbed && redo_left > 0) {
			redo_left--;
			result->discarded++;
			continue;
		}
		result->noisy += disturbed;
		steal += steal_share(&before, &after);
		others += others_share(&before, &after);
		ratio[i] = rate_a[i] / rate_b[i];
		result->pairs++;
	}
	result->steal = steal / pairs;
	result->others = others / pairs;
	qsort(ratio, pairs, sizeof(double), compare_doubles);
	tr_harness_median_ranks(pairs, &low, &high);
	result->ratio = sorted_median(ratio, pairs);
	result->ratio_low = ratio[low - 1];
	result->ratio_high = ratio[high - 1];
	rate_of(rate_a, pairs, &result->a);
	rate_of(rate_b, pairs, &result->b);
}

void tr_harness_compare(const struct tr_harness_side *a, const struct tr_harness_side *b,
			const struct tr_harness_options *options, struct tr_harness_result *result)
{
	TR_ASSERT(a != NULL && b != NULL);
	run_pairs(a, b, options, result);
}

void tr_harness_measure(const struct tr_harness_side *a, const struct tr_harness_options *options,
			struct tr_harness_result *result)
{
	TR_ASSERT(a != NULL);
	run_pairs(a, NULL, options, result);
	memset(&result->b, 0, sizeof(result->b));
	result->ratio = result->ratio_low = result->ratio_high = 0;
}

static size_t huge_bytes(size_t bytes)
{
	const size_t huge = (size_t)2 << 20;

	return (bytes + huge - 1) & ~(huge - 1);
}

void *tr_harness_alloc(size_t bytes)
{
	const size_t rounded = huge_bytes(bytes);
	void *memory = mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		fprintf(stderr, "bench: out of memory: %zu bytes\n", rounded);
		abort();
	}
	madvise(memory, rounded, MADV_HUGEPAGE);
	memset(memory, 0, rounded);
	return memory;
}

void tr_harness_free(void *memory, size_t bytes)
{
	if (memory != NULL)
		munmap(memory, huge_bytes(bytes));
}
