/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinks in C as connectors (io/sink.h): one for those that prepare and commit, one for the others.
 *
 *     record of prepared output, not keyed: kind 1: checkpoint u64, handle
 */
#include <stdlib.h>

#include "api/env.h"
#include "base/check.h"
#include "io/sink.h"

#define RECORD_HANDLE 1

struct handle {
	uint64_t checkpoint;
	char *bytes; /* owned */
	uint32_t length;
};

struct tr_sink {
	struct tr_run_hand hand;  /* first */
	struct tr_status failure; /* of a callback that is given rows, or may have kept some */
	const struct tr_sink_function *function;
	const char *name;
	struct tr_sink_context *context;
	void *writer;
	struct handle *handles; /* prepared and not committed, oldest first; while restoring: of the checkpoint */
	uint32_t count, room;
};

static tr_code named(const struct tr_sink *s, tr_code code, struct tr_status *st)
{
	if (code == TR_OK)
		return TR_OK;
	code = tr_run_answer(code, st);
	return tr_status_prefix(st, code, "sink '%s', subtask %u", s->name, s->context->subtask);
}

static enum tr_flow flow_of(const struct tr_sink *s, tr_code code, struct tr_status *st)
{
	return named(s, code, st) == TR_OK ? TR_FLOW_MORE : TR_FLOW_FAILED;
}

/** The end of a callback that has begun with tr_run_enter. */
static enum tr_flow left(const struct tr_sink *s, const void *before, tr_code code, struct tr_status *st)
{
	tr_run_leave(before);
	if (s->failure.code != TR_OK) {
		*st = s->failure;
		code = st->code;
	}
	return flow_of(s, code, st);
}

static tr_code sink_open(const struct tr_table_spec *spec, struct tr_sink_context *context, struct tr_sink **sink,
			 struct tr_status *st)
{
	struct tr_sink *s = tr_checked(calloc(1, sizeof(*s)));
	tr_code code = TR_OK;

	s->hand = (struct tr_run_hand){.name = spec->name, .failure = &s->failure};
	s->function = spec->context;
	s->name = spec->name;
	s->context = context;
	if (s->function->open != NULL)
		code = named(s, s->function->open(s->function->user, spec->schema, context->subtask, &s->writer, st),
			     st);
	if (code != TR_OK)
		free(s);
	else
		*sink = s;
	return code;
}

static enum tr_flow sink_write(struct tr_sink *s, const struct tr_batch *batch, struct tr_status *st)
{
	const void *before = tr_run_enter(s);

	return left(s, before, s->function->write(s->writer, batch, st), st);
}

static enum tr_flow sink_resume(struct tr_sink *s, struct tr_status *st) { return TR_FLOW_MORE; }

static enum tr_flow sink_tick(struct tr_sink *s, struct tr_status *st)
{
	const void *before;

	if (s->function->flush == NULL)
		return TR_FLOW_MORE;
	before = tr_run_enter(s);
	return left(s, before, s->function->flush(s->writer, st), st);
}

/* Commits. */

static void add_handle(struct tr_sink *s, uint64_t checkpoint, const void *bytes, uint32_t length)
{
	struct handle *handle;

	if (s->count == s->room) {
		s->room = TR_MAX(4u, 2 * s->room);
		s->handles = tr_checked(realloc(s->handles, s->room * sizeof(*s->handles)));
	}
	handle = &s->handles[s->count++];
	*handle = (struct handle){checkpoint, tr_checked(malloc((size_t)length + 1)), length};
	memcpy(handle->bytes, bytes, length);
}

static enum tr_flow sink_prepare(struct tr_sink *s, uint64_t checkpoint, struct tr_status *st)
{
	struct tr_sink_handle handle = {NULL, 0};
	const void *before = tr_run_enter(s);

	if (left(s, before, s->function->prepare(s->writer, checkpoint, &handle, st), st) == TR_FLOW_FAILED)
		return TR_FLOW_FAILED;
	if (handle.length > TR_SINK_HANDLE_BYTES_MAX || (handle.length > 0 && handle.bytes == NULL)) {
		(void)named(s,
			    tr_status_set(st, TR_ERR_USAGE, 0, TR_WHERE,
					  "`prepare` has answered with a handle of %u bytes%s; %d are the most",
					  handle.length, handle.bytes == NULL ? " at NULL" : "",
					  TR_SINK_HANDLE_BYTES_MAX),
			    st);
		return TR_FLOW_FAILED;
	}
	if (handle.length > 0)
		add_handle(s, checkpoint, handle.bytes, handle.length);
	return TR_FLOW_DONE;
}

static tr_code sink_save(struct tr_sink *s, struct tr_state_writer *writer, struct tr_status *st)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct handle *handle = &s->handles[i];
		char *bytes = tr_checked(malloc(sizeof(uint64_t) + handle->length));
		const struct tr_state_record record = {
			.kind = RECORD_HANDLE, .bytes = bytes, .length = sizeof(uint64_t) + handle->length};
		tr_code code;

		memcpy(bytes, &handle->checkpoint, sizeof(uint64_t));
		memcpy(bytes + sizeof(uint64_t), handle->bytes, handle->length);
		code = writer->put(writer, &record, st);
		free(bytes);
		TR_TRY(code);
	}
	return TR_OK;
}

static void drop(struct tr_sink *s, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		free(s->handles[i].bytes);
	memmove(s->handles, s->handles + count, (s->count - count) * sizeof(*s->handles));
	s->count -= count;
}

static enum tr_flow sink_commit(struct tr_sink *s, uint64_t checkpoint, struct tr_status *st)
{
	while (s->count > 0 && s->handles[0].checkpoint <= checkpoint) {
		const struct tr_sink_handle handle = {s->handles[0].bytes, s->handles[0].length};

		if (flow_of(s, s->function->commit(s->writer, &handle, st), st) == TR_FLOW_FAILED)
			return TR_FLOW_FAILED;
		drop(s, 1);
	}
	return TR_FLOW_DONE;
}

/** Without checkpoints: what an exact sink was given is committed once, under the time as its number, which grows from run to run. */
static enum tr_flow sink_finish(struct tr_sink *s, struct tr_status *st)
{
	const uint64_t number = (uint64_t)tr_environment_wall_ms(s->context->env);

	if (sink_tick(s, st) == TR_FLOW_FAILED)
		return TR_FLOW_FAILED;
	if (s->function->prepare == NULL)
		return TR_FLOW_DONE;
	return sink_prepare(s, number, st) == TR_FLOW_FAILED ? TR_FLOW_FAILED : sink_commit(s, number, st);
}

static tr_code sink_load(struct tr_sink *s, const struct tr_state_origin *origin, const struct tr_state_record *record,
			 struct tr_status *st)
{
	uint64_t checkpoint;

	if (record->kind != RECORD_HANDLE || record->length < sizeof(checkpoint))
		TR_FAIL(st, TR_ERR_DATA, "sink '%s': a record that is none of a sink in C", s->name);
	if (origin->subtask % s->context->subtask_count != s->context->subtask)
		return TR_OK;
	memcpy(&checkpoint, record->bytes, sizeof(checkpoint));
	add_handle(s, checkpoint, (const char *)record->bytes + sizeof(checkpoint),
		   (uint32_t)(record->length - sizeof(checkpoint)));
	return TR_OK;
}

static tr_code sink_recover(struct tr_sink *s, struct tr_status *st)
{
	struct tr_sink_handle *handles = tr_checked(calloc(s->count + 1, sizeof(*handles)));
	tr_code code;

	for (uint32_t i = 0; i < s->count; i++)
		handles[i] = (struct tr_sink_handle){s->handles[i].bytes, s->handles[i].length};
	code = named(s, s->function->recover(s->writer, handles, s->count, st), st);
	free(handles);
	if (code == TR_OK && s->count > 0)
		drop(s, s->count);
	return code;
}

static void sink_close(struct tr_sink **sink)
{
	struct tr_sink *s = *sink;

	if (s->function->close != NULL)
		s->function->close(s->writer);
	for (uint32_t i = 0; i < s->count; i++)
		free(s->handles[i].bytes);
	free(s->handles);
	tr_run_hand_deinit(&s->hand);
	free(s);
	*sink = NULL;
}

static const struct tr_sink_ops plain_ops = {
	.open = sink_open,
	.write = sink_write,
	.resume = sink_resume,
	.tick = sink_tick,
	.finish = sink_finish,
	.close = sink_close,
};

static const struct tr_sink_ops exact_ops = {
	.open = sink_open,
	.write = sink_write,
	.resume = sink_resume,
	.tick = sink_tick,
	.finish = sink_finish,
	.prepare = sink_prepare,
	.save = sink_save,
	.commit = sink_commit,
	.load = sink_load,
	.recover = sink_recover,
	.close = sink_close,
};

const struct tr_connector tr_connector_sink_function = {.name = "sink function", .sink = &plain_ops};
const struct tr_connector tr_connector_sink_exact = {.name = "exact sink function", .sink = &exact_ops};
