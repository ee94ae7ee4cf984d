/* SPDX-License-Identifier: Apache-2.0
 *
 * Key table: chooses the form (see the header) and passes on. The forms are in key_integer.c and key_record.c.
 */
#include "state/key_table.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/type.h"
#include "state/key_integer.h"
#include "state/key_record.h"

enum form { FORM_NONE, FORM_INTEGER, FORM_RECORD };

struct tr_key_table {
	enum form form;
	bool is_used; /* FORM_NONE: slot 0 has been given */
	union {
		struct tr_key_integer integer;
		struct tr_key_record record;
	};
};

tr_code tr_key_table_create(const struct tr_type *const *types, uint32_t column_count, struct tr_key_table **table,
			    struct tr_status *st)
{
	struct tr_key_table *t;

	*table = NULL;
	for (uint32_t i = 0; i < column_count; i++)
		if (types[i]->phys == TR_PHYS_LIST || types[i]->phys == TR_PHYS_ROW || types[i]->phys == TR_PHYS_NONE)
			TR_FAIL(st, TR_ERR_DATA,
				"grouping by ARRAY, MAP, MULTISET, ROW or a bare NULL is not supported (key %u)",
				i + 1);
	t = calloc(1, sizeof(*t));
	TR_ASSERT(t != NULL);
	if (column_count == 1 && tr_phys_bytes((enum tr_phys)types[0]->phys) <= 8) {
		t->form = FORM_INTEGER;
		tr_key_integer_init(&t->integer, (enum tr_phys)types[0]->phys);
	} else if (column_count > 0) {
		t->form = FORM_RECORD;
		tr_key_record_init(&t->record, types, column_count);
	}
	*table = t;
	return TR_OK;
}

void tr_key_table_destroy(struct tr_key_table **table)
{
	struct tr_key_table *t = *table;

	*table = NULL;
	if (t == NULL)
		return;
	if (t->form == FORM_INTEGER)
		tr_key_integer_deinit(&t->integer);
	else if (t->form == FORM_RECORD)
		tr_key_record_deinit(&t->record);
	free(t);
}

void tr_key_table_map(struct tr_key_table *table, const struct tr_column *const *columns, const uint32_t *rows,
		      uint32_t count, uint32_t *slots)
{
	switch (table->form) {
	case FORM_INTEGER: tr_key_integer_map(&table->integer, columns[0], rows, count, slots); return;
	case FORM_RECORD: tr_key_record_map(&table->record, columns, rows, count, slots); return;
	case FORM_NONE:
		table->is_used |= count > 0;
		for (uint32_t i = 0; i < count; i++)
			slots[i] = 0;
		return;
	}
	TR_UNREACHABLE();
}

void tr_key_table_expect(struct tr_key_table *table, uint32_t count)
{
	if (table->form == FORM_INTEGER)
		tr_key_integer_expect(&table->integer, count);
	else if (table->form == FORM_RECORD)
		tr_key_record_expect(&table->record, count);
}

void tr_key_table_remove(struct tr_key_table *table, uint32_t slot)
{
	if (table->form == FORM_INTEGER)
		tr_key_integer_remove(&table->integer, slot);
	else if (table->form == FORM_RECORD)
		tr_key_record_remove(&table->record, slot);
	else
		table->is_used = false;
}

void tr_key_table_clear(struct tr_key_table *table)
{
	if (table->form == FORM_INTEGER)
		tr_key_integer_clear(&table->integer);
	else if (table->form == FORM_RECORD)
		tr_key_record_clear(&table->record);
	else
		table->is_used = false;
}

void tr_key_table_gather(const struct tr_key_table *table, const uint32_t *slots, uint32_t count,
			 struct tr_column_buffer *targets, uint32_t at, struct tr_heap *heap)
{
	if (table->form == FORM_INTEGER)
		tr_key_integer_gather(&table->integer, slots, count, &targets[0], at);
	else if (table->form == FORM_RECORD)
		tr_key_record_gather(&table->record, slots, count, targets, at, heap);
}

uint32_t tr_key_table_slot_limit(const struct tr_key_table *table)
{
	return table->form == FORM_INTEGER  ? table->integer.slot_limit
	       : table->form == FORM_RECORD ? table->record.slot_limit
					    : (uint32_t)table->is_used;
}

uint32_t tr_key_table_count(const struct tr_key_table *table)
{
	return table->form == FORM_INTEGER  ? table->integer.count
	       : table->form == FORM_RECORD ? table->record.count
					    : (uint32_t)table->is_used;
}

size_t tr_key_table_bytes(const struct tr_key_table *table)
{
	return sizeof(*table) + (table->form == FORM_INTEGER  ? tr_key_integer_bytes(&table->integer)
				 : table->form == FORM_RECORD ? tr_key_record_bytes(&table->record)
							      : 0);
}

size_t tr_key_table_growth(const struct tr_key_table *table, uint32_t count)
{
	return table->form == FORM_INTEGER  ? tr_key_integer_growth(&table->integer, count)
	       : table->form == FORM_RECORD ? tr_key_record_growth(&table->record, count)
					    : 0;
}
