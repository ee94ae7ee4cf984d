/* SPDX-License-Identifier: Apache-2.0
 *
 * What a token stands for (sql/lex.h, tr_token_decode): names and strings without their quotes, doubled quotes and
 * escapes resolved. Escapes: U&'\0041 \+01F600' of the standard, and E'\n \x41 \101 \u0041 \U0001F600' as in C.
 */
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "sql/lex.h"

struct decoder {
	const char *p;
	uint32_t at;
	uint32_t end;
	char *out;
	uint32_t length;
	struct tr_diags *diags;
};

static bool bad_escape(struct decoder *d, uint32_t start, const char *hint)
{
	uint32_t end = TR_MIN(d->end, start + 2);

	while (end < d->end && ((unsigned char)d->p[end] & 0xC0) == 0x80)
		end++;
	tr_diag_error(d->diags, TR_E_LITERAL, (struct tr_span){start, TR_MAX(end, start + 1)},
		      "this is not an escape of the string");
	tr_diag_hint(d->diags, "%s", hint);
	return false;
}

/* Reads exactly `digits` hexadecimal digits as a code point. */
static bool take_hex(struct decoder *d, uint32_t digits, uint32_t *out)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < digits; i++, d->at++) {
		int digit = d->at < d->end ? tr_text_hex_digit(d->p[d->at]) : -1;

		if (digit < 0)
			return false;
		value = value << 4 | (uint32_t)digit;
	}
	*out = value;
	return value <= 0x10FFFF && !(value >= 0xD800 && value < 0xE000);
}

static bool unicode_escape(struct decoder *d, char escape)
{
	uint32_t start = d->at++, point;
	bool is_long = d->at < d->end && d->p[d->at] == '+';

	if (d->at < d->end && d->p[d->at] == escape) {
		d->out[d->length++] = escape;
		d->at++;
		return true;
	}
	d->at += is_long;
	if (!take_hex(d, is_long ? 6 : 4, &point))
		return bad_escape(d, start, "write \\XXXX or \\+XXXXXX with the digits of a code point");
	d->length += tr_text_put_code_point(d->out + d->length, point);
	return true;
}

static bool c_escape(struct decoder *d)
{
	static const char letters[] = "bfnrt\\'\"`?", values[] = "\b\f\n\r\t\\'\"`?";
	uint32_t start = d->at++, point = 0, digits;
	char c = d->at < d->end ? d->p[d->at] : '\0';
	const char *letter = c != '\0' ? strchr(letters, c) : NULL;

	if (letter != NULL) {
		d->out[d->length++] = values[letter - letters];
		d->at++;
		return true;
	}
	if (c == 'u' || c == 'U' || c == 'x') {
		d->at++;
		if (!take_hex(d, c == 'u' ? 4 : c == 'U' ? 8 : 2, &point))
			return bad_escape(d, start, "write \\xXX, \\uXXXX or \\UXXXXXXXX with hexadecimal digits");
		d->length += tr_text_put_code_point(d->out + d->length, point);
		return true;
	}
	if (c < '0' || c > '7') { /* none of the known: the backslash stands for itself */
		d->out[d->length++] = '\\';
		return true;
	}
	for (digits = 0; digits < 3 && d->at < d->end && d->p[d->at] >= '0' && d->p[d->at] <= '7'; digits++)
		point = point << 3 | (uint32_t)(d->p[d->at++] - '0');
	if (point > 0xFF)
		return bad_escape(d, start, "an octal escape is at most \\377");
	d->length += tr_text_put_code_point(d->out + d->length, point);
	return true;
}

/* From behind a closing quote to behind the opening one of the part that continues the string, over comments. */
static uint32_t next_part(const char *p, uint32_t at)
{
	while (p[at] != '\'') {
		if ((p[at] == '-' || p[at] == '/') && p[at + 1] == p[at])
			at += (uint32_t)strcspn(p + at, "\n");
		else if (p[at] == '/')
			at = (uint32_t)(strstr(p + at + 2, "*/") + 2 - p);
		else
			at++;
	}
	return at + 1;
}

static bool decode_quoted(struct decoder *d, enum tr_token_kind kind, char escape)
{
	char quote = kind == TR_TOKEN_QUOTED ? '`' : kind == TR_TOKEN_UNICODE_NAME ? '"' : '\'';
	bool has_escapes = kind == TR_TOKEN_UNICODE || kind == TR_TOKEN_UNICODE_NAME;

	while (d->at < d->end) {
		char c = d->p[d->at];

		if (c == quote && d->p[d->at + 1] != quote) {
			d->at = next_part(d->p, d->at + 1);
			continue;
		}
		if (has_escapes && c == escape) {
			if (!unicode_escape(d, escape))
				return false;
		} else if (kind == TR_TOKEN_CSTRING && c == '\\') {
			if (!c_escape(d))
				return false;
		} else {
			d->out[d->length++] = c;
			d->at += c == quote ? 2 : 1;
		}
	}
	return true;
}

static bool decode_binary(struct decoder *d, uint32_t start)
{
	uint32_t digits = 0;

	while (d->at < d->end) {
		int digit = tr_text_hex_digit(d->p[d->at]);

		if (d->p[d->at] == '\'') {
			d->at = next_part(d->p, d->at + 1);
			continue;
		}
		if (digit < 0) {
			tr_diag_error(d->diags, TR_E_LITERAL, (struct tr_span){start, d->end + 1},
				      "a binary string holds hexadecimal digits only");
			tr_diag_hint(d->diags, "write it like X'48656C6C6F'");
			return false;
		}
		if (digits++ % 2 == 0)
			d->out[d->length++] = (char)(digit << 4);
		else
			d->out[d->length - 1] |= (char)digit;
		d->at++;
	}
	if (digits % 2 != 0)
		tr_diag_error(d->diags, TR_E_LITERAL, (struct tr_span){start, d->end + 1},
			      "a binary string needs an even number of hexadecimal digits");
	return digits % 2 == 0;
}

bool tr_token_is_continued(const struct tr_script_text *text, struct tr_token token)
{
	const char *p = text->text;

	if (token.kind != TR_TOKEN_STRING && token.kind != TR_TOKEN_UNICODE)
		return false;
	for (uint32_t at = (uint32_t)(strchr(p + token.start, '\'') - p) + 1; at + 1 < token.end; at++) {
		if (p[at] == '\'' && p[at + 1] != '\'')
			return true;
		at += p[at] == '\'';
	}
	return false;
}

bool tr_token_decode(const struct tr_script_text *text, struct tr_token token, char escape, struct tr_arena *arena,
		     struct tr_diags *diags, struct tr_ast_string *out)
{
	struct decoder d = {.p = text->text, .at = token.start, .end = token.end, .diags = diags};
	bool is_good = true;

	TR_ASSERT(token.start <= token.end && token.end <= text->length);
	d.out = tr_arena_alloc_aligned(arena, token.end - token.start + 2, 1);
	if (token.kind >= TR_TOKEN_QUOTED && token.kind <= TR_TOKEN_BINARY) {
		while (strchr("'`\"", d.p[d.at]) == NULL)
			d.at++;
		d.at++;
		d.end--;
		is_good = token.kind == TR_TOKEN_BINARY ? decode_binary(&d, token.start)
							: decode_quoted(&d, (enum tr_token_kind)token.kind, escape);
	} else {
		d.length = token.end - token.start;
		memcpy(d.out, d.p + token.start, d.length);
	}
	d.out[d.length] = '\0';
	*out = (struct tr_ast_string){{token.start, token.end}, d.out, d.length};
	return is_good;
}
