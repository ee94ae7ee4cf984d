/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over the original, with a small state machine that knows strings, quoted names and comments, writes text
 * and pieces. An undefined variable is replaced by its own name, so that the parser can go on and report its errors
 * too. The scan for NUL bytes and bad UTF-8 comes first: behind it, everybody may trust the bytes.
 */
#include "sql/script_text.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "sql/diag.h"

#define UNDEFINED_MAX TR_DIAG_ERRORS_MAX

struct undefined {
	struct tr_span span; /* in the text */
	const char *name;    /* NULL: malformed */
};

struct substitution {
	struct tr_arena *arena;
	const struct tr_variable *variables;
	uint32_t variable_count;
	const char *original;
	uint32_t length;
	char *out;
	uint32_t out_length;
	uint32_t out_capacity;
	bool is_too_long;
	struct tr_text_piece *pieces;
	uint32_t piece_count;
	uint32_t piece_capacity;
	struct undefined undefined[UNDEFINED_MAX];
	uint32_t undefined_count;
};

/* The length of the UTF-8 sequence at p (1..4), or 0: not valid. */
static uint32_t sequence_length(const unsigned char *p, const unsigned char *end)
{
	uint32_t n = p[0] < 0x80                    ? 1
		     : p[0] >= 0xC2 && p[0] < 0xE0  ? 2
		     : (p[0] & 0xF0) == 0xE0        ? 3
		     : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
						    : 0;

	if (n == 0 || (size_t)(end - p) < n)
		return 0;
	for (uint32_t i = 1; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
	    (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return n;
}

/* The offset of the first NUL or invalid byte; `length` when there is none. */
static uint32_t first_bad_byte(const char *text, uint32_t length)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + length;

	while (p < end) {
		uint32_t n = *p == 0 ? 0 : sequence_length(p, end);

		if (n == 0)
			break;
		p += n;
	}
	return (uint32_t)(p - (const unsigned char *)text);
}

static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static bool is_name_part(char c) { return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

static const char *value_of(const struct substitution *s, const char *name, uint32_t length)
{
	for (uint32_t i = s->variable_count; i-- > 0;)
		if (strlen(s->variables[i].name) == length && memcmp(s->variables[i].name, name, length) == 0)
			return s->variables[i].value;
	return NULL;
}

static void append(struct substitution *s, const char *bytes, size_t count)
{
	if (count > TR_SCRIPT_BYTES_MAX - s->out_length) {
		s->is_too_long = true;
		return;
	}
	if (s->out_length + count > s->out_capacity) {
		uint32_t capacity = TR_MAX(2 * s->out_capacity, (uint32_t)(s->out_length + count));
		char *grown = tr_arena_alloc(s->arena, capacity + 1);

		if (s->out_length > 0)
			memcpy(grown, s->out, s->out_length);
		s->out = grown;
		s->out_capacity = capacity;
	}
	if (count > 0)
		memcpy(s->out + s->out_length, bytes, count);
	s->out_length += (uint32_t)count;
}

static void add_piece(struct substitution *s, uint32_t original_start, uint32_t original_end, const char *variable)
{
	if (s->piece_count == s->piece_capacity) {
		uint32_t capacity = TR_MAX(16u, 2 * s->piece_capacity);
		struct tr_text_piece *grown = TR_NEW_ARRAY(s->arena, capacity, struct tr_text_piece);

		if (s->piece_count > 0)
			memcpy(grown, s->pieces, s->piece_count * sizeof(*grown));
		s->pieces = grown;
		s->piece_capacity = capacity;
	}
	s->pieces[s->piece_count++] = (struct tr_text_piece){s->out_length, original_start, original_end, variable};
}

static void add_undefined(struct substitution *s, uint32_t length, const char *name)
{
	if (s->undefined_count < UNDEFINED_MAX)
		s->undefined[s->undefined_count++] = (struct undefined){{s->out_length, s->out_length + length}, name};
}

/* Replaces the `${...}` at `at`; returns the offset behind it, or `at` when it is no variable. */
static uint32_t replace_variable(struct substitution *s, uint32_t at)
{
	const char *p = s->original;
	uint32_t start = at + 2, end = start, close;
	const char *value;
	size_t value_length;

	if (start >= s->length || !is_name_start(p[start]))
		return at;
	while (end < s->length && is_name_part(p[end]))
		end++;
	const char *name = tr_arena_strndup(s->arena, p + start, end - start);
	close = end;
	if (end + 1 < s->length && p[end] == ':' && p[end + 1] == '-') {
		const char *brace = memchr(p + end, '}', s->length - end);
		close = brace == NULL ? s->length : (uint32_t)(brace - p);
	}
	if (close >= s->length || p[close] != '}') {
		add_piece(s, at, end, name);
		add_undefined(s, end - start, NULL);
		append(s, name, end - start);
		return end;
	}
	value = value_of(s, name, end - start);
	value_length = value != NULL ? strlen(value) : 0;
	if (value == NULL && close > end) {
		value = p + end + 2;
		value_length = close - end - 2;
	}
	add_piece(s, at, close + 1, name);
	if (value == NULL) {
		add_undefined(s, end - start, name);
		value = name;
		value_length = end - start;
	}
	append(s, value, value_length);
	return close + 1;
}

/* The offset behind the comment that starts at `at`; `at` when there is none. A hint is no comment. */
static uint32_t skip_comment(const char *p, uint32_t length, uint32_t at)
{
	const char *end;

	if (at + 1 >= length)
		return at;
	if ((p[at] == '-' && p[at + 1] == '-') || (p[at] == '/' && p[at + 1] == '/')) {
		end = memchr(p + at, '\n', length - at);
		return end == NULL ? length : (uint32_t)(end - p);
	}
	if (p[at] == '/' && p[at + 1] == '*' && !(at + 2 < length && p[at + 2] == '+')) {
		end = memmem(p + at + 2, length - at - 2, "*/", 2);
		return end == NULL ? length : (uint32_t)(end - p) + 2;
	}
	return at;
}

static void substitute(struct substitution *s)
{
	uint32_t at = 0, copied = 0;
	char quote = 0;

	while (at < s->length && !s->is_too_long) {
		char c = s->original[at];
		uint32_t next = quote == 0 ? skip_comment(s->original, s->length, at) : at;
		bool is_dollar = c == '$' && at + 1 < s->length;
		bool is_escape = is_dollar && at + 2 < s->length && memcmp(s->original + at, "$${", 3) == 0;

		if (next > at) {
			at = next;
			continue;
		}
		if (quote != 0 ? c == quote : c == '\'' || c == '`')
			quote = quote != 0 ? 0 : c;
		if (!is_escape && !(is_dollar && s->original[at + 1] == '{')) {
			at++;
			continue;
		}
		if (s->piece_count == 0 || at > copied) {
			add_piece(s, copied, at, NULL);
			append(s, s->original + copied, at - copied);
		}
		next = is_escape ? at + 1 : replace_variable(s, at);
		copied = next;
		if (is_escape) { /* the rest is copied from its brace on */
			add_piece(s, next, next + 2, NULL);
			append(s, s->original + next, 2);
			copied = next = at + 3;
		}
		at = next == at ? at + 2 : next;
	}
	if (s->piece_count > 0) {
		add_piece(s, copied, s->length, NULL);
		append(s, s->original + copied, s->length - copied);
	}
}

static void report(struct tr_diags *diags, const struct substitution *s)
{
	for (uint32_t i = 0; i < s->undefined_count; i++) {
		const struct undefined *u = &s->undefined[i];
		const char *names[64];
		uint32_t count = 0;

		if (u->name == NULL) {
			tr_diag_error(diags, TR_E_VARIABLE, u->span, "a variable's name must end with '}'");
			tr_diag_hint(diags, "write ${NAME} or ${NAME:-default}; a literal ${ is written $${");
			continue;
		}
		tr_diag_error(diags, TR_E_VARIABLE, u->span, "variable '%s' is not defined", u->name);
		for (; count < s->variable_count && count < TR_COUNT_OF(names); count++)
			names[count] = s->variables[count].name;
		tr_diag_hint(diags, "define it with -v %s=VALUE, or write ${%s:-default}", u->name, u->name);
		tr_diag_hint_nearest(diags, u->name, names, count);
	}
}

static void report_bad_byte(struct tr_diags *diags, const char *bytes, uint32_t at, const char *what)
{
	unsigned byte = (unsigned char)bytes[at];
	struct tr_span span = {at, at + 1};

	if (byte == 0)
		tr_diag_error(diags, TR_E_TEXT_BYTE, span, "%s holds a NUL byte at offset %u", what, at);
	else
		tr_diag_error(diags, TR_E_TEXT_BYTE, span, "%s is not valid UTF-8: byte 0x%02X at offset %u", what,
			      byte, at);
	tr_diag_hint(diags, "save the script as UTF-8 text");
}

/* Moves a mark at `from` on to `to`. */
static void advance(struct tr_text_mark *mark, const char *text, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		mark->points += ((unsigned char)text[i] & 0xC0) != 0x80;
		if (text[i] == '\n') {
			mark->line++;
			mark->line_start = i + 1;
			mark->line_points = mark->points;
		}
	}
}

static const struct tr_text_mark *make_marks(struct tr_arena *arena, const char *text, uint32_t length)
{
	struct tr_text_mark *marks = TR_NEW_ARRAY(arena, length / TR_TEXT_MARK_BYTES + 1, struct tr_text_mark);
	struct tr_text_mark mark = {.line = 1};

	for (uint32_t k = 0; k <= length / TR_TEXT_MARK_BYTES; k++) {
		const uint32_t from = k * TR_TEXT_MARK_BYTES;

		marks[k] = mark;
		advance(&mark, text, from, TR_MIN(from + TR_TEXT_MARK_BYTES, length));
	}
	return marks;
}

struct tr_script_text *tr_script_text_make(struct tr_arena *arena, const char *file, const char *original,
					   size_t length, const struct tr_variable *variables, uint32_t variable_count,
					   struct tr_diags *diags)
{
	struct tr_script_text *text = TR_NEW(arena, struct tr_script_text);
	struct substitution s = {
		.arena = arena, .variables = variables, .variable_count = variable_count, .original = original};
	uint32_t bad;

	TR_ASSERT(original != NULL && file != NULL);
	text->file = file;
	text->original = text->text = original;
	text->original_length = text->length = (uint32_t)TR_MIN(length, TR_SCRIPT_BYTES_MAX);
	text->marks = make_marks(arena, original, text->original_length);
	diags->text = text;
	if (length > TR_SCRIPT_BYTES_MAX) {
		text->is_bad = true;
		tr_diag_error(diags, TR_E_TEXT_TOO_LONG, (struct tr_span){0, 0},
			      "the script has %zu bytes; the limit is %u", length, TR_SCRIPT_BYTES_MAX);
		tr_diag_hint(diags, "split it, and read data from a file instead of VALUES");
		return text;
	}
	bad = first_bad_byte(original, text->length);
	if (bad < text->length) {
		text->is_bad = true;
		report_bad_byte(diags, original, bad, "the script");
		return text;
	}
	s.length = text->length;
	substitute(&s);
	if (s.piece_count == 0)
		return text;
	if (s.is_too_long) {
		text->is_bad = true;
		tr_diag_error(diags, TR_E_TEXT_TOO_LONG, (struct tr_span){0, 0},
			      "with its variables filled in, the script is longer than %u bytes", TR_SCRIPT_BYTES_MAX);
		return text;
	}
	append(&s, "", 0);
	if (s.out == NULL)
		s.out = tr_arena_alloc(arena, 1);
	s.out[s.out_length] = '\0';
	text->text = s.out;
	text->length = s.out_length;
	text->pieces = s.pieces;
	text->piece_count = s.piece_count;
	bad = first_bad_byte(text->text, text->length);
	if (bad < text->length) {
		text->is_bad = true;
		report_bad_byte(diags, text->text, bad, "the value of a variable");
	}
	report(diags, &s);
	return text;
}

/* The piece that holds `offset`: the last one that starts at or before it. */
static const struct tr_text_piece *piece_of(const struct tr_script_text *text, uint32_t offset)
{
	uint32_t low = 0, high = text->piece_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (text->pieces[middle].start <= offset)
			low = middle;
		else
			high = middle;
	}
	return &text->pieces[low];
}

struct tr_place tr_script_text_place(const struct tr_script_text *text, uint32_t offset)
{
	struct tr_place place = {.offset = TR_MIN(offset, text->length), .line = 1, .column = 1};
	const char *p = text->original;
	struct tr_text_mark mark;

	if (text->piece_count > 0) {
		const struct tr_text_piece *piece = piece_of(text, place.offset);

		place.variable = piece->variable;
		place.offset = piece->variable != NULL ? piece->original_start
						       : piece->original_start + (place.offset - piece->start);
	}
	place.offset = TR_MIN(place.offset, text->original_length);
	mark = text->marks[place.offset / TR_TEXT_MARK_BYTES];
	advance(&mark, p, place.offset / TR_TEXT_MARK_BYTES * TR_TEXT_MARK_BYTES, place.offset);
	place.line = mark.line;
	place.column = mark.points - mark.line_points + 1;
	if (mark.line_start == 0 && place.offset >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
		place.column--; /* a byte order mark has no column */
	return place;
}
