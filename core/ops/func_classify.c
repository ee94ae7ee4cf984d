/* SPDX-License-Identifier: Apache-2.0
 *
 * What characters a text is made of, characters put for others, one argument of many: IS_ALPHA, IS_DIGIT, IS_DECIMAL,
 * TRANSLATE, ELT; and UUID.
 */
#include <ctype.h>

#include "base/environment.h"
#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_text.h"
#include "core/ops/kernel_regex.h"
#include "core/ops/kernel_text.h"

/* ---- IS_ALPHA, IS_DIGIT, IS_DECIMAL ---- */

enum class { CLASS_LETTERS, CLASS_DIGITS };

static void *create_regex(const void *prepared) { return tr_regex_create(); }
static void destroy_regex(void *local) { tr_regex_destroy(local); }

/** Only characters of the class, and at least one. Beyond ASCII Unicode's properties decide. */
static tr_code run_class(struct tr_call *call)
{
	const bool wants_letters = call->code == CLASS_LETTERS;
	const char *pattern = wants_letters ? "^\\p{L}+\\z" : "^\\p{Nd}+\\z";

	TR_CALL_ROWS(call, row) {
		struct tr_piece s = {"", 0};
		uint32_t i = 0;

		if (!tr_column_is_null(&call->args[0], row))
			s = tr_call_piece(call, 0, row);
		while (i < s.length && (wants_letters ? isalpha((unsigned char)s.text[i]) != 0
						      : isdigit((unsigned char)s.text[i]) != 0))
			i++;
		if (i < s.length && (unsigned char)s.text[i] >= 0x80)
			i = tr_regex_compile(call->local, pattern, strlen(pattern), NULL) &&
					    tr_regex_find(call->local, s.text, s.length, 0) == 1
				    ? s.length
				    : 0;
		((uint8_t *)call->out)[row] = s.length > 0 && i == s.length;
	}
	return TR_OK;
}

/** Java's Double.parseDouble, which passes over blanks at both ends, decides. */
static tr_code run_is_decimal(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = {"", 0};
		double value;

		if (!tr_column_is_null(&call->args[0], row))
			s = tr_call_piece(call, 0, row);

		while (s.length > 0 && (unsigned char)s.text[0] <= ' ') {
			s.text++;
			s.length--;
		}
		while (s.length > 0 && (unsigned char)s.text[s.length - 1] <= ' ')
			s.length--;
		((uint8_t *)call->out)[row] = tr_text_parse_f64(s.text, s.length, &value) == TR_TEXT_OK;
	}
	return TR_OK;
}

/** The type alone says it. */
static tr_code run_constant(struct tr_call *call)
{
	TR_CALL_ROWS(call, row)
		((uint8_t *)call->out)[row] = call->code != 0 && !tr_column_is_null(&call->args[0], row);
	return TR_OK;
}

/* ---- TRANSLATE ---- */

/** The character at byte `at` of a text. */
static struct tr_piece character_at(struct tr_piece s, uint32_t at)
{
	return (struct tr_piece){s.text + at, tr_text_prefix(s.text + at, s.length - at, 1, NULL)};
}

/** What `c` becomes: itself, the character at its first place in `from`, or nothing. */
static struct tr_piece translation(struct tr_piece c, struct tr_piece from, struct tr_piece to)
{
	uint32_t t = 0;

	for (uint32_t f = 0; f < from.length;) {
		const struct tr_piece of = character_at(from, f);
		const struct tr_piece into = character_at(to, t);

		if (of.length == c.length && memcmp(of.text, c.text, c.length) == 0)
			return into;
		f += of.length;
		t += into.length;
	}
	return c;
}

static tr_code run_translate(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		struct tr_piece s = {"", 0}, from = {"", 0}, to = {"", 0};
		char *text;
		uint32_t length = 0;

		if (tr_column_is_null(&call->args[0], row)) {
			tr_call_set_null(call, row);
			continue;
		}
		s = tr_call_piece(call, 0, row);
		if (!tr_column_is_null(&call->args[1], row))
			from = tr_call_piece(call, 1, row);
		if (!tr_column_is_null(&call->args[2], row))
			to = tr_call_piece(call, 2, row);
		TR_CALL_CHECK_LENGTH(call, row, (uint64_t)s.length * 4);
		text = tr_call_new_text(call, (uint64_t)s.length * 4);
		for (uint32_t i = 0; i < s.length;) {
			const struct tr_piece c = character_at(s, i);
			const struct tr_piece into = translation(c, from, to);

			memcpy(text + length, into.text, into.length);
			length += into.length;
			i += c.length;
		}
		tr_call_put(call, row, text, length);
	}
	return TR_OK;
}

/* ---- ELT ---- */

/* Texts or bytes; an index that is known to be below 0 is refused, as by Flink. */
static const struct tr_type *type_elt(struct tr_ask *ask)
{
	const struct tr_type *type = ask->count > 1 ? tr_typer_common(ask, 1) : NULL;

	if (type == NULL || !(tr_type_is_text(type) || tr_type_is_bytes(type)) || tr_ask_i64(ask, 0, 0) < 0)
		return NULL;
	return type;
}

static tr_code run_elt(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const int64_t index = tr_column_is_null(&call->args[0], row) ? 0 : tr_call_i64(call, 0, row);

		if (index < 1 || index >= call->arg_count || tr_column_is_null(&call->args[index], row)) {
			tr_call_set_null(call, row);
			continue;
		}
		((struct tr_view *)call->out)[row] = *tr_call_view(call, (uint32_t)index, row);
	}
	return TR_OK;
}

/* ---- UUID ---- */

/** Version 4 of RFC 4122: 122 random bits. */
static tr_code run_uuid(struct tr_call *call)
{
	if (call->context->env == NULL)
		TR_CALL_FAIL(call, 0, "no source of random numbers here");
	TR_CALL_ROWS(call, row) {
		uint64_t bits[2] = {tr_environment_random(call->context->env),
				    tr_environment_random(call->context->env)};
		unsigned char *bytes = (unsigned char *)bits;
		char digits[32], *text = tr_call_new_text(call, 36);
		uint32_t at = 0;

		bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x40);
		bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
		tr_text_put_hex(digits, bytes, sizeof(bits), false);
		for (uint32_t i = 0; i < 32; i++) {
			if (i == 8 || i == 12 || i == 16 || i == 20)
				text[at++] = '-';
			text[at++] = digits[i];
		}
		tr_call_put(call, row, text, at);
	}
	return TR_OK;
}

/* ---- the table ---- */

#define CLASS(name_, code_, doc_, example_)                                                                            \
	{                                                                                                              \
		.name = (name_), .params = "s", .typer = tr_typer_boolean, .kernel = run_class,                        \
		.null_rule = TR_NULL_CUSTOM, .flags = TR_FUNC_NOT_NULL, .code = (code_), .local_create = create_regex, \
		.local_destroy = destroy_regex,                                                                        \
		TR_FUNC_DOC("conditional", name_ "(string) -> BOOLEAN", doc_, example_)                                \
	}
#define OF_TYPE(name_, params_, value_)                                                                   \
	{                                                                                                 \
		.name = (name_), .params = (params_), .typer = tr_typer_boolean, .kernel = run_constant,  \
		.null_rule = TR_NULL_CUSTOM, .code = (value_), .flags = TR_FUNC_HIDDEN | TR_FUNC_NOT_NULL \
	}
#define ROW(name_, params_, typer_, kernel_, null_, flags_, group_, signature_, doc_, example_)                     \
	{                                                                                                           \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), .null_rule = (null_), \
		.flags = (flags_), TR_FUNC_DOC(group_, signature_, doc_, example_)                                  \
	}

static const struct tr_func rows[] = {
	CLASS("IS_ALPHA", CLASS_LETTERS, "Whether all characters are letters, and there is one.", "IS_ALPHA('stream')"),
	OF_TYPE("IS_ALPHA", "a", false),
	CLASS("IS_DIGIT", CLASS_DIGITS, "Whether all characters are digits, and there is one.", "IS_DIGIT('123')"),
	OF_TYPE("IS_DIGIT", "l", true),
	OF_TYPE("IS_DIGIT", "a", false),
	ROW("IS_DECIMAL", "s", tr_typer_boolean, run_is_decimal, TR_NULL_CUSTOM, TR_FUNC_NOT_NULL, "conditional",
	    "IS_DECIMAL(string) -> BOOLEAN", "Whether the text is a number.", "IS_DECIMAL('1.5e3')"),
	OF_TYPE("IS_DECIMAL", "n", true),
	OF_TYPE("IS_DECIMAL", "a", false),
	ROW("TRANSLATE", "sss", tr_typer_string, run_translate, TR_NULL_CUSTOM, TR_FUNC_NULL_IF_FIRST, "string",
	    "TRANSLATE(string, from, to) -> STRING",
	    "Each character that is in the second text replaced by the one at its place in the third; without such, "
	    "left out.",
	    "TRANSLATE('banana', 'abn', 'o') = 'ooo'"),
	ROW("TRANSLATE3", "sss", tr_typer_string, run_translate, TR_NULL_CUSTOM, TR_FUNC_NULL_IF_FIRST, "string",
	    "TRANSLATE3(string, from, to) -> STRING", "The same as TRANSLATE.", "TRANSLATE3('abc', 'ab', 'x') = 'xc'"),
	ROW("ELT", "lC*", type_elt, run_elt, TR_NULL_CUSTOM, TR_FUNC_NULLABLE, "string",
	    "ELT(index, string, ...) -> the common type", "The argument of that number, from 1; NULL if there is none.",
	    "ELT(2, 'a', 'b', 'c') = 'b'"),
	ROW("UUID", "", tr_typer_string, run_uuid, TR_NULL_STRICT, TR_FUNC_VOLATILE | TR_FUNC_PER_ROW, "string",
	    "UUID() -> STRING", "A random UUID (RFC 4122, version 4), another for each row.", NULL),
};

const struct tr_func_table tr_func_classify_table = {rows, TR_COUNT_OF(rows)};
