/* SPDX-License-Identifier: Apache-2.0
 *
 * Word count: how often each word of a text has come, each time it comes.
 *
 *     lines ──split──▶ words ──key by word──▶ count ──▶ stdout
 */
#include <stdio.h>

#include <tailrace/tailrace.h>

/* A line becomes its words, in lower case. */
static tr_code split(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		     struct tr_status *st)
{
	const struct tr_view *line = tr_row_text(row, 0);
	const char *text = tr_view_text(line);
	char word[64];
	uint32_t length = 0;

	for (uint32_t i = 0; i <= line->length; i++) {
		const char c = i < line->length ? text[i] : ' ';

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
			if (length < sizeof(word))
				word[length++] = (char)(c | 0x20);
		} else if (length > 0) {
			tr_collector_set_text(out, 0, word, length);
			tr_collector_add(out);
			length = 0;
		}
	}
	return TR_OK;
}

static tr_code open_count(struct tr_context *context, struct tr_status *st)
{
	tr_context_set_own(context, tr_value_state_create(context, &TR_MAKE(tr_state_descriptor, .name = "count",
									    .value_bytes = sizeof(int64_t))));
	return TR_OK;
}

static tr_code count(struct tr_context *context, const struct tr_row *row, struct tr_collector *out,
		     struct tr_status *st)
{
	int64_t *n = tr_value_state_put(tr_context_own(context)); /* 0 for a new word */

	tr_collector_set_column(out, 0, row, 0);
	tr_collector_set_i64(out, 1, ++*n);
	tr_collector_add(out);
	return TR_OK;
}

static tr_code build(struct tr_env *env, int argc, char **argv, struct tr_status *st)
{
	const struct tr_function splitting = TR_MAKE(tr_function, .on_row = split);
	const struct tr_function counting = TR_MAKE(tr_function, .open = open_count, .on_row = count);
	/* -v FILE=path */
	const char *file = argc > 1 ? argv[1] + sizeof("FILE=") - 1 : "examples/word_count/text.txt";
	const char *const options[] = {"connector", "filesystem",          "path", file, "format",
				       "csv",       "csv.field-delimiter", "|",    NULL};
	struct tr_stream *lines, *words, *counts;

	lines = tr_env_from_connector(env, "lines", "line STRING", options, NULL);
	words = tr_stream_name(tr_stream_flat_map(lines, "word STRING", &splitting), "split");
	counts = tr_stream_process(tr_stream_key_by(words, "word"), "word STRING, n BIGINT", &counting);
	tr_stream_uid(tr_stream_name(counts, "count"), "count");
	tr_stream_print(counts);
	return TR_OK;
}

TR_PLUGIN(build)
