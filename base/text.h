/* SPDX-License-Identifier: Apache-2.0
 *
 * Text: values to text and back, with the texts that Flink and Java print.
 *
 * The put functions write to the caller's memory, without a NUL, and return the number of bytes; each says how many
 * it may need. The parse functions take the whole of [text, text + length), no spaces around (tr_text_trim removes
 * them as Java's trim does), and answer TR_TEXT_OK, TR_TEXT_MALFORMED (no such value) or TR_TEXT_RANGE (well formed,
 * but it does not fit). Nothing here depends on the locale.
 *
 *     text_number.c  integers, DECIMAL, BOOLEAN      text_time.c   DATE, TIME, TIMESTAMP, intervals
 *     text_float.c   FLOAT, DOUBLE                   text_value.c  any value of any column, whole rows
 */
#ifndef TR_BASE_TEXT_H
#define TR_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/batch.h"
#include "base/bytes.h"
#include "base/timezone.h"

enum tr_text_result { TR_TEXT_OK = 0, TR_TEXT_MALFORMED, TR_TEXT_RANGE };

/* The most bytes that a put function writes. */
#define TR_TEXT_INTEGER_BYTES 20
#define TR_TEXT_DECIMAL_BYTES 80
#define TR_TEXT_FLOAT_BYTES 32
#define TR_TEXT_TIME_BYTES 48 /* DATE, TIME, TIMESTAMP, intervals */

/** Removes bytes <= ' ' at both ends (Java's String.trim). */
static inline void tr_text_trim(const char **text, size_t *length)
{
	while (*length > 0 && (unsigned char)(*text)[0] <= ' ') {
		(*text)++;
		(*length)--;
	}
	while (*length > 0 && (unsigned char)(*text)[*length - 1] <= ' ')
		(*length)--;
}

/* ---- integers, decimals, booleans ---- */

size_t tr_text_put_i64(char *out, int64_t value);
size_t tr_text_put_u64(char *out, uint64_t value);

/** [+-]digits; checked. */
enum tr_text_result tr_text_parse_i64(const char *text, size_t length, int64_t *value);
enum tr_text_result tr_text_parse_i32(const char *text, size_t length, int32_t *value);

/** The plain text of unscaled * 10^-scale ("-0.05"): DecimalData.toString. Scale 0..38. */
size_t tr_text_put_decimal(char *out, tr_i128 unscaled, int scale);

/** BigDecimal.toString: as above, but "0E-8" or "1.2E-7" when the exponent of the first digit is below -6. */
size_t tr_text_put_decimal_java(char *out, tr_i128 unscaled, int scale);

/** Text with an optional fraction and exponent to DECIMAL(precision, scale), rounded HALF_UP. RANGE: more than
 * `precision` digits. */
enum tr_text_result tr_text_parse_decimal(const char *text, size_t length, int precision, int scale, tr_i128 *unscaled);

/** 10^exponent, 0..38. */
tr_i128 tr_text_power_of_ten(int exponent);

/** "true" or "false" in any case, else MALFORMED. (Flink's CAST takes also t, yes, y, on, 1, ...: _cast.) */
enum tr_text_result tr_text_parse_boolean(const char *text, size_t length, bool *value);
enum tr_text_result tr_text_parse_boolean_cast(const char *text, size_t length, bool *value);

/* ---- FLOAT and DOUBLE ---- */

/** Double.toString and Float.toString of Java 19 and later: the shortest digits that read back the same; 1.0,
 * 1.0E10, 1.0E-5, NaN, -Infinity. */
size_t tr_text_put_f64(char *out, double value);
size_t tr_text_put_f32(char *out, float value);

/** Correctly rounded (half to even). Java's decimal grammar: [+-] digits[.digits][e[+-]digits][fFdD], NaN, Infinity.
 * Never RANGE: too large is Infinity, as in Java. */
enum tr_text_result tr_text_parse_f64(const char *text, size_t length, double *value);
enum tr_text_result tr_text_parse_f32(const char *text, size_t length, float *value);

/* ---- dates and times ---- */

/** How the seconds of a time are written. */
enum tr_text_clock {
	TR_CLOCK_DIGITS,  /* HH:mm:ss and at least `digits` fraction digits, more (up to 9) while they are not 0 */
	TR_CLOCK_EXACT,   /* HH:mm:ss and exactly `digits` fraction digits */
	TR_CLOCK_LOCAL,   /* LocalTime.toString: HH:mm, :ss if it or the fraction is not 0, fraction of 3, 6 or 9 */
	TR_CLOCK_INSTANT, /* Instant.toString: HH:mm:ss, fraction of 0, 3, 6 or 9 */
};

/** "2001-01-31"; years outside 0..9999 with their sign, as LocalDate.toString. */
size_t tr_text_put_date(char *out, int64_t days);
size_t tr_text_put_time(char *out, int32_t ms_of_day, enum tr_text_clock clock, int digits);
/** Date, `separator` (' ' or 'T'), time. */
size_t tr_text_put_timestamp(char *out, int64_t ticks, int64_t ticks_per_second, char separator,
			     enum tr_text_clock clock, int digits);
/** Flink's CAST to STRING: "+1-02" and "+1 02:03:04.567". */
size_t tr_text_put_interval_month(char *out, int32_t months);
size_t tr_text_put_interval_ms(char *out, int64_t ms);
/** Period.toString and Duration.toString: "P14M", "PT26H3M4.567S". */
size_t tr_text_put_period(char *out, int32_t months);
size_t tr_text_put_duration(char *out, int64_t ms);

/** A point of a civil time line, before it is cut to a type's precision. */
struct tr_text_time {
	int64_t seconds; /* since 1970-01-01T00:00 */
	int32_t nanos;   /* 0 .. 999,999,999 */
	bool has_offset; /* an offset was given and has been subtracted */
};

/** What a date or timestamp text may look like. 0 is the strictest: "2001-01-31 10:20:30[.123456789]". */
enum tr_text_time_flags {
	TR_TIME_T = 1,                 /* 'T' (or 't') between date and time instead of ' ' */
	TR_TIME_SHORT_FIELDS = 4,      /* one digit for month, day, hour is enough */
	TR_TIME_NO_SECONDS = 8,        /* ":ss" may be missing */
	TR_TIME_DATE_ONLY = 16,        /* the time may be missing: 00:00 */
	TR_TIME_Z = 32,                /* must end with 'Z' */
	TR_TIME_OFFSET = 64,           /* must end with 'Z' or +HH:mm[:ss] */
	TR_TIME_OFFSET_OPTIONAL = 128, /* may end so */
	TR_TIME_PARTIAL = 256,         /* a date: "2001" and "2001-02" do, and a time after it is dropped */
	TR_TIME_STRICT = 1024,         /* a timestamp: no 30 February, no 24:00:00 */
	TR_TIME_HOUR_ONLY = 2048,      /* a time: "12" does */
	TR_TIME_ROLLS = 512,           /* a date: 30 February is 1 or 2 March (java.sql.Date) */
	/* CAST(string AS ..) */
	TR_TIME_CAST_DATE = TR_TIME_SHORT_FIELDS | TR_TIME_PARTIAL,
	TR_TIME_CAST_TIMESTAMP = TR_TIME_SHORT_FIELDS | TR_TIME_DATE_ONLY,
};

/** How many characters a text has. */
size_t tr_text_code_points(const char *text, size_t length);

/** How many UTF-16 units a text has: Java's length, which literals are typed by. */
size_t tr_text_utf16_units(const char *text, size_t length);

/** A date: flags SHORT_FIELDS, PARTIAL, ROLLS. */
enum tr_text_result tr_text_parse_date(const char *text, size_t length, unsigned flags, int32_t *days);
/** A time of day in nanoseconds: flags SHORT_FIELDS, NO_SECONDS, HOUR_ONLY. */
enum tr_text_result tr_text_parse_time(const char *text, size_t length, unsigned flags, int64_t *nanos);
/** With ' ' as separator Java's resolver is the "smart" one: days up to 31 are cut to the month's last, 24:00:00 is the next
 * midnight. With T, or STRICT, it is strict. */
enum tr_text_result tr_text_parse_timestamp(const char *text, size_t length, unsigned flags, struct tr_text_time *time);
/** Cuts (never rounds) to ticks. RANGE when it does not fit 64 bits. */
enum tr_text_result tr_text_time_to_ticks(const struct tr_text_time *time, int64_t ticks_per_second, int64_t *ticks);

/* ---- any value ---- */

/** Which of Flink's texts. CSV and JSON are the encoders' (io/). */
enum tr_text_style {
	TR_TEXT_PRINT,   /* the print sink: Java's toString of the external classes; nested rows as +I[..] */
	TR_TEXT_CAST,    /* CAST(x AS STRING) */
	TR_TEXT_TABLEAU, /* results on the terminal: as CAST, but bytes as x'0a', NULL at the top too */
};

/** Appends the text of one value. `zone` is the session zone for TIMESTAMP_LTZ in CAST and TABLEAU. NULL is "null" in
 * PRINT, else "NULL" (the caller of CAST asks for NULL first: CAST(NULL) is NULL). */
void tr_text_append_value(struct tr_bytes *out, const struct tr_column *column, uint32_t row, enum tr_text_style style,
			  const struct tr_timezone *zone);

/** Appends "+I[a, null, 2001-01-01T00:47]", no line end. `row` is a physical index. */
void tr_text_append_row(struct tr_bytes *out, const struct tr_batch *batch, uint32_t row,
			const struct tr_timezone *zone);

/** "+I", "-U", "+U", "-D". */
const char *tr_text_row_kind(uint8_t kind);

/** Terminal columns of a UTF-8 text, as Flink's tableau counts: 2 for wide East Asian characters. */
size_t tr_text_display_width(const char *text, size_t length);

/** Base64 (RFC 4648, padded), the text of BYTES in CSV and JSON. `out` needs 4 * ((length + 2) / 3) bytes. */
size_t tr_text_put_base64(char *out, const void *bytes, size_t length);
/** `out` needs length / 4 * 3 + 3 bytes. */
enum tr_text_result tr_text_parse_base64(const char *text, size_t length, char *out, size_t *out_length);

/** Appends `text` (UTF-8) as a JSON string, in its quotes. */
void tr_text_append_json(struct tr_bytes *out, const char *text);

/** The value of a hexadecimal digit, or -1. */
static inline int tr_text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** Writes a code point (below 0x110000) as UTF-8, 1 to 4 bytes; returns how many. */
static inline uint32_t tr_text_put_code_point(char *out, uint32_t c)
{
	const uint32_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char heads[] = {0, 0, 0xC0, 0xE0, 0xF0};

	for (uint32_t i = size - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (c & 0x3F));
		c >>= 6;
	}
	out[0] = (char)(heads[size] | c);
	return size;
}

/** Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool tr_text_is_utf8(const char *text, size_t length);

#endif
