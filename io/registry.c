/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry: every connector and every format, one line each. A new one is declared and listed here and nowhere
 * else; the binder, the option check, `tailrace connectors` and the documentation read these lists.
 */
#include <string.h>

#include "base/check.h"
#include "io/connector.h"
#include "io/connectors.h"
#include "io/formats.h"

static const struct tr_connector *const connectors[] = {
	&tr_connector_blackhole, &tr_connector_datagen, &tr_connector_filesystem,
	&tr_connector_print,     &tr_connector_nexmark, NULL,
};

static const struct tr_format *const formats[] = {
	&tr_format_csv,
	&tr_format_json,
	NULL,
};

const struct tr_connector *const *tr_registry_connectors(void) { return connectors; }

const struct tr_format *const *tr_registry_formats(void) { return formats; }

const struct tr_connector *tr_registry_find_connector(const char *name)
{
	TR_ASSERT(name != NULL);
	for (const struct tr_connector *const *c = connectors; *c != NULL; c++) {
		if (strcmp((*c)->name, name) == 0)
			return *c;
	}
	return NULL;
}

const struct tr_format *tr_registry_find_format(const char *name)
{
	TR_ASSERT(name != NULL);
	for (const struct tr_format *const *f = formats; *f != NULL; f++) {
		if (strcmp((*f)->name, name) == 0)
			return *f;
	}
	return NULL;
}
