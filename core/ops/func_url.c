/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs: their parts, and application/x-www-form-urlencoded.
 *
 * Parts are those of java.net.URL, which Flink asks:
 *
 *     protocol://userinfo@host:port/path?query#ref      authority: userinfo@host:port     file: path?query
 *
 * A text without a protocol that Java has a handler for is no URL: NULL.
 */
#include <ctype.h>
#include <strings.h>

#include "core/ops/func_text.h"
#include "core/ops/kernel_text.h"

/* ---- URLs: application/x-www-form-urlencoded ---- */

static tr_code run_url_encode(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row);
		char *text, *end;

		TR_CALL_CHECK_LENGTH(call, row, (uint64_t)s.length * 3);
		text = end = tr_call_new_text(call, (uint64_t)s.length * 3);
		for (uint32_t i = 0; i < s.length; i++) {
			const unsigned char c = (unsigned char)s.text[i];

			if (c < 0x80 && (isalnum(c) || strchr(".-*_", c) != NULL) && c != 0) {
				*end++ = (char)c;
			} else if (c == ' ') {
				*end++ = '+';
			} else {
				*end++ = '%';
				tr_text_put_hex(end, &c, 1, true);
				end += 2;
			}
		}
		tr_call_put(call, row, text, (uint32_t)(end - text));
	}
	return TR_OK;
}

static tr_code run_url_decode(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece s = tr_call_piece(call, 0, row);
		char *text = tr_call_new_text(call, s.length), *end = text;
		bool is_good = true;

		for (uint32_t i = 0; i < s.length && is_good; i++) {
			if (s.text[i] != '%') {
				*end++ = (char)(s.text[i] == '+' ? ' ' : s.text[i]);
				continue;
			}
			is_good = i + 2 < s.length && tr_text_hex_digit(s.text[i + 1]) >= 0 &&
				  tr_text_hex_digit(s.text[i + 2]) >= 0;
			if (is_good)
				*end++ = (char)(tr_text_hex_digit(s.text[i + 1]) << 4 |
						tr_text_hex_digit(s.text[i + 2]));
			i += 2;
		}
		if (is_good)
			tr_call_put(call, row, text, (uint32_t)(end - text));
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* ---- PARSE_URL ---- */

/** A part is absent where its text is NULL. */
struct url {
	struct tr_piece protocol, authority, userinfo, host, path, query, ref;
};

static const struct tr_piece empty = {"", 0};

static struct tr_piece piece_of(const char *from, const char *to)
{
	return (struct tr_piece){from, (uint32_t)(to - from)};
}

static const char *find(const char *from, const char *to, char c)
{
	return from < to ? memchr(from, c, (size_t)(to - from)) : NULL;
}

static bool is_known_protocol(struct tr_piece name)
{
	static const char *const known[] = {"http", "https", "ftp", "file", "jar", "mailto", "jrt", "jmod"};

	for (uint32_t i = 0; i < TR_COUNT_OF(known); i++)
		if (strlen(known[i]) == name.length && strncasecmp(known[i], name.text, name.length) == 0)
			return true;
	return false;
}

/** userinfo@host:port; false: the port is none. */
static bool parse_authority(struct url *url)
{
	const char *from = url->authority.text, *to = from + url->authority.length;
	const char *at = find(from, to, '@'), *port;

	if (at != NULL) {
		if (find(at + 1, to, '@') != NULL) { /* two of them: neither can be told */
			url->host = empty;
			return true;
		}
		url->userinfo = piece_of(from, at);
		from = at + 1;
	}
	if (from < to && *from == '[') { /* an IPv6 address */
		const char *end = find(from, to, ']');

		if (end == NULL)
			return false;
		url->host = piece_of(from, end + 1);
		port = end + 1;
		if (port < to && *port != ':')
			return false;
	} else {
		port = find(from, to, ':');
		url->host = piece_of(from, port != NULL ? port : to);
		if (port == NULL)
			port = to;
	}
	for (const char *c = port + 1; c < to; c++)
		if (!isdigit((unsigned char)*c))
			return false;
	return true;
}

static bool parse_url(struct tr_piece text, struct url *url)
{
	const char *at = text.text, *end = at + text.length, *colon, *mark;

	memset(url, 0, sizeof(*url));
	while (at < end && (unsigned char)*at <= ' ')
		at++;
	while (end > at && (unsigned char)end[-1] <= ' ')
		end--;
	if (end - at >= 4 && strncasecmp(at, "url:", 4) == 0)
		at += 4;
	colon = find(at, end, ':');
	if (colon == NULL)
		return false;
	url->protocol = piece_of(at, colon);
	if (!is_known_protocol(url->protocol))
		return false;
	at = colon + 1;
	mark = find(at, end, '#');
	if (mark != NULL) {
		url->ref = piece_of(mark + 1, end);
		end = mark;
	}
	mark = find(at, end, '?');
	if (mark != NULL) {
		url->query = piece_of(mark + 1, end);
		end = mark;
	}
	url->host = empty;
	if (end - at >= 2 && at[0] == '/' && at[1] == '/') {
		const char *slash = find(at + 2, end, '/');

		url->authority = piece_of(at + 2, slash != NULL ? slash : end);
		if (!parse_authority(url))
			return false;
		at = slash != NULL ? slash : end;
	}
	url->path = piece_of(at, end);
	return true;
}

static struct tr_piece file_of(struct tr_call *call, const struct url *url)
{
	char *text;

	if (url->query.text == NULL)
		return url->path;
	text = tr_call_new_text(call, (uint64_t)url->path.length + url->query.length + 1);
	memcpy(text, url->path.text, url->path.length);
	text[url->path.length] = '?';
	memcpy(text + url->path.length + 1, url->query.text, url->query.length);
	return (struct tr_piece){text, url->path.length + url->query.length + 1};
}

/** The value of a key in key=value&key=value. */
static struct tr_piece value_of(struct tr_piece query, struct tr_piece key)
{
	const char *at = query.text, *end = at + query.length;

	while (at != NULL && at <= end) {
		const char *next = find(at, end, '&');
		const char *to = next != NULL ? next : end;

		if ((size_t)(to - at) > key.length && memcmp(at, key.text, key.length) == 0 && at[key.length] == '=')
			return piece_of(at + key.length + 1, to);
		at = next != NULL ? next + 1 : NULL;
	}
	return (struct tr_piece){NULL, 0};
}

static bool is_named(struct tr_piece part, const char *name)
{
	return part.length == strlen(name) && memcmp(part.text, name, part.length) == 0;
}

static struct tr_piece lower_case(struct tr_call *call, struct tr_piece s)
{
	char *text = tr_call_new_text(call, s.length);

	for (uint32_t i = 0; i < s.length; i++)
		text[i] = (char)tolower((unsigned char)s.text[i]);
	return (struct tr_piece){text, s.length};
}

static struct tr_piece part_of(struct tr_call *call, const struct url *url, struct tr_piece part)
{
	if (is_named(part, "HOST"))
		return url->host;
	if (is_named(part, "PATH"))
		return url->path;
	if (is_named(part, "QUERY"))
		return url->query;
	if (is_named(part, "REF"))
		return url->ref;
	if (is_named(part, "PROTOCOL"))
		return lower_case(call, url->protocol);
	if (is_named(part, "AUTHORITY"))
		return url->authority;
	if (is_named(part, "USERINFO"))
		return url->userinfo;
	return is_named(part, "FILE") ? file_of(call, url) : (struct tr_piece){NULL, 0};
}

static tr_code run_parse_url(struct tr_call *call)
{
	TR_CALL_ROWS(call, row) {
		const struct tr_piece part = tr_call_piece(call, 1, row);
		struct tr_piece found = {NULL, 0};
		struct url url;

		if (parse_url(tr_call_piece(call, 0, row), &url)) {
			if (call->arg_count == 2)
				found = part_of(call, &url, part);
			else if (is_named(part, "QUERY") && url.query.text != NULL)
				found = value_of(url.query, tr_call_piece(call, 2, row));
		}
		if (found.text != NULL)
			tr_call_put(call, row, found.text, found.length);
		else
			tr_call_set_null(call, row);
	}
	return TR_OK;
}

/* ---- the table ---- */

#define ROW(name_, params_, kernel_, null_, signature_, doc_, example_)                              \
	{                                                                                            \
		.name = (name_), .params = (params_), .typer = tr_typer_string, .kernel = (kernel_), \
		.null_rule = (null_), TR_FUNC_DOC("string", signature_, doc_, example_)              \
	}

static const struct tr_func rows[] = {
	ROW("URL_ENCODE", "s", run_url_encode, TR_NULL_MAKES, "URL_ENCODE(string) -> STRING",
	    "In the form of application/x-www-form-urlencoded.", "URL_ENCODE('a b&c') = 'a+b%26c'"),
	ROW("URL_DECODE", "s", run_url_decode, TR_NULL_MAKES, "URL_DECODE(string) -> STRING",
	    "From the form of application/x-www-form-urlencoded; NULL if it is not in it.",
	    "URL_DECODE('a+b%26c') = 'a b&c'"),
	ROW("PARSE_URL", "ss?s", run_parse_url, TR_NULL_MAKES, "PARSE_URL(string, part [, key]) -> STRING",
	    "A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, AUTHORITY, FILE, USERINFO, or with QUERY the value of "
	    "a key; "
	    "NULL if there is none.",
	    "PARSE_URL('http://a.org/p?x=1&y=2', 'QUERY', 'y') = '2'"),
};

const struct tr_func_table tr_func_url_table = {rows, TR_COUNT_OF(rows)};
