/* SPDX-License-Identifier: Apache-2.0
 *
 * Lives of a log, and the list that it is compared with: see sim_log.h.
 *
 * The list remembers each appended block by a hash of its bytes. A checkpoint that was sealed and not said to be
 * committed, because the process died or a write failed, is in doubt until the next open or the next commit.
 */
#include "sim/sim_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "io/memory.h"
#include "sim/sim_swarm.h"
#include "state/log.h"

#define DIRECTORY "/state/job"
#define STREAMS_MAX 6
#define CHECKPOINTS_A_LIFE 8
#define CHECKPOINTS_MAX 256
#define STEPS_MAX 20000
#define JOB_ID "0123456789abcdef0123456789abcdef"

enum fate { IN_DOUBT, COMMITTED, GIVEN_UP };

/** A block that was appended. */
struct block_note {
	uint32_t stream;
	uint64_t checkpoint;
	uint64_t hash;
	size_t length;
};

struct checkpoint_note {
	uint64_t number;
	enum fate fate;
	uint64_t base[STREAMS_MAX];
};

struct log_story {
	const struct tr_sim_request *request;
	struct tr_sim_result *result;
	struct tr_sim_swarm swarm;
	struct tr_sim_environment env;
	struct tr_sim_disk disk;
	uint64_t random;
	/* The job. */
	uint32_t stream_count;
	uint32_t retained;
	size_t segment_bytes;
	uint32_t record_bytes_max;
	uint64_t base[STREAMS_MAX]; /* of the newest committed checkpoint */
	/* The list. */
	struct block_note *blocks;
	uint32_t block_count;
	uint32_t block_capacity;
	struct checkpoint_note checkpoints[CHECKPOINTS_MAX];
	uint32_t checkpoint_count;
	uint64_t next_number;
	/* The life. */
	struct tr_log *log;
	struct tr_io_queue *io;
};

static bool broken(struct log_story *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Notes the first broken invariant. Returns false. */
static bool broken(struct log_story *s, const char *format, ...)
{
	va_list args;

	if (s->result->is_broken)
		return false;
	s->result->is_broken = true;
	va_start(args, format);
	(void)vsnprintf(s->result->message, sizeof(s->result->message), format, args);
	va_end(args);
	return false;
}

static struct tr_state_stream stream_of(const struct log_story *s, uint32_t stream)
{
	return (struct tr_state_stream){
		.operator_id = UINT64_C(0x1000) + stream / 2, .subtask = stream % 2, .subtask_count = 2};
}

/* ---- the list ---- */

static struct checkpoint_note *find(struct log_story *s, uint64_t number)
{
	for (uint32_t i = 0; i < s->checkpoint_count; i++)
		if (s->checkpoints[i].number == number)
			return &s->checkpoints[i];
	return NULL;
}

/** The newest that was said to be committed; 0: none. */
static uint64_t newest_committed(const struct log_story *s)
{
	uint64_t newest = 0;

	for (uint32_t i = 0; i < s->checkpoint_count; i++)
		if (s->checkpoints[i].fate == COMMITTED)
			newest = TR_MAX(newest, s->checkpoints[i].number);
	return newest;
}

/** `number` turned out to be committed: what was in doubt before it was not. */
static void settle(struct log_story *s, uint64_t number)
{
	for (uint32_t i = 0; i < s->checkpoint_count; i++) {
		struct checkpoint_note *note = &s->checkpoints[i];

		if (note->number == number) {
			note->fate = COMMITTED;
			memcpy(s->base, note->base, sizeof(s->base));
		} else if (note->fate == IN_DOUBT) {
			note->fate = GIVEN_UP;
		}
	}
}

static void note_block(struct log_story *s, uint32_t stream, uint64_t checkpoint, const void *bytes, size_t length)
{
	if (s->block_count == s->block_capacity) {
		s->block_capacity = TR_MAX(s->block_capacity * 2, 64);
		s->blocks = tr_io_realloc(s->blocks, s->block_capacity * sizeof(*s->blocks));
	}
	s->blocks[s->block_count++] = (struct block_note){
		.stream = stream, .checkpoint = checkpoint, .hash = tr_hash_bytes(bytes, length), .length = length};
}

/* ---- reading ---- */

struct reading {
	struct log_story *s;
	const struct checkpoint_note *note;
	uint32_t at[STREAMS_MAX]; /* in the list of blocks */
	char wrong[256];
};

/** The next block that stream `stream` should bring, from the list; NULL: no more. */
static const struct block_note *expected(const struct reading *reading, uint32_t stream, uint32_t *at)
{
	const struct log_story *s = reading->s;

	for (; *at < s->block_count; (*at)++) {
		const struct block_note *block = &s->blocks[*at];
		const struct checkpoint_note *note;

		if (block->stream != stream ||
		    block->checkpoint < tr_state_age_checkpoint(reading->note->base[stream]) ||
		    block->checkpoint > reading->note->number)
			continue;
		note = find(reading->s, block->checkpoint);
		if (note != NULL && note->fate == COMMITTED)
			return &s->blocks[(*at)++];
	}
	return NULL;
}

static tr_code take_block(void *context, const struct tr_state_stream *stream, uint64_t checkpoint, const void *bytes,
			  size_t length, struct tr_status *st)
{
	struct reading *reading = context;
	const uint32_t index = (uint32_t)(stream->operator_id - 0x1000) * 2 + stream->subtask;
	const struct block_note *block;

	if (index >= reading->s->stream_count) {
		snprintf(reading->wrong, sizeof(reading->wrong), "a block of an unknown stream");
		return TR_OK;
	}
	block = expected(reading, index, &reading->at[index]);
	if (reading->wrong[0] == '\0' && (block == NULL || block->checkpoint != checkpoint || block->length != length ||
					  block->hash != tr_hash_bytes(bytes, length)))
		snprintf(reading->wrong, sizeof(reading->wrong),
			 "stream %u brings a block of checkpoint %" PRIu64
			 " with %zu bytes, not %s of checkpoint %" PRIu64 " with %zu bytes",
			 index, checkpoint, length, block != NULL ? "the one" : "any",
			 block != NULL ? block->checkpoint : 0, block != NULL ? block->length : 0);
	return TR_OK;
}

/** Reads a retained checkpoint. Returns false if an invariant is broken; *is_refused if it could not be read. */
static bool read_checkpoint(struct log_story *s, uint32_t index, bool *is_refused)
{
	struct reading reading = {.s = s, .note = find(s, tr_log_checkpoint(s->log, index)->number)};
	struct tr_status st = {0};
	tr_code code;

	*is_refused = false;
	if (reading.note == NULL || reading.note->fate != COMMITTED)
		return broken(s, "I8: checkpoint %" PRIu64 " is retained, but was never committed",
			      tr_log_checkpoint(s->log, index)->number);
	code = tr_log_read(s->log, index, take_block, &reading, &st);
	if (s->disk.is_dead)
		return true;
	if (code != TR_OK) {
		*is_refused = true;
		if (s->disk.damage_count == 0 && s->disk.error_count == 0)
			return broken(s, "I12: checkpoint %" PRIu64 " can't be read: %s", reading.note->number,
				      st.message);
		return true;
	}
	for (uint32_t i = 0; i < s->stream_count && reading.wrong[0] == '\0'; i++)
		if (expected(&reading, i, &reading.at[i]) != NULL)
			snprintf(reading.wrong, sizeof(reading.wrong), "stream %u lacks blocks", i);
	if (reading.wrong[0] != '\0')
		return broken(s, "I9: checkpoint %" PRIu64 ": %s", reading.note->number, reading.wrong);
	return true;
}

/* ---- a life ---- */

/** Opens the log and looks at all it retains. False: broken, or there is no log to go on with. */
static bool open_log(struct log_story *s)
{
	const struct tr_log_options options = {.disk = &s->disk.disk,
					       .io = s->io,
					       .directory = DIRECTORY,
					       .job_name = "sim",
					       .job_id = JOB_ID,
					       .retained = s->retained,
					       .segment_bytes = s->segment_bytes};
	const uint64_t acked = newest_committed(s);
	struct tr_log_report report;
	struct tr_status st = {0};
	uint64_t newest;

	if (tr_log_open(&options, &s->log, &report, &st) != TR_OK) {
		if (!s->disk.is_dead && s->disk.damage_count == 0 && s->disk.error_count == 0)
			return broken(s, "I13: the log can't be opened: %s", st.message);
		return false;
	}
	if (s->disk.is_dead)
		return false;
	if (strcmp(tr_log_job_id(s->log), JOB_ID) != 0)
		return broken(s, "the log has another job id: %s", tr_log_job_id(s->log));
	newest = tr_log_checkpoint_count(s->log) > 0 ? tr_log_checkpoint(s->log, 0)->number : 0;
	if (newest != acked) {
		const struct checkpoint_note *note = find(s, newest);

		if (s->disk.damage_count > 0 && newest < acked && s->request->is_wild)
			return false; /* an older one is allowed, and reported; what it holds was checked when it was new */
		if (newest < acked)
			return broken(s, "I6: checkpoint %" PRIu64 " was committed, but %" PRIu64 " is the newest",
				      acked, newest);
		if (note == NULL || note->fate != IN_DOUBT)
			return broken(s, "I8: checkpoint %" PRIu64 " is the newest, but was given up", newest);
	}
	settle(s, newest);
	s->next_number = TR_MAX(s->next_number, newest + 1);
	for (uint32_t i = 0; i < tr_log_checkpoint_count(s->log); i++) {
		bool is_refused;

		if (!read_checkpoint(s, i, &is_refused) || is_refused || s->disk.is_dead)
			return false;
	}
	return true;
}

/** Random records of one stream, appended as blocks. False: the log took no more. */
static bool append(struct log_story *s, uint32_t stream, uint64_t checkpoint)
{
	const struct tr_state_stream name = stream_of(s, stream);
	const uint32_t count = 1 + tr_sim_below(&s->random, 4);
	struct tr_block_writer writer = {0};
	struct tr_status st = {0};
	struct tr_state_block *block;
	bool is_taken = true;

	tr_block_writer_begin(&writer, &name, checkpoint);
	for (uint32_t i = 0; i < count; i++) {
		unsigned char bytes[4096];
		const struct tr_state_record record = {.kind = (uint16_t)i,
						       .is_keyed = tr_sim_chance(&s->random, 500),
						       .bytes = bytes,
						       .length = tr_sim_below(&s->random, s->record_bytes_max)};

		for (size_t b = 0; b < record.length; b++)
			bytes[b] = (unsigned char)tr_sim_random(&s->random);
		TR_ASSERT(writer.writer.put(&writer.writer, &record, &st) == TR_OK);
	}
	block = tr_block_writer_take(&writer, false);
	while (block != NULL && is_taken) {
		struct tr_state_block *next = block->next;
		const uint64_t hash = tr_hash_bytes(block->bytes, block->length);
		const size_t length = block->length;

		block->next = NULL;
		is_taken = tr_log_append(s->log, block);
		if (is_taken) {
			note_block(s, stream, checkpoint, "", 0);
			s->blocks[s->block_count - 1].hash = hash;
			s->blocks[s->block_count - 1].length = length;
			block = next;
		} else {
			block->next = next;
		}
	}
	while (block != NULL) {
		struct tr_state_block *next = block->next;

		tr_state_block_destroy(&block);
		block = next;
	}
	tr_block_writer_deinit(&writer);
	return is_taken;
}

static void seal(struct log_story *s, uint64_t number, const uint64_t *base)
{
	struct tr_log_part parts[STREAMS_MAX];
	const struct tr_log_checkpoint checkpoint = {.number = number,
						     .completed_ms = tr_environment_wall_ms(&s->env.env),
						     .wall_ms = tr_environment_wall_ms(&s->env.env),
						     .parts = parts,
						     .part_count = s->stream_count};
	struct checkpoint_note *note = &s->checkpoints[s->checkpoint_count++];

	TR_ASSERT(s->checkpoint_count <= CHECKPOINTS_MAX);
	*note = (struct checkpoint_note){.number = number, .fate = IN_DOUBT};
	memcpy(note->base, base, sizeof(note->base));
	for (uint32_t i = 0; i < s->stream_count; i++)
		parts[i] = (struct tr_log_part){.stream = stream_of(s, i),
						.uid = "operator",
						.fingerprint = "fingerprint",
						.schema = "schema",
						.base = base[i]};
	tr_log_seal(s->log, &checkpoint);
}

/** Steps until the log has nothing under way, or `steps` times. */
static enum tr_flow step_log(struct log_story *s, uint32_t steps, struct tr_status *st)
{
	enum tr_flow flow = TR_FLOW_MORE;

	for (uint32_t i = 0; i < steps && flow == TR_FLOW_MORE && !s->disk.is_dead; i++) {
		flow = tr_log_step(s->log, st);
		s->result->steps++;
		if (flow == TR_FLOW_MORE)
			(void)tr_io_wait(s->io, 1000000);
	}
	return flow;
}

/** One checkpoint from begin to its end, whichever. False: broken, or the life is over. */
static bool make_checkpoint(struct log_story *s, bool must_commit)
{
	const uint64_t number = s->next_number;
	const uint64_t errors = s->disk.error_count;
	const bool is_aborted = !must_commit && tr_sim_chance(&s->random, 100);
	const uint64_t rewrite_before = tr_log_rewrite_before(s->log, 1);
	struct tr_status st = {0};
	uint64_t base[STREAMS_MAX];
	enum tr_flow flow;

	s->next_number += 1 + tr_sim_below(&s->random, 2);
	tr_log_begin(s->log, number);
	memcpy(base, s->base, sizeof(base));
	for (uint32_t i = 0; i < s->stream_count; i++) {
		if (base[i] == 0 || base[i] < rewrite_before || tr_sim_chance(&s->random, 200))
			base[i] = tr_log_age(s->log); /* all of it is written anew */
		if (tr_state_age_checkpoint(base[i]) == number || tr_sim_chance(&s->random, 700))
			(void)append(s, i, number);
		if (tr_sim_chance(&s->random, 300) && step_log(s, 1, &st) == TR_FLOW_FAILED)
			break;
	}
	if (is_aborted) {
		tr_log_abort(s->log);
		return step_log(s, STEPS_MAX, &st) != TR_FLOW_FAILED && !s->disk.is_dead;
	}
	if (st.code == TR_OK)
		seal(s, number, base);
	flow = st.code == TR_OK ? step_log(s, STEPS_MAX, &st) : TR_FLOW_FAILED;
	tr_sim_trace_add(&s->env, "checkpoint", NULL, (int64_t)number, flow);
	if (flow == TR_FLOW_DONE)
		settle(s, number);
	if (s->disk.is_dead)
		return false;
	if (flow == TR_FLOW_MORE)
		return broken(s, "I13: checkpoint %" PRIu64 " does not end", number);
	if (flow == TR_FLOW_FAILED && s->disk.error_count == errors)
		return broken(s, "checkpoint %" PRIu64 " failed, but no fault was injected: %s", number, st.message);
	return flow == TR_FLOW_DONE || !tr_log_is_broken(s->log);
}

/** From open to the end of the process. Returns false when the story is over. */
static bool live(struct log_story *s, bool is_last)
{
	const uint32_t count = is_last ? 2 : 1 + tr_sim_below(&s->random, CHECKPOINTS_A_LIFE);
	struct tr_status st = {0};
	bool is_open;

	tr_sim_swarm_arm(&s->swarm, &s->disk, is_last, &s->random);
	if (is_last)
		s->disk.error_count = 0;
	tr_sim_trace_add(&s->env, "RUN", NULL, is_last, (int64_t)s->disk.die_at_call);
	s->result->runs++;
	if (s->disk.disk.ops->queue_create(&s->disk.disk, 16, &s->io, &st) != TR_OK)
		return true;
	is_open = open_log(s);
	for (uint32_t i = 0; is_open && i < count; i++)
		is_open = make_checkpoint(s, is_last);
	if (is_last && !is_open && s->disk.damage_count == 0)
		(void)broken(s, "I13: faults have stopped, but checkpoints do not commit");
	if (s->disk.violation != NULL)
		(void)broken(s, "%s: %s", s->disk.violation, s->disk.violation_path);
	if (s->log != NULL)
		tr_log_close(&s->log);
	s->disk.disk.ops->queue_destroy(&s->disk.disk, &s->io);
	s->result->kills += s->disk.is_dead && !s->disk.dies_by_cut;
	s->result->cuts += s->disk.is_dead && s->disk.dies_by_cut;
	return !s->result->is_broken;
}

static void between_lives(struct log_story *s)
{
	if (!s->disk.is_dead) {
		if (s->swarm.can_cut)
			tr_sim_disk_cut(&s->disk);
		else
			tr_sim_disk_kill(&s->disk);
	}
	tr_sim_disk_restart(&s->disk);
	for (uint32_t i = 0; i < s->swarm.rot_count; i++)
		if (tr_sim_chance(&s->random, 300))
			(void)tr_sim_disk_rot(&s->disk, DIRECTORY);
}

static bool may_damage(void *context, const char *path, int64_t offset, size_t length)
{
	const struct log_story *s = context;

	return s->request->is_wild || tr_sim_swarm_may_damage(&s->disk, path, offset, length);
}

void tr_sim_log_seed(const struct tr_sim_request *request, struct tr_sim_result *result)
{
	static struct log_story story; /* one at a time */
	struct log_story *s = &story;
	uint64_t random = tr_sim_stream(request->seed, 5);
	uint32_t lives;

	memset(s, 0, sizeof(*s));
	memset(result, 0, sizeof(*result));
	s->request = request;
	s->result = result;
	s->random = tr_sim_stream(request->seed, 6);
	s->next_number = 1;
	s->stream_count = 1 + tr_sim_below(&random, STREAMS_MAX);
	s->retained = 1 + tr_sim_below(&random, 4);
	s->segment_bytes = TR_SIM_PICK(&random, 0, 4096, 16384, 65536);
	s->record_bytes_max = TR_SIM_PICK(&random, 20, 300, 4000);
	if (!request->is_calm)
		tr_sim_swarm_choose(&s->swarm, &random);
	snprintf(result->about, sizeof(result->about), "log; streams %u, retained %u, segments of %zu bytes",
		 s->stream_count, s->retained, s->segment_bytes);
	tr_sim_swarm_describe(&s->swarm, result->about, sizeof(result->about));
	tr_sim_environment_init(&s->env, request->seed);
	tr_sim_disk_init(&s->disk, &s->env, request->seed);
	s->disk.atlas = may_damage;
	s->disk.atlas_context = s;
	tr_sim_current = &s->env;
	lives = 1 + s->swarm.crash_count + (tr_sim_swarm_has_errors(&s->swarm) ? 2 : 0);
	for (uint32_t i = 0; i < lives && live(s, false); i++)
		between_lives(s);
	if (!result->is_broken && live(s, true))
		between_lives(s);
	tr_sim_current = NULL;
	result->errors = s->disk.error_count + s->disk.damage_count;
	result->hash = s->env.trace.hash;
	if (result->is_broken)
		tr_sim_trace_print(&s->env, tr_sim_events_shown, stderr);
	tr_sim_disk_deinit(&s->disk);
	free(s->blocks);
}
