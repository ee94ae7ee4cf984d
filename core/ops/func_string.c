/* SPDX-License-Identifier: Apache-2.0
 *
 * String functions. Positions and lengths count characters (code points), as Flink's binary strings do.
 *
 * A result that is a piece of an argument refers to the argument's bytes: SUBSTRING, TRIM and SPLIT_INDEX copy nothing.
 * New texts go to the heap of the run. LPAD and RPAD count units of UTF-16, as Flink's do, but never cut
 * a character in half; OVERLAY counts characters.
 */
#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_text.h"
#include "core/ops/kernel_case.h"
#include "core/ops/kernel_scan.h"
#include "core/ops/kernel_text.h"

/* ---- case, length, order ---- */

static tr_code map_case(struct tr_call *call, uint32_t (*map)(char *, const char *, uint32_t))
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row);
		char *text = tr_call_new_text(call, (uint64_t)s.length * TR_CASE_GROWTH);

		tr_call_put(call, row, text, map(text, s.text, s.length));
	}
	return TR_OK;
}
static tr_code run_upper(struct tr_call *call) { return map_case(call, tr_case_upper); }

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Eight ASCII bytes: 32 is added to those from A to Z. No sum reaches the next byte. */
static inline uint64_t lower_eight(uint64_t bytes)
{
	const uint64_t from_a = bytes + EACH_BYTE * (0x80 - 'A'), after_z = bytes + EACH_BYTE * (0x80 - 'Z' - 1);

	return bytes + ((from_a & ~after_z & (EACH_BYTE * 0x80)) >> 2);
}

/* A short text lies in the view: its two words are mapped at once. Long ones and those beyond ASCII go the long way. */
static tr_code run_lower(struct tr_call *call)
{
	const struct tr_view *views = call->args[0].data;
	const uint32_t mask = tr_call_mask(call, 0);
	struct tr_view *out = call->out;

	TR_CALL_ROWS(call, row) {
		const struct tr_view *view = &views[row & mask];
		uint64_t words[2];
		char *text;

		memcpy(words, view, sizeof(words));
		if (view->length <= TR_VIEW_INLINE_MAX &&
		    ((words[0] & (EACH_BYTE * 0x80) & ~(uint64_t)UINT32_MAX) | (words[1] & (EACH_BYTE * 0x80))) == 0) {
			/* The length, up to 12, is no letter. */
			words[0] = lower_eight(words[0]);
			words[1] = lower_eight(words[1]);
			memcpy(&out[row], words, sizeof(words));
			continue;
		}
		text = tr_call_new_text(call, (uint64_t)view->length * TR_CASE_GROWTH);
		tr_call_put(call, row, text, tr_case_lower(text, tr_view_text(view), view->length));
	}
	return TR_OK;
}

/* The first letter of each word (letters and digits) upper, the others lower. */
static uint32_t initcap(char *out, const char *text, uint32_t length)
{
	bool in_word = false;
	uint32_t written = 0;

	for (uint32_t i = 0; i < length;) {
		uint32_t size = tr_text_prefix(text + i, length - i, 1, NULL);
		unsigned char c = (unsigned char)text[i];
		bool is_letter = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');

		size = size == 0 ? 1 : size;
		memcpy(out + written, text + i, size);
		if (is_letter && c >= 'A')
			out[written] = (char)(in_word ? c | 32 : c & ~32);
		written += size;
		in_word = is_letter;
		i += size;
	}
	return written;
}
static tr_code run_initcap(struct tr_call *call) { return map_case(call, initcap); }

static tr_code run_char_length(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row);

		((int32_t *)call->out)[row] = (int32_t)tr_text_characters(s.text, s.length);
	}
	return TR_OK;
}

static tr_code run_reverse(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row);
		char *text = tr_call_new_text(call, s.length);
		uint32_t end = s.length;

		for (uint32_t i = 0; i < s.length;) {
			uint32_t size = 1;

			while (i + size < s.length && !tr_text_is_start(s.text[i + size]))
				size++;
			end -= size;
			memcpy(text + end, s.text + i, size);
			i += size;
		}
		tr_call_put(call, row, text, s.length);
	}
	return TR_OK;
}

static tr_code run_ascii(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row);
		((int32_t *)call->out)[row] = s.length > 0 ? (signed char)s.text[0] : 0;
	}
	return TR_OK;
}

static tr_code run_chr(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		int64_t code = tr_call_i64(call, 0, row);
		unsigned char c = (unsigned char)code;
		char two[2] = {(char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F))};

		if (code < 0)
			tr_call_put(call, row, "", 0);
		else if (c < 0x80)
			tr_call_put(call, row, (const char *)&c, 1);
		else
			tr_call_put(call, row, two, 2);
	}
	return TR_OK;
}

/* ---- pieces ---- */

/* [start, start + count) in characters, from 1; negative starts count from the end, 0 is 1. */
static struct tr_piece substring(struct tr_piece s, int64_t start, int64_t count)
{
	uint32_t skip;

	if (start < 0) {
		int64_t characters = tr_text_characters(s.text, s.length);

		if (-start > characters)
			return (struct tr_piece){s.text, 0};
		start = characters + start;
	} else {
		start = start > 0 ? start - 1 : 0;
	}
	skip = start > UINT32_MAX ? s.length : tr_text_prefix(s.text, s.length, (uint32_t)start, NULL);
	s.text += skip;
	s.length -= skip;
	if (count < s.length)
		s.length = tr_text_prefix(s.text, s.length, (uint32_t)count, NULL);
	return s;
}

static tr_code run_substring(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		int64_t count = call->arg_count > 2 ? tr_call_i64(call, 2, row) : INT32_MAX;
		struct tr_piece s;

		if (count < 0) {
			tr_call_set_null(call, row);
			continue;
		}
		s = substring(tr_call_piece(call, 0, row), tr_call_i64(call, 1, row), count);
		tr_call_put(call, row, s.text, s.length);
	}
	return TR_OK;
}

static tr_code run_left(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		int64_t count = tr_call_i64(call, 1, row);
		struct tr_piece s = substring(tr_call_piece(call, 0, row), 1, count < 0 ? 0 : count);

		tr_call_put(call, row, s.text, s.length);
	}
	return TR_OK;
}

static tr_code run_right(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row);
		int64_t count = tr_call_i64(call, 1, row), characters = tr_text_characters(s.text, s.length);

		if (count <= 0)
			s.length = 0;
		else if (count < characters)
			s = substring(s, -count, INT32_MAX);
		tr_call_put(call, row, s.text, s.length);
	}
	return TR_OK;
}

/* Whether the character that begins at `c` (of `size` bytes) is in the set. */
static bool is_in_set(const char *c, uint32_t size, struct tr_piece set)
{
	for (uint32_t i = 0; i + size <= set.length; i++)
		if (tr_text_is_start(set.text[i]) && memcmp(set.text + i, c, size) == 0)
			return true;
	return false;
}

enum trim_side { TRIM_LEFT = 1, TRIM_RIGHT = 2 };

static struct tr_piece trim(struct tr_piece s, struct tr_piece set, int sides)
{
	while ((sides & TRIM_LEFT) && s.length > 0) {
		uint32_t size = tr_text_prefix(s.text, s.length, 1, NULL);

		if (!is_in_set(s.text, size, set))
			break;
		s.text += size;
		s.length -= size;
	}
	while ((sides & TRIM_RIGHT) && s.length > 0) {
		uint32_t size = 1;

		while (size < s.length && !tr_text_is_start(s.text[s.length - size]))
			size++;
		if (!is_in_set(s.text + s.length - size, size, set))
			break;
		s.length -= size;
	}
	return s;
}

static tr_code run_trim_sides(struct tr_call *call, int sides)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece set = call->arg_count > 1 ? tr_call_piece(call, 1, row) : (struct tr_piece){" ", 1};
		struct tr_piece s = trim(tr_call_piece(call, 0, row), set, sides);

		tr_call_put(call, row, s.text, s.length);
	}
	return TR_OK;
}
static tr_code run_ltrim(struct tr_call *call) { return run_trim_sides(call, TRIM_LEFT); }
static tr_code run_rtrim(struct tr_call *call) { return run_trim_sides(call, TRIM_RIGHT); }
static tr_code run_btrim(struct tr_call *call) { return run_trim_sides(call, TRIM_LEFT | TRIM_RIGHT); }

/* The index-th token between separators; a separator that is a number is a character. */
static bool split(struct tr_piece s, struct tr_piece separator, int64_t index, struct tr_piece *token)
{
	const char *at = s.text, *end = s.text + s.length;

	if (index < 0 || s.length == 0)
		return false;
	if (separator.length == 0) { /* commons-lang: blanks */
		separator = (struct tr_piece){" ", 1};
	}
	for (;;) {
		const char *next = separator.length == 1
					   ? memchr(at, separator.text[0], (size_t)(end - at))
					   : memmem(at, (size_t)(end - at), separator.text, separator.length);

		if (index-- == 0) {
			*token = (struct tr_piece){at, (uint32_t)((next != NULL ? next : end) - at)};
			return true;
		}
		if (next == NULL)
			return false;
		at = next + separator.length;
	}
}

/* One ASCII separator and one index for all rows. */
static bool is_plain_split(const struct tr_call *call)
{
	return call->args[1].type->phys == TR_PHYS_VIEW && call->args[1].is_constant && call->args[2].is_constant &&
	       !call->args[0].is_constant && tr_call_view(call, 1, 0)->length == 1 && tr_call_i64(call, 2, 0) >= 0 &&
	       tr_call_i64(call, 2, 0) <= INT32_MAX;
}

static tr_code run_split_index(struct tr_call *call)
{
	bool is_number = call->args[1].type->phys == TR_PHYS_I64;

	if (is_plain_split(call)) {
		call->has_nulls |= TR_ISA_PICK(tr_kernel_scan)
					   ->split(call->out, call->validity, call->args[0].data,
						   tr_call_piece(call, 1, 0).text[0], (uint32_t)tr_call_i64(call, 2, 0),
						   call->rows, call->count);
		return TR_OK;
	}
	TR_CALL_ROWS(call, row) {
		struct tr_piece token, separator;
		char character = 0;

		if (is_number) {
			int64_t code = tr_call_i64(call, 1, row);

			character = (char)code;
			separator = (struct tr_piece){&character, code >= 1 && code <= 127};
		} else {
			separator = tr_call_piece(call, 1, row);
		}
		if ((!is_number || separator.length > 0) &&
		    split(tr_call_piece(call, 0, row), separator, tr_call_i64(call, 2, row), &token))
			tr_call_put(call, row, token.text, token.length);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* ---- search ---- */

/* Position in characters, from 1, of `what` at or after character `from`; 0: none. */
static int64_t position(struct tr_piece what, struct tr_piece s, int64_t from)
{
	uint32_t skip;
	const char *found;

	if (from < 1)
		from = 1;
	if (what.length == 0)
		return 1; /* wherever the search begins */
	skip = tr_text_prefix(s.text, s.length, (uint32_t)TR_MIN(from - 1, (int64_t)UINT32_MAX), NULL);
	found = memmem(s.text + skip, s.length - skip, what.text, what.length);
	return found == NULL ? 0 : (int64_t)tr_text_characters(s.text, (uint32_t)(found - s.text)) + 1;
}

static tr_code run_position(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		int64_t from = call->arg_count > 2 ? tr_call_i64(call, 2, row) : 1;

		((int32_t *)call->out)[row] =
			(int32_t)position(tr_call_piece(call, 0, row), tr_call_piece(call, 1, row), from);
	}
	return TR_OK;
}

/* The last place of `what` that begins at or before byte `at`; NULL: none. */
static const char *find_backwards(struct tr_piece what, struct tr_piece s, const char *at)
{
	for (; at >= s.text; at--)
		if ((size_t)(s.text + s.length - at) >= what.length && memcmp(at, what.text, what.length) == 0)
			return at;
	return NULL;
}

/* The n-th place of `what` from character `start` on; of a negative one (-1 is the last) backwards. Places may overlap. */
static int64_t nth_position(struct tr_piece what, struct tr_piece s, int64_t start, int64_t n)
{
	const int64_t characters = tr_text_characters(s.text, s.length);
	const char *at;

	if (start == 0 || (what.length > 0 && (start > characters || -start > characters)))
		return 0;
	if (what.length == 0)
		return start > 0 ? 1 : characters + 1;
	at = s.text + tr_text_prefix(s.text, s.length, (uint32_t)(start > 0 ? start - 1 : characters + start), NULL);
	for (;; at += start > 0 ? 1 : -1) {
		at = start > 0 ? memmem(at, (size_t)(s.text + s.length - at), what.text, what.length)
			       : find_backwards(what, s, at);
		if (at == NULL || --n == 0)
			break;
	}
	return at == NULL ? 0 : (int64_t)tr_text_characters(s.text, (uint32_t)(at - s.text)) + 1;
}

static tr_code run_instr(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row), what = tr_call_piece(call, 1, row);
		const int64_t n = call->arg_count > 3 ? tr_call_i64(call, 3, row) : 1;

		if (n <= 0)
			TR_CALL_FAIL(call, row, "the number of the occurrence must be positive");
		((int32_t *)call->out)[row] =
			(int32_t)(call->arg_count == 2 ? position(what, s, 1)
						       : nth_position(what, s, tr_call_i64(call, 2, row), n));
	}
	return TR_OK;
}

static tr_code run_starts_with(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row), start = tr_call_piece(call, 1, row);

		((uint8_t *)call->out)[row] = s.length >= start.length && memcmp(s.text, start.text, start.length) == 0;
	}
	return TR_OK;
}

static tr_code run_ends_with(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row), end = tr_call_piece(call, 1, row);

		((uint8_t *)call->out)[row] =
			s.length >= end.length && memcmp(s.text + s.length - end.length, end.text, end.length) == 0;
	}
	return TR_OK;
}

/* ---- new texts ---- */

static tr_code run_concat(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		uint64_t length = 0, at = 0;
		char *text;

		for (uint32_t i = 0; i < call->arg_count; i++)
			length += tr_call_piece(call, i, row).length;
		TR_CALL_CHECK_LENGTH(call, row, length);
		text = tr_call_new_text(call, length);
		for (uint32_t i = 0; i < call->arg_count; i++) {
			struct tr_piece s = tr_call_piece(call, i, row);

			memcpy(text + at, s.text, s.length);
			at += s.length;
		}
		tr_call_put(call, row, text, (uint32_t)length);
	}
	return TR_OK;
}

/* NULL arguments are left out; a NULL separator makes NULL. */
static tr_code run_concat_ws(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		uint64_t length = 0, at = 0;
		struct tr_piece separator;
		char *text;

		if (tr_column_is_null(&call->args[0], row)) {
			tr_call_set_null(call, row);
			continue;
		}
		separator = tr_call_piece(call, 0, row);
		for (uint32_t i = 1; i < call->arg_count; i++)
			if (!tr_column_is_null(&call->args[i], row))
				length += tr_call_piece(call, i, row).length + separator.length;
		TR_CALL_CHECK_LENGTH(call, row, length);
		text = tr_call_new_text(call, length);
		for (uint32_t i = 1; i < call->arg_count; i++) {
			struct tr_piece s;

			if (tr_column_is_null(&call->args[i], row))
				continue;
			s = tr_call_piece(call, i, row);
			memcpy(text + at, s.text, s.length);
			memcpy(text + at + s.length, separator.text, separator.length);
			at += s.length + separator.length;
		}
		tr_call_put(call, row, text, (uint32_t)(at > 0 ? at - separator.length : 0));
	}
	return TR_OK;
}

static tr_code run_repeat(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row);
		int64_t times = TR_MAX(tr_call_i64(call, 1, row), 0);
		uint64_t length = s.length == 0 ? 0 : (uint64_t)TR_MIN(times, INT32_MAX) * s.length;
		char *text;

		TR_CALL_CHECK_LENGTH(call, row, length);
		text = tr_call_new_text(call, length);
		for (uint64_t at = 0; at < length; at += s.length)
			memcpy(text + at, s.text, s.length);
		tr_call_put(call, row, text, (uint32_t)length);
	}
	return TR_OK;
}

static tr_code run_replace(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row), from = tr_call_piece(call, 1, row),
				to = tr_call_piece(call, 2, row);
		const char *end = s.text + s.length, *at = s.text, *found;
		uint64_t count = 0, length;
		char *text, *next;

		/* An empty text to replace is found before each character and at the end, as in Java. */
		if (from.length == 0) {
			length = s.length + (uint64_t)to.length * (tr_text_characters(s.text, s.length) + 1);
			TR_CALL_CHECK_LENGTH(call, row, length);
			next = text = tr_call_new_text(call, length);
			for (; at < end; at++) {
				if (tr_text_is_start(*at))
					next = mempcpy(next, to.text, to.length);
				*next++ = *at;
			}
			next = mempcpy(next, to.text, to.length);
			tr_call_put(call, row, text, (uint32_t)(next - text));
			continue;
		}
		while ((found = memmem(at, (size_t)(end - at), from.text, from.length)) != NULL) {
			count++;
			at = found + from.length;
		}
		if (count == 0) {
			tr_call_put(call, row, s.text, s.length);
			continue;
		}
		length = s.length - count * from.length + count * to.length;
		TR_CALL_CHECK_LENGTH(call, row, length);
		next = text = tr_call_new_text(call, length);
		for (at = s.text; (found = memmem(at, (size_t)(end - at), from.text, from.length)) != NULL;
		     at = found + from.length) {
			next = mempcpy(next, at, (size_t)(found - at));
			next = mempcpy(next, to.text, to.length);
		}
		memcpy(next, at, (size_t)(end - at));
		tr_call_put(call, row, text, (uint32_t)length);
	}
	return TR_OK;
}

/* The bytes of the first `units` units of UTF-16; a character that would be cut in half is left out. */
static uint32_t unit_prefix(struct tr_piece s, uint64_t units)
{
	uint32_t i = 0;
	uint64_t count = 0;

	while (i < s.length) {
		const uint32_t width = 1 + ((unsigned char)s.text[i] >= 0xF0);

		if (count + width > units)
			break;
		count += width;
		for (i++; i < s.length && !tr_text_is_start(s.text[i]); i++)
			;
	}
	return i;
}

/* Writes `units` units of the repeated pad and returns the end. */
static char *put_pad(char *out, struct tr_piece pad, uint64_t units)
{
	uint32_t pad_units = tr_text_units(pad.text, pad.length);

	for (; units >= pad_units; units -= pad_units)
		out = mempcpy(out, pad.text, pad.length);
	return mempcpy(out, pad.text, unit_prefix(pad, units));
}

static tr_code run_pad(struct tr_call *call, bool is_left)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row), pad = tr_call_piece(call, 2, row);
		int64_t wanted = tr_call_i64(call, 1, row);
		uint32_t units;
		uint64_t length;
		char *text, *end;

		if (wanted < 0 || pad.length == 0 || tr_text_units(pad.text, pad.length) == 0) {
			tr_call_set_null(call, row);
			continue;
		}
		units = tr_text_units(s.text, s.length);
		if (wanted <= units) {
			tr_call_put(call, row, s.text, unit_prefix(s, (uint64_t)wanted));
			continue;
		}
		length = s.length + ((uint64_t)wanted - units) * pad.length;
		TR_CALL_CHECK_LENGTH(call, row, length);
		end = text = tr_call_new_text(call, length);
		if (is_left)
			end = put_pad(end, pad, (uint64_t)wanted - units);
		end = mempcpy(end, s.text, s.length);
		if (!is_left)
			end = put_pad(end, pad, (uint64_t)wanted - units);
		tr_call_put(call, row, text, (uint32_t)(end - text));
	}
	return TR_OK;
}
static tr_code run_lpad(struct tr_call *call) { return run_pad(call, true); }
static tr_code run_rpad(struct tr_call *call) { return run_pad(call, false); }

static tr_code run_overlay(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = tr_call_piece(call, 0, row), r = tr_call_piece(call, 1, row);
		int64_t start = tr_call_i64(call, 2, row), characters = tr_text_characters(s.text, s.length);
		int64_t count = call->arg_count > 3 ? tr_call_i64(call, 3, row) : tr_text_characters(r.text, r.length);
		struct tr_piece head, tail = {s.text, 0};
		char *text, *end;

		if (start <= 0 || start > characters) {
			tr_call_put(call, row, s.text, s.length);
			continue;
		}
		head = substring(s, 1, start - 1);
		if (count > 0 && count <= characters - start)
			tail = substring(s, start + count, INT32_MAX);
		end = text = tr_call_new_text(call, (uint64_t)head.length + r.length + tail.length);
		end = mempcpy(end, head.text, head.length);
		end = mempcpy(end, r.text, r.length);
		end = mempcpy(end, tail.text, tail.length);
		tr_call_put(call, row, text, (uint32_t)(end - text));
	}
	return TR_OK;
}

/* As || of both has it, but never CHAR. */
static const struct tr_type *type_overlay(struct tr_ask *ask)
{
	const int64_t length = (int64_t)ask->want[0]->precision + ask->want[1]->precision;

	return tr_type_with_precision(ask->arena, TR_TYPE_VARCHAR, (int)TR_MIN(length, (int64_t)INT32_MAX));
}

#define FUNC(name_, params_, typer_, kernel_, null_, signature_, doc_, example_)                                    \
	{                                                                                                           \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), .null_rule = (null_), \
		TR_FUNC_DOC("string", signature_, doc_, example_)                                                   \
	}
#define FLAGGED(name_, params_, typer_, kernel_, null_, flags_, signature_, doc_, example_)                         \
	{                                                                                                           \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), .null_rule = (null_), \
		.flags = (flags_), TR_FUNC_DOC("string", signature_, doc_, example_)                                \
	}
#define STRICT(name, params, typer, kernel, signature, doc, example) \
	FUNC(name, params, typer, kernel, TR_NULL_STRICT, signature, doc, example)
#define MAKES(name, params, typer, kernel, signature, doc, example) \
	FUNC(name, params, typer, kernel, TR_NULL_MAKES, signature, doc, example)

static const struct tr_func rows[] = {
	STRICT("UPPER", "s", tr_typer_first, run_upper, "UPPER(string) -> STRING", "In upper case.",
	       "UPPER('stream') = 'STREAM'"),
	FLAGGED("LOWER", "s", tr_typer_first, run_lower, TR_NULL_STRICT, TR_FUNC_QUICK, "LOWER(string) -> STRING",
		"In lower case.", "LOWER('STREAM') = 'stream'"),
	STRICT("INITCAP", "s", tr_typer_first, run_initcap, "INITCAP(string) -> STRING",
	       "The first letter of each word in upper case, the others in lower case.",
	       "INITCAP('a stream') = 'A Stream'"),
	STRICT("CHAR_LENGTH", "s", tr_typer_int, run_char_length, "CHAR_LENGTH(string) -> INT", "Number of characters.",
	       "CHAR_LENGTH('stream') = 6"),
	STRICT("CHARACTER_LENGTH", "s", tr_typer_int, run_char_length, "CHARACTER_LENGTH(string) -> INT",
	       "The same as CHAR_LENGTH.", "CHARACTER_LENGTH('stream') = 6"),
	FLAGGED("REVERSE", "s", tr_typer_string, run_reverse, TR_NULL_STRICT, TR_FUNC_NULLABLE,
		"REVERSE(string) -> STRING", "Backwards.", "REVERSE('abc') = 'cba'"),
	STRICT("ASCII", "s", tr_typer_int, run_ascii, "ASCII(string) -> INT",
	       "The first byte in UTF-8, as a signed number.", "ASCII('a') = 97"),
	FLAGGED("CHR", "l", tr_typer_string, run_chr, TR_NULL_STRICT, TR_FUNC_NULLABLE, "CHR(integer) -> STRING",
		"The character of a code; codes above 255 are taken modulo 256.", "CHR(97) = 'a'"),
	MAKES("SUBSTRING", "sl?l", tr_typer_varying, run_substring,
	      "SUBSTRING(string FROM integer [FOR integer]) -> STRING",
	      "A piece from a position (from 1; negative: from the end).", "SUBSTRING('stream' FROM 2 FOR 3) = 'tre'"),
	MAKES("SUBSTR", "sl?l", tr_typer_varying, run_substring, "SUBSTR(string, integer [, integer]) -> STRING",
	      "The same as SUBSTRING.", "SUBSTR('stream', 2, 3) = 'tre'"),
	FLAGGED("LEFT", "sl", tr_typer_varying, run_left, TR_NULL_STRICT, TR_FUNC_NULLABLE,
		"LEFT(string, integer) -> STRING", "The first characters.", "LEFT('stream', 3) = 'str'"),
	FLAGGED("RIGHT", "sl", tr_typer_varying, run_right, TR_NULL_STRICT, TR_FUNC_NULLABLE,
		"RIGHT(string, integer) -> STRING", "The last characters.", "RIGHT('stream', 3) = 'eam'"),
	STRICT("LTRIM", "s?s", tr_typer_varying, run_ltrim, "LTRIM(string [, characters]) -> STRING",
	       "Without leading blanks, or characters of the set.", "LTRIM('  a ') = 'a '"),
	STRICT("RTRIM", "s?s", tr_typer_varying, run_rtrim, "RTRIM(string [, characters]) -> STRING",
	       "Without trailing blanks, or characters of the set.", "RTRIM(' a  ') = ' a'"),
	STRICT("BTRIM", "s?s", tr_typer_string, run_btrim, "BTRIM(string [, characters]) -> STRING",
	       "Without blanks, or characters of the set, at both ends.", "BTRIM('  a ') = 'a'"),
	STRICT("TRIM", "s?s", tr_typer_varying, run_btrim,
	       "TRIM([BOTH | LEADING | TRAILING] [characters FROM] string) -> STRING",
	       "Without blanks, or the characters, at the ends.", "TRIM(BOTH 'x' FROM 'xax') = 'a'"),
	MAKES("SPLIT_INDEX", "ssl", tr_typer_string, run_split_index,
	      "SPLIT_INDEX(string, separator, integer) -> STRING",
	      "The token of that number (from 0) between separators; NULL when there is none.",
	      "SPLIT_INDEX('a/b/c', '/', 1) = 'b'"),
	MAKES("SPLIT_INDEX", "sll", tr_typer_string, run_split_index, "SPLIT_INDEX(string, integer, integer) -> STRING",
	      "The separator as a character code.", "SPLIT_INDEX('a/b/c', 47, 2) = 'c'"),
	STRICT("POSITION", "ss?l", tr_typer_int, run_position, "POSITION(string IN string) -> INT",
	       "Where the first is in the second, from 1; 0: nowhere.", "POSITION('re' IN 'stream') = 3"),
	STRICT("LOCATE", "ss?l", tr_typer_int, run_position, "LOCATE(string, string [, integer]) -> INT",
	       "Where the first is in the second, from a position on; 0: nowhere.", "LOCATE('a', 'banana', 3) = 4"),
	STRICT("INSTR", "ss?ll", tr_typer_int, run_instr, "INSTR(string, string [, start [, n]]) -> INT",
	       "Where the second is in the first (for the n-th time, from a position on, backwards from a negative "
	       "one), from 1; 0: "
	       "nowhere.",
	       "INSTR('banana', 'a', 1, 2) = 4"),
	STRICT("STARTSWITH", "ss", tr_typer_boolean, run_starts_with, "STARTSWITH(string, string) -> BOOLEAN",
	       "Whether the first begins with the second.", "STARTSWITH('stream', 'str')"),
	STRICT("STARTSWITH", "yy", tr_typer_boolean, run_starts_with, "STARTSWITH(bytes, bytes) -> BOOLEAN",
	       "Whether the first begins with the second.", NULL),
	STRICT("ENDSWITH", "ss", tr_typer_boolean, run_ends_with, "ENDSWITH(string, string) -> BOOLEAN",
	       "Whether the first ends with the second.", "ENDSWITH('stream', 'eam')"),
	STRICT("ENDSWITH", "yy", tr_typer_boolean, run_ends_with, "ENDSWITH(bytes, bytes) -> BOOLEAN",
	       "Whether the first ends with the second.", NULL),
	{.name = "||",
	 .params = "ss",
	 .typer = tr_typer_concat,
	 .kernel = run_concat,
	 .null_rule = TR_NULL_STRICT,
	 .flags = TR_FUNC_INFIX,
	 TR_FUNC_DOC("string", "string || string -> STRING", "One after the other.", "'a' || 'b' = 'ab'")},
	STRICT("CONCAT", "s*", tr_typer_string, run_concat, "CONCAT(string, ...) -> STRING",
	       "One after the other; NULL if one is NULL.", "CONCAT('a', 'b', 'c') = 'abc'"),
	FUNC("CONCAT_WS", "ss*", tr_typer_string, run_concat_ws, TR_NULL_CUSTOM,
	     "CONCAT_WS(separator, string, ...) -> STRING", "One after the other with a separator; NULLs are left out.",
	     "CONCAT_WS('-', 'a', 'b') = 'a-b'"),
	STRICT("REPEAT", "sl", tr_typer_string, run_repeat, "REPEAT(string, integer) -> STRING", "So many times.",
	       "REPEAT('ab', 2) = 'abab'"),
	STRICT("REPLACE", "sss", tr_typer_string, run_replace, "REPLACE(string, from, to) -> STRING",
	       "Each occurrence of a text replaced.", "REPLACE('banana', 'an', 'o') = 'booa'"),
	FLAGGED("LPAD", "sls", tr_typer_string, run_lpad, TR_NULL_MAKES, TR_FUNC_AS_ARGS,
		"LPAD(string, integer, pad) -> STRING", "Padded on the left, or cut, to a length.",
		"LPAD('hi', 4, '*') = '**hi'"),
	FLAGGED("RPAD", "sls", tr_typer_string, run_rpad, TR_NULL_MAKES, TR_FUNC_AS_ARGS,
		"RPAD(string, integer, pad) -> STRING", "Padded on the right, or cut, to a length.",
		"RPAD('hi', 4, '*') = 'hi**'"),
	STRICT("OVERLAY", "ssl?l", type_overlay, run_overlay,
	       "OVERLAY(string PLACING string FROM integer [FOR integer]) -> STRING",
	       "Characters replaced from a position on.", "OVERLAY('abcdef' PLACING 'xx' FROM 3 FOR 2) = 'abxxef'"),
};

const struct tr_func_table tr_func_string_table = {rows, TR_COUNT_OF(rows)};
