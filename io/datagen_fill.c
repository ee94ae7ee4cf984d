/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling columns with drawn values: one loop per physical type. Collections make a list of their elements as if they
 * were rows, with keys of their own, and fill the child column with it; the recursion follows the type.
 */
#include <float.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/type.h"
#include "io/datagen_field_def.h"
#include "io/memory.h"

#define DAY_MS INT64_C(86400000)

/* Draws of one value that must not repeat each other. */
enum draw { DRAW_VALUE = 1, DRAW_MORE, DRAW_NULL, DRAW_LENGTH, DRAW_ELEMENT };

static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

uint64_t tr_datagen_key(uint64_t seed, int64_t number)
{
	return mix(mix(seed + UINT64_C(0x9e3779b97f4a7c15)) + (uint64_t)number * UINT64_C(0xa0761d6478bd642f));
}

static inline uint64_t draw(const struct tr_datagen_field *f, uint64_t key, enum draw what)
{
	return mix((key ^ f->salt) + (uint64_t)what * UINT64_C(0x9e3779b97f4a7c15));
}

/* Uniform in [low, high]. */
static inline int64_t between(uint64_t bits, int64_t low, int64_t high)
{
	const uint64_t span = (uint64_t)high - (uint64_t)low + 1;

	if (span == 0)
		return (int64_t)bits;
	return (int64_t)((uint64_t)low + (uint64_t)(((tr_u128)bits * span) >> 64));
}

static inline double unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

static inline int64_t integer_of(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows, uint32_t i)
{
	return f->is_sequence ? f->low + rows->number[i] : between(draw(f, rows->key[i], DRAW_VALUE), f->low, f->high);
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t time_of(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows, uint32_t i)
{
	const int64_t now = rows->now_ms[i];

	switch (f->type->id) {
	case TR_TYPE_DATE: return floor_div(now, DAY_MS);
	case TR_TYPE_TIME: return now - floor_div(now, DAY_MS) * DAY_MS;
	default:
		TR_DASSERT(tr_type_is_timestamp(f->type));
		return (now - between(draw(f, rows->key[i], DRAW_VALUE), 0, f->max_past_ms)) *
		       (tr_type_ticks_per_second(f->type) / 1000);
	}
}

bool tr_datagen_is_time(const struct tr_type *type)
{
	return type->id == TR_TYPE_DATE || type->id == TR_TYPE_TIME || tr_type_is_timestamp(type);
}

static int64_t decimal64_of(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows, uint32_t i)
{
	if (f->is_sequence)
		return (f->low + rows->number[i]) * (int64_t)tr_text_power_of_ten(f->type->scale);
	return between(draw(f, rows->key[i], DRAW_VALUE), (int64_t)f->low128, (int64_t)f->high128);
}

static tr_i128 decimal128_of(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows, uint32_t i)
{
	const tr_u128 span = (tr_u128)f->high128 - (tr_u128)f->low128 + 1;
	const tr_u128 bits = (tr_u128)draw(f, rows->key[i], DRAW_VALUE) << 64 | draw(f, rows->key[i], DRAW_MORE);

	if (f->is_sequence)
		return (tr_i128)(f->low + rows->number[i]) * tr_text_power_of_ten(f->type->scale);
	return (tr_i128)((tr_u128)f->low128 + bits % span);
}

static double float_of(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows, uint32_t i)
{
	const double u = unit(draw(f, rows->key[i], DRAW_VALUE));

	if (f->is_sequence)
		return (double)(f->low + rows->number[i]);
	/* Not low + u * (high - low): the difference may overflow. */
	return f->low_f64 * (1 - u) + f->high_f64 * u;
}

#define FILL_LOOP(ctype, expression)                              \
	do {                                                      \
		ctype *restrict values = (ctype *)out->data + at; \
		for (uint32_t i = 0; i < rows->count; i++)        \
			values[i] = (ctype)(expression);          \
	} while (0)

static void fill_numbers(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows,
			 struct tr_column_buffer *out, uint32_t at)
{
	const bool times = tr_datagen_is_time(f->type);
	const bool decimals = f->type->id == TR_TYPE_DECIMAL;

	switch ((enum tr_phys)f->type->phys) {
	case TR_PHYS_I8: FILL_LOOP(int8_t, integer_of(f, rows, i)); break;
	case TR_PHYS_I16: FILL_LOOP(int16_t, integer_of(f, rows, i)); break;
	case TR_PHYS_I32:
		if (times)
			FILL_LOOP(int32_t, time_of(f, rows, i));
		else
			FILL_LOOP(int32_t, integer_of(f, rows, i));
		break;
	case TR_PHYS_I64:
		if (times)
			FILL_LOOP(int64_t, time_of(f, rows, i));
		else if (decimals)
			FILL_LOOP(int64_t, decimal64_of(f, rows, i));
		else
			FILL_LOOP(int64_t, integer_of(f, rows, i));
		break;
	case TR_PHYS_I128: FILL_LOOP(tr_i128, decimal128_of(f, rows, i)); break;
	case TR_PHYS_F32: FILL_LOOP(float, float_of(f, rows, i)); break;
	case TR_PHYS_F64: FILL_LOOP(double, float_of(f, rows, i)); break;
	default: TR_UNREACHABLE();
	}
}

static uint32_t length_of(const struct tr_datagen_field *f, uint64_t key)
{
	if (!f->is_var_len)
		return f->length;
	return (uint32_t)between(draw(f, key, DRAW_LENGTH), 1, f->length);
}

/* Sixteen hexadecimal digits, or eight bytes, per draw. `out` has room for a multiple of them. */
static void write_text(char *restrict out, uint32_t length, uint64_t bits, bool is_hex)
{
	static const char digits[] = "0123456789abcdef";
	const uint32_t step = is_hex ? 16 : 8;

	for (uint32_t at = 0; at < length; at += step, bits = mix(bits + at + 1)) {
		if (is_hex) {
			for (uint32_t d = 0; d < 16; d++)
				out[at + d] = digits[(bits >> (d * 4)) & 15];
		} else {
			memcpy(out + at, &bits, 8);
		}
	}
}

static void fill_texts(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows,
		       struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	struct tr_view *restrict views = (struct tr_view *)out->data + at;
	const bool is_hex = tr_type_is_text(f->type);

	for (uint32_t i = 0; i < rows->count; i++) {
		char number[TR_TEXT_INTEGER_BYTES];
		uint32_t length;
		char *text;

		if (f->is_sequence) {
			length = (uint32_t)tr_text_put_i64(number, f->low + rows->number[i]);
			text = number;
			if (length > TR_VIEW_INLINE_MAX) {
				text = tr_arena_alloc_aligned(&heap->arena, length, 1);
				memcpy(text, number, length);
			}
		} else {
			length = length_of(f, rows->key[i]);
			text = tr_arena_alloc_aligned(&heap->arena, (size_t)length + 16, 1);
			write_text(text, length, draw(f, rows->key[i], DRAW_VALUE), is_hex);
		}
		views[i] = tr_view_make(text, length);
	}
}

static bool is_null(const struct tr_datagen_field *f, uint64_t key)
{
	return f->null_below > 0 && (draw(f, key, DRAW_NULL) & UINT32_MAX) < f->null_below;
}

/* The elements of all rows, as rows of their own. Free with elements_free. */
static struct tr_datagen_rows elements_of(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows)
{
	uint32_t count = 0, n = 0;
	struct tr_datagen_rows elements;
	int64_t *number, *now;
	uint64_t *key;

	for (uint32_t i = 0; i < rows->count; i++)
		count += is_null(f, rows->key[i]) ? 0 : f->length;
	number = tr_io_calloc(count, sizeof(*number));
	now = tr_io_calloc(count, sizeof(*now));
	key = tr_io_calloc(count, sizeof(*key));
	for (uint32_t i = 0; i < rows->count; i++) {
		if (is_null(f, rows->key[i]))
			continue;
		for (uint32_t e = 0; e < f->length; e++, n++) {
			number[n] = rows->number[i];
			now[n] = rows->now_ms[i];
			key[n] = mix(draw(f, rows->key[i], DRAW_ELEMENT) + e);
		}
	}
	elements = (struct tr_datagen_rows){number, key, now, count};
	return elements;
}

static void elements_free(struct tr_datagen_rows *elements)
{
	free((void *)elements->number);
	free((void *)elements->now_ms);
	free((void *)elements->key);
}

static void fill_array(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows,
		       struct tr_column_buffer *out, uint32_t at, struct tr_heap *heap)
{
	struct tr_column_buffer *child = &out->children[0];
	struct tr_datagen_rows elements = elements_of(f, rows);
	uint32_t end = child->length;

	tr_column_buffer_reserve(child, child->length + elements.count);
	tr_datagen_fill(f->children[0], &elements, child, child->length, heap);
	for (uint32_t i = 0; i < rows->count; i++) {
		end += is_null(f, rows->key[i]) ? 0 : f->length;
		out->offsets[at + i + 1] = (int32_t)end;
	}
	elements_free(&elements);
}

/* Whether one of rows[from .. count) has the same key. Equal hashes of 64 bits are taken for equal keys. */
static bool has_hash(const uint64_t *hash, const uint32_t *rows, uint32_t from, uint32_t count, uint64_t wanted)
{
	for (uint32_t i = from; i < count; i++)
		if (hash[rows[i]] == wanted)
			return true;
	return false;
}

/* Keys and values are made aside, and of equal keys of a row only the first is taken over. */
static void fill_map(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows, struct tr_column_buffer *out,
		     uint32_t at, struct tr_heap *heap)
{
	struct tr_datagen_rows elements = elements_of(f, rows);
	struct tr_column_buffer aside[2];
	struct tr_column views[2];
	uint64_t *hash = tr_io_calloc(elements.count, sizeof(*hash));
	uint32_t *kept = tr_io_calloc(elements.count, sizeof(*kept));
	uint32_t count = 0, element = 0;
	const uint32_t start = out->children[0].length;

	for (uint32_t c = 0; c < 2; c++) {
		tr_column_buffer_init(&aside[c], f->type->children[c], TR_MAX(elements.count, 1));
		tr_datagen_fill(f->children[c], &elements, &aside[c], 0, heap);
		views[c] = tr_column_buffer_view(&aside[c]);
	}
	tr_hash_column(&views[0], NULL, elements.count, hash);
	for (uint32_t i = 0; i < rows->count; i++) {
		const uint32_t first = count;

		for (uint32_t e = 0; !is_null(f, rows->key[i]) && e < f->length; e++, element++)
			if (!has_hash(hash, kept, first, count, hash[element]))
				kept[count++] = element;
		out->offsets[at + i + 1] = (int32_t)(start + count);
	}
	for (uint32_t c = 0; c < 2; c++) {
		struct tr_column_buffer *child = &out->children[c];

		tr_column_buffer_reserve(child, child->length + count);
		if (count > 0)
			tr_column_buffer_gather(child, child->length, &views[c], kept, count, heap);
		child->length += count;
		tr_column_buffer_deinit(&aside[c]);
	}
	free(hash);
	free(kept);
	elements_free(&elements);
}

/* Marks a row as NULL. Lists keep their elements, hidden: the offsets of the rows after it are written already. */
static void put_null(struct tr_column_buffer *out, uint32_t row)
{
	if (out->type->phys != TR_PHYS_LIST && out->type->phys != TR_PHYS_ROW) {
		tr_column_buffer_set_null(out, row);
		return;
	}
	tr_bit_clear(out->validity, row);
	out->has_nulls = true;
	for (uint32_t c = 0; out->type->phys == TR_PHYS_ROW && c < out->child_count; c++)
		put_null(&out->children[c], row);
}

static void fill_nulls(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows,
		       struct tr_column_buffer *out, uint32_t at)
{
	for (uint32_t i = 0; i < rows->count; i++)
		if (is_null(f, rows->key[i]))
			put_null(out, at + i);
}

void tr_datagen_fill(const struct tr_datagen_field *f, const struct tr_datagen_rows *rows, struct tr_column_buffer *out,
		     uint32_t at, struct tr_heap *heap)
{
	TR_ASSERT(at + rows->count <= out->capacity || rows->count == 0);
	if (f->type->phys == TR_PHYS_ROW) {
		for (uint32_t c = 0; c < f->child_count; c++)
			tr_datagen_fill(f->children[c], rows, &out->children[c], at, heap);
	} else if (f->type->phys == TR_PHYS_LIST) {
		if (f->type->id == TR_TYPE_MAP)
			fill_map(f, rows, out, at, heap);
		else
			fill_array(f, rows, out, at, heap);
	} else if (f->type->phys == TR_PHYS_VIEW) {
		fill_texts(f, rows, out, at, heap);
	} else {
		fill_numbers(f, rows, out, at);
	}
	out->length = at + rows->count;
	if (f->null_below > 0)
		fill_nulls(f, rows, out, at);
}
