/* SPDX-License-Identifier: Apache-2.0
 *
 * Bids as JSON lines, read by simdjson's on-demand parser: the best library that there is for this, as the bar for ours.
 *
 * One pass of iterate_many over the buffer finds the structure of a megabyte of lines at once (and checks UTF-8); then
 * the five fields are asked for in the order in which they stand. The date is parsed by hand.
 */
/* Our headers are C11. */
#define _Static_assert static_assert

#include <simdjson.h>

#include <cstring>

#include "bench/limits/limits.h"

#include "bench/limits/parse.h"

extern "C" int64_t tr_limit_json_bids(const char *text, size_t length, struct tr_limit_bids *bids)
{
	static thread_local simdjson::ondemand::parser parser;
	struct tr_limit_minute minute = {{0}, 0};
	simdjson::ondemand::document_stream stream;
	size_t n = 0;

	if (parser.iterate_many(text, length, 1 << 20).get(stream))
		return -1;
	for (auto one : stream) {
		simdjson::ondemand::object object;
		std::string_view channel, time;

		if (n == bids->capacity || one.get_object().get(object))
			return -1;
		if (object.find_field("auction").get_int64().get(bids->auction[n]) ||
		    object.find_field("bidder").get_int64().get(bids->bidder[n]) ||
		    object.find_field("price").get_int64().get(bids->price[n]) ||
		    object.find_field("channel").get_string().get(channel) || object.find_field("dateTime").get_string().get(time))
			return -1;
		/* Unescaped strings lie in the parser's buffer: long ones would have to be copied. */
		if (channel.size() > TR_VIEW_INLINE_MAX || time.size() != TR_LIMIT_TIME_LENGTH)
			return -1;
		std::memset(&bids->channel[n], 0, sizeof(tr_view));
		bids->channel[n].length = static_cast<uint32_t>(channel.size());
		std::memcpy(bids->channel[n].inlined, channel.data(), channel.size());
		bids->time_ms[n] = tr_limit_parse_time(time.data(), &minute);
		if (bids->time_ms[n] == INT64_MIN)
			return -1;
		n++;
	}
	if (stream.truncated_bytes() != 0)
		return -1;
	return static_cast<int64_t>(n);
}
