/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that write bytes as text and back, and hashes: HEX, UNHEX, BIN, base64, character sets, MD5 and SHA.
 *
 * Character sets are the six that every Java has: US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE, UTF-16. What a set does not
 * have becomes '?', and bytes that are no character of it become U+FFFD, as in Java.
 */
#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <strings.h>

#include "base/text.h"
#include "base/type.h"
#include "core/ops/func_text.h"
#include "core/ops/kernel_text.h"

static const struct tr_type *typer_bytes(struct tr_ask *ask) { return tr_type_of(TR_TYPE_VARBINARY); }

#define TYPER_DIGITS(digits)                                                       \
	static const struct tr_type *typer_##digits(struct tr_ask *ask)            \
	{                                                                          \
		return tr_type_with_precision(ask->arena, TR_TYPE_CHAR, (digits)); \
	}
TYPER_DIGITS(32)
TYPER_DIGITS(40)
TYPER_DIGITS(56)
TYPER_DIGITS(64)
TYPER_DIGITS(96)
TYPER_DIGITS(128)

static const struct tr_type *typer_sha2(struct tr_ask *ask)
{
	return tr_type_with_precision(ask->arena, TR_TYPE_VARCHAR, 128);
}

/* ---- hashes ---- */

enum hash { HASH_MD5, HASH_SHA1, HASH_SHA224, HASH_SHA256, HASH_SHA384, HASH_SHA512 };

#define DIGEST_BYTES_MAX SHA512_DIGEST_SIZE

/** The digest of a text; returns its length. */
static size_t digest(enum hash hash, struct tr_piece text, uint8_t *out)
{
	union {
		struct md5_ctx md5;
		struct sha1_ctx sha1;
		struct sha256_ctx sha256;
		struct sha512_ctx sha512;
	} c;
	const uint8_t *bytes = (const uint8_t *)text.text;

	switch (hash) {
	case HASH_MD5:
		md5_init(&c.md5);
		md5_update(&c.md5, text.length, bytes);
		md5_digest(&c.md5, MD5_DIGEST_SIZE, out);
		return MD5_DIGEST_SIZE;
	case HASH_SHA1:
		sha1_init(&c.sha1);
		sha1_update(&c.sha1, text.length, bytes);
		sha1_digest(&c.sha1, SHA1_DIGEST_SIZE, out);
		return SHA1_DIGEST_SIZE;
	case HASH_SHA224:
		sha224_init(&c.sha256);
		sha224_update(&c.sha256, text.length, bytes);
		sha224_digest(&c.sha256, SHA224_DIGEST_SIZE, out);
		return SHA224_DIGEST_SIZE;
	case HASH_SHA256:
		sha256_init(&c.sha256);
		sha256_update(&c.sha256, text.length, bytes);
		sha256_digest(&c.sha256, SHA256_DIGEST_SIZE, out);
		return SHA256_DIGEST_SIZE;
	case HASH_SHA384:
		sha384_init(&c.sha512);
		sha384_update(&c.sha512, text.length, bytes);
		sha384_digest(&c.sha512, SHA384_DIGEST_SIZE, out);
		return SHA384_DIGEST_SIZE;
	case HASH_SHA512:
		sha512_init(&c.sha512);
		sha512_update(&c.sha512, text.length, bytes);
		sha512_digest(&c.sha512, SHA512_DIGEST_SIZE, out);
		return SHA512_DIGEST_SIZE;
	}
	TR_UNREACHABLE();
}

static void put_digest(struct tr_call *call, uint32_t row, enum hash hash)
{
	uint8_t bytes[DIGEST_BYTES_MAX];
	const size_t length = digest(hash, tr_call_piece(call, 0, row), bytes);
	char *text = tr_call_new_text(call, 2 * length);

	tr_text_put_hex(text, bytes, length, false);
	tr_call_put(call, row, text, (uint32_t)(2 * length));
}

static tr_code run_hash(struct tr_call *call)
{
	TR_CALL_ROWS(call, row)
		put_digest(call, row, (enum hash)call->code);
	return TR_OK;
}

static tr_code run_sha2(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		switch (tr_call_i64(call, 1, row)) {
		case 224: put_digest(call, row, HASH_SHA224); break;
		case 256: put_digest(call, row, HASH_SHA256); break;
		case 384: put_digest(call, row, HASH_SHA384); break;
		case 512: put_digest(call, row, HASH_SHA512); break;
		default:
			TR_CALL_FAIL(call, row, "there is no SHA2 of %lld bits; there are 224, 256, 384 and 512",
				     (long long)tr_call_i64(call, 1, row));
		}
	}
	return TR_OK;
}

/* ---- numbers in another base ---- */

static void put_digits(struct tr_call *call, uint32_t row, uint64_t value, uint32_t bits_a_digit)
{
	char text[64];
	uint32_t at = sizeof(text);

	do {
		text[--at] = "0123456789ABCDEF"[value & ((1u << bits_a_digit) - 1)];
		value >>= bits_a_digit;
	} while (value != 0);
	((struct tr_view *)call->out)[row] = tr_text_copy(call->heap, text + at, (uint32_t)sizeof(text) - at);
}

/** A negative number shows its 64 bits. */
static tr_code run_number(struct tr_call *call)
{
	TR_CALL_ROWS(call, row)
		put_digits(call, row, (uint64_t)tr_call_i64(call, 0, row), (uint32_t)call->code);
	return TR_OK;
}

static tr_code run_hex(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row);
		char *text;

		TR_CALL_CHECK_LENGTH(call, row, (uint64_t)s.length * 2);
		text = tr_call_new_text(call, (uint64_t)s.length * 2);
		tr_text_put_hex(text, s.text, s.length, true);
		tr_call_put(call, row, text, s.length * 2);
	}
	return TR_OK;
}

/** Of an odd number of digits the first one is a byte 0, whatever digit it is, as in Flink. */
static tr_code run_unhex(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row);
		const uint32_t length = s.length / 2 + s.length % 2;
		char *bytes = tr_call_new_text(call, length);
		bool is_hex = true;

		for (uint32_t i = 0; i < length && is_hex; i++) {
			const uint32_t at = 2 * i - s.length % 2;
			const bool is_odd = i == 0 && s.length % 2 == 1;
			const int high = is_odd ? 0 : tr_text_hex_digit(s.text[at]);
			const int low = tr_text_hex_digit(s.text[at + 1]);

			is_hex = high >= 0 && low >= 0;
			bytes[i] = is_odd ? 0 : (char)(high << 4 | low);
		}
		if (is_hex)
			tr_call_put(call, row, bytes, length);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* ---- base64 ---- */

static tr_code run_to_base64(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row);
		const uint64_t room = ((uint64_t)s.length + 2) / 3 * 4;
		char *text;

		TR_CALL_CHECK_LENGTH(call, row, room);
		text = tr_call_new_text(call, room);
		tr_call_put(call, row, text, (uint32_t)tr_text_put_base64(text, s.text, s.length));
	}
	return TR_OK;
}

static tr_code run_from_base64(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row);
		const uint32_t missing = (4 - s.length % 4) % 4; /* the padding may be left out */
		const bool is_padded = s.length == 0 || s.text[s.length - 1] == '=' || missing == 0 || missing == 3;
		char *text = tr_call_new_text(call, (uint64_t)s.length / 4 * 3 + 6), *padded = NULL;
		size_t length = 0;

		if (!is_padded) {
			padded = tr_call_new_text(call, (uint64_t)s.length + missing);
			memset(mempcpy(padded, s.text, s.length), '=', missing);
		}
		if (tr_text_parse_base64(is_padded ? s.text : padded, s.length + (is_padded ? 0 : missing), text,
					 &length) != TR_TEXT_OK)
			TR_CALL_FAIL(call, row, "this is not base64");
		tr_call_put(call, row, text, (uint32_t)length);
	}
	return TR_OK;
}

/* ---- character sets ---- */

enum charset {
	CHARSET_ASCII,
	CHARSET_LATIN1,
	CHARSET_UTF8,
	CHARSET_UTF16BE,
	CHARSET_UTF16LE,
	CHARSET_UTF16,
	CHARSET_COUNT
};

static const char *const charset_names[CHARSET_COUNT] = {"US-ASCII", "ISO-8859-1", "UTF-8",
							 "UTF-16BE", "UTF-16LE",   "UTF-16"};

static enum charset find_charset(struct tr_piece name)
{
	static const struct {
		const char *name;
		enum charset charset;
	} others[] = {{"UTF8", CHARSET_UTF8},
		      {"ASCII", CHARSET_ASCII},
		      {"LATIN1", CHARSET_LATIN1},
		      {"ISO8859-1", CHARSET_LATIN1}};
	int c = 0;

	for (uint32_t i = 0; i < TR_COUNT_OF(others); i++)
		if (strlen(others[i].name) == name.length && strncasecmp(others[i].name, name.text, name.length) == 0)
			return others[i].charset;
	while (c < CHARSET_COUNT &&
	       (strlen(charset_names[c]) != name.length || strncasecmp(charset_names[c], name.text, name.length) != 0))
		c++;
	return (enum charset)c;
}

#define CHECK_CHARSET(call, row, charset, name)                                                                       \
	do {                                                                                                          \
		if ((charset) == CHARSET_COUNT)                                                                       \
			TR_CALL_FAIL(                                                                                 \
				call, row,                                                                            \
				"there is no character set '%.*s'; there are US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, " \
				"UTF-16LE and UTF-16",                                                                \
				(int)(name).length, (name).text);                                                     \
	} while (0)

#define NO_CHARACTER 0xFFFD

/** How many bytes from `at` on begin a character of `size` bytes, at least 1: what a single U+FFFD stands for. */
static uint32_t broken_length(struct tr_piece s, uint32_t at, uint32_t size)
{
	const unsigned char first = (unsigned char)s.text[at];
	uint32_t length = 1;

	if (first < 0xC2 || first > 0xF4)
		return 1;
	for (; length < size && at + length < s.length; length++) {
		const unsigned char c = (unsigned char)s.text[at + length];
		const unsigned char least = length == 1 && first == 0xE0   ? 0xA0
					    : length == 1 && first == 0xF0 ? 0x90
									   : 0x80;
		const unsigned char most = length == 1 && first == 0xED   ? 0x9F
					   : length == 1 && first == 0xF4 ? 0x8F
									  : 0xBF;

		if (c < least || c > most)
			break;
	}
	return length;
}

/** The code point at *at, which moves on; NO_CHARACTER for bytes that are none. */
static uint32_t next_character(struct tr_piece s, uint32_t *at)
{
	const unsigned char c = (unsigned char)s.text[*at];
	const uint32_t size = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
	uint32_t code = size == 1 ? c : size == 2 ? c & 0x1F : size == 3 ? c & 0x0F : c & 0x07;

	if (*at + size > s.length || !tr_text_is_utf8(s.text + *at, size)) {
		*at += broken_length(s, *at, size);
		return NO_CHARACTER;
	}
	for (uint32_t i = 1; i < size; i++)
		code = code << 6 | ((unsigned char)s.text[*at + i] & 0x3F);
	*at += size;
	return code;
}

static char *put_character(char *out, uint32_t code) { return out + tr_text_put_code_point(out, code); }

static char *put_unit(char *out, uint32_t unit, bool is_little)
{
	*out++ = (char)(is_little ? unit : unit >> 8);
	*out++ = (char)(is_little ? unit >> 8 : unit);
	return out;
}

static char *encode_character(char *out, uint32_t code, enum charset charset)
{
	const bool is_little = charset == CHARSET_UTF16LE;

	if (charset == CHARSET_UTF8)
		return put_character(out, code);
	if (charset <= CHARSET_LATIN1) {
		*out++ = (char)(code > (charset == CHARSET_ASCII ? 0x7F : 0xFF) ? '?' : code);
		return out;
	}
	if (code < 0x10000)
		return put_unit(out, code, is_little);
	out = put_unit(out, 0xD800 | (code - 0x10000) >> 10, is_little);
	return put_unit(out, 0xDC00 | ((code - 0x10000) & 0x3FF), is_little);
}

static tr_code run_encode(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row), name = tr_call_piece(call, 1, row);
		const enum charset charset = find_charset(name);
		char *bytes = tr_call_new_text(call, (uint64_t)s.length * 3 + 2), *end = bytes;

		CHECK_CHARSET(call, row, charset, name);
		if (charset == CHARSET_UTF16 && s.length > 0)
			end = put_unit(end, 0xFEFF, false);
		for (uint32_t at = 0; at < s.length;)
			end = encode_character(end, next_character(s, &at), charset);
		tr_call_put(call, row, bytes, (uint32_t)(end - bytes));
	}
	return TR_OK;
}

static uint32_t unit_at(struct tr_piece s, uint32_t at, bool is_little)
{
	const unsigned char a = (unsigned char)s.text[at], b = (unsigned char)s.text[at + 1];

	return is_little ? (uint32_t)b << 8 | a : (uint32_t)a << 8 | b;
}

static char *decode_utf16(char *out, struct tr_piece s, enum charset charset)
{
	bool is_little = charset == CHARSET_UTF16LE;
	uint32_t at = 0;

	if (charset == CHARSET_UTF16 && s.length >= 2 &&
	    (unit_at(s, 0, false) == 0xFEFF || unit_at(s, 0, true) == 0xFEFF)) {
		is_little = unit_at(s, 0, true) == 0xFEFF;
		at = 2;
	}
	for (; at + 2 <= s.length; at += 2) {
		const uint32_t unit = unit_at(s, at, is_little);
		const uint32_t next = at + 4 <= s.length ? unit_at(s, at + 2, is_little) : 0;

		if (unit < 0xD800 || unit > 0xDFFF) {
			out = put_character(out, unit);
		} else if (unit < 0xDC00 && next >= 0xDC00 && next <= 0xDFFF) {
			out = put_character(out, 0x10000 + ((unit & 0x3FF) << 10 | (next & 0x3FF)));
			at += 2;
		} else {
			out = put_character(out, NO_CHARACTER);
		}
	}
	return at < s.length ? put_character(out, NO_CHARACTER) : out;
}

static tr_code run_decode(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row), name = tr_call_piece(call, 1, row);
		const enum charset charset = find_charset(name);
		char *text = tr_call_new_text(call, (uint64_t)s.length * 3 + 3), *end = text;

		CHECK_CHARSET(call, row, charset, name);
		if (charset >= CHARSET_UTF16BE)
			end = decode_utf16(end, s, charset);
		for (uint32_t at = 0; at < s.length && charset < CHARSET_UTF16BE;) {
			const unsigned char c = (unsigned char)s.text[at];

			if (charset == CHARSET_UTF8)
				end = put_character(end, next_character(s, &at));
			else
				end = put_character(end, charset == CHARSET_ASCII && c >= 0x80 ? NO_CHARACTER : c);
			at += charset != CHARSET_UTF8;
		}
		tr_call_put(call, row, text, (uint32_t)(end - text));
	}
	return TR_OK;
}

/* ---- the table ---- */

#define ROW(name_, params_, typer_, kernel_, null_, code_, group_, signature_, doc_, example_)                      \
	{                                                                                                           \
		.name = (name_), .params = (params_), .typer = (typer_), .kernel = (kernel_), .null_rule = (null_), \
		.code = (code_), TR_FUNC_DOC(group_, signature_, doc_, example_)                                    \
	}
#define HASH(name_, hash_, digits_, doc_, example_)                                           \
	ROW(name_, "s", typer_##digits_, run_hash, TR_NULL_STRICT, hash_, "hash",             \
	    name_ "(string) -> CHAR(" #digits_ ")", doc_, example_),                          \
	{                                                                                     \
		.name = (name_), .params = "y", .typer = typer_##digits_, .kernel = run_hash, \
		.null_rule = TR_NULL_STRICT, .code = (hash_), .flags = TR_FUNC_HIDDEN         \
	}
#define STRICT(name, params, typer, kernel, signature, doc, example) \
	ROW(name, params, typer, kernel, TR_NULL_STRICT, 0, "string", signature, doc, example)
#define MAKES(name, params, typer, kernel, signature, doc, example) \
	ROW(name, params, typer, kernel, TR_NULL_MAKES, 0, "string", signature, doc, example)

static const struct tr_func rows[] = {
	HASH("MD5", HASH_MD5, 32, "The MD5 digest in 32 hexadecimal digits.",
	     "MD5('abc') = '900150983cd24fb0d6963f7d28e17f72'"),
	HASH("SHA1", HASH_SHA1, 40, "The SHA-1 digest in 40 hexadecimal digits.",
	     "SHA1('abc') = 'a9993e364706816aba3e25717850c26c9cd0d89d'"),
	HASH("SHA224", HASH_SHA224, 56, "The SHA-224 digest in 56 hexadecimal digits.",
	     "SHA224('abc') = '23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7'"),
	HASH("SHA256", HASH_SHA256, 64, "The SHA-256 digest in 64 hexadecimal digits.",
	     "SHA256('abc') = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'"),
	HASH("SHA384", HASH_SHA384, 96, "The SHA-384 digest in 96 hexadecimal digits.",
	     "CHAR_LENGTH(SHA384('abc')) = 96"),
	HASH("SHA512", HASH_SHA512, 128, "The SHA-512 digest in 128 hexadecimal digits.",
	     "CHAR_LENGTH(SHA512('abc')) = 128"),
	ROW("SHA2", "sl", typer_sha2, run_sha2, TR_NULL_STRICT, 0, "hash", "SHA2(string, bits) -> VARCHAR(128)",
	    "The SHA digest of 224, 256, 384 or 512 bits, in hexadecimal digits.",
	    "SHA2('abc', 224) = '23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7'"),
	ROW("BIN", "l", tr_typer_string, run_number, TR_NULL_STRICT, 1, "arithmetic", "BIN(integer) -> STRING",
	    "In binary digits.", "BIN(12) = '1100'"),
	ROW("HEX", "l", tr_typer_string, run_number, TR_NULL_STRICT, 4, "arithmetic", "HEX(integer) -> STRING",
	    "In hexadecimal digits.", "HEX(20) = '14'"),
	ROW("HEX", "s", tr_typer_string, run_hex, TR_NULL_STRICT, 0, "arithmetic", "HEX(string) -> STRING",
	    "The bytes of a text in hexadecimal digits.", "HEX('hello') = '68656C6C6F'"),
	MAKES("UNHEX", "s", typer_bytes, run_unhex, "UNHEX(string) -> BYTES",
	      "The bytes that hexadecimal digits stand for; NULL if they are none.",
	      "DECODE(UNHEX('466C696E6B'), 'UTF-8') = 'Flink'"),
	STRICT("TO_BASE64", "s", tr_typer_string, run_to_base64, "TO_BASE64(string) -> STRING", "In base64.",
	       "TO_BASE64('hello world') = 'aGVsbG8gd29ybGQ='"),
	{.name = "TO_BASE64",
	 .params = "y",
	 .typer = tr_typer_string,
	 .kernel = run_to_base64,
	 .null_rule = TR_NULL_STRICT,
	 .flags = TR_FUNC_HIDDEN},
	STRICT("FROM_BASE64", "s", tr_typer_string, run_from_base64, "FROM_BASE64(string) -> STRING", "From base64.",
	       "FROM_BASE64('aGVsbG8gd29ybGQ=') = 'hello world'"),
	STRICT("ENCODE", "ss", typer_bytes, run_encode, "ENCODE(string, charset) -> BYTES",
	       "The bytes of a text in US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE or UTF-16.",
	       "ENCODE('a', 'UTF-16BE') = x'0061'"),
	STRICT("DECODE", "ys", tr_typer_string, run_decode, "DECODE(bytes, charset) -> STRING",
	       "The text of bytes in US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE or UTF-16.",
	       "DECODE(x'0061', 'UTF-16BE') = 'a'"),
};

const struct tr_func_table tr_func_encode_table = {rows, TR_COUNT_OF(rows)};
