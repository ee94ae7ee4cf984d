/* SPDX-License-Identifier: Apache-2.0
 *
 * A model of the log: a list of the blocks of all committed checkpoints, and for each checkpoint how long the list was and
 * from where on each stream counts. What a log reads must be what the model lists, byte for byte and in order.
 */
#ifndef TR_TESTS_STATE_LOG_MODEL_H
#define TR_TESTS_STATE_LOG_MODEL_H

#include "tr_test.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "state/log.h"

#define MODEL_JOB "0123456789abcdef0123456789abcdef"
#define MODEL_BELOW "/a/log"
#define MODEL_STREAMS 3
#define MODEL_BLOCKS_MAX 20000
#define MODEL_CHECKPOINTS_MAX 600

struct model_block {
	uint32_t stream;
	uint64_t checkpoint;
	uint32_t length;
	uint64_t seed;
};

struct model_checkpoint {
	uint64_t number;
	uint32_t block_count;
	uint64_t base[MODEL_STREAMS];
};

struct model {
	struct model_block blocks[MODEL_BLOCKS_MAX];
	uint32_t block_count;
	struct model_checkpoint checkpoints[MODEL_CHECKPOINTS_MAX]; /* oldest first */
	uint32_t checkpoint_count;
	uint64_t base[MODEL_STREAMS];
	uint64_t first_age[MODEL_STREAMS]; /* before its first block in the last checkpoint that has one */
	uint64_t seed;
	struct tr_environment *env;
	struct tr_disk *disk;
	struct tr_io_queue *io;
	char directory[128];
	struct tr_log_options options;
	struct tr_log *log;
	struct tr_log_report report;
	struct tr_status st;
};

static const struct tr_state_stream model_streams[MODEL_STREAMS] = {{11, 0, 2}, {11, 1, 2}, {22, 0, 1}};

/** In memory where that is possible: what is tested here is the order of things, not the device. */
static inline const char *model_place(void) { return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; }

/** A model without checkpoints, and a directory that is not there yet. */
static inline struct model *model_create(uint64_t seed, size_t segment_bytes)
{
	struct model *m = calloc(1, sizeof(*m));

	m->seed = seed;
	assert_int_equal(tr_environment_real_create(&m->env, &m->st), TR_OK);
	m->disk = m->env->disk;
	assert_int_equal(m->disk->ops->queue_create(m->disk, 16, &m->io, &m->st), TR_OK);
	snprintf(m->directory, sizeof(m->directory), "%s/tr_log_test.XXXXXX", model_place());
	assert_non_null(mkdtemp(m->directory));
	strcat(m->directory, MODEL_BELOW);
	m->options = (struct tr_log_options){.disk = m->disk,
					     .io = m->io,
					     .directory = m->directory,
					     .job_name = "job",
					     .job_id = MODEL_JOB,
					     .retained = 2,
					     .segment_bytes = segment_bytes};
	return m;
}

static inline void model_shell(const struct model *m, const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && %s", m->directory, command);
	assert_int_equal(system(line), 0);
}

static inline void model_destroy(struct model **model)
{
	struct model *m = *model;
	char command[256];

	tr_log_close(&m->log);
	m->env->disk->ops->queue_destroy(m->env->disk, &m->io);
	snprintf(command, sizeof(command), "rm -rf %.*s", (int)(strlen(m->directory) - strlen(MODEL_BELOW)),
		 m->directory);
	assert_int_equal(system(command), 0);
	tr_environment_real_destroy(&m->env);
	free(m);
	*model = NULL;
}

static inline void model_fill(void *bytes, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i += 8) {
		const uint64_t word = tr_test_random(&seed);

		memcpy((char *)bytes + i, &word, 8);
	}
}

static inline tr_code model_open(struct model *m)
{
	const tr_code code = tr_log_open(&m->options, &m->log, &m->report, &m->st);

	assert_true((code == TR_OK) == (m->log != NULL));
	return code;
}

static inline void model_must(struct model *m, tr_code code)
{
	if (code != TR_OK)
		print_error("%s: %s\n", m->st.where, m->st.message);
	assert_int_equal(code, TR_OK);
}

/** Appends a block of random length to log and model; false: the log has failed. */
static inline bool model_append(struct model *m, uint64_t number, uint32_t length_max)
{
	const struct model_block b = {.stream = tr_test_below(&m->seed, MODEL_STREAMS),
				      .checkpoint = number,
				      .length = 8 * tr_test_below(&m->seed, length_max / 8 + 1),
				      .seed = tr_test_random(&m->seed)};
	struct tr_state_block *block = malloc(sizeof(*block) + b.length);

	if (tr_state_age_checkpoint(m->first_age[b.stream]) != number)
		m->first_age[b.stream] = tr_log_age(m->log);
	*block = (struct tr_state_block){
		.stream = model_streams[b.stream], .checkpoint = number, .length = b.length, .capacity = b.length};
	model_fill(block->bytes, b.length, b.seed);
	assert_true(m->block_count < MODEL_BLOCKS_MAX);
	m->blocks[m->block_count++] = b;
	while (!tr_log_append(m->log, block)) {
		if (tr_log_step(m->log, &m->st) == TR_FLOW_FAILED) {
			tr_state_block_destroy(&block);
			return false;
		}
		(void)tr_io_wait(m->io, 1000000);
	}
	return true;
}

/** Seals; the checkpoint is in the model from now on. */
static inline void model_seal(struct model *m, uint64_t number)
{
	struct tr_log_part parts[MODEL_STREAMS];
	struct tr_log_checkpoint checkpoint = {.number = number,
					       .completed_ms = (int64_t)number * 1000,
					       .wall_ms = (int64_t)number * 1000 - 1,
					       .is_final = number % 10 == 0,
					       .key_groups = (uint32_t)(number % 3 * 64),
					       .parts = parts,
					       .part_count = MODEL_STREAMS};
	struct model_checkpoint *c = &m->checkpoints[m->checkpoint_count++];
	char fingerprint[64];

	assert_true(m->checkpoint_count <= MODEL_CHECKPOINTS_MAX);
	for (uint32_t i = 0; i < MODEL_STREAMS; i++) {
		if (m->base[i] == 0 || tr_test_below(&m->seed, 6) == 0)
			m->base[i] = m->first_age[i] > tr_state_age(number) ? m->first_age[i] : tr_state_age(number);
		snprintf(fingerprint, sizeof(fingerprint), "print-%u-%u", i, (unsigned)(number / 7));
		parts[i] = (struct tr_log_part){.stream = model_streams[i],
						.uid = i == 2 ? "second" : "first",
						.fingerprint = fingerprint,
						.schema = i == 2 ? "" : "BIGINT",
						.base = m->base[i],
						.is_finished = i == 1};
		c->base[i] = m->base[i];
		/* Texts are borrowed for the call only: each part is sealed with its own. */
		parts[i].fingerprint = strdup(fingerprint);
	}
	c->number = number;
	c->block_count = m->block_count;
	tr_log_seal(m->log, &checkpoint);
	for (uint32_t i = 0; i < MODEL_STREAMS; i++)
		free((void *)(uintptr_t)parts[i].fingerprint);
}

static inline enum tr_flow model_settle(struct model *m)
{
	enum tr_flow flow;

	while ((flow = tr_log_step(m->log, &m->st)) == TR_FLOW_MORE)
		(void)tr_io_wait(m->io, 1000000);
	return flow;
}

/** Takes the checkpoints back that lie beyond `count`, and their blocks. */
static inline void model_forget(struct model *m, uint32_t count)
{
	m->checkpoint_count = count;
	m->block_count = count > 0 ? m->checkpoints[count - 1].block_count : 0;
	for (uint32_t i = 0; i < MODEL_STREAMS; i++)
		m->base[i] = count > 0 ? m->checkpoints[count - 1].base[i] : 0;
}

/** A whole checkpoint with some blocks. What fails is forgotten, unless nobody knows what became of it. */
static inline enum tr_flow model_commit(struct model *m, uint64_t number, uint32_t blocks, uint32_t length_max)
{
	const uint32_t before = m->checkpoint_count;
	enum tr_flow flow = TR_FLOW_DONE;

	tr_log_begin(m->log, number);
	for (uint32_t i = 0; i < blocks && flow != TR_FLOW_FAILED; i++)
		if (!model_append(m, number, length_max))
			flow = TR_FLOW_FAILED;
	if (flow != TR_FLOW_FAILED) {
		model_seal(m, number);
		flow = model_settle(m);
	}
	if (flow == TR_FLOW_FAILED && !tr_log_is_broken(m->log))
		model_forget(m, before);
	return flow;
}

/** What is sealed has all blocks of a stream from the first of the base's checkpoint on. */
static inline bool model_is_needed(const struct model_checkpoint *checkpoint, const struct model_block *block)
{
	return block->checkpoint >= tr_state_age_checkpoint(checkpoint->base[block->stream]);
}

struct model_reading {
	const struct model *model;
	const struct model_checkpoint *checkpoint;
	uint32_t next;
	uint32_t differences; /* none may be left when reading ends well; before an error they may be */
};

static inline tr_code model_see(void *context, const struct tr_state_stream *stream, uint64_t checkpoint,
				const void *bytes, size_t length, struct tr_status *st)
{
	struct model_reading *r = context;
	const struct model_block *b;
	unsigned char *expected;

	while (r->next < r->checkpoint->block_count && !model_is_needed(r->checkpoint, &r->model->blocks[r->next]))
		r->next++;
	if (r->next == r->checkpoint->block_count) {
		r->differences++;
		return TR_OK;
	}
	b = &r->model->blocks[r->next++];
	expected = malloc(b->length + 8);
	model_fill(expected, b->length, b->seed);
	r->differences += memcmp(stream, &model_streams[b->stream], sizeof(*stream)) != 0 ||
			  checkpoint != b->checkpoint || length != b->length || memcmp(expected, bytes, length) != 0;
	free(expected);
	return TR_OK;
}

struct model_turns {
	const struct model *model;
	const struct model_checkpoint *checkpoint;
	uint32_t of[MODEL_STREAMS];
	uint32_t turn; /* plus one; 0: none has begun */
	uint32_t next;
	uint32_t differences;
};

/** Moves on to the next block of the turn. */
static inline void model_turn_skip(struct model_turns *t)
{
	for (; t->next < t->checkpoint->block_count; t->next++) {
		const struct model_block *b = &t->model->blocks[t->next];

		if (t->turn > 0 && t->of[b->stream] == t->turn - 1 && model_is_needed(t->checkpoint, b))
			return;
	}
}

static inline tr_code model_turn_begin(void *context, uint32_t turn, struct tr_status *st)
{
	struct model_turns *t = context;

	model_turn_skip(t);
	t->differences += turn != t->turn || (turn > 0 && t->next != t->checkpoint->block_count);
	t->turn = turn + 1;
	t->next = 0;
	return TR_OK;
}

static inline tr_code model_turn_take(void *context, uint32_t part, uint64_t checkpoint, const void *bytes,
				      size_t length, struct tr_status *st)
{
	struct model_turns *t = context;
	struct model_reading r = {.model = t->model, .checkpoint = t->checkpoint};

	model_turn_skip(t);
	r.next = t->next++;
	if (r.next < t->checkpoint->block_count)
		t->differences += part != t->model->blocks[r.next].stream;
	(void)model_see(&r, &model_streams[part], checkpoint, bytes, length, st);
	t->differences += r.differences;
	return TR_OK;
}

/** The same, the streams in turn; one of them perhaps not at all. */
static inline tr_code model_read_in_turn(struct model *m, uint32_t index, const struct model_checkpoint *checkpoint)
{
	struct model_turns t = {.model = m, .checkpoint = checkpoint};
	const struct tr_log_turns turns = {
		.of = t.of, .begin = model_turn_begin, .take = model_turn_take, .context = &t};
	tr_code code;

	for (uint32_t i = 0; i < MODEL_STREAMS; i++)
		t.of[i] = (checkpoint->number + i) % 4 == 3 ? TR_LOG_NO_TURN : (uint32_t)(checkpoint->number + i) % 4;
	code = tr_log_read_in_turn(m->log, index, &turns, &m->st);
	if (code == TR_OK) {
		model_turn_skip(&t);
		assert_int_equal(t.next, checkpoint->block_count);
		assert_int_equal(t.differences, 0);
	}
	return code;
}

static inline tr_code model_count_last(void *context, const struct tr_state_stream *stream, uint64_t checkpoint,
				       const void *bytes, size_t length, struct tr_status *st)
{
	uint64_t *last = context; /* the checkpoint, blocks, bytes */

	assert_int_equal(checkpoint, last[0]);
	last[1]++;
	last[2] += length;
	return TR_OK;
}

/** What was written for the checkpoint itself. */
static inline tr_code model_read_last(struct model *m, uint32_t index, const struct model_checkpoint *checkpoint)
{
	uint64_t last[3] = {checkpoint->number};
	tr_code code = tr_log_read_last(m->log, index, model_count_last, last, &m->st);

	for (uint32_t i = 0; code == TR_OK && i < checkpoint->block_count; i++) {
		if (m->blocks[i].checkpoint != checkpoint->number)
			continue;
		last[1]--;
		last[2] -= m->blocks[i].length;
	}
	if (code == TR_OK)
		assert_true(last[1] == 0 && last[2] == 0);
	return code;
}

/** Reads retained checkpoint `index`; TR_OK means that everything was there and right. Any answer but that and TR_ERR_DATA
 * or TR_ERR_IO is a failure of the test, and so is a wrong block. */
static inline tr_code model_read(struct model *m, uint32_t index)
{
	const struct tr_log_checkpoint *found = tr_log_checkpoint(m->log, index);
	struct model_reading r = {.model = m};
	tr_code code;

	for (uint32_t i = 0; i < m->checkpoint_count; i++)
		if (m->checkpoints[i].number == found->number)
			r.checkpoint = &m->checkpoints[i];
	assert_non_null(r.checkpoint);
	assert_int_equal(found->completed_ms, (int64_t)found->number * 1000);
	assert_int_equal(found->wall_ms, (int64_t)found->number * 1000 - 1);
	assert_int_equal(found->is_final, found->number % 10 == 0);
	assert_int_equal(found->key_groups, found->number % 3 * 64);
	assert_int_equal(found->part_count, MODEL_STREAMS);
	for (uint32_t i = 0; i < MODEL_STREAMS; i++) {
		char fingerprint[64];

		snprintf(fingerprint, sizeof(fingerprint), "print-%u-%u", i, (unsigned)(found->number / 7));
		assert_string_equal(found->parts[i].fingerprint, fingerprint);
		assert_string_equal(found->parts[i].uid, i == 2 ? "second" : "first");
		assert_string_equal(found->parts[i].schema, i == 2 ? "" : "BIGINT");
		assert_int_equal(found->parts[i].base, r.checkpoint->base[i]);
		assert_int_equal(found->parts[i].is_finished, i == 1);
	}
	code = tr_log_read(m->log, index, model_see, &r, &m->st);
	if (code == TR_OK) {
		while (r.next < r.checkpoint->block_count && !model_is_needed(r.checkpoint, &m->blocks[r.next]))
			r.next++;
		assert_int_equal(r.next, r.checkpoint->block_count);
		assert_int_equal(r.differences, 0);
	}
	if (code == TR_OK)
		code = model_read_in_turn(m, index, r.checkpoint);
	return code == TR_OK ? model_read_last(m, index, r.checkpoint) : code;
}

/** The log has just the checkpoints that it should, and all can be read. */
static inline void model_check(struct model *m)
{
	const uint32_t count = tr_log_checkpoint_count(m->log);

	assert_true(count >= TR_MIN(m->checkpoint_count, 1) && count <= m->options.retained);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(tr_log_checkpoint(m->log, i)->number,
				 m->checkpoints[m->checkpoint_count - 1 - i].number);
		model_must(m, model_read(m, i));
	}
}

static inline void model_reopen(struct model *m)
{
	tr_log_close(&m->log);
	model_must(m, model_open(m));
}

#endif
