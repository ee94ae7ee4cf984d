/* SPDX-License-Identifier: Apache-2.0
 *
 * functions, errors, connectors, config, version, bench: what the program knows of itself, printed from the very tables that the
 * engine uses.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cpu.h"
#include "base/suggest.h"
#include "core/ops/func.h"
#include "io/connector.h"
#include "io/disk.h"
#include "server/cli.h"
#include "sql/diag_code.h"

#define NAMES_MAX 1024

/* ---- functions ---- */

struct function_printer {
	const char *wanted; /* NULL: all */
	bool is_json;
	const char *group;
	uint32_t found;
	const char *names[NAMES_MAX];
	uint32_t name_count;
};

/* "key":"text", or null */
static void print_member(const char *key, const char *text, const char *before)
{
	printf("%s\"%s\":", before, key);
	if (text == NULL)
		printf("null");
	else
		tr_cli_print_json_text(text);
}

static void print_function(void *context, const struct tr_func_doc *doc)
{
	struct function_printer *printer = context;

	if (printer->name_count < NAMES_MAX)
		printer->names[printer->name_count++] = doc->name;
	if (printer->wanted != NULL && strcasecmp(printer->wanted, doc->name) != 0)
		return;
	printer->found++;
	if (printer->is_json) {
		print_member("name", doc->name, printer->found > 1 ? ",\n {" : "{");
		print_member("group", doc->group, ",");
		print_member("signature", doc->signature, ",");
		print_member("doc", doc->doc, ",");
		print_member("example", doc->example, ",");
		printf("}");
		return;
	}
	if (printer->wanted == NULL) {
		if (printer->group == NULL || strcmp(printer->group, doc->group) != 0)
			printf("%s%s\n", printer->group != NULL ? "\n" : "", doc->group);
		printer->group = doc->group;
		printf("  %s\n", doc->signature);
		return;
	}
	printf("%s\n  %s\n", doc->signature, doc->doc);
	if (doc->example != NULL)
		printf("  %s\n", doc->example);
}

static int not_found(const char *what, const char *name, const char *const *names, uint32_t count)
{
	const char *nearest = tr_suggest_nearest(name, names, count);

	fprintf(stderr, "tailrace: no %s '%s'", what, name);
	if (nearest != NULL)
		fprintf(stderr, "; did you mean '%s'?", nearest);
	fprintf(stderr, "\n");
	return TR_ERR_USAGE;
}

int tr_cli_functions(struct tr_cli *cli)
{
	struct function_printer printer = {.wanted = cli->argument, .is_json = cli->is_json};

	if (cli->is_json)
		printf("[");
	tr_func_each(print_function, &printer);
	if (cli->is_json)
		printf("]\n");
	if (cli->argument != NULL && printer.found == 0)
		return not_found("function", cli->argument, printer.names, printer.name_count);
	return 0;
}

/* ---- codes of errors ---- */

static void print_script(const char *title, const char *script)
{
	if (script == NULL)
		return;
	printf("\n%s\n", title);
	for (const char *line = script; *line != '\0';) {
		const size_t length = strcspn(line, "\n");

		printf("    %.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
}

static void print_code_json(const struct tr_diag_code *code, const char *before)
{
	print_member("code", code->code, before);
	print_member("title", code->title, ",");
	print_member("doc", code->doc, ",");
	print_member("wrong", code->wrong, ",");
	print_member("right", code->right, ",");
	printf("}");
}

int tr_cli_errors(struct tr_cli *cli)
{
	uint32_t count;
	const struct tr_diag_code *codes = tr_diag_codes(&count);
	const struct tr_diag_code *code = cli->argument != NULL ? tr_diag_code_find(cli->argument) : NULL;
	const char *names[NAMES_MAX];

	if (cli->argument != NULL && code == NULL) {
		for (uint32_t i = 0; i < count; i++)
			names[i] = codes[i].code;
		return not_found("code", cli->argument, names, count);
	}
	if (code != NULL && !cli->is_json) {
		printf("%s: %s\n\n%s\n", code->code, code->title, code->doc);
		print_script("Wrong:", code->wrong);
		print_script("Right:", code->right);
		return 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (code != NULL && &codes[i] != code)
			continue;
		if (cli->is_json)
			print_code_json(&codes[i], code != NULL || i == 0 ? "[{" : ",\n {");
		else
			printf("%s  %s\n", codes[i].code, codes[i].title);
	}
	if (cli->is_json)
		printf("]\n");
	return 0;
}

/* ---- connectors and formats ---- */

static void print_options(const struct tr_option_spec *options, const char *prefix)
{
	static const char *const kinds[] = {"text", "boolean", "number", "number", "duration", "size", ""};

	for (; options != NULL && options->key != NULL; options++) {
		printf("  %s%s\n      %s", prefix, options->key, options->doc);
		printf(" (%s", options->kind == TR_OPTION_ENUM ? options->choices : kinds[options->kind]);
		if (options->is_required)
			printf("; required");
		else if (options->default_text != NULL)
			printf("; default: %s", options->default_text);
		printf(")\n");
	}
}

static void print_connector(const struct tr_connector *connector)
{
	printf("%s (%s%s%s): %s\n\n", connector->name, connector->source != NULL ? "source" : "",
	       connector->source != NULL && connector->sink != NULL ? ", " : "", connector->sink != NULL ? "sink" : "",
	       connector->doc);
	print_options(connector->options, "");
	if (connector->example != NULL)
		printf("\n%s\n", connector->example);
}

static void print_format(const struct tr_format *format)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "%s.", format->name);
	printf("%s (format): %s\n\n", format->name, format->doc);
	print_options(format->options, prefix);
}

int tr_cli_connectors(struct tr_cli *cli)
{
	const struct tr_connector *const *connectors = tr_registry_connectors();
	const struct tr_format *const *formats = tr_registry_formats();
	const char *names[NAMES_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; connectors[i] != NULL && count < NAMES_MAX; i++) {
		names[count++] = connectors[i]->name;
		if (cli->argument == NULL)
			printf("%-12s %-6s %s\n", connectors[i]->name,
			       connectors[i]->source == NULL ? "sink"
			       : connectors[i]->sink == NULL ? "source"
							     : "both",
			       connectors[i]->doc);
		else if (strcmp(connectors[i]->name, cli->argument) == 0)
			return print_connector(connectors[i]), 0;
	}
	for (uint32_t i = 0; formats[i] != NULL && count < NAMES_MAX; i++) {
		names[count++] = formats[i]->name;
		if (cli->argument == NULL)
			printf("%-12s %-6s %s\n", formats[i]->name, "format", formats[i]->doc);
		else if (strcmp(formats[i]->name, cli->argument) == 0)
			return print_format(formats[i]), 0;
	}
	return cli->argument == NULL ? 0 : not_found("connector or format", cli->argument, names, count);
}

/* ---- configuration ---- */

int tr_cli_config(struct tr_cli *cli)
{
	const char *names[TR_CONFIG_KEYS_MAX];
	uint32_t count = 0, found = 0;

	for (const struct tr_config_key *key = tr_config_keys(); key->name != NULL; key++) {
		names[count++] = key->name;
		if (cli->argument != NULL && strcmp(cli->argument, key->name) != 0)
			continue;
		found++;
		printf("%s: %s\n    %s%s%s%s\n", key->name, tr_config_text(&cli->config, key->name), key->doc,
		       key->choices != NULL ? " (" : "", key->choices != NULL ? key->choices : "",
		       key->choices != NULL ? ")" : "");
	}
	return found > 0 ? 0 : not_found("configuration key", cli->argument, names, count);
}

/* ---- version and bench ---- */

int tr_cli_version(struct tr_cli *cli)
{
	struct tr_environment *env = NULL;
	struct tr_status st = {0};
	const char *io = "unavailable";

	if (tr_environment_real_create(&env, &st) == TR_OK)
		io = env->disk->ops->name;
	printf("tailrace %s\ncompiler: %s\nkernels: x86-64-%s\nfile I/O: %s\n", TR_VERSION, __VERSION__,
	       tr_cpu_isa_name(tr_cpu_isa()), io);
	tr_environment_real_destroy(&env);
	return 0;
}

/* The benchmarks are a program of their own beside this one. */
int tr_cli_bench(struct tr_cli *cli)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);
	char **arguments = calloc(cli->rest_count + 2, sizeof(*arguments));
	char *slash;

	TR_ASSERT(arguments != NULL && length > 0);
	path[length] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash + 1, "tailrace-bench");
	arguments[0] = path;
	for (uint32_t i = 0; i < cli->rest_count; i++)
		arguments[i + 1] = cli->rest[i];
	execv(path, arguments);
	fprintf(stderr, "tailrace: %s: %s\n`cmake --build --preset release` makes it.\n", path, strerror(errno));
	free(arguments);
	return TR_ERR_UNAVAILABLE;
}
