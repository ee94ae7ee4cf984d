/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of a file: see sim_content.h. Behind the end all bytes of a page are zero, so that a longer file shows zeros.
 */
#include "sim/sim_content.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "io/memory.h"
#include "sim/sim_environment.h"

static const char zeros[TR_SIM_PAGE_BYTES];

void tr_sim_content_deinit(struct tr_sim_content *content)
{
	for (size_t p = 0; p < content->page_count; p++)
		free(content->pages[p]);
	free(content->pages);
	*content = (struct tr_sim_content){.pages = NULL};
}

/** Room for pages up to `length` bytes. */
static void reserve(struct tr_sim_content *content, size_t length)
{
	const size_t count = (length + TR_SIM_PAGE_BYTES - 1) / TR_SIM_PAGE_BYTES;

	if (count <= content->page_count)
		return;
	content->pages = tr_io_realloc(content->pages, count * sizeof(*content->pages));
	memset(content->pages + content->page_count, 0, (count - content->page_count) * sizeof(*content->pages));
	content->page_count = count;
}

static const char *page_at(const struct tr_sim_content *content, size_t p)
{
	return p < content->page_count && content->pages[p] != NULL ? content->pages[p] : zeros;
}

void tr_sim_content_put(struct tr_sim_content *content, size_t offset, const char *bytes, size_t length)
{
	reserve(content, offset + length);
	content->length = TR_MAX(content->length, offset + length);
	while (length > 0) {
		const size_t p = offset / TR_SIM_PAGE_BYTES, at = offset % TR_SIM_PAGE_BYTES;
		const size_t piece = TR_MIN(length, TR_SIM_PAGE_BYTES - at);

		if (content->pages[p] == NULL)
			content->pages[p] = tr_io_calloc(1, TR_SIM_PAGE_BYTES);
		memcpy(content->pages[p] + at, bytes, piece);
		offset += piece;
		bytes += piece;
		length -= piece;
	}
}

void tr_sim_content_get(const struct tr_sim_content *content, size_t offset, char *bytes, size_t length)
{
	TR_ASSERT(offset + length <= content->length);
	while (length > 0) {
		const size_t at = offset % TR_SIM_PAGE_BYTES;
		const size_t piece = TR_MIN(length, TR_SIM_PAGE_BYTES - at);

		memcpy(bytes, page_at(content, offset / TR_SIM_PAGE_BYTES) + at, piece);
		offset += piece;
		bytes += piece;
		length -= piece;
	}
}

void tr_sim_content_resize(struct tr_sim_content *content, size_t length)
{
	const size_t whole = length / TR_SIM_PAGE_BYTES, rest = length % TR_SIM_PAGE_BYTES;

	for (size_t p = whole; p < content->page_count; p++) {
		if (content->pages[p] == NULL)
			continue;
		if (p == whole && rest > 0) {
			memset(content->pages[p] + rest, 0, TR_SIM_PAGE_BYTES - rest);
		} else {
			free(content->pages[p]);
			content->pages[p] = NULL;
		}
	}
	content->length = length;
}

void tr_sim_content_copy(struct tr_sim_content *to, const struct tr_sim_content *from)
{
	tr_sim_content_resize(to, from->length);
	reserve(to, from->page_count * TR_SIM_PAGE_BYTES);
	for (size_t p = 0; p < to->page_count; p++) {
		const char *page = page_at(from, p);

		if (page == zeros) {
			free(to->pages[p]);
			to->pages[p] = NULL;
			continue;
		}
		if (to->pages[p] == NULL)
			to->pages[p] = tr_io_calloc(1, TR_SIM_PAGE_BYTES);
		memcpy(to->pages[p], page, TR_SIM_PAGE_BYTES);
	}
}

bool tr_sim_content_equals(const struct tr_sim_content *a, const struct tr_sim_content *b)
{
	if (a->length != b->length)
		return false;
	for (size_t p = 0; p < TR_MAX(a->page_count, b->page_count); p++)
		if (page_at(a, p) != page_at(b, p) && memcmp(page_at(a, p), page_at(b, p), TR_SIM_PAGE_BYTES) != 0)
			return false;
	return true;
}

bool tr_sim_content_pick(const struct tr_sim_content *content, uint64_t *random, size_t *offset)
{
	size_t chosen = SIZE_MAX, length;
	uint32_t seen = 0;

	for (size_t p = 0; p < content->page_count && p * TR_SIM_PAGE_BYTES < content->length; p++)
		if (content->pages[p] != NULL && tr_sim_below(random, ++seen) == 0)
			chosen = p;
	if (chosen == SIZE_MAX)
		return false;
	/* Rather where something stands than in the zeros behind it. */
	length = TR_MIN(content->length - chosen * TR_SIM_PAGE_BYTES, TR_SIM_PAGE_BYTES);
	while (length > 1 && content->pages[chosen][length - 1] == 0)
		length--;
	*offset = chosen * TR_SIM_PAGE_BYTES + tr_sim_below(random, (uint32_t)length);
	return true;
}
