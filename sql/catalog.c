/* SPDX-License-Identifier: Apache-2.0
 *
 * See catalog.h. A script has tens of names, not thousands: linear search from the newest entry.
 */
#include "sql/catalog.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

void tr_catalog_init(struct tr_catalog *catalog, struct tr_arena *arena)
{
	memset(catalog, 0, sizeof(*catalog));
	catalog->arena = arena;
}

const char *tr_catalog_name(const struct tr_ast_path *path)
{
	TR_ASSERT(path->count > 0);
	return path->names[path->count - 1].text;
}

bool tr_catalog_is_default(const struct tr_ast_path *path)
{
	if (path->count > 3)
		return false;
	if (path->count >= 2 && strcmp(path->names[path->count - 2].text, "default_database") != 0)
		return false;
	return path->count < 3 || strcmp(path->names[0].text, "default_catalog") == 0;
}

static struct tr_catalog_entry *find_name(const struct tr_catalog *catalog, const char *name)
{
	for (uint32_t i = 0; i < catalog->count; i++) {
		if (strcmp(catalog->entries[i].name, name) == 0)
			return &catalog->entries[i];
	}
	return NULL;
}

const struct tr_catalog_entry *tr_catalog_find(const struct tr_catalog *catalog, const struct tr_ast_path *path)
{
	return tr_catalog_is_default(path) ? find_name(catalog, tr_catalog_name(path)) : NULL;
}

static bool put(struct tr_catalog *catalog, const struct tr_catalog_entry *added)
{
	struct tr_catalog_entry *entry = find_name(catalog, added->name);

	if (entry == NULL) {
		if (catalog->count == TR_CATALOG_ENTRIES_MAX)
			return false;
		if (catalog->count == catalog->capacity) {
			uint32_t capacity = TR_MAX(16, catalog->capacity * 2);
			struct tr_catalog_entry *grown =
				TR_NEW_ARRAY(catalog->arena, capacity, struct tr_catalog_entry);

			if (catalog->count > 0)
				memcpy(grown, catalog->entries, catalog->count * sizeof(*grown));
			catalog->entries = grown;
			catalog->capacity = capacity;
		}
		entry = &catalog->entries[catalog->count++];
	}
	*entry = *added;
	return true;
}

bool tr_catalog_put(struct tr_catalog *catalog, const char *name, const struct tr_table *table,
		    const struct tr_view_def *view)
{
	return put(catalog, &(struct tr_catalog_entry){.name = name, .table = table, .view = view});
}

bool tr_catalog_put_stream(struct tr_catalog *catalog, const char *name, const struct tr_relation *stream)
{
	return put(catalog, &(struct tr_catalog_entry){.name = name, .stream = stream});
}

bool tr_catalog_drop(struct tr_catalog *catalog, const struct tr_ast_path *path)
{
	struct tr_catalog_entry *entry = find_name(catalog, tr_catalog_name(path));

	if (entry == NULL || !tr_catalog_is_default(path))
		return false;
	*entry = catalog->entries[--catalog->count];
	return true;
}

const char *const *tr_catalog_names(const struct tr_catalog *catalog, struct tr_arena *arena)
{
	const char **names = TR_NEW_ARRAY(arena, catalog->count + 1, const char *);

	for (uint32_t i = 0; i < catalog->count; i++)
		names[i] = catalog->entries[i].name;
	return names;
}

/* ---- functions ---- */

static struct tr_catalog_function *find_function(const struct tr_catalog *catalog, const char *name,
						 enum tr_function_scope scope)
{
	for (uint32_t i = 0; i < catalog->function_count; i++) {
		if (catalog->functions[i].scope == scope && strcasecmp(catalog->functions[i].name, name) == 0)
			return &catalog->functions[i];
	}
	return NULL;
}

const struct tr_catalog_function *tr_catalog_function_in(const struct tr_catalog *catalog,
							 const struct tr_ast_path *path, enum tr_function_scope scope)
{
	if (scope == TR_FUNCTION_SYSTEM ? path->count > 1 : !tr_catalog_is_default(path))
		return NULL;
	return find_function(catalog, tr_catalog_name(path), scope);
}

const struct tr_catalog_function *tr_catalog_function(const struct tr_catalog *catalog, const struct tr_ast_path *path,
						      bool is_built_in)
{
	const struct tr_catalog_function *found = tr_catalog_function_in(catalog, path, TR_FUNCTION_SYSTEM);

	if (found != NULL || (is_built_in && path->count == 1))
		return found;
	found = tr_catalog_function_in(catalog, path, TR_FUNCTION_TEMPORARY);
	return found != NULL ? found : tr_catalog_function_in(catalog, path, TR_FUNCTION_CATALOG);
}

bool tr_catalog_put_function(struct tr_catalog *catalog, const struct tr_catalog_function *function)
{
	struct tr_catalog_function *old = find_function(catalog, function->name, function->scope);

	if (old != NULL) {
		*old = *function;
		return true;
	}
	if (catalog->function_count == TR_CATALOG_ENTRIES_MAX)
		return false;
	if (catalog->function_count == catalog->function_capacity) {
		uint32_t capacity = TR_MAX(16, catalog->function_capacity * 2);
		struct tr_catalog_function *grown = TR_NEW_ARRAY(catalog->arena, capacity, struct tr_catalog_function);

		if (catalog->function_count > 0)
			memcpy(grown, catalog->functions, catalog->function_count * sizeof(*grown));
		catalog->functions = grown;
		catalog->function_capacity = capacity;
	}
	catalog->functions[catalog->function_count++] = *function;
	return true;
}

void tr_catalog_drop_function(struct tr_catalog *catalog, const struct tr_catalog_function *function)
{
	catalog->functions[function - catalog->functions] = catalog->functions[--catalog->function_count];
}
