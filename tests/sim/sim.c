/* SPDX-License-Identifier: Apache-2.0
 *
 * From a seed to a verdict: see sim.h.
 *
 * Two sorts of stories. With checkpoints all runs are one job: each goes on from what the one before left, perhaps with
 * another number of workers, and at every moment readers see some of the reference's rows, none twice; at the end all of
 * them, or, if it was told to drain, some whose counts are not above the reference's. Without, a run that ends early has lost its work, and the next one begins anew under another job id: a run that
 * has ended has published exactly the reference's rows, one that has not whole files with some of them.
 */
#include "sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/check.h"
#include "sim/sim_log.h"
#include "sim/sim_story.h"

#define STEPS_MAX 400000
#define STALL_TIMEOUT_MS 700 /* shorter than a stall */
#define LOG_PERMILLE 250     /* so many seeds are about the log alone */

const struct tr_sim_environment *tr_sim_current;
uint32_t tr_sim_events_shown = 60;

/* ---- choosing ---- */

/** Any amount of memory, so little that state leaves it at each batch, or a few chunks of it. */
static void choose_memory(struct tr_sim_shape *shape, uint64_t random)
{
	shape->memory_bytes = TR_SIM_PICK(&random, 0, 0, 0, 1, 2 << 20);
	shape->steps_max = shape->memory_bytes == 0 ? STEPS_MAX : 10 * STEPS_MAX; /* it waits for the disk */
}

static void choose_shape(struct tr_sim_shape *shape, uint64_t *random)
{
	shape->parallelism = 1 + tr_sim_below(random, 8);
	shape->workers = tr_sim_chance(random, 500) ? 0 : 1 + tr_sim_below(random, 8);
	shape->batch_rows = TR_SIM_PICK(random, 1, 2, 3, 5, 8, 64, 2048);
	shape->credits = 1 + tr_sim_below(random, 16);
	shape->chunk_bytes = TR_SIM_PICK(random, 40, 100, 300, 1000, 5000, 524288);
	shape->roll_bytes = TR_SIM_PICK(random, 50, 300, 2000, 1048576, 1048576);
	shape->step_ns_max = TR_SIM_PICK(random, 100, 20000, 20000, 1000000);
	shape->retained = 1 + tr_sim_below(random, 3);
	if (tr_sim_chance(random, 750)) {
		/* Small batches and quick checkpoints: several of them in the middle of the input. */
		shape->batch_rows = TR_SIM_PICK(random, 1, 1, 2, 3, 5, 8, 64, 2048);
		shape->chunk_bytes = TR_SIM_PICK(random, 40, 100, 300, 1000, 5000);
		shape->checkpoint_interval_ms = TR_SIM_PICK(random, 1, 1, 1, 5);
		shape->step_ns_max = TR_SIM_PICK(random, 20000, 50000, 200000, 5000000, 5000000);
		/* Some checkpoints are given up, and the next one has to make up for them: the time-out is about as long as one
		 * takes, or all stand still for longer than it. */
		if (tr_sim_chance(random, 200))
			shape->checkpoint_timeout_ms = 1 + tr_sim_below(random, shape->step_ns_max / 15000);
		else if (tr_sim_chance(random, 400))
			shape->checkpoint_timeout_ms = STALL_TIMEOUT_MS;
	}
	choose_memory(shape, *random);
	shape->slow_permille = TR_SIM_PICK(random, 1000, 1000, 50);
	shape->segment_bytes = TR_SIM_PICK(random, 0, 4096, 16384);
	shape->block_bytes = TR_SIM_PICK(random, 0, 128, 1024);
}

/** What may change between two runs of one job. */
static void choose_again(struct tr_sim_shape *shape, uint64_t *random)
{
	shape->parallelism = 1 + tr_sim_below(random, 8);
	shape->workers = tr_sim_chance(random, 500) ? 0 : 1 + tr_sim_below(random, 8);
	shape->batch_rows = TR_SIM_PICK(random, 1, 1, 2, 3, 5, 8, 64, 2048);
	shape->credits = 1 + tr_sim_below(random, 16);
	choose_memory(shape, *random);
}

static void describe(const struct tr_sim_teller *t)
{
	const struct tr_sim_shape *shape = &t->shape;
	char *about = t->result->about;

	snprintf(about, sizeof(t->result->about),
		 "%s, %u rows; parallelism %u, workers %u, batch %u, credits %u, memory %u, chunk %u, roll %u, "
		 "checkpoints %u ms, segments %u, blocks %u",
		 t->job.name, t->job.rows, shape->parallelism, shape->workers, shape->batch_rows, shape->credits,
		 shape->memory_bytes, shape->chunk_bytes, shape->roll_bytes, shape->checkpoint_interval_ms,
		 shape->segment_bytes, shape->block_bytes);
	tr_sim_swarm_describe(&t->swarm, about, sizeof(t->result->about));
}

/* ---- verdicts ---- */

bool tr_sim_broken(struct tr_sim_teller *t, const char *format, ...)
{
	va_list args;

	if (t->result->is_broken)
		return false;
	t->result->is_broken = true;
	va_start(args, format);
	(void)vsnprintf(t->result->message, sizeof(t->result->message), format, args);
	va_end(args);
	return false;
}

bool tr_sim_check_rows(struct tr_sim_teller *t, const char *job_id, bool is_complete)
{
	struct tr_sim_output output, all = {.count = 0};
	const char *extra, *missing;
	bool is_good = true;

	tr_sim_output_read(&output, &t->disk, job_id);
	tr_sim_output_add(&all, &t->reference);
	if (t->job.count_column > 0 && (t->job.is_by_clock || t->was_drain_asked)) {
		tr_sim_output_expand(&output, t->job.count_column);
		tr_sim_output_expand(&all, t->job.count_column);
	}
	extra = tr_sim_output_not_in(&output, &all);
	missing = is_complete ? tr_sim_output_not_in(&all, &output) : NULL;
	if (output.is_torn)
		is_good = tr_sim_broken(t, "I10: published file %s ends in the middle of a row", output.torn);
	else if (extra != NULL)
		is_good = tr_sim_broken(t, "I10: a row too many, or wrong, was published: %s%s%s", extra,
					missing != NULL ? "; and this one is missing: " : "",
					missing != NULL ? missing : "");
	else if (missing != NULL)
		is_good = tr_sim_broken(t, "I10: a row is missing from what was published: %s", missing);
	tr_sim_output_deinit(&output);
	tr_sim_output_deinit(&all);
	return is_good;
}

/** What one run has published. */
static bool check_output(struct tr_sim_teller *t, const struct tr_sim_run *run, bool is_complete)
{
	return tr_sim_check_rows(t, t->has_checkpoints ? NULL : run->job_id, is_complete);
}

/** After the job has ended: its files are durable, and nothing pending of former runs is left; unless its process has died
 * or failed while it tidied up. */
static bool check_end(struct tr_sim_teller *t, const struct tr_sim_run *run, bool is_tidy)
{
	struct tr_sim_output output;
	char path[256];
	bool is_good = true;

	tr_sim_output_check_durable(&t->disk, run->job_id, path, sizeof(path));
	if (path[0] != '\0')
		return tr_sim_broken(t, "I6: the job has ended or stopped, but %s would not survive a power cut", path);
	/* A job that has moved to another directory has another id, and does not know what its former self left. */
	tr_sim_output_read(&output, &t->disk, t->move_count > 0 ? run->job_id : NULL);
	if (output.hidden > 0 && is_tidy)
		is_good = tr_sim_broken(t, "%u pending files are left after a run that has ended or stopped: %s",
					output.hidden, output.hidden_path);
	tr_sim_output_deinit(&output);
	return is_good;
}

/** Whether an injected fault may have made the run fail. */
static bool may_fail(const struct tr_sim_teller *t, uint64_t errors_before)
{
	return t->disk.error_count > errors_before;
}

static bool judge(struct tr_sim_teller *t, const struct tr_sim_run *run, uint64_t errors_before)
{
	bool is_drained;

	switch (run->outcome) {
	case TR_SIM_STUCK: return tr_sim_broken(t, "I13: %s", run->message);
	case TR_SIM_FAILED:
		if (!may_fail(t, errors_before) && t->disk.damage_count == 0)
			return tr_sim_broken(t, "the job failed, but no fault was injected: %s", run->message);
		t->is_refused = !may_fail(t, errors_before) && !run->has_built;
		return check_output(t, run, false);
	case TR_SIM_DIED: return check_output(t, run, false);
	case TR_SIM_STOPPED:
	case TR_SIM_DONE:
		is_drained = run->is_drained || (run->was_finished && t->was_drain_asked);
		return check_output(t, run, run->outcome == TR_SIM_DONE && !is_drained) &&
		       check_end(t, run, !t->disk.is_dead && t->disk.error_count == errors_before);
	}
	TR_UNREACHABLE();
}

/* ---- the story ---- */

/** An empty directory that is there from the start. */
static void put_directory(struct tr_sim_disk *disk, const char *keep)
{
	tr_sim_disk_put(disk, keep, "", 0);
	TR_ASSERT(tr_sim_volume_unlink(&disk->volume, keep, false) == 0);
}

static void put_inputs(struct tr_sim_disk *disk, const struct tr_sim_job *job)
{
	for (uint32_t i = 0; i < job->input_count; i++)
		tr_sim_disk_put(disk, job->inputs[i].path, job->inputs[i].bytes.data, job->inputs[i].bytes.length);
	put_directory(disk, "/out/.keep");
	put_directory(disk, "/var/tmp/.keep");
	tr_sim_volume_settle(&disk->volume);
}

static void keep_file(const struct tr_sim_teller *t, const char *name, const char *bytes, size_t length)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", t->request->keep,
		 strrchr(name, '/') != NULL ? strrchr(name, '/') + 1 : name);
	file = fopen(path, "w");
	TR_ASSERT(file != NULL && fwrite(bytes, 1, length, file) == length);
	TR_ASSERT(fclose(file) == 0);
}

/** For people: what the seed is about, to be looked at. */
static void keep_job(const struct tr_sim_teller *t)
{
	struct tr_bytes lines = {0};

	keep_file(t, "job.sql", t->job.script.data, t->job.script.length);
	for (uint32_t i = 0; i < t->job.input_count; i++)
		keep_file(t, t->job.inputs[i].path, t->job.inputs[i].bytes.data, t->job.inputs[i].bytes.length);
	for (uint32_t i = 0; i < t->reference.count; i++)
		tr_bytes_printf(&lines, "%s\n", t->reference.lines[i]);
	keep_file(t, "reference", lines.data, lines.length);
	tr_bytes_deinit(&lines);
}

static void make_reference(struct tr_sim_teller *t)
{
	const struct tr_sim_shape plain = {.parallelism = 1,
					   .batch_rows = 2048,
					   .credits = 4,
					   .chunk_bytes = 524288,
					   .roll_bytes = 1u << 30,
					   .slow_permille = 1000,
					   .step_ns_max = 1000,
					   .steps_max = STEPS_MAX};
	uint64_t random = tr_sim_stream(t->request->seed, 10);
	struct tr_sim_environment env;
	struct tr_sim_disk disk;
	struct tr_sim_run run;

	tr_sim_environment_init(&env, t->request->seed);
	tr_sim_disk_init(&disk, &env, t->request->seed);
	put_inputs(&disk, &t->job);
	tr_sim_run(&run, &t->job, &plain, &env, &random);
	if (run.outcome != TR_SIM_DONE)
		(void)tr_sim_broken(t, "the undisturbed run did not end: %s", run.message);
	tr_sim_output_read(&t->reference, &disk, run.job_id);
	tr_sim_disk_deinit(&disk);
}

/** Between two processes: what the old one held is gone. */
static void restart(struct tr_sim_teller *t)
{
	if (!t->disk.is_dead && t->swarm.can_cut)
		tr_sim_disk_cut(&t->disk);
	else if (!t->disk.is_dead)
		tr_sim_disk_kill(&t->disk);
	tr_sim_disk_restart(&t->disk);
	for (uint32_t i = 0; i < t->swarm.rot_count; i++)
		if (tr_sim_chance(&t->random, 300))
			(void)tr_sim_disk_rot(&t->disk, TR_SIM_STATE_FOLDER);
	if (t->has_checkpoints && tr_sim_chance(&t->random, 300))
		choose_again(&t->shape, &t->random);
}

/** Damage falls on the log only: files that are published are the user's, and carry no checksums. */
static bool may_damage(void *context, const char *path, int64_t offset, size_t length)
{
	const struct tr_sim_teller *t = context;

	return strncmp(path, TR_SIM_STATE_FOLDER, strlen(TR_SIM_STATE_FOLDER)) == 0 &&
	       (t->request->is_wild || tr_sim_swarm_may_damage(&t->disk, path, offset, length));
}

/** Whether the run was refused because the directory to which the job has moved holds checkpoints by now, as one is told who
 * names the savepoint once more. It is not named again. */
static bool is_move_over(struct tr_sim_teller *t, const struct tr_sim_run *run)
{
	if (t->shape.restore_from == NULL || run->outcome != TR_SIM_FAILED ||
	    strstr(run->message, "holds a checkpoint of this job already") == NULL)
		return false;
	t->shape.restore_from = NULL;
	return true;
}

/** One run. `is_last`: no faults, it must end. Returns whether all is well. */
static bool run_once(struct tr_sim_teller *t, bool is_last)
{
	const uint64_t errors = t->disk.error_count;
	struct tr_sim_run run;

	tr_sim_swarm_arm(&t->swarm, &t->disk, is_last, &t->random);
	tr_sim_trace_add(&t->env, "RUN", NULL, is_last, (int64_t)t->disk.die_at_call);
	t->shape.die_after_checkpoints = 0;
	if (is_last) /* with a short one no checkpoint may ever be in time */
		t->shape.checkpoint_timeout_ms = 0;
	else if (t->has_checkpoints && t->disk.die_at_call != 0 && tr_sim_chance(&t->random, 700)) {
		t->shape.die_after_checkpoints = 1 + tr_sim_below(&t->random, 4);
		t->shape.die_spread = TR_SIM_PICK(&t->random, 10, 60, 300);
		t->disk.die_at_call = 0;
	}
	t->shape.jump_permille = is_last ? 0 : t->swarm.jump_permille;
	t->shape.stall_permille = is_last || t->shape.checkpoint_timeout_ms != STALL_TIMEOUT_MS ? 0 : 15;
	tr_sim_savepoint_choose(t, is_last);
	tr_sim_run(&run, &t->job, &t->shape, &t->env, &t->random);
	tr_sim_trace_add(&t->env, "END", run.message[0] != '\0' ? run.message : run.job_id, run.outcome, 0);
	t->result->runs++;
	t->result->steps += run.steps;
	t->result->kills += run.outcome == TR_SIM_DIED && !t->disk.dies_by_cut;
	t->result->cuts += run.outcome == TR_SIM_DIED && t->disk.dies_by_cut;
	t->result->checkpoints += run.checkpoints;
	t->result->restores += run.restored > 0;
	t->was_drain_asked |= run.is_asked && t->shape.ask.stop == TR_STOP_DRAIN;
	if (is_move_over(t, &run)) {
		restart(t);
		return run_once(t, is_last);
	}
	if (is_last && run.outcome != TR_SIM_DONE && t->disk.damage_count == 0)
		return tr_sim_broken(t, "I13: faults have stopped, but the job does not end: %s", run.message);
	if (!judge(t, &run, errors) || !tr_sim_savepoint_judge(t, &run, may_fail(t, errors) || t->disk.damage_count > 0))
		return false;
	restart(t);
	if (!is_last)
		tr_sim_savepoint_move(t);
	return true;
}

/** From the first run to the last. */
static void tell_runs(struct tr_sim_teller *t)
{
	const uint32_t runs = t->swarm.crash_count + (tr_sim_swarm_has_errors(&t->swarm) ? 2 : 0) +
			      (t->swarm.ask_permille > 0 ? 2 : 0);

	for (uint32_t i = 0; i < runs; i++)
		if (!run_once(t, false) || t->is_refused)
			return;
	if (run_once(t, true) && t->has_checkpoints && !t->is_refused && tr_sim_chance(&t->random, 300))
		(void)run_once(t, true); /* there is nothing left to do, and nothing must happen */
}

static void tell(struct tr_sim_teller *t)
{
	tell_runs(t);
	if (!t->result->is_broken)
		(void)tr_sim_savepoint_branch(t);
}

static void job_seed(const struct tr_sim_request *request, struct tr_sim_result *result)
{
	static struct tr_sim_teller teller; /* one at a time; the trace makes it large */
	struct tr_sim_teller *t = &teller;
	uint64_t random = tr_sim_stream(request->seed, 3);
	uint32_t job;

	memset(t, 0, sizeof(*t));
	memset(result, 0, sizeof(*result));
	t->request = request;
	t->result = result;
	t->random = tr_sim_stream(request->seed, 4);
	job = tr_sim_below(&random, tr_sim_job_drawn_count());
	tr_sim_job_init(&t->job, request->job >= 0 ? (uint32_t)request->job : job, &random);
	choose_shape(&t->shape, &random);
	if (!request->is_calm)
		tr_sim_swarm_choose(&t->swarm, &random);
	t->has_checkpoints = t->shape.checkpoint_interval_ms > 0;
	snprintf(t->state_directory, sizeof(t->state_directory), TR_SIM_STATE_FOLDER "/job");
	t->shape.state_directory = t->state_directory;
	describe(t);
	tr_sim_environment_init(&t->env, request->seed);
	tr_sim_disk_init(&t->disk, &t->env, request->seed);
	t->disk.atlas = may_damage;
	t->disk.atlas_context = t;
	tr_sim_current = &t->env;
	make_reference(t);
	if (request->keep != NULL)
		keep_job(t);
	put_inputs(&t->disk, &t->job);
	if (!result->is_broken)
		tell(t);
	tr_sim_current = NULL;
	if (!t->disk.is_dead)
		tr_sim_disk_kill(&t->disk);
	result->errors = t->disk.error_count + t->disk.damage_count;
	result->refusals = t->is_refused;
	result->rows = t->job.rows;
	result->hash = t->env.trace.hash;
	if (result->is_broken)
		tr_sim_trace_print(&t->env, tr_sim_events_shown, stderr);
	tr_sim_disk_deinit(&t->disk);
	tr_sim_output_deinit(&t->reference);
	tr_sim_savepoint_forget(&t->savepoint);
	tr_sim_job_deinit(&t->job);
}

void tr_sim_seed(const struct tr_sim_request *request, struct tr_sim_result *result)
{
	uint64_t random = tr_sim_stream(request->seed, 7);
	const bool is_log = tr_sim_chance(&random, LOG_PERMILLE);

	if (request->job == TR_SIM_JOB_LOG || (request->job == TR_SIM_JOB_ANY && is_log))
		tr_sim_log_seed(request, result);
	else
		job_seed(request, result);
}
