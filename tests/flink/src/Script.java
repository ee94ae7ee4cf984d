// SPDX-License-Identifier: Apache-2.0
//
// One SQL script on Flink, a statement after the other, as Flink's client does it with a file: SET and RESET change the
// session, an INSERT waits for its job, a SELECT shows its rows. The first statement that fails ends the script.

import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.formats.common.TimestampFormat;
import org.apache.flink.formats.csv.CsvRowDataSerializationSchema;
import org.apache.flink.formats.json.JsonFormatOptions;
import org.apache.flink.formats.json.JsonRowDataSerializationSchema;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.config.TableConfigOptions;
import org.apache.flink.table.api.internal.TableResultInternal;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.utils.print.PrintStyle;
import org.apache.flink.table.utils.print.TableauStyle;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.CloseableIterator;

final class Script {
    private static final Pattern SET = Pattern.compile("SET\\s+'([^']*)'\\s*=\\s*'(.*)'", caseless());
    private static final Pattern RESET = Pattern.compile("RESET(?:\\s+'([^']*)')?", caseless());
    private static final Pattern BEGIN = Pattern.compile("(?:EXECUTE\\s+STATEMENT\\s+SET\\s+BEGIN|BEGIN\\s+STATEMENT\\s+SET)\\b",
            caseless());
    private static final Pattern QUERY = Pattern.compile("[(\\s]*(SELECT|WITH|VALUES|FROM|TABLE)\\b.*", caseless());

    private final TableEnvironment tables;
    private final String format;
    private boolean isBatch;
    private final PrintStream out;
    private final Map<String, String> begun = new HashMap<>(); // what a setting was before SET

    Script(TableEnvironment tables, String format, PrintStream out) {
        this.tables = tables;
        this.format = format;
        this.out = out;
    }

    /** Whether the script runs in batch mode: Flink wants to know when the environment is made. */
    static boolean isBatch(String text) {
        return text.matches("(?is).*\\bSET\\s+'execution\\.runtime-mode'\\s*=\\s*'batch'.*");
    }

    private static int caseless() {
        return Pattern.CASE_INSENSITIVE | Pattern.DOTALL;
    }

    void run(String text) throws Exception {
        isBatch = isBatch(text);
        StatementSet set = null;
        for (String statement : statements(text)) {
            Matcher begin = BEGIN.matcher(statement);
            if (begin.lookingAt()) {
                set = tables.createStatementSet();
                statement = statement.substring(begin.end()).strip();
            }
            if (set == null) {
                one(statement);
            } else if (statement.equalsIgnoreCase("END")) {
                set.execute().await();
                set = null;
            } else if (!statement.isEmpty()) {
                set.addInsertSql(statement);
            }
        }
    }

    private void one(String statement) throws Exception {
        Matcher set = SET.matcher(statement);
        Matcher reset = RESET.matcher(statement);
        if (set.matches() && set.group(1).equals("execution.runtime-mode")) {
            return; // isBatch has seen it
        } else if (set.matches()) {
            begun.putIfAbsent(set.group(1), tables.getConfig().getConfiguration().getString(set.group(1), null));
            tables.getConfig().set(set.group(1), set.group(2).replace("''", "'"));
        } else if (reset.matches()) {
            for (String key : reset.group(1) == null ? List.copyOf(begun.keySet()) : List.of(reset.group(1))) {
                reset(key);
            }
        } else if (QUERY.matcher(statement).matches()) {
            query(statement);
        } else {
            TableResult result = tables.executeSql(statement);
            if (statement.regionMatches(true, 0, "INSERT", 0, 6)) {
                result.await();
            } else if (!statement.matches("(?is)(CREATE|DROP|ALTER|USE)\\b.*")) {
                result.print();
            }
        }
    }

    private void reset(String key) {
        String before = begun.remove(key);
        if (before != null) {
            tables.getConfig().set(key, before);
        } else {
            Configuration all = tables.getConfig().getConfiguration();
            all.removeKey(key);
        }
    }

    /** Shows the rows of a query as Flink's client does with result mode tableau, or in a format; changes with their kind. */
    private void query(String statement) throws Exception {
        TableResultInternal result = (TableResultInternal) tables.executeSql(statement);
        ResolvedSchema schema = result.getResolvedSchema();
        RowType type = (RowType) schema.toPhysicalRowDataType().getLogicalType();
        long rows = 0;
        try (CloseableIterator<RowData> all = result.collectInternal()) {
            if (format.equals("table") && isBatch) {
                PrintWriter writer = new PrintWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8), true);
                PrintStyle.tableauWithDataInferredColumnWidths(
                        schema, result.getRowDataToStringConverter(),
                        tables.getConfig().get(TableConfigOptions.DISPLAY_MAX_COLUMN_WIDTH), false, false)
                        .print(all, writer);
            } else if (format.equals("table")) {
                PrintWriter writer = new PrintWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8), true);
                TableauStyle style = PrintStyle.tableauWithTypeInferredColumnWidths(
                        schema, result.getRowDataToStringConverter(),
                        tables.getConfig().get(TableConfigOptions.DISPLAY_MAX_COLUMN_WIDTH), false, true);
                style.printBorderLine(writer);
                style.printColumnNamesTableauRow(writer);
                style.printBorderLine(writer);
                for (; all.hasNext(); rows++) {
                    style.printTableauRow(style.rowFieldsToString(all.next()), writer);
                }
                if (rows > 0) {
                    style.printBorderLine(writer);
                }
                writer.println("Received a total of " + rows + (rows > 1 ? " rows" : " row"));
            } else {
                SerializationSchema<RowData> encoder = encoder(type);
                while (all.hasNext()) {
                    RowData row = all.next();
                    String change = row.getRowKind() == RowKind.INSERT ? "" : row.getRowKind().shortString() + " ";
                    row.setRowKind(RowKind.INSERT);
                    out.println(change + new String(encoder.serialize(row), StandardCharsets.UTF_8).stripTrailing());
                }
            }
        }
    }

    private SerializationSchema<RowData> encoder(RowType type) throws Exception {
        SerializationSchema<RowData> encoder;
        if (format.equals("csv")) {
            CsvRowDataSerializationSchema.Builder builder = new CsvRowDataSerializationSchema.Builder(type);
            builder.setWriteBigDecimalInScientificNotation(true); // the default of csv's option
            encoder = builder.build();
        } else {
            encoder = new JsonRowDataSerializationSchema(
                    type, TimestampFormat.SQL, JsonFormatOptions.MapNullKeyMode.FAIL, "null", false, false);
        }
        encoder.open(null);
        return encoder;
    }

    /** The statements of a script without comments in front; a semicolon within quotes or a comment ends none. */
    static List<String> statements(String text) {
        List<String> out = new ArrayList<>();
        StringBuilder statement = new StringBuilder();
        for (int at = 0; at < text.length(); at++) {
            char c = text.charAt(at);
            int end = at;
            if (text.startsWith("--", at)) {
                end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end;
                statement.append('\n');
                continue;
            } else if (text.startsWith("/*", at) && !text.startsWith("/*+", at)) {
                end = text.indexOf("*/", at);
                at = end < 0 ? text.length() : end + 1;
                statement.append(' ');
                continue;
            } else if (c == '\'' || c == '`') {
                end = text.indexOf(c, at + 1);
                end = end < 0 ? text.length() - 1 : end;
            } else if (c == ';') {
                add(out, statement);
                continue;
            }
            statement.append(text, at, end + 1);
            at = end;
        }
        add(out, statement);
        return out;
    }

    private static void add(List<String> out, StringBuilder statement) {
        String text = statement.toString().strip();
        if (!text.isEmpty()) {
            out.add(text);
        }
        statement.setLength(0);
    }
}
