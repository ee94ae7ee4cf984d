/* SPDX-License-Identifier: Apache-2.0
 *
 * One CSV record, byte by byte, by the rules of Jackson's CSV reader, which is Flink's:
 *
 *   - fields end at the delimiter, records at LF, CR LF or CR; the last record needs no end
 *   - a quote opens a quoted field only as its first byte; inside, line ends and delimiters are text and a doubled
 *     quote is one quote; after the closing quote only blanks may follow
 *   - an escape character takes the next character as it is (0, n, r, t: NUL, LF, CR, TAB), quoted or not
 *   - with comments allowed, lines that begin with '#', blank lines and leading spaces are skipped; otherwise a blank
 *     line is a record of one empty field
 */
#include "io/csv.h"

#include "base/check.h"

struct scan {
	const struct tr_csv_dialect *dialect;
	const char *start;
	const char *p;
	const char *end;
	bool is_final;
	struct tr_csv_record *record;
};

static bool is_line_end(char c) { return c == '\n' || c == '\r'; }

/** Moves past comments and blank lines; false when the text ends in one that is not complete. */
static bool skip_comments(struct scan *s)
{
	while (s->p < s->end) {
		if (is_line_end(*s->p) || *s->p == ' ') {
			s->p++;
		} else if (*s->p == '#') {
			const char *q = s->p;

			while (q < s->end && !is_line_end(*q))
				q++;
			if (q == s->end && !s->is_final)
				return false;
			s->p = q;
		} else {
			break;
		}
	}
	return true;
}

static enum tr_csv_scan fail(struct scan *s, const char *at, const char *reason)
{
	const char *q = at;

	while (q < s->end && !is_line_end(*q))
		q++;
	if (!s->is_final && (q == s->end || (*q == '\r' && q + 1 == s->end)))
		return TR_CSV_INCOMPLETE;
	if (q + 1 < s->end && *q == '\r' && q[1] == '\n')
		q++;
	s->record->consumed = (size_t)(TR_MIN(q + 1, s->end) - s->start);
	s->record->error_offset = (size_t)(at - s->start);
	s->record->reason = reason;
	return TR_CSV_ERROR;
}

/** A quoted field: s->p is behind the opening quote, and is left behind the closing one and blanks. */
static enum tr_csv_scan scan_quoted(struct scan *s, struct tr_csv_field *field)
{
	const struct tr_csv_dialect *d = s->dialect;
	const char *open = s->p - 1;

	field->is_quoted = true;
	field->text = s->p;
	for (;; s->p++) {
		if (s->p == s->end)
			break;
		if (d->has_escape && *s->p == d->escape) {
			field->is_escaped = true;
			if (++s->p == s->end)
				break;
		} else if (*s->p == d->quote) {
			if (s->p + 1 == s->end && !s->is_final)
				return TR_CSV_INCOMPLETE;
			if (s->p + 1 == s->end || s->p[1] != d->quote)
				break;
			field->is_escaped = true;
			s->p++;
		}
	}
	if (s->p == s->end) {
		if (!s->is_final)
			return TR_CSV_INCOMPLETE;
		s->record->consumed = (size_t)(s->end - s->start);
		s->record->error_offset = (size_t)(open - s->start);
		s->record->reason = "a quoted field is not closed before the end of the input";
		return TR_CSV_ERROR;
	}
	field->length = (size_t)(s->p++ - field->text);
	while (s->p < s->end && *s->p != d->delimiter && !is_line_end(*s->p)) {
		if ((unsigned char)*s->p > ' ')
			return fail(s, s->p, "a delimiter or the end of the line is missing after a closing quote");
		s->p++;
	}
	return TR_CSV_RECORD;
}

static void scan_plain(struct scan *s, struct tr_csv_field *field)
{
	const struct tr_csv_dialect *d = s->dialect;

	field->text = s->p;
	for (; s->p < s->end && *s->p != d->delimiter && !is_line_end(*s->p); s->p++)
		if (d->has_escape && *s->p == d->escape) {
			field->is_escaped = true;
			if (++s->p == s->end)
				break;
		}
	field->length = (size_t)(s->p - field->text);
}

enum tr_csv_scan tr_csv_scan_record(const struct tr_csv_dialect *dialect, const char *text, size_t length,
				    bool is_final, struct tr_csv_record *record)
{
	struct scan s = {dialect, text, text, text + length, is_final, record};

	record->count = 0;
	record->consumed = 0;
	if (dialect->allow_comments) {
		if (!skip_comments(&s))
			return TR_CSV_INCOMPLETE;
		record->consumed = (size_t)(s.p - text);
	}
	if (s.p == s.end)
		return record->consumed > 0 ? TR_CSV_NOTHING : TR_CSV_INCOMPLETE;
	for (;;) {
		struct tr_csv_field field = {0};

		if (dialect->has_quote && s.p < s.end && *s.p == dialect->quote) {
			enum tr_csv_scan result;

			s.p++;
			result = scan_quoted(&s, &field);
			if (result != TR_CSV_RECORD)
				return result;
		} else {
			scan_plain(&s, &field);
		}
		if (s.p == s.end && !is_final)
			return TR_CSV_INCOMPLETE;
		if (record->count < record->capacity)
			record->fields[record->count] = field;
		record->count++;
		if (s.p == s.end || *s.p != dialect->delimiter)
			break;
		s.p++;
	}
	if (s.p < s.end && *s.p == '\r') {
		s.p++;
		if (s.p == s.end && !is_final)
			return TR_CSV_INCOMPLETE; /* LF may follow */
		if (s.p < s.end && *s.p == '\n')
			s.p++;
	} else if (s.p < s.end) {
		s.p++;
	}
	record->consumed = (size_t)(s.p - text);
	return TR_CSV_RECORD;
}

void tr_csv_unescape(const struct tr_csv_dialect *dialect, const struct tr_csv_field *field, struct tr_bytes *out)
{
	const char *p = field->text, *end = p + field->length;

	while (p < end) {
		char c = *p++;

		if (dialect->has_escape && c == dialect->escape && p < end) {
			c = *p++;
			c = c == '0' ? '\0' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
		} else if (field->is_quoted && c == dialect->quote && p < end && *p == dialect->quote) {
			p++;
		}
		tr_bytes_append_char(out, c);
	}
}
