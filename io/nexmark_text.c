/* SPDX-License-Identifier: Apache-2.0 */
#include "io/nexmark_text.h"

#include <stdio.h>

#include "base/check.h"
#include "io/memory.h"
#include "io/nexmark_gen.h"

#define NAME_MAX_LETTERS 20 /* itemName: 3 .. 19 */
#define DESCRIPTION_MAX 100 /* 3 .. 99 */
#define EMAIL_USER_MAX 7
#define EMAIL_HOST_MAX 5
#define URL_PART_MAX 5
#define TEXT_MIN 3
#define AUCTION_BYTES_FIXED 48 /* six numbers */
#define PERSON_BYTES_FIXED 8
#define PERSON_TEXT_MAX 64 /* name, e-mail address and credit card */
#define URL_BYTES_MAX 128

static const char *const first_names[] = {"Peter", "Paul",  "Luke",  "John",   "Saul",  "Vicky",
					  "Kate",  "Julie", "Sarah", "Deiter", "Walter"};
static const char *const last_names[] = {"Shultz", "Abrams", "Spencer", "White", "Bartels",
					 "Walton", "Smith",  "Jones",   "Noris"};
static const char *const cities[] = {"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland",
				     "Bend",    "Redmond",     "Seattle",       "Kent",  "Cheyenne"};
static const char *const states[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};
static const char *const hot_channels[TR_NEXMARK_CHANNELS_HOT] = {"Google", "Facebook", "Baidu", "Apple"};

/* A word of 3 .. most - 1 letters, `special` among them, blanks at its ends cut off. Returns its start in `out`. */
static char *write_word(const struct tr_nexmark_kernel *kernel, uint64_t bits, uint32_t most, char special, char *out,
			uint32_t *length)
{
	uint32_t n = TEXT_MIN + (uint32_t)tr_nexmark_below(bits, most - TEXT_MIN);

	kernel->text(out, n, tr_nexmark_mix(bits), special);
	while (n > 0 && out[n - 1] == ' ')
		n--;
	while (n > 0 && *out == ' ') {
		out++;
		n--;
	}
	*length = n;
	return out;
}

static struct tr_view write_extra(const struct tr_nexmark_kernel *kernel, uint64_t bits, uint32_t average,
				  uint32_t others, char **heap)
{
	const uint32_t wanted = average > others ? average - others : 0;
	const uint32_t delta = (wanted * 2 + 5) / 10;
	const uint32_t length = wanted - delta + (uint32_t)tr_nexmark_below(bits, 2 * delta);
	char *text = *heap;

	kernel->letters(text, length, tr_nexmark_mix(bits));
	*heap += length;
	return tr_view_make(text, length);
}

size_t tr_nexmark_auction_bytes_max(uint32_t average)
{
	return NAME_MAX_LETTERS + DESCRIPTION_MAX + average + average / 4 + 2;
}

size_t tr_nexmark_person_bytes_max(uint32_t average) { return PERSON_TEXT_MAX + average + average / 4 + 2; }

char *tr_nexmark_auction_text(const struct tr_nexmark_kernel *kernel, uint64_t hash, uint32_t average, bool has_extra,
			      char *heap, struct tr_nexmark_auction_text *text)
{
	uint32_t name_length, description_length;
	char *start;

	start = write_word(kernel, tr_nexmark_draw(hash, TR_DRAW_ITEM_NAME), NAME_MAX_LETTERS, ' ', heap, &name_length);
	text->name = tr_view_make(start, name_length);
	heap = start + name_length;
	start = write_word(kernel, tr_nexmark_draw(hash, TR_DRAW_DESCRIPTION), DESCRIPTION_MAX, ' ', heap,
			   &description_length);
	text->description = tr_view_make(start, description_length);
	heap = start + description_length;
	if (has_extra)
		text->extra = write_extra(kernel, tr_nexmark_draw(hash, TR_DRAW_AUCTION_EXTRA), average,
					  AUCTION_BYTES_FIXED + name_length + description_length, &heap);
	return heap;
}

static char *append(char *out, const char *text)
{
	const size_t length = strlen(text);

	memcpy(out, text, length);
	return out + length;
}

/* user@host.com */
static char *write_email(const struct tr_nexmark_kernel *kernel, uint64_t bits, char *out)
{
	char word[EMAIL_USER_MAX + TR_NEXMARK_TEXT_SLACK];
	uint32_t length;
	const char *start = write_word(kernel, bits, EMAIL_USER_MAX, ' ', word, &length);

	memcpy(out, start, length);
	out += length;
	*out++ = '@';
	start = write_word(kernel, tr_nexmark_mix(bits + 1), EMAIL_HOST_MAX, ' ', word, &length);
	memcpy(out, start, length);
	return append(out + length, ".com");
}

/* Four times four digits. */
static char *write_card(uint64_t bits, char *out)
{
	for (uint32_t group = 0; group < 4; group++) {
		uint32_t digits = (uint32_t)(((bits >> (group * 16)) & 0xffff) * 10000 >> 16);

		if (group > 0)
			*out++ = ' ';
		for (uint32_t d = 0; d < 4; d++, digits /= 10)
			out[3 - d] = (char)('0' + digits % 10);
		out += 4;
	}
	return out;
}

static const char *pick(const char *const *names, size_t count, uint64_t bits)
{
	return names[tr_nexmark_below(bits, count)];
}

char *tr_nexmark_person_text(const struct tr_nexmark_kernel *kernel, uint64_t hash, uint32_t average, bool has_extra,
			     char *heap, struct tr_nexmark_person_text *text)
{
	const uint64_t name_bits = tr_nexmark_draw(hash, TR_DRAW_NAME);
	const char *city = pick(cities, TR_COUNT_OF(cities), tr_nexmark_draw(hash, TR_DRAW_CITY));
	const char *state = pick(states, TR_COUNT_OF(states), tr_nexmark_draw(hash, TR_DRAW_STATE));
	char *start = heap;
	uint32_t others;

	heap = append(heap, pick(first_names, TR_COUNT_OF(first_names), name_bits));
	*heap++ = ' ';
	heap = append(heap, pick(last_names, TR_COUNT_OF(last_names), name_bits >> 32));
	text->field[TR_PERSON_NAME] = tr_view_make(start, (uint32_t)(heap - start));
	start = heap;
	heap = write_email(kernel, tr_nexmark_draw(hash, TR_DRAW_EMAIL), heap);
	text->field[TR_PERSON_EMAIL] = tr_view_make(start, (uint32_t)(heap - start));
	start = heap;
	heap = write_card(tr_nexmark_draw(hash, TR_DRAW_CREDIT_CARD), heap);
	text->field[TR_PERSON_CARD] = tr_view_make(start, (uint32_t)(heap - start));
	text->field[TR_PERSON_CITY] = tr_view_make(city, (uint32_t)strlen(city));
	text->field[TR_PERSON_STATE] = tr_view_make(state, (uint32_t)strlen(state));
	others = PERSON_BYTES_FIXED;
	for (uint32_t f = TR_PERSON_NAME; f <= TR_PERSON_STATE; f++)
		others += text->field[f].length;
	if (has_extra)
		text->field[TR_PERSON_EXTRA] =
			write_extra(kernel, tr_nexmark_draw(hash, TR_DRAW_PERSON_EXTRA), average, others, &heap);
	return heap;
}

/* "https://www.nexmark.com/abc/de_f/ghi/item.htm?query=1" */
static int write_url(const struct tr_nexmark_kernel *kernel, uint64_t bits, char *out, size_t size)
{
	char part[3][URL_PART_MAX + TR_NEXMARK_TEXT_SLACK];
	int lengths[3];

	for (uint32_t p = 0; p < 3; p++) {
		uint32_t length;

		write_word(kernel, tr_nexmark_mix(bits + p), URL_PART_MAX, '_', part[p], &length);
		lengths[p] = (int)length;
	}
	return snprintf(out, size, "https://www.nexmark.com/%.*s/%.*s/%.*s/item.htm?query=1", lengths[0], part[0],
			lengths[1], part[1], lengths[2], part[2]);
}

/* The number with its 32 bits in reverse order and without its sign; the least number keeps it, as in Java. */
static int32_t channel_id(uint32_t i)
{
	uint32_t reversed = 0;

	for (uint32_t b = 0; b < 32; b++)
		reversed |= ((i >> b) & 1) << (31 - b);
	return (int32_t)(reversed >> 31 != 0 ? 0u - reversed : reversed);
}

struct tr_nexmark_channels *tr_nexmark_channels_create(uint64_t seed)
{
	struct tr_nexmark_channels *table = tr_io_calloc(1, sizeof(*table));
	const struct tr_nexmark_kernel *kernel = tr_nexmark_kernel();
	const uint64_t key = tr_nexmark_mix(seed + UINT64_C(0x8ebc6af09c88c6e3));

	tr_arena_init(&table->arena, (size_t)1 << 20);
	for (uint32_t i = 0; i < TR_NEXMARK_CHANNELS + TR_NEXMARK_CHANNELS_HOT; i++) {
		const uint64_t bits = tr_nexmark_draw(key + i, TR_DRAW_CHANNEL);
		const bool is_hot = i >= TR_NEXMARK_CHANNELS;
		char channel[32], url[URL_BYTES_MAX];
		int channel_length, url_length;

		channel_length =
			is_hot ? snprintf(channel, sizeof(channel), "%s", hot_channels[i - TR_NEXMARK_CHANNELS])
			       : snprintf(channel, sizeof(channel), "channel-%u", i);
		url_length = write_url(kernel, bits, url, sizeof(url));
		if (!is_hot && tr_nexmark_below(bits, 10) > 0)
			url_length += snprintf(url + url_length, sizeof(url) - (size_t)url_length, "&channel_id=%d",
					       channel_id(i));
		TR_ASSERT(channel_length <= TR_VIEW_INLINE_MAX && url_length < URL_BYTES_MAX);
		table->channel[i] = tr_view_make(channel, (uint32_t)channel_length);
		table->url[i] =
			tr_view_make(tr_arena_strndup(&table->arena, url, (size_t)url_length), (uint32_t)url_length);
	}
	return table;
}

void tr_nexmark_channels_destroy(struct tr_nexmark_channels **channels)
{
	if (*channels == NULL)
		return;
	tr_arena_deinit(&(*channels)->arena);
	free(*channels);
	*channels = NULL;
}
