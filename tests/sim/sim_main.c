/* SPDX-License-Identifier: Apache-2.0
 *
 * The program `sim`: seeds in, verdicts out.
 *
 *     sim --seeds A..B        every seed from A to B; ends with "N passed, N failed"
 *     sim --seed N            one seed, with its events and the hash of its trace
 *     sim --bug NAME          the same with a planted bug (base/fault.h); --bugs lists them
 *     sim --job NAME          only this job; --jobs lists them
 *     sim --calm              without any fault class
 *     sim --events N          prints so many events of a broken seed
 *     sim --keep DIR          writes script, inputs and reference of the seed there
 *     sim --wild              damage may fall anywhere in the log (README.md says what that finds)
 *     sim --workers N         processes side by side (default: the cores)
 *     sim --first             stops at the first broken seed; status 0 if one was found (for planted bugs)
 *
 * Seeds are run in child processes, SEEDS_PER_CHILD in each: a seed that ends its process (an assertion, a sanitizer, a
 * time-out) costs only that child, and the next seed goes on in a new one. One seed in a hundred is told twice, and
 * its two traces must agree.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "sim/sim.h"
#include "sim/sim_bug.h"
#include "sim/sim_job.h"

#define SEEDS_PER_CHILD 500
#define CHILDREN_MAX 64
#define SEED_SECONDS_MAX 30
#define TWICE_EVERY 100

/** Shared by parent and children. Each counter is only added to (relaxed). */
struct totals {
	_Atomic uint64_t passed, failed, steps, runs, kills, cuts, errors, checkpoints, restores, refusals, hash;
	_Atomic uint64_t savepoints, stops, branches;
	_Atomic bool is_found;
	_Atomic uint64_t found_seed;
	_Atomic uint64_t current[CHILDREN_MAX]; /* the seed that a child is at */
};

struct arguments {
	uint64_t first, last;
	int32_t job;
	uint32_t workers;
	const char *keep;
	bool is_single, is_calm, is_wild, stops_at_first;
};

static struct totals *totals;
static uint64_t current_seed;

static void add(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

/* ---- one seed ---- */

static void print_broken(uint64_t seed, const struct tr_sim_result *result)
{
	fprintf(stderr, "seed %" PRIu64 " is broken: %s\n  %s\n  again: sim --seed %" PRIu64 "\n", seed,
		result->message, result->about, seed);
}

/** Tells a seed, and every so often twice. Returns whether it is good. */
static bool run_seed(const struct arguments *a, uint64_t seed, struct tr_sim_result *result)
{
	const struct tr_sim_request request = {
		.seed = seed, .job = a->job, .is_calm = a->is_calm, .is_wild = a->is_wild, .keep = a->keep};

	current_seed = seed;
	(void)alarm(SEED_SECONDS_MAX);
	tr_sim_seed(&request, result);
	if (!result->is_broken && (a->is_single || seed % TWICE_EVERY == 0)) {
		struct tr_sim_result again;

		tr_sim_seed(&request, &again);
		if (again.hash != result->hash) {
			result->is_broken = true;
			snprintf(result->message, sizeof(result->message),
				 "the same seed gave two stories: %016" PRIx64 " and %016" PRIx64, result->hash,
				 again.hash);
		}
	}
	(void)alarm(0);
	return !result->is_broken;
}

static void on_signal(int number)
{
	fprintf(stderr, "seed %" PRIu64 ": signal %d; the last events:\n", current_seed, number);
	if (tr_sim_current != NULL)
		tr_sim_trace_print(tr_sim_current, tr_sim_events_shown, stderr);
	fflush(stderr);
	_exit(128 + number);
}

static void listen_to_signals(void)
{
	(void)signal(SIGABRT, on_signal);
	(void)signal(SIGALRM, on_signal);
	(void)signal(SIGSEGV, on_signal);
	(void)signal(SIGBUS, on_signal);
}

static int run_single(const struct arguments *a)
{
	struct tr_sim_result result;
	const bool is_good = run_seed(a, a->first, &result);

	printf("seed %" PRIu64 ": %s\n%s\nruns %" PRIu64 ", kills %" PRIu64 ", power cuts %" PRIu64 ", errors %" PRIu64
	       ", checkpoints %" PRIu64 ", restores %" PRIu64 ", steps %" PRIu64 ", trace %016" PRIx64 "\n",
	       a->first, is_good ? "good" : result.message, result.about, result.runs, result.kills, result.cuts,
	       result.errors, result.checkpoints, result.restores, result.steps, result.hash);
	return is_good ? 0 : 1;
}

/* ---- many seeds ---- */

/** The seeds [first, last] in this child. */
static void run_child(const struct arguments *a, uint32_t slot, uint64_t first, uint64_t last)
{
	listen_to_signals();
	for (uint64_t seed = first; seed <= last; seed++) {
		struct tr_sim_result result;
		bool is_good;

		atomic_store_explicit(&totals->current[slot], seed, memory_order_relaxed);
		if (a->stops_at_first && atomic_load_explicit(&totals->is_found, memory_order_relaxed))
			break;
		is_good = run_seed(a, seed, &result);
		add(is_good ? &totals->passed : &totals->failed, 1);
		add(&totals->steps, result.steps);
		add(&totals->runs, result.runs);
		add(&totals->kills, result.kills);
		add(&totals->cuts, result.cuts);
		add(&totals->errors, result.errors);
		add(&totals->checkpoints, result.checkpoints);
		add(&totals->restores, result.restores);
		add(&totals->refusals, result.refusals);
		add(&totals->savepoints, result.savepoints);
		add(&totals->stops, result.stops);
		add(&totals->branches, result.branches);
		add(&totals->hash, result.hash);
		if (!is_good) {
			print_broken(seed, &result);
			atomic_store_explicit(&totals->found_seed, seed, memory_order_relaxed);
			atomic_store_explicit(&totals->is_found, true, memory_order_relaxed);
		}
	}
	fflush(stderr);
	_exit(0);
}

struct child {
	pid_t pid; /* 0: none */
	uint64_t last;
};

static void start_child(const struct arguments *a, struct child *children, uint32_t slot, uint64_t first, uint64_t last)
{
	struct child *child = &children[slot];

	child->last = last;
	atomic_store_explicit(&totals->current[slot], first, memory_order_relaxed);
	fflush(NULL);
	child->pid = fork();
	TR_ASSERT(child->pid >= 0);
	if (child->pid == 0)
		run_child(a, slot, first, last);
}

/** Waits for a child. One that died takes its seed with it; the rest of its seeds go on in a new one. */
static void reap_child(const struct arguments *a, struct child *children)
{
	int status = 0;
	const pid_t pid = wait(&status);
	uint32_t slot = 0;
	uint64_t seed;

	if (pid < 0)
		return;
	while (slot < a->workers && children[slot].pid != pid)
		slot++;
	TR_ASSERT(slot < a->workers);
	children[slot].pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	seed = atomic_load_explicit(&totals->current[slot], memory_order_relaxed);
	fprintf(stderr, "seed %" PRIu64 " ended its process (status %d)\n  again: sim --seed %" PRIu64 "\n", seed,
		status, seed);
	add(&totals->failed, 1);
	atomic_store_explicit(&totals->found_seed, seed, memory_order_relaxed);
	atomic_store_explicit(&totals->is_found, true, memory_order_relaxed);
	if (seed < children[slot].last && !a->stops_at_first)
		start_child(a, children, slot, seed + 1, children[slot].last);
}

static int run_many(const struct arguments *a)
{
	struct child children[CHILDREN_MAX] = {{0}};
	const uint64_t share = (a->last - a->first) / a->workers + 1;
	const uint64_t block = share < SEEDS_PER_CHILD ? share : SEEDS_PER_CHILD;
	uint64_t next = a->first;
	struct timespec begin, end;
	uint32_t living = 0;
	double seconds;

	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	for (;;) {
		living = 0;
		for (uint32_t slot = 0; slot < a->workers; slot++) {
			if (children[slot].pid == 0 && next <= a->last &&
			    !(a->stops_at_first && atomic_load_explicit(&totals->is_found, memory_order_relaxed))) {
				const uint64_t last = a->last - next < block ? a->last : next + block - 1;

				start_child(a, children, slot, next, last);
				next = last + 1;
			}
			living += children[slot].pid != 0;
		}
		if (living == 0)
			break;
		reap_child(a, children);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	printf("seeds %" PRIu64 "..%" PRIu64 ": %" PRIu64 " runs, %" PRIu64 " kills, %" PRIu64 " power cuts, %" PRIu64
	       " injected errors, %" PRIu64 " checkpoints, %" PRIu64 " restores, %" PRIu64 " savepoints, %" PRIu64
	       " stops, %" PRIu64 " branches, %" PRIu64 " refusals, %" PRIu64 " steps, %.1f s, hash %016" PRIx64 "\n",
	       a->first, a->last, totals->runs, totals->kills, totals->cuts, totals->errors, totals->checkpoints,
	       totals->restores, totals->savepoints, totals->stops, totals->branches, totals->refusals, totals->steps,
	       seconds, totals->hash);
	if (a->stops_at_first && totals->is_found)
		printf("found at seed %" PRIu64 "\n", totals->found_seed);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", totals->passed, totals->failed);
	if (a->stops_at_first)
		return totals->is_found ? 0 : 1;
	return totals->failed > 0 ? 1 : 0;
}

/* ---- the command line ---- */

static _Noreturn void usage(const char *what)
{
	fprintf(stderr,
		"sim: %s\nusage: sim (--seeds A..B | --seed N) [--bug NAME] [--job NAME] [--calm] [--wild] [--workers "
		"N] "
		"[--first]\n"
		"       sim --bugs | --jobs\n",
		what);
	exit(64);
}

static int32_t find_job(const char *name)
{
	if (strcmp(name, "log") == 0)
		return TR_SIM_JOB_LOG;
	for (uint32_t i = 0; i < tr_sim_job_count(); i++)
		if (strcmp(tr_sim_job_name(i), name) == 0)
			return (int32_t)i;
	usage("unknown job");
}

static void plant(struct arguments *a, const char *name)
{
	for (uint32_t i = 0; i < tr_sim_bug_count(); i++) {
		if (strcmp(tr_sim_bug(i)->name, name) == 0) {
			tr_fault_planted = tr_sim_bug(i)->name;
			if (tr_sim_bug(i)->job != NULL && a->job == TR_SIM_JOB_ANY)
				a->job = find_job(tr_sim_bug(i)->job);
			return;
		}
	}
	usage("unknown bug");
}

static void list_and_exit(bool is_bugs)
{
	for (uint32_t i = 0; is_bugs && i < tr_sim_bug_count(); i++)
		printf("%-28s %s\n", tr_sim_bug(i)->name, tr_sim_bug(i)->doc);
	for (uint32_t i = 0; !is_bugs && i < tr_sim_job_count(); i++)
		printf("%s\n", tr_sim_job_name(i));
	if (!is_bugs)
		printf("log\n");
	exit(0);
}

static void parse(struct arguments *a, int argc, char **argv)
{
	bool has_seeds = false;

	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(name, "--bugs") == 0 || strcmp(name, "--jobs") == 0)
			list_and_exit(strcmp(name, "--bugs") == 0);
		if (strcmp(name, "--calm") == 0 || strcmp(name, "--first") == 0 || strcmp(name, "--wild") == 0) {
			a->is_wild |= strcmp(name, "--wild") == 0;
			a->is_calm |= strcmp(name, "--calm") == 0;
			a->stops_at_first |= strcmp(name, "--first") == 0;
			continue;
		}
		if (value == NULL)
			usage("an option is unknown or lacks its value");
		i++;
		if (strcmp(name, "--seed") == 0) {
			a->first = a->last = strtoull(value, NULL, 10);
			a->is_single = has_seeds = true;
		} else if (strcmp(name, "--seeds") == 0) {
			has_seeds = sscanf(value, "%" SCNu64 "..%" SCNu64, &a->first, &a->last) == 2;
		} else if (strcmp(name, "--job") == 0) {
			a->job = find_job(value);
		} else if (strcmp(name, "--bug") == 0) {
			plant(a, value);
		} else if (strcmp(name, "--events") == 0) {
			tr_sim_events_shown = (uint32_t)strtoul(value, NULL, 10);
		} else if (strcmp(name, "--keep") == 0) {
			a->keep = value;
		} else if (strcmp(name, "--workers") == 0) {
			a->workers = (uint32_t)strtoul(value, NULL, 10);
		} else {
			usage("unknown option");
		}
	}
	if (!has_seeds || a->last < a->first || a->workers < 1 || a->workers > CHILDREN_MAX)
		usage("which seeds?");
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.job = TR_SIM_JOB_ANY, .workers = 1};
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		arguments.workers = (uint32_t)CPU_COUNT(&cpus);
	parse(&arguments, argc, argv);
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	TR_ASSERT(totals != MAP_FAILED);
	if (arguments.is_single) {
		listen_to_signals();
		return run_single(&arguments);
	}
	return run_many(&arguments);
}
