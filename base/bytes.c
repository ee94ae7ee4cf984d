/* SPDX-License-Identifier: Apache-2.0
 *
 * Growable byte buffers; the fast paths are in the header.
 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#define BYTES_FIRST 256

void tr_bytes_grow(struct tr_bytes *bytes, size_t extra)
{
	size_t need = bytes->length + extra;
	size_t capacity = bytes->capacity < BYTES_FIRST ? BYTES_FIRST : bytes->capacity;

	TR_ASSERT(bytes->length <= bytes->capacity);
	TR_ASSERT(need >= extra);
	while (capacity < need)
		capacity += capacity / 2;
	bytes->data = realloc(bytes->data, capacity);
	TR_ASSERT(bytes->data != NULL);
	bytes->capacity = capacity;
}

void tr_bytes_deinit(struct tr_bytes *bytes)
{
	free(bytes->data);
	memset(bytes, 0, sizeof(*bytes));
}

void tr_bytes_printf(struct tr_bytes *bytes, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	TR_ASSERT(length >= 0);
	tr_bytes_reserve(bytes, (size_t)length + 1);
	va_start(args, format);
	vsnprintf(bytes->data + bytes->length, (size_t)length + 1, format, args);
	va_end(args);
	bytes->length += (size_t)length;
}
