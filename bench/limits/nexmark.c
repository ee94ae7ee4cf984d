/* SPDX-License-Identifier: Apache-2.0
 *
 * Nexmark q14, q21 and q22 row by row, as one writes them by hand for this one query. See kernels.c for the SQL.
 */
#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>

#include "bench/limits/kernels.h"

#define CHANNEL_ID "(&|^)channel_id=([^&]*)"

static int32_t count_char(const struct tr_view *view, char c)
{
	const char *text = tr_view_text(view);
	int32_t count = 0;

	for (uint32_t i = 0; i < view->length; i++)
		count += text[i] == c;
	return count;
}

static const char *time_of_day(int64_t hour)
{
	if (hour >= 8 && hour <= 18)
		return "dayTime";
	return hour <= 6 || hour >= 20 ? "nightTime" : "otherTime";
}

void tr_limit_q14(const struct tr_limit_input *in, struct tr_limit_output *output)
{
	tr_i128 *price = output->columns[0];
	struct tr_view *part = output->columns[1], *extra = output->columns[3];
	int64_t *ts = output->columns[2];
	int32_t *count = output->columns[4];
	uint32_t n = 0;

	for (uint32_t r = 0; r < in->count; r++) {
		const tr_i128 converted = (tr_i128)in->a[r] * 908; /* in thousandths */
		const char *name;

		if (converted <= 1000000000 || converted >= (tr_i128)50000000 * 1000)
			continue;
		name = time_of_day(in->ts[r] % 86400000 / 3600000);
		price[n] = converted;
		part[n] = tr_view_make(name, (uint32_t)strlen(name));
		ts[n] = in->ts[r];
		extra[n] = in->extra[r];
		count[n++] = count_char(&in->extra[r], 'c');
	}
	output->rows = n;
}

static const char *known_channel(const struct tr_view *view)
{
	static const char *const names[] = {"apple", "google", "facebook", "baidu"};
	static const char *const ids[] = {"0", "1", "2", "3"};
	char lower[64];

	if (view->length >= sizeof(lower))
		return NULL;
	for (uint32_t i = 0; i < view->length; i++)
		lower[i] = (char)tolower((unsigned char)tr_view_text(view)[i]);
	for (uint32_t k = 0; k < 4; k++)
		if (strlen(names[k]) == view->length && memcmp(names[k], lower, view->length) == 0)
			return ids[k];
	return NULL;
}

void tr_limit_q21(const struct tr_limit_input *in, struct tr_limit_output *output)
{
	static pcre2_code *code;
	static pcre2_match_data *match;
	int64_t *auction = output->columns[0];
	struct tr_view *channel = output->columns[1], *id = output->columns[2];
	uint32_t n = 0;

	if (code == NULL) {
		int error;
		PCRE2_SIZE offset;

		code = pcre2_compile((PCRE2_SPTR)CHANNEL_ID, PCRE2_ZERO_TERMINATED, 0, &error, &offset, NULL);
		pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
		match = pcre2_match_data_create_from_pattern(code, NULL);
	}
	for (uint32_t r = 0; r < in->count; r++) {
		const char *known = known_channel(&in->s[r]);
		const char *url = tr_view_text(&in->url[r]);

		if (known != NULL) {
			id[n] = tr_view_make(known, 1);
		} else {
			const PCRE2_SIZE *places;

			if (pcre2_jit_match(code, (PCRE2_SPTR)url, in->url[r].length, 0, 0, match, NULL) <= 0)
				continue;
			places = pcre2_get_ovector_pointer(match);
			id[n] = tr_view_make(url + places[4], (uint32_t)(places[5] - places[4]));
		}
		auction[n] = in->a[r];
		channel[n++] = in->s[r];
	}
	output->rows = n;
}

void tr_limit_q22(const struct tr_limit_input *in, struct tr_limit_output *output)
{
	int64_t *auction = output->columns[0];
	struct tr_view *directories[3] = {output->columns[1], output->columns[2], output->columns[3]};

	for (uint32_t r = 0; r < in->count; r++) {
		const char *at = tr_view_text(&in->url[r]), *end = at + in->url[r].length;

		auction[r] = in->a[r];
		for (int part = 0; part < 6; part++) {
			const char *slash = memchr(at, '/', (size_t)(end - at));
			const char *stop = slash != NULL ? slash : end;

			if (part >= 3)
				directories[part - 3][r] = tr_view_make(at, (uint32_t)(stop - at));
			at = slash != NULL ? slash + 1 : end;
		}
	}
	output->rows = in->count;
}
