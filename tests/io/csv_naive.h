/* SPDX-License-Identifier: Apache-2.0
 *
 * The CSV oracle: a state machine that takes one character at a time and knows nothing of the decoder. All columns are
 * STRING or BIGINT; it prints rows as the print sink does. Written from the rules, not from the code.
 */
#ifndef TR_CSV_NAIVE_H
#define TR_CSV_NAIVE_H

#include <ctype.h>
#include <errno.h>

#include "format_test.h"

struct naive_csv {
	char delimiter, quote, escape; /* 0: none */
	const char *null_literal;
	bool ignore_errors, comments;
	int columns;
	const bool *is_integer;
};

struct naive_cell {
	char *text;
	size_t length, capacity;
};

struct naive_out {
	struct tr_bytes rows;
	uint64_t row_count, rows_bad, fields_bad;
	bool is_failed;
};

static inline void naive_put(struct naive_cell *cell, char c)
{
	if (cell->length == cell->capacity) {
		cell->capacity = cell->capacity * 2 + 16;
		cell->text = realloc(cell->text, cell->capacity);
	}
	cell->text[cell->length++] = c;
}

/** U+FFFD for what is not UTF-8, by the table of the Unicode standard (3-7), maximal subparts. */
static inline void naive_put_text(struct tr_bytes *out, const char *text, size_t length)
{
	static const struct {
		unsigned char low, high, second_low, second_high;
		int more;
	} leads[] = {{0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2},
		     {0xe1, 0xec, 0x80, 0xbf, 2}, {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2},
		     {0xf0, 0xf0, 0x90, 0xbf, 3}, {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3}};

	for (size_t i = 0; i < length;) {
		unsigned char c = (unsigned char)text[i];
		size_t n = 0;
		bool good = false;

		for (size_t k = 0; k < sizeof(leads) / sizeof(leads[0]); k++)
			if (c >= leads[k].low && c <= leads[k].high) {
				for (n = 1; n <= (size_t)leads[k].more; n++) {
					unsigned char low = n == 1 ? leads[k].second_low : 0x80;
					unsigned char high = n == 1 ? leads[k].second_high : 0xbf;

					if (i + n >= length || (unsigned char)text[i + n] < low ||
					    (unsigned char)text[i + n] > high)
						break;
				}
				good = n == (size_t)leads[k].more + 1;
				break;
			}
		if (good)
			tr_bytes_append(out, text + i, n);
		else
			tr_bytes_append(out, "\xef\xbf\xbd", 3);
		i += n > 0 ? n : 1;
	}
}

static inline bool naive_cell_print(const struct naive_csv *csv, int column, const struct naive_cell *cell,
				    struct naive_out *out)
{
	if (csv->null_literal != NULL && cell->length == strlen(csv->null_literal) &&
	    memcmp(cell->text, csv->null_literal, cell->length) == 0) {
		tr_bytes_append_str(&out->rows, "null");
		return true;
	}
	if (csv->is_integer[column]) {
		char copy[64], *end, *start = copy;
		size_t first = 0, last = cell->length;
		long long value;

		while (first < last && (unsigned char)cell->text[first] <= ' ')
			first++;
		while (last > first && (unsigned char)cell->text[last - 1] <= ' ')
			last--;
		/* Leading zeros may be many; strtoll needs the rest only. */
		while (last - first > 20 && cell->text[first] == '0' && cell->text[first + 1] >= '0' &&
		       cell->text[first + 1] <= '9')
			first++;
		if (last - first < sizeof(copy)) {
			if (last > first)
				memcpy(copy, cell->text + first, last - first);
			copy[last - first] = '\0';
			errno = 0;
			value = strtoll(start, &end, 10);
			if (last > first && end == copy + (last - first) && errno == 0 &&
			    !isspace((unsigned char)copy[0])) {
				tr_bytes_printf(&out->rows, "%lld", value);
				return true;
			}
		}
		if (!csv->ignore_errors)
			return false;
		out->fields_bad++;
		tr_bytes_append_str(&out->rows, "null");
		return true;
	}
	naive_put_text(&out->rows, cell->text, cell->length);
	return true;
}

/** A finished record: cells of it, `count` in all. */
static inline void naive_record(const struct naive_csv *csv, const struct naive_cell *cells, int count,
				struct naive_out *out)
{
	size_t before = out->rows.length;

	if (count == csv->columns + 1 && cells[count - 1].length == 0)
		count--;
	if (count > csv->columns || (count < csv->columns && !csv->ignore_errors)) {
		if (csv->ignore_errors)
			out->rows_bad++;
		else
			out->is_failed = true;
		return;
	}
	tr_bytes_append_str(&out->rows, "+I[");
	for (int i = 0; i < csv->columns; i++) {
		if (i > 0)
			tr_bytes_append_str(&out->rows, ", ");
		if (i >= count) {
			out->fields_bad++;
			tr_bytes_append_str(&out->rows, "null");
		} else if (!naive_cell_print(csv, i, &cells[i], out)) {
			out->is_failed = true;
			out->rows.length = before;
			return;
		}
	}
	tr_bytes_append_str(&out->rows, "]\n");
	out->row_count++;
}

static inline void naive_decode(const struct naive_csv *csv, const char *text, size_t length, struct naive_out *out)
{
	enum { LINE_START, FIELD_START, PLAIN, QUOTED, MAYBE_CLOSED, CLOSED, COMMENT, BROKEN } state = LINE_START;
	struct naive_cell cells[FORMAT_TEST_COLUMNS + 2] = {0};
	int cell = 0;
	bool is_escaped = false;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i <= length && !out->is_failed; i++) {
		int c = i < length ? (unsigned char)text[i] : -1;
		bool is_end = c == '\n' || c == '\r' || c < 0;

		if (is_escaped && c >= 0) {
			is_escaped = false;
			naive_put(&cells[cell], (char)(c == '0'   ? 0
						       : c == 'n' ? '\n'
						       : c == 'r' ? '\r'
						       : c == 't' ? '\t'
								  : c));
			continue;
		}
		if (is_escaped && state == QUOTED) { /* the input ends behind an escape */
			is_escaped = false;
		}
		if (state == LINE_START) {
			cell = 0;
			for (int k = 0; k < FORMAT_TEST_COLUMNS + 2; k++)
				cells[k].length = 0;
			if (c < 0)
				break;
			if (csv->comments && (c == ' ' || is_end))
				continue;
			if (csv->comments && c == '#') {
				state = COMMENT;
				continue;
			}
			state = FIELD_START;
		}
		if (state == COMMENT) {
			if (is_end)
				state = LINE_START;
			continue;
		}
		if (state == BROKEN) { /* a record that can't be read: to the end of its line */
			if (!is_end)
				continue;
			if (csv->ignore_errors)
				out->rows_bad++;
			else
				out->is_failed = true;
			if (c == '\r' && i + 1 < length && text[i + 1] == '\n')
				i++;
			state = LINE_START;
			continue;
		}
		if (state == MAYBE_CLOSED) {
			if (c == csv->quote) {
				naive_put(&cells[cell], (char)c);
				state = QUOTED;
				continue;
			}
			state = CLOSED;
		}
		if (state == FIELD_START) {
			if (csv->quote != 0 && c == csv->quote) {
				state = QUOTED;
				continue;
			}
			state = PLAIN;
		}
		if (state == QUOTED) {
			if (c < 0) {
				if (csv->ignore_errors)
					out->rows_bad++;
				else
					out->is_failed = true;
				break;
			}
			if (csv->escape != 0 && c == csv->escape)
				is_escaped = true;
			else if (c == csv->quote)
				state = MAYBE_CLOSED;
			else
				naive_put(&cells[cell], (char)c);
			continue;
		}
		/* PLAIN or CLOSED */
		if (c >= 0 && (char)c == csv->delimiter) {
			cell = cell < FORMAT_TEST_COLUMNS + 1 ? cell + 1 : cell;
			cells[cell].length = 0;
			if (cell == FORMAT_TEST_COLUMNS + 1)
				naive_put(&cells[cell], 'x');
			state = FIELD_START;
		} else if (is_end) {
			naive_record(csv, cells, cell + 1, out);
			if (c == '\r' && i + 1 < length && text[i + 1] == '\n')
				i++;
			state = LINE_START;
		} else if (state == CLOSED) {
			if (c > ' ')
				state = BROKEN;
		} else if (csv->escape != 0 && c == csv->escape) {
			if (i + 1 < length)
				is_escaped = true;
			else
				naive_put(&cells[cell], (char)c);
		} else {
			naive_put(&cells[cell], (char)c);
		}
	}
	for (int k = 0; k < FORMAT_TEST_COLUMNS + 2; k++)
		free(cells[k].text);
	tr_bytes_append_char(&out->rows, '\0');
	out->rows.length--;
}

#endif
