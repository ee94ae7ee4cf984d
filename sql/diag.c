/* SPDX-License-Identifier: Apache-2.0
 *
 * The list is kept in the order of being added, and sorted by place only when it is shown. A source line is laid out
 * as cells: one per code point, tabs expanded, characters that a terminal shows twice as wide counted twice, control
 * bytes replaced. The caret line is made from the same cells, so the two always agree; a long line is cut to a window
 * around the caret.
 */
#include "sql/diag.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/suggest.h"

#define TAB_STOP 8
#define RED "\033[1;31m"
#define YELLOW "\033[1;33m"
#define BLUE "\033[1;34m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

void tr_diags_init(struct tr_diags *diags, struct tr_arena *arena, const struct tr_script_text *text)
{
	memset(diags, 0, sizeof(*diags));
	diags->arena = arena;
	diags->text = text;
}

static bool has_same(const struct tr_diags *diags, const char *code, struct tr_span span)
{
	for (uint32_t i = 0; i < diags->count; i++)
		if (diags->items[i].span.start == span.start && strcmp(diags->items[i].code, code) == 0)
			return true;
	return false;
}

/* Room for one more, behind the last. */
static struct tr_diag *slot(struct tr_diags *diags)
{
	if (diags->count >= diags->capacity) {
		uint32_t capacity = TR_MAX(8u, 2 * diags->capacity);
		struct tr_diag *grown = TR_NEW_ARRAY(diags->arena, capacity, struct tr_diag);

		if (diags->capacity > 0)
			memcpy(grown, diags->items, diags->count * sizeof(*grown));
		diags->items = grown;
		diags->capacity = capacity;
	}
	return &diags->items[diags->count];
}

static void __attribute__((format(printf, 5, 0)))
add(struct tr_diags *diags, enum tr_severity severity, const char *code, struct tr_span span, const char *format,
    va_list args)
{
	bool is_error = severity == TR_SEVERITY_ERROR;
	uint32_t reported = is_error ? diags->error_count : diags->warning_count;
	struct tr_diag *diag = slot(diags);

	TR_ASSERT(code != NULL && span.start <= span.end);
	memset(diag, 0, sizeof(*diag));
	diags->has_last = false;
	if (has_same(diags, code, span))
		return;
	*(is_error ? &diags->error_count : &diags->warning_count) += 1;
	if (reported >= (is_error ? TR_DIAG_ERRORS_MAX : TR_DIAG_WARNINGS_MAX))
		return;
	diag->severity = severity;
	diag->code = code;
	diag->text = diags->text;
	diag->span = span;
	diag->place = (struct tr_place){.offset = span.start, .line = 1, .column = 1};
	if (diags->text != NULL)
		diag->place = tr_script_text_place(diags->text, span.start);
	diag->message = tr_arena_vprintf(diags->arena, format, args);
	diags->count++;
	diags->has_last = true;
}

void tr_diag_error(struct tr_diags *diags, const char *code, struct tr_span span, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(diags, TR_SEVERITY_ERROR, code, span, format, args);
	va_end(args);
}

void tr_diag_warning(struct tr_diags *diags, const char *code, struct tr_span span, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(diags, TR_SEVERITY_WARNING, code, span, format, args);
	va_end(args);
}

void tr_diag_not_supported(struct tr_diags *diags, struct tr_span span, const char *format, ...)
{
	va_list args;
	const char *what;

	va_start(args, format);
	what = tr_arena_vprintf(diags->arena, format, args);
	va_end(args);
	tr_diag_error(diags, TR_E_NOT_SUPPORTED, span, "not supported yet: %s", what);
}

void tr_diag_hint(struct tr_diags *diags, const char *format, ...)
{
	va_list args;

	if (!diags->has_last)
		return;
	va_start(args, format);
	diags->items[diags->count - 1].hint = tr_arena_vprintf(diags->arena, format, args);
	va_end(args);
}

void tr_diag_hint_nearest(struct tr_diags *diags, const char *name, const char *const *names, uint32_t count)
{
	const char *nearest = tr_suggest_nearest(name, names, count);

	if (nearest != NULL)
		tr_diag_hint(diags, "did you mean '%s'?", nearest);
}

/* ---------------------------------------------------------------- showing */

struct output {
	struct tr_arena *arena;
	char *text;
	size_t length;
	size_t capacity;
};

static void put(struct output *out, const char *bytes, size_t count)
{
	if (out->length + count + 1 > out->capacity) {
		size_t capacity = TR_MAX(512, 2 * (out->length + count + 1));
		char *grown = tr_arena_alloc(out->arena, capacity);

		if (out->length > 0)
			memcpy(grown, out->text, out->length);
		out->text = grown;
		out->capacity = capacity;
	}
	memcpy(out->text + out->length, bytes, count);
	out->length += count;
	out->text[out->length] = '\0';
}

static void puts_to(struct output *out, const char *text) { put(out, text, strlen(text)); }

static void put_times(struct output *out, char c, uint32_t count)
{
	while (count-- > 0)
		put(out, &c, 1);
}

/* What one code point of the line looks like. */
struct cell {
	const char *bytes;
	uint32_t byte_count;
	uint32_t width; /* columns on the screen */
	uint32_t next;  /* offset of the next code point */
};

static bool is_wide(uint32_t c)
{
	return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0x303E) || (c >= 0x3041 && c <= 0xA4CF) ||
	       (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) ||
	       (c >= 0xFF00 && c <= 0xFF60) || (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1F64F) ||
	       (c >= 0x1F680 && c <= 0x1F6FF) || (c >= 0x1F900 && c <= 0x1F9FF) || (c >= 0x20000 && c <= 0x3FFFD);
}

static bool is_zero_width(uint32_t c)
{
	return (c >= 0x0300 && c <= 0x036F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F) ||
	       c == 0xFEFF || (c >= 0x20D0 && c <= 0x20FF);
}

static struct cell cell_at(const char *p, uint32_t at, uint32_t end, uint32_t column)
{
	static const char spaces[TAB_STOP + 1] = "        ";
	unsigned char c = (unsigned char)p[at];
	uint32_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 0;
	uint32_t point = n == 2 ? c & 0x1F : n == 3 ? c & 0x0F : c & 0x07;

	if (c == '\t')
		return (struct cell){spaces, TAB_STOP - column % TAB_STOP, TAB_STOP - column % TAB_STOP, at + 1};
	if (c < 0x20 || c == 0x7F || n == 0 || at + n > end)
		return (struct cell){"?", 1, 1, at + 1};
	if (n == 1)
		return (struct cell){p + at, 1, 1, at + 1};
	for (uint32_t i = 1; i < n; i++) {
		if (((unsigned char)p[at + i] & 0xC0) != 0x80)
			return (struct cell){"?", 1, 1, at + 1};
		point = point << 6 | ((unsigned char)p[at + i] & 0x3F);
	}
	return (struct cell){p + at, n, is_zero_width(point) ? 0 : is_wide(point) ? 2 : 1, at + n};
}

/* Where the caret line begins and ends, in the original. */
static struct tr_span shown_span(const struct tr_diag *diag)
{
	const struct tr_script_text *text = diag->text;
	struct tr_span span = {diag->place.offset, 0};
	uint32_t length = diag->span.end - diag->span.start;

	if (diag->place.variable != NULL) {
		for (uint32_t i = 0; i < text->piece_count; i++)
			if (text->pieces[i].original_start == span.start && text->pieces[i].variable != NULL)
				span.end = text->pieces[i].original_end;
		return span;
	}
	span.end = span.start + length;
	if (text->piece_count > 0 && length > 0) {
		struct tr_place last = tr_script_text_place(text, diag->span.end - 1);
		span.end = last.variable == NULL ? last.offset + 1 : TR_MAX(last.offset, span.start + 1);
	}
	return span;
}

static void put_source_line(struct output *out, const struct tr_diag *diag, uint32_t gutter, const char *color,
			    const char *plain)
{
	const char *p = diag->text->original;
	uint32_t length = diag->text->original_length;
	struct tr_span span = shown_span(diag);
	uint32_t start = span.start, end = span.start;
	uint32_t column = 0, caret = 0, width = 0, total, from, to, at;
	struct output marks = {.arena = out->arena};

	while (start > 0 && p[start - 1] != '\n')
		start--;
	if (start == 0 && length >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0 && span.start >= 3)
		start = 3;
	while (end < length && p[end] != '\n')
		end++;
	if (end > start && p[end - 1] == '\r')
		end--;
	for (at = start; at < end;) { /* measure */
		struct cell cell = cell_at(p, at, end, column);

		if (at < span.start)
			caret = column + cell.width;
		else if (at < span.end)
			width = column + cell.width - caret;
		column += cell.width;
		at = cell.next;
	}
	total = column;
	from = 0;
	to = total;
	if (total > TR_DIAG_LINE_COLUMNS_MAX) {
		from = caret > TR_DIAG_LINE_COLUMNS_MAX / 2 ? caret - TR_DIAG_LINE_COLUMNS_MAX / 2 : 0;
		to = TR_MIN(total, from + TR_DIAG_LINE_COLUMNS_MAX);
		from = to - TR_MIN(to, TR_DIAG_LINE_COLUMNS_MAX);
	}
	width = TR_MAX(1u, TR_MIN(width, TR_MAX(to, caret + 1) - caret));
	puts_to(out,
		tr_arena_printf(out->arena, "%s%*u |%s ", *plain ? BLUE : "", (int)gutter, diag->place.line, plain));
	if (from > 0)
		puts_to(out, "...");
	column = 0;
	for (at = start; at < end;) {
		struct cell cell = cell_at(p, at, end, column);

		if (column >= from && column + cell.width <= to)
			put(out, cell.bytes, cell.byte_count);
		column += cell.width;
		at = cell.next;
	}
	puts_to(out, to < total ? "...\n" : "\n");
	put_times(&marks, ' ', caret - from + (from > 0 ? 3 : 0));
	puts_to(&marks, color);
	put_times(&marks, '^', width);
	puts_to(out, tr_arena_printf(out->arena, "%s%*s |%s %s%s\n", *plain ? BLUE : "", (int)gutter, "", plain,
				     marks.text, plain));
}

static uint32_t digits_of(uint32_t number)
{
	uint32_t digits = 1;

	while (number >= 10) {
		number /= 10;
		digits++;
	}
	return digits;
}

static void put_diag(struct output *out, const struct tr_diag *diag, bool has_color)
{
	bool is_error = diag->severity == TR_SEVERITY_ERROR;
	const char *color = !has_color ? "" : is_error ? RED : YELLOW;
	const char *bold = has_color ? BOLD : "", *blue = has_color ? BLUE : "", *plain = has_color ? PLAIN : "";
	uint32_t gutter = digits_of(diag->place.line) + 1;

	puts_to(out, tr_arena_printf(out->arena, "%s%s %s%s: %s%s%s\n", color, is_error ? "error" : "warning",
				     diag->code, plain, bold, diag->message, plain));
	if (diag->text != NULL) {
		puts_to(out, tr_arena_printf(out->arena, "%s%*s-->%s %s:%u:%u\n", blue, (int)gutter, "", plain,
					     diag->text->file, diag->place.line, diag->place.column));
		puts_to(out, tr_arena_printf(out->arena, "%s%*s |%s\n", blue, (int)gutter, "", plain));
		put_source_line(out, diag, gutter, color, plain);
		if (diag->place.variable != NULL && strcmp(diag->code, TR_E_VARIABLE) != 0)
			puts_to(out, tr_arena_printf(out->arena, "%s%*s =%s in the value of ${%s}\n", blue, (int)gutter,
						     "", plain, diag->place.variable));
	}
	if (diag->hint != NULL)
		puts_to(out,
			tr_arena_printf(out->arena, "%s%*s =%s hint: %s\n", blue, (int)gutter, "", plain, diag->hint));
}

const char *tr_diag_render(const struct tr_diag *diag, bool has_color, struct tr_arena *arena)
{
	struct output out = {.arena = arena};

	put_diag(&out, diag, has_color);
	return out.text;
}

const char *tr_diags_render(const struct tr_diags *diags, bool has_color, struct tr_arena *arena)
{
	struct output out = {.arena = arena};
	const struct tr_diag **sorted = TR_NEW_ARRAY(arena, diags->count + 1, const struct tr_diag *);
	uint32_t errors = 0;

	put(&out, "", 0);
	for (uint32_t i = 0; i < diags->count; i++) {
		const struct tr_diag *diag = &diags->items[i];
		uint32_t at = i;

		while (at > 0 && diag->text == sorted[at - 1]->text && diag->span.start < sorted[at - 1]->span.start) {
			sorted[at] = sorted[at - 1];
			at--;
		}
		sorted[at] = diag;
		errors += diag->severity == TR_SEVERITY_ERROR;
	}
	for (uint32_t i = 0; i < diags->count; i++) {
		if (i > 0)
			puts_to(&out, "\n");
		put_diag(&out, sorted[i], has_color);
	}
	if (diags->error_count > errors)
		puts_to(&out, tr_arena_printf(arena, "\n... and %u more error%s\n", diags->error_count - errors,
					      diags->error_count - errors == 1 ? "" : "s"));
	return out.text;
}

tr_code tr_diags_status(const struct tr_diags *diags, struct tr_status *st)
{
	const struct tr_diag *first = NULL;

	if (diags->error_count == 0)
		return TR_OK;
	for (uint32_t i = 0; i < diags->count; i++)
		if (diags->items[i].severity == TR_SEVERITY_ERROR &&
		    (first == NULL || diags->items[i].span.start < first->span.start))
			first = &diags->items[i];
	TR_ASSERT(first != NULL);
	TR_FAIL(st, TR_ERR_DATA, "%s:%u:%u: %s: %s", first->text != NULL ? first->text->file : "", first->place.line,
		first->place.column, first->code, first->message);
}
