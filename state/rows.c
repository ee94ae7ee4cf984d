/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows as bytes; see the header. Nested columns are first gathered, which makes their children dense, and then written.
 * The reader trusts no length: each is checked against what is left, and room is made only for what the bytes can hold.
 */
#include "state/rows.h"

#include "base/check.h"
#include "base/column_buffer.h"
#include "base/type.h"

#define FLAG_NULLS 1
#define FLAG_CONSTANT 2
#define FLAG_PACKED 4
#define PACKED_MIN 8 /* rows */

struct column_head {
	uint8_t id;
	uint8_t flags;
	uint8_t scale;
	uint8_t zero;
	int32_t precision;
	uint32_t child_count;
};
_Static_assert(sizeof(struct column_head) == 12, "as the header says");

/* -- writing -- */

static void append_u32(struct tr_bytes *out, uint32_t value) { tr_bytes_append(out, (const char *)&value, 4); }

static void write_validity(const uint64_t *validity, uint32_t count, struct tr_bytes *out)
{
	const size_t bytes = (count + 7) / 8;
	char *to = tr_bytes_reserve(out, bytes);

	memcpy(to, validity, bytes);
	if (count % 8 != 0)
		to[bytes - 1] = (char)(to[bytes - 1] & ((1 << count % 8) - 1));
	out->length += bytes;
}

static bool is_null(const struct tr_column *column, uint32_t row)
{
	return column->validity != NULL && !tr_bit_get(column->validity, row);
}

static void write_fixed(const struct tr_column *column, uint32_t count, struct tr_bytes *out)
{
	tr_bytes_append(out, column->data, count * tr_phys_bytes((enum tr_phys)column->type->phys));
}

/** How 64-bit integers can be packed: bytes a value, 8 if not at all. */
static uint32_t packed_width(const int64_t *restrict values, uint32_t count, int64_t *least)
{
	int64_t low = values[0], high = values[0];
	uint64_t range;

	for (uint32_t i = 1; i < count; i++) {
		low = values[i] < low ? values[i] : low;
		high = values[i] > high ? values[i] : high;
	}
	*least = low;
	range = (uint64_t)high - (uint64_t)low;
	return range == 0 ? 0 : range <= UINT8_MAX ? 1 : range <= UINT16_MAX ? 2 : range <= UINT32_MAX ? 4 : 8;
}

#define PACK_LOOPS(name, ctype)                                                                              \
	static void pack_##name(const int64_t *restrict values, uint32_t count, int64_t least, char *to)     \
	{                                                                                                    \
		for (uint32_t i = 0; i < count; i++) {                                                       \
			const ctype value = (ctype)((uint64_t)values[i] - (uint64_t)least);                  \
                                                                                                             \
			memcpy(to + i * sizeof(value), &value, sizeof(value));                               \
		}                                                                                            \
	}                                                                                                    \
	static void unpack_##name(const char *from, uint32_t count, int64_t least, int64_t *restrict values) \
	{                                                                                                    \
		for (uint32_t i = 0; i < count; i++) {                                                       \
			ctype value;                                                                         \
                                                                                                             \
			memcpy(&value, from + i * sizeof(value), sizeof(value));                             \
			values[i] = (int64_t)((uint64_t)least + value);                                      \
		}                                                                                            \
	}
PACK_LOOPS(8, uint8_t)
PACK_LOOPS(16, uint16_t)
PACK_LOOPS(32, uint32_t)

static void write_packed(const int64_t *values, uint32_t count, int64_t least, uint32_t width, struct tr_bytes *out)
{
	char *to = tr_bytes_reserve(out, 9 + (size_t)count * width);

	memcpy(to, &least, 8);
	to[8] = (char)width;
	to += 9;
	if (width == 1)
		pack_8(values, count, least, to);
	else if (width == 2)
		pack_16(values, count, least, to);
	else if (width == 4)
		pack_32(values, count, least, to);
	out->length += 9 + (size_t)count * width;
}

static void write_views(const struct tr_column *column, uint32_t count, struct tr_bytes *out)
{
	const struct tr_view *views = column->data;

	for (uint32_t i = 0; i < count; i++)
		append_u32(out, is_null(column, i) ? 0 : views[i].length);
	for (uint32_t i = 0; i < count; i++)
		if (!is_null(column, i))
			tr_bytes_append(out, tr_view_text(&views[i]), views[i].length);
}

/** A column whose rows 0 .. count - 1 are stored, lists one after the other from element 0 on. */
static void write_column(const struct tr_column *column, uint32_t count, bool is_constant, struct tr_bytes *out)
{
	const struct tr_type *type = column->type;
	int64_t least = 0;
	const uint32_t width =
		type->phys == TR_PHYS_I64 && count >= PACKED_MIN ? packed_width(column->data, count, &least) : 8;
	const struct column_head head = {
		.id = type->id,
		.flags = (uint8_t)((column->validity != NULL ? FLAG_NULLS : 0) | (is_constant ? FLAG_CONSTANT : 0) |
				   (width < 8 ? FLAG_PACKED : 0)),
		.scale = type->scale,
		.precision = type->precision,
		.child_count = type->child_count,
	};
	uint32_t elements = count;

	tr_bytes_append(out, (const char *)&head, sizeof(head));
	if (column->validity != NULL)
		write_validity(column->validity, count, out);
	switch ((enum tr_phys)type->phys) {
	case TR_PHYS_NONE: return;
	case TR_PHYS_VIEW: write_views(column, count, out); return;
	case TR_PHYS_LIST:
		for (uint32_t i = 0; i < count; i++)
			append_u32(out, (uint32_t)(column->offsets[i + 1] - column->offsets[i]));
		elements = count == 0 ? 0 : (uint32_t)column->offsets[count];
		break;
	case TR_PHYS_ROW: break;
	default:
		if (width < 8)
			write_packed(column->data, count, least, width, out);
		else
			write_fixed(column, count, out);
		return;
	}
	for (uint32_t c = 0; c < type->child_count; c++)
		write_column(&column->children[c], elements, false, out);
}

static void write_nested(const struct tr_column *column, uint32_t count, struct tr_bytes *out)
{
	struct tr_heap heap;
	struct tr_column_buffer dense;
	struct tr_column view;

	tr_arena_init(&heap.arena, 0);
	tr_column_buffer_init(&dense, column->type, TR_MAX(count, 1));
	tr_column_buffer_gather(&dense, 0, column, NULL, count, &heap);
	view = tr_column_buffer_view(&dense);
	write_column(&view, count, false, out);
	tr_column_buffer_deinit(&dense);
	tr_arena_deinit(&heap.arena);
}

void tr_rows_write(const struct tr_column *columns, uint32_t column_count, uint32_t count, struct tr_bytes *out)
{
	TR_ASSERT(count <= TR_ROWS_MAX);
	append_u32(out, count);
	append_u32(out, column_count);
	for (uint32_t c = 0; c < column_count; c++) {
		const enum tr_phys phys = (enum tr_phys)columns[c].type->phys;

		if (phys == TR_PHYS_LIST || phys == TR_PHYS_ROW)
			write_nested(&columns[c], count, out);
		else
			write_column(&columns[c], columns[c].is_constant ? TR_MIN(count, 1) : count,
				     columns[c].is_constant, out);
	}
}

/* -- reading -- */

struct reader {
	const char *next;
	size_t left;
	struct tr_status *st;
};

#define TRY_TAKE(r, from, bytes)                                                                              \
	do {                                                                                                  \
		if ((size_t)(bytes) > (r)->left)                                                              \
			TR_FAIL((r)->st, TR_ERR_DATA, "a state record's rows end too early (%zu bytes lack)", \
				(size_t)(bytes) - (r)->left);                                                 \
		(from) = (const void *)(r)->next;                                                             \
		(r)->next += (bytes);                                                                         \
		(r)->left -= (bytes);                                                                         \
	} while (0)

static tr_code read_validity(struct reader *r, struct tr_column_buffer *to, uint32_t count)
{
	const char *bytes;

	TRY_TAKE(r, bytes, (count + 7) / 8);
	for (uint32_t i = 0; i < count; i++)
		if (!((unsigned char)bytes[i / 8] >> (i % 8) & 1))
			tr_bit_clear(to->validity, i);
	to->has_nulls = true;
	return TR_OK;
}

static tr_code read_views(struct reader *r, struct tr_column_buffer *to, uint32_t count)
{
	struct tr_view *views = to->data;
	const char *lengths, *text;

	TRY_TAKE(r, lengths, (size_t)count * 4);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t length;

		memcpy(&length, lengths + (size_t)i * 4, 4);
		if (length > TR_LENGTH_MAX)
			TR_FAIL(r->st, TR_ERR_DATA, "a text of %u bytes in a state record", length);
		TRY_TAKE(r, text, length);
		views[i] = tr_view_make(text, length);
	}
	return TR_OK;
}

static tr_code read_offsets(struct reader *r, struct tr_column_buffer *to, uint32_t count, uint32_t *elements)
{
	const char *lengths;
	uint64_t end = 0;

	TRY_TAKE(r, lengths, (size_t)count * 4);
	to->offsets[0] = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t length;

		memcpy(&length, lengths + (size_t)i * 4, 4);
		end += length;
		if (end > r->left) /* an element has a byte at least */
			TR_FAIL(r->st, TR_ERR_DATA, "a list in a state record is longer than the record");
		to->offsets[i + 1] = (int32_t)end;
	}
	*elements = (uint32_t)end;
	return TR_OK;
}

static tr_code read_fixed(struct reader *r, struct tr_column_buffer *to, uint32_t count)
{
	const size_t width = tr_phys_bytes((enum tr_phys)to->type->phys);
	const char *values;

	TRY_TAKE(r, values, count * width);
	memcpy(to->data, values, count * width);
	for (uint32_t i = 0; to->type->id == TR_TYPE_BOOLEAN && i < count; i++)
		if ((unsigned char)values[i] > 1)
			TR_FAIL(r->st, TR_ERR_DATA, "a BOOLEAN in a state record is neither true nor false");
	return TR_OK;
}

/** Makes all `count` values of an array what the first one is, by ever longer copies. */
static void repeat(void *values, size_t width, uint32_t count)
{
	char *bytes = values;

	for (size_t done = 1; done < count; done *= 2)
		memcpy(bytes + done * width, bytes, TR_MIN(done, count - done) * width);
}

static tr_code read_packed(struct reader *r, struct tr_column_buffer *to, uint32_t count)
{
	int64_t *values = to->data, least;
	const char *from;
	uint32_t width;

	TRY_TAKE(r, from, 9);
	memcpy(&least, from, 8);
	width = (unsigned char)from[8];
	if (width != 0 && width != 1 && width != 2 && width != 4)
		TR_FAIL(r->st, TR_ERR_DATA, "numbers in a state record are packed to %u bytes", width);
	TRY_TAKE(r, from, (size_t)count * width);
	if (width == 1)
		unpack_8(from, count, least, values);
	else if (width == 2)
		unpack_16(from, count, least, values);
	else if (width == 4)
		unpack_32(from, count, least, values);
	if (width == 0 && count > 0) {
		values[0] = least;
		repeat(values, 8, count);
	}
	return TR_OK;
}

/** Makes all `count` rows what row 0 is. */
static void spread(struct tr_column_buffer *to, uint32_t count)
{
	const size_t width = tr_phys_bytes((enum tr_phys)to->type->phys);

	if (count > 0)
		repeat(to->data, width, count);
	for (uint32_t i = 1; to->has_nulls && i < count; i++)
		tr_bit_assign(to->validity, i, tr_bit_get(to->validity, 0));
}

static tr_code read_column(struct reader *r, struct tr_column_buffer *to, uint32_t count, bool may_be_constant)
{
	const struct tr_type *type = to->type;
	const enum tr_phys phys = (enum tr_phys)type->phys;
	struct column_head head;
	const char *from;
	uint32_t stored = count, elements = count;

	TRY_TAKE(r, from, sizeof(head));
	memcpy(&head, from, sizeof(head));
	if (head.id != type->id || head.scale != type->scale || head.precision != type->precision ||
	    head.child_count != type->child_count)
		TR_FAIL(r->st, TR_ERR_DATA,
			"a column of a state record has type %u(%d, %u) where %u(%d, %u) is expected", head.id,
			head.precision, head.scale, type->id, type->precision, type->scale);
	if ((head.flags & ~(FLAG_NULLS | FLAG_CONSTANT | FLAG_PACKED)) != 0 || head.zero != 0 ||
	    ((head.flags & FLAG_PACKED) && phys != TR_PHYS_I64) ||
	    ((head.flags & FLAG_CONSTANT) && (!may_be_constant || phys == TR_PHYS_LIST || phys == TR_PHYS_ROW)))
		TR_FAIL(r->st, TR_ERR_DATA, "a column of a state record has unknown flags");
	if (head.flags & FLAG_CONSTANT)
		stored = TR_MIN(count, 1);
	tr_column_buffer_reserve(to, TR_MAX(count, 1));
	if (head.flags & FLAG_NULLS)
		TR_TRY(read_validity(r, to, stored));
	switch (phys) {
	case TR_PHYS_NONE: break;
	case TR_PHYS_VIEW: TR_TRY(read_views(r, to, stored)); break;
	case TR_PHYS_LIST: TR_TRY(read_offsets(r, to, stored, &elements)); break;
	case TR_PHYS_ROW: break;
	default: TR_TRY((head.flags & FLAG_PACKED) ? read_packed(r, to, stored) : read_fixed(r, to, stored)); break;
	}
	if (stored < count)
		spread(to, count);
	for (uint32_t c = 0; c < type->child_count; c++)
		TR_TRY(read_column(r, &to->children[c], elements, false));
	to->length = count;
	return TR_OK;
}

tr_code tr_rows_read(struct tr_rows *rows, const struct tr_schema *schema, const void *bytes, size_t length,
		     const struct tr_batch **batch, struct tr_status *st)
{
	struct reader r = {.next = bytes, .left = length, .st = st};
	uint32_t head[2];
	const char *from;

	TRY_TAKE(&r, from, sizeof(head));
	memcpy(head, from, sizeof(head));
	if (head[0] > TR_ROWS_MAX || head[1] != schema->column_count)
		TR_FAIL(st, TR_ERR_DATA, "a state record of %u rows and %u columns where %u columns are expected",
			head[0], head[1], schema->column_count);
	if (rows->buffer == NULL || rows->buffer->capacity < head[0]) {
		tr_batch_buffer_destroy(&rows->buffer);
		rows->buffer = tr_batch_buffer_create(schema, TR_MAX(head[0], 1));
	}
	tr_batch_buffer_clear(rows->buffer);
	for (uint32_t c = 0; c < schema->column_count; c++)
		TR_TRY(read_column(&r, &rows->buffer->columns[c], head[0], true));
	if (r.left != 0)
		TR_FAIL(st, TR_ERR_DATA, "a state record has %zu bytes behind its rows", r.left);
	tr_batch_buffer_seal(rows->buffer, head[0]);
	*batch = &rows->buffer->batch;
	return TR_OK;
}

void tr_rows_deinit(struct tr_rows *rows) { tr_batch_buffer_destroy(&rows->buffer); }
