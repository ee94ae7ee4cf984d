/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes: a growable byte buffer, where texts and encoded rows are put together.
 *
 * The caller owns the struct; its memory comes from malloc and is kept by clear, so that a warm buffer does not
 * allocate. Appending never fails: when the system is out of memory the process ends. Thread: one owner.
 */
#ifndef TR_BASE_BYTES_H
#define TR_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Zero-initialise it to begin. */
struct tr_bytes {
	char *data;
	size_t length;
	size_t capacity;
};

void tr_bytes_grow(struct tr_bytes *bytes, size_t extra);

/** Frees the memory; the struct is empty again. */
void tr_bytes_deinit(struct tr_bytes *bytes);

/** printf at the end. */
void tr_bytes_printf(struct tr_bytes *bytes, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Whether two byte strings of the same length are equal. Keys of 8 to 16 bytes, which most are, without a call. */
static inline bool tr_bytes_equal(const void *a, const void *b, size_t length)
{
	uint64_t a_first, a_last, b_first, b_last;

	if (length < 8 || length > 16)
		return memcmp(a, b, length) == 0;
	memcpy(&a_first, a, 8);
	memcpy(&b_first, b, 8);
	memcpy(&a_last, (const char *)a + length - 8, 8);
	memcpy(&b_last, (const char *)b + length - 8, 8);
	return a_first == b_first && a_last == b_last;
}

static inline void tr_bytes_clear(struct tr_bytes *bytes) { bytes->length = 0; }

/** Room for `extra` more bytes; returns where they begin. Write there, then add to `length`. */
static inline char *tr_bytes_reserve(struct tr_bytes *bytes, size_t extra)
{
	if (__builtin_expect(bytes->capacity - bytes->length < extra, 0))
		tr_bytes_grow(bytes, extra);
	return bytes->data + bytes->length;
}

static inline void tr_bytes_append(struct tr_bytes *bytes, const char *text, size_t length)
{
	if (length == 0)
		return;
	memcpy(tr_bytes_reserve(bytes, length), text, length);
	bytes->length += length;
}

static inline void tr_bytes_append_char(struct tr_bytes *bytes, char c)
{
	*tr_bytes_reserve(bytes, 1) = c;
	bytes->length++;
}

static inline void tr_bytes_append_str(struct tr_bytes *bytes, const char *text)
{
	tr_bytes_append(bytes, text, strlen(text));
}

#endif
