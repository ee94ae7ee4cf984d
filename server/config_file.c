/* SPDX-License-Identifier: Apache-2.0
 *
 * See config_file.h. libyaml's events drive a small stack of key prefixes:
 *
 *     pipeline:                    push "pipeline."
 *       name: flights              set "pipeline.name"
 *     parallelism.default: 4       set "parallelism.default"
 *
 * Lists, anchors and several documents are refused at their place: no key takes them.
 */
#include "server/config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
	struct tr_config *config;
	const char *name;
	struct tr_arena arena;
	const char *prefixes[TR_CONFIG_DEPTH_MAX + 1]; /* prefixes[depth]: of the keys in the mapping at that depth */
	uint32_t depth;
	const char *key; /* the full key whose value comes next, or NULL */
	yaml_mark_t key_mark;
	const char *seen[TR_CONFIG_KEYS_MAX];
	uint32_t seen_count;
};

static tr_code fail_at(const struct reader *reader, const yaml_mark_t *mark, struct tr_status *st, const char *message)
{
	TR_FAIL(st, TR_ERR_CONFIG, "%s:%zu:%zu: %s", reader->name, mark->line + 1, mark->column + 1, message);
}

static tr_code on_scalar(struct reader *reader, const yaml_event_t *event, struct tr_status *st)
{
	const char *text = (const char *)event->data.scalar.value;
	struct tr_status inner = {0};

	if (event->data.scalar.anchor != NULL)
		return fail_at(reader, &event->start_mark, st, "anchors are not understood here");
	if (strlen(text) != event->data.scalar.length)
		return fail_at(reader, &event->start_mark, st, "a NUL character in a value");
	if (reader->depth == 0)
		return fail_at(reader, &event->start_mark, st, "expected `key: value` lines");
	if (reader->key == NULL) {
		reader->key = tr_arena_printf(&reader->arena, "%s%s", reader->prefixes[reader->depth], text);
		reader->key_mark = event->start_mark;
		return TR_OK;
	}
	for (uint32_t i = 0; i < reader->seen_count; i++) {
		if (strcmp(reader->seen[i], reader->key) == 0)
			return fail_at(reader, &reader->key_mark, st,
				       tr_arena_printf(&reader->arena, "key '%s' is given twice", reader->key));
	}
	if (tr_config_set(reader->config, reader->key, text, TR_ORIGIN_FILE, NULL, &inner) != TR_OK)
		return fail_at(reader, &reader->key_mark, st, inner.message);
	if (reader->seen_count < TR_CONFIG_KEYS_MAX)
		reader->seen[reader->seen_count++] = reader->key;
	reader->key = NULL;
	return TR_OK;
}

static tr_code on_event(struct reader *reader, const yaml_event_t *event, struct tr_status *st)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT: return on_scalar(reader, event, st);
	case YAML_MAPPING_START_EVENT:
		if (reader->depth == TR_CONFIG_DEPTH_MAX || (reader->depth > 0 && reader->key == NULL))
			return fail_at(reader, &event->start_mark, st, "nested too deep, or a mapping as a key");
		reader->prefixes[reader->depth + 1] =
			reader->depth == 0 ? "" : tr_arena_printf(&reader->arena, "%s.", reader->key);
		reader->depth++;
		reader->key = NULL;
		return TR_OK;
	case YAML_MAPPING_END_EVENT:
		reader->depth--;
		reader->key = NULL;
		return TR_OK;
	case YAML_SEQUENCE_START_EVENT:
		return fail_at(reader, &event->start_mark, st, "a list; no key takes one (write 'a;b')");
	case YAML_ALIAS_EVENT: return fail_at(reader, &event->start_mark, st, "aliases are not understood here");
	default: return TR_OK;
	}
}

tr_code tr_config_file_parse(struct tr_config *config, const char *name, const char *text, size_t length,
			     struct tr_status *st)
{
	struct reader reader = {.config = config, .name = name};
	yaml_parser_t parser;
	bool is_done = false;
	tr_code code = TR_OK;

	if (!yaml_parser_initialize(&parser))
		TR_FAIL(st, TR_ERR_NO_MEMORY, "%s: no memory for the YAML parser", name);
	tr_arena_init(&reader.arena, 0);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (!is_done && code == TR_OK) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			code = tr_status_set(st, TR_ERR_CONFIG, 0, TR_WHERE, "%s:%zu:%zu: %s", name,
					     parser.problem_mark.line + 1, parser.problem_mark.column + 1,
					     parser.problem != NULL ? parser.problem : "malformed YAML");
			break;
		}
		code = on_event(&reader, &event, st);
		is_done = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	tr_arena_deinit(&reader.arena);
	yaml_parser_delete(&parser);
	return code;
}

tr_code tr_config_file_read(struct tr_config *config, const char *path, struct tr_status *st)
{
	FILE *file = fopen(path, "rb");
	char *text;
	size_t length;
	tr_code code;

	if (file == NULL)
		TR_FAIL_ERRNO(st, TR_ERR_NO_INPUT, "configuration %s", path);
	text = malloc(TR_CONFIG_FILE_BYTES_MAX + 1);
	if (text == NULL) {
		fclose(file);
		TR_FAIL(st, TR_ERR_NO_MEMORY, "no memory to read %s", path);
	}
	length = fread(text, 1, TR_CONFIG_FILE_BYTES_MAX + 1, file);
	if (ferror(file))
		code = tr_status_set(st, TR_ERR_NO_INPUT, errno, TR_WHERE, "read configuration %s", path);
	else if (length > TR_CONFIG_FILE_BYTES_MAX)
		code = tr_status_set(st, TR_ERR_CONFIG, 0, TR_WHERE, "%s is larger than 1 MiB", path);
	else
		code = tr_config_file_parse(config, path, text, length, st);
	fclose(file);
	free(text);
	return code;
}
