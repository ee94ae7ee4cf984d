/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a simulated file, in pages. A page that nobody has written takes no memory and holds zeros, so that files
 * with large holes, as the log's roots are, cost little.
 */
#ifndef TR_TESTS_SIM_CONTENT_H
#define TR_TESTS_SIM_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TR_SIM_PAGE_BYTES 4096

/** Zero-initialise it: empty. */
struct tr_sim_content {
	char **pages; /* NULL: zeros */
	size_t page_count;
	size_t length;
};

void tr_sim_content_deinit(struct tr_sim_content *content);

/** Writes; what lies between the old end and `offset` becomes zeros. */
void tr_sim_content_put(struct tr_sim_content *content, size_t offset, const char *bytes, size_t length);

/** Reads; all of it must lie inside. */
void tr_sim_content_get(const struct tr_sim_content *content, size_t offset, char *bytes, size_t length);

/** Cuts, or adds zeros. */
void tr_sim_content_resize(struct tr_sim_content *content, size_t length);

void tr_sim_content_copy(struct tr_sim_content *to, const struct tr_sim_content *from);
bool tr_sim_content_equals(const struct tr_sim_content *a, const struct tr_sim_content *b);

/** An offset inside a page that somebody has written. False: there is none. */
bool tr_sim_content_pick(const struct tr_sim_content *content, uint64_t *random, size_t *offset);

#endif
