/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON texts as trees, for the JSON functions: parsing, members, and writing in Flink's normal form.
 *
 * A document is one array of nodes in the order of the text. A node knows where its subtree ends, so that children are
 * walked without pointers:
 *
 *     {"a": [1, 2]}    0 OBJECT  1 STRING a  2 ARRAY  3 NUMBER 1  4 NUMBER 2         end of 0 and 2: 5
 *
 * Children of an object are its keys and values in turn. What a path makes up (a list of matches, a merged object) is
 * added behind the document's own nodes; its children are REF nodes, which name the node that they stand for.
 *
 * Accepted is what Jackson accepts by default: one value, after which a blank may stand and anything else, and numbers of at most
 * 1,000 characters. Values are nested at most 1,000 deep.
 */
#ifndef TR_CORE_OPS_JSON_DOC_H
#define TR_CORE_OPS_JSON_DOC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

#define TR_JSON_DOC_DEPTH_MAX 1000
#define TR_JSON_DOC_NUMBER_MAX 1000 /* characters of a number */
#define TR_JSON_WRITE_MAX (64u << 20)

struct tr_regex;

enum tr_json_doc_kind {
	TR_JSON_DOC_NULL,
	TR_JSON_DOC_FALSE,
	TR_JSON_DOC_TRUE,
	TR_JSON_DOC_INTEGER,
	TR_JSON_DOC_DECIMAL, /* a number with a point or an exponent */
	TR_JSON_DOC_STRING,
	TR_JSON_DOC_ARRAY,
	TR_JSON_DOC_OBJECT,
	TR_JSON_DOC_REF, /* stands for the node `end` */
};

struct tr_json_doc_node {
	uint8_t kind;     /* enum tr_json_doc_kind */
	uint32_t length;  /* bytes of `text` */
	uint32_t end;     /* the number of the node after this one and all its children; of a REF: what it stands for */
	const char *text; /* a string without its escapes, a number as written; not of the others */
};

/** Zero-initialise it to begin. Node 0 is the document's root. */
struct tr_json_doc {
	struct tr_json_doc_node *nodes;
	uint32_t count;
	uint32_t capacity;
	const char *error;                  /* why the last text is no JSON: a static text */
	uint32_t error_at;                  /* byte */
	uint64_t walked;                    /* children looked at since the text was parsed */
	struct tr_json_doc_member *members; /* of tr_json_doc_members */
	uint32_t member_capacity;
	struct tr_regex *regex; /* of filters in paths (core/ops/json_filter.h), once one has a pattern */
};

void tr_json_doc_deinit(struct tr_json_doc *doc);

/** Parses; what was parsed before is forgotten. Nodes refer to the text, or to `heap` where it has escapes. False: no JSON. */
bool tr_json_doc_parse(struct tr_json_doc *doc, const char *text, uint32_t length, struct tr_arena *heap);

/** Follows REFs. */
static inline uint32_t tr_json_doc_at(const struct tr_json_doc *doc, uint32_t node)
{
	while (doc->nodes[node].kind == TR_JSON_DOC_REF)
		node = doc->nodes[node].end;
	return node;
}

/** The node after a child: REFs have no children. */
static inline uint32_t tr_json_doc_next(const struct tr_json_doc *doc, uint32_t child)
{
	return doc->nodes[child].kind == TR_JSON_DOC_REF ? child + 1 : doc->nodes[child].end;
}

/** Adds a node behind all others; `end` is set for one without children. */
uint32_t tr_json_doc_add(struct tr_json_doc *doc, enum tr_json_doc_kind kind, const char *text, uint32_t length);
/** Adds a REF to `node`. */
void tr_json_doc_add_ref(struct tr_json_doc *doc, uint32_t node);
/** Ends an array or object: all nodes after it are its children. */
void tr_json_doc_close(struct tr_json_doc *doc, uint32_t node);

/** A member of an object. */
struct tr_json_doc_member {
	uint32_t key;
	uint32_t value;
};

/** The members of an object in the order of the text, or by key as Java orders texts. Of equal keys the last value counts, at
 * the place of the first. Valid until the next call; returns how many. */
uint32_t tr_json_doc_members(struct tr_json_doc *doc, uint32_t object, bool is_sorted,
			     const struct tr_json_doc_member **members);

/** The value of a key of an object; the last of several. False: there is none. */
bool tr_json_doc_find(struct tr_json_doc *doc, uint32_t object, const char *key, uint32_t length, uint32_t *value);

/** The number of children of an array, or of pairs of an object (equal keys counted once). */
uint32_t tr_json_doc_length(struct tr_json_doc *doc, uint32_t node);

/** Appends a node as JSON without blanks, the keys of objects ordered, numbers as java.math.BigDecimal writes them. Stops
 * early once `out` has more than TR_JSON_WRITE_MAX bytes: such a text is not to be used. */
void tr_json_write(struct tr_json_doc *doc, uint32_t node, struct tr_bytes *out);

/** Appends a text in quotes, with Jackson's escapes. */
void tr_json_write_text(struct tr_bytes *out, const char *text, uint32_t length);

/** Appends a number as written in JSON (or by Double.toString) as BigInteger or BigDecimal writes it: 1e3 as 1E+3. */
void tr_json_write_number(struct tr_bytes *out, const char *text, uint32_t length);

/** Appends the text of a scalar: a string without quotes. */
void tr_json_write_scalar(const struct tr_json_doc *doc, uint32_t node, struct tr_bytes *out);

/** How Java orders two texts: by UTF-16 units. */
int tr_json_doc_compare_keys(const char *a, uint32_t a_length, const char *b, uint32_t b_length);

/** Decodes the escapes of a JSON string's inside. `out` has room for `length` bytes. A lone surrogate becomes '?'. False: an
 * escape that is none. */
bool tr_json_doc_unescape(const char *text, uint32_t length, char *out, uint32_t *out_length);

#endif
