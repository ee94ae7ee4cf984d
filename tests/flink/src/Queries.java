// SPDX-License-Identifier: Apache-2.0
//
// One query on Flink. The answer: a line with its columns (name and type, with tabs between), then a line for each row as the print
// sink writes it. Or one line: "REFUSED" (no plan) or "FAILED" (the job fails), a tab, and the error.

import java.util.stream.Collectors;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

final class Queries {
    private Queries() {}

    static String answer(TableEnvironment tables, String query) {
        StringBuilder out = new StringBuilder();
        String kind = "REFUSED\t"; // before the job runs
        try {
            TableResult result = tables.executeSql(query);
            kind = "FAILED\t";
            out.append(result.getResolvedSchema().getColumns().stream()
                    .map(column -> column.getName() + " " + column.getDataType().getLogicalType().asSummaryString())
                    .collect(Collectors.joining("\t"))).append('\n');
            try (CloseableIterator<Row> rows = result.collect()) {
                while (rows.hasNext()) {
                    out.append(Expressions.visible(rows.next().toString())).append('\n');
                }
            }
            return out.toString();
        } catch (Exception | AssertionError error) {
            return kind + Judge.describe(error) + "\n";
        }
    }
}
