/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of open sessions: making it, memory. See window_sessions.h; taking rows is in window_sessions_take.c, firing in
 * window_sessions_fire.c, saving in window_sessions_save.c.
 */
#include <stdlib.h>

#include "core/ops/window_sessions_inner.h"
#include "state/key_group.h"

#define DUE_SHARE 16 /* of the limit is for what is due, and half as much again for its buffers */

static void take_init(struct tr_sessions_take *t)
{
	const size_t rows = TR_WINDOW_SESSIONS_ROWS;

	t->offsets = tr_checked(malloc((rows + 1) * sizeof(*t->offsets)));
	t->numbers = tr_checked(malloc(rows * sizeof(*t->numbers)));
	t->ids = tr_checked(malloc(rows * sizeof(*t->ids)));
	t->entered = tr_checked(malloc(rows * sizeof(*t->entered)));
	t->hashes = tr_checked(malloc(rows * sizeof(*t->hashes)));
	t->entries = tr_checked(malloc(rows * sizeof(*t->entries)));
	t->places = tr_checked(malloc(2 * rows * sizeof(*t->places)));
	t->keys = tr_checked(malloc(rows * sizeof(*t->keys)));
	t->values = tr_checked(malloc(rows * sizeof(*t->values)));
	t->states = tr_checked(malloc(rows * sizeof(*t->states)));
	t->changed = tr_checked(malloc(rows * sizeof(*t->changed)));
	t->changed_keys = tr_checked(malloc(rows * sizeof(*t->changed_keys)));
	t->changed_values = tr_checked(malloc(rows * sizeof(*t->changed_values)));
	t->sized = tr_checked(malloc(rows * sizeof(*t->sized)));
	t->sized_keys = tr_checked(malloc(rows * sizeof(*t->sized_keys)));
	t->sized_values = tr_checked(malloc(rows * sizeof(*t->sized_values)));
}

static void take_deinit(struct tr_sessions_take *t)
{
	free(t->offsets);
	free(t->numbers);
	free(t->ids);
	free(t->entered);
	free(t->hashes);
	free(t->entries);
	free(t->places);
	free(t->keys);
	free(t->values);
	free(t->states);
	free(t->changed);
	free(t->changed_keys);
	free(t->changed_values);
	free(t->sized);
	free(t->sized_keys);
	free(t->sized_values);
	free(t->sessions);
	free(t->pairs);
	free(t->memory);
	free(t->decoded);
	free(t->encoded);
	free(t->ends);
	tr_bytes_deinit(&t->bytes);
	tr_bytes_deinit(&t->built);
	tr_bytes_deinit(&t->written);
}

tr_code tr_window_sessions_create(struct tr_window_op *w, struct tr_window_sessions **result, struct tr_status *st)
{
	const struct tr_op_context *context = w->op.context;
	const uint32_t groups = context->key_groups != 0 ? context->key_groups : TR_KEY_GROUPS_DEFAULT;
	const struct tr_table_options options = {
		.has_byte_keys = true,
		.group_count = groups,
		.group_end = groups,
		.memory_limit = context->memory_limit == 0 ? 0 : TR_MAX(context->memory_limit, TR_TABLE_LIMIT_MIN),
		.queue = context->io,
		.cold_path = context->scratch_path,
	};
	struct tr_window_sessions *s = *result = tr_checked(calloc(1, sizeof(*s)));

	s->w = w;
	tr_window_codec_init(&s->codec, &w->layout);
	s->session_bytes = w->layout.owns_memory ? 0 : TR_SESSION_TIMES_BYTES + w->layout.bytes;
	take_init(&s->take);
	tr_sessions_fire_init(s);
	tr_sessions_save_init(s);
	/* The context is another's from now on. An eighth is for buffers, and for what malloc adds. */
	s->limit = context->memory_limit / 8 * 7;
	if (s->limit > 0) /* first, since the file of the table has the same name */
		TR_TRY(tr_window_due_set_limit(&s->due, context->io, context->scratch_path, s->limit / DUE_SHARE, st));
	return tr_table_create(&options, &s->table, st);
}

void tr_window_sessions_destroy(struct tr_window_sessions **sessions)
{
	struct tr_window_sessions *s = *sessions;

	if (s == NULL)
		return;
	tr_sessions_fire_deinit(s);
	tr_table_destroy(&s->table);
	tr_window_due_deinit(&s->due);
	tr_window_codec_deinit(&s->codec);
	take_deinit(&s->take);
	free(s);
	*sessions = NULL;
}

void tr_window_sessions_set_other(struct tr_window_sessions *s, size_t bytes) { s->other_bytes = bytes; }

void tr_sessions_share_memory(struct tr_window_sessions *s)
{
	const size_t others = tr_window_due_memory(&s->due) + s->other_bytes;

	if (s->limit != 0)
		tr_table_set_memory_limit(s->table,
					  TR_MAX(s->limit - TR_MIN(s->limit, others), (size_t)TR_TABLE_LIMIT_MIN));
}

int64_t tr_window_sessions_next(const struct tr_window_sessions *s) { return tr_window_due_next(&s->due); }

uint64_t tr_window_sessions_count(const struct tr_window_sessions *s) { return tr_table_count(s->table); }

size_t tr_window_sessions_bytes(const struct tr_window_sessions *s)
{
	return tr_table_bytes(s->table) + tr_window_due_memory(&s->due);
}

uint64_t tr_window_sessions_spilled(const struct tr_window_sessions *s) { return tr_table_cold_bytes(s->table); }
