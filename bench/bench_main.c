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
	tr_bench_expression_cases, tr_bench_kernel_cases,   tr_bench_plan_cases,     tr_bench_group_cases,
	tr_bench_batch_cases,      tr_bench_window_cases,   tr_bench_exchange_cases, tr_bench_decode_cases,
	tr_bench_generator_cases,  tr_bench_run_cases,      tr_bench_scale_cases,    tr_bench_checkpoint_cases,
	tr_bench_latency_cases,    tr_bench_snapshot_cases, tr_bench_log_cases,      tr_bench_state_cases,
	tr_bench_spill_cases,      tr_bench_stream_cases,   tr_bench_user_cases,
};

struct settings {
	const char *only;
	uint32_t pairs;
	bool is_list;
	bool is_json;
};

#define NOISY_WIDTH 1.25 /* an interval this wide around the bar decides nothing */

enum verdict { VERDICT_NONE, VERDICT_PASS, VERDICT_MISS, VERDICT_NOISE, VERDICT_SKIPPED };

static const char *const verdict_text[] = {"-", "pass", "MISS", "noise", "skipped"};

static bool is_selected(const char *only, const char *name)
{
	while (only != NULL && *only != 0) {
		const size_t length = strcspn(only, ",");

		if (strncmp(only, name, length) == 0)
			return true;
		only += length + (only[length] == ',');
		if (*only == 0)
			return false;
	}
	return true;
}

static enum verdict judge(const struct tr_bench_case *c, const struct tr_bench_pair *pair,
			  const struct tr_harness_result *r)
{
	if (pair->skipped[0] != 0)
		return VERDICT_SKIPPED;
	if (pair->ours.body == NULL || (c->must_ratio == 0 && c->must_rate == 0))
		return VERDICT_NONE;
	if (c->must_ratio > 0 && (pair->bar.body == NULL || r->ratio_high < c->must_ratio))
		return VERDICT_MISS;
	if (c->must_ratio > 0 && r->ratio_low < c->must_ratio && r->ratio_high > r->ratio_low * NOISY_WIDTH)
		return VERDICT_NOISE;
	if (c->must_rate > 0 && r->a.median < c->must_rate)
		return VERDICT_MISS;
	return VERDICT_PASS;
}

static void print_rate(double rate, const char *unit)
{
	if (rate <= 0)
		printf(" %9s", "-");
	else if (strcmp(unit, "x") == 0)
		printf(" %8.2fx", rate);
	else if (rate >= 1e9)
		printf(" %7.2f G", rate / 1e9);
	else
		printf(" %7.1f M", rate / 1e6);
}

static void print_head(void)
{
	printf("%-26s %9s %9s %9s %9s  %-20s %-9s %-5s %s\n", "measure", "ours", "best", "bar", "best", "ratio (95 %)",
	       "must", "", "");
}

static void print_row(const struct tr_bench_case *c, const struct tr_bench_pair *pair,
		      const struct tr_harness_result *r, enum verdict verdict)
{
	char ratio[40] = "-", must[24] = "-";

	if (r->ratio > 0)
		snprintf(ratio, sizeof(ratio), "%.2f (%.2f..%.2f)", r->ratio, r->ratio_low, r->ratio_high);
	if (c->must_rate > 0)
		snprintf(must, sizeof(must), ">= %.0f M", c->must_rate / 1e6);
	else if (c->must_ratio > 0)
		snprintf(must, sizeof(must), ">= %.2f", c->must_ratio);
	printf("%-26s", c->name);
	print_rate(r->a.median, c->unit);
	print_rate(r->a.best, c->unit);
	print_rate(r->b.median, c->unit);
	print_rate(r->b.best, c->unit);
	printf("  %-20s %-9s %-5s %s", ratio, must, verdict_text[verdict],
	       verdict == VERDICT_SKIPPED ? pair->skipped : pair->note);
	if (r->steal > 0.001 || r->discarded > 0)
		printf(" [steal %.1f %%, others %.0f %%, %u redone, %u kept]", r->steal * 100, r->others * 100,
		       r->discarded, r->noisy);
	printf("\n");
	fflush(stdout);
}

static void print_json(const struct tr_bench_case *c, const struct tr_bench_pair *pair,
		       const struct tr_harness_result *r, enum verdict verdict)
{
	const int places = strcmp(c->unit, "x") == 0 ? 3 : 0;

	printf("{\"name\":\"%s\",\"unit\":\"%s\",\"ours_median\":%.*f,\"ours_best\":%.*f,\"bar_median\":%.*f,"
	       "\"bar_best\":%.*f,\"ratio\":%.4f,\"ratio_low\":%.4f,\"ratio_high\":%.4f,\"must_ratio\":%.2f,"
	       "\"must_rate\":%.0f,\"verdict\":\"%s\",\"pairs\":%u,\"discarded\":%u,\"noisy\":%u,\"steal\":%.4f,"
	       "\"others\":%.4f,"
	       "\"note\":\"%s\"}\n",
	       c->name, c->unit, places, r->a.median, places, r->a.best, places, r->b.median, places, r->b.best,
	       r->ratio, r->ratio_low, r->ratio_high, c->must_ratio, c->must_rate, verdict_text[verdict], r->pairs,
	       r->discarded, r->noisy, r->steal, r->others, verdict == VERDICT_SKIPPED ? pair->skipped : pair->note);
	fflush(stdout);
}

/* A case that yields one number. */
static bool run_observation(const struct tr_bench_case *c, const struct settings *settings)
{
	struct tr_status st = {0};
	char note[160] = "", text[64], must[32];
	double value = 0;
	bool is_good;

	if (c->observe(&value, note, sizeof(note), &st) != TR_OK) {
		fprintf(stderr, "%s: %s\n", c->name, st.message);
		return false;
	}
	is_good = value < c->must_at_most;
	if (settings->is_json) {
		printf("{\"name\":\"%s\",\"unit\":\"%s\",\"value\":%.3f,\"must_at_most\":%.3f,\"verdict\":\"%s\","
		       "\"note\":\"%s\"}\n",
		       c->name, c->unit, value, c->must_at_most, is_good ? "pass" : "MISS", note);
	} else {
		snprintf(text, sizeof(text), "%.2f %s", value, c->unit);
		snprintf(must, sizeof(must), "< %g", c->must_at_most);
		printf("%-26s %-61s %-9s %-5s %s\n", c->name, text, must, is_good ? "pass" : "MISS", note);
	}
	fflush(stdout);
	return is_good;
}

/* Runs one case; false: it missed, or could not be run. */
static bool run_case(const struct tr_bench_case *c, const struct settings *settings)
{
	const struct tr_harness_options options = {.pairs = settings->pairs, .side_ms = c->side_ms};
	struct tr_bench_pair pair;
	struct tr_harness_result result;
	struct tr_status st = {0};
	enum verdict verdict;

	memset(&pair, 0, sizeof(pair));
	memset(&result, 0, sizeof(result));
	pair.name = c->name;
	if (c->open(&pair, &st) != TR_OK) {
		fprintf(stderr, "%s: %s\n", c->name, st.message);
		return false;
	}
	if (pair.skipped[0] != 0) {
		/* said in the row */
	} else if (pair.ours.body != NULL && pair.bar.body != NULL) {
		tr_harness_compare(&pair.ours, &pair.bar, &options, &result);
	} else if (pair.ours.body != NULL) {
		tr_harness_measure(&pair.ours, &options, &result);
	} else if (pair.bar.body != NULL) {
		tr_harness_measure(&pair.bar, &options, &result);
		result.b = result.a;
		memset(&result.a, 0, sizeof(result.a));
	}
	verdict = judge(c, &pair, &result);
	if (settings->is_json)
		print_json(c, &pair, &result, verdict);
	else
		print_row(c, &pair, &result, verdict);
	c->close(&pair);
	return verdict != VERDICT_MISS; /* noise is shown, not punished */
}

static void list_cases(void)
{
	for (size_t t = 0; t < TR_COUNT_OF(tables); t++)
		for (const struct tr_bench_case *c = tables[t]; c->name != NULL; c++)
			printf("%-26s %s\n", c->name, c->work);
}

static int usage(FILE *out)
{
	fprintf(out, "usage: tailrace-bench [--list] [--only NAME[,NAME]] [--pairs N] [--json] [--processor-time]\n"
		     "  --list   names and descriptions of all measures\n"
		     "  --only   the measures whose names begin with NAME\n"
		     "  --pairs  interleaved pairs per measure (default 15, which a verdict needs)\n"
		     "  --json   one JSON object a line\n"
		     "  --processor-time  count this process's processor time, for a busy machine\n");
	return out == stderr ? 64 : 0;
}

int main(int argc, char **argv)
{
	struct settings settings = {0};
	bool is_good = true;
	uint32_t ran = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list") == 0)
			settings.is_list = true;
		else if (strcmp(argv[i], "--json") == 0)
			settings.is_json = true;
		else if (strcmp(argv[i], "--processor-time") == 0)
			tr_harness_use_processor_time();
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			settings.only = argv[++i];
		else if (strcmp(argv[i], "--pairs") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0)
			settings.pairs = (uint32_t)atoi(argv[++i]);
		else
			return usage(strcmp(argv[i], "--help") == 0 ? stdout : stderr);
	}
	if (settings.is_list) {
		list_cases();
		return 0;
	}
	if (!settings.is_json)
		print_head();
	for (size_t t = 0; t < TR_COUNT_OF(tables); t++) {
		for (const struct tr_bench_case *c = tables[t]; c->name != NULL; c++) {
			if (!is_selected(settings.only, c->name))
				continue;
			ran++;
			is_good &= c->observe != NULL ? run_observation(c, &settings) : run_case(c, &settings);
		}
	}
	if (ran == 0) {
		fprintf(stderr, "tailrace-bench: no measure begins with '%s'; see --list\n", settings.only);
		return 64;
	}
	return is_good ? 0 : 1;
}
