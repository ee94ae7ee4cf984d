// SPDX-License-Identifier: Apache-2.0
//
// Many expressions on Flink. Each is first bound alone, which tells its type; then `aJob` are evaluated in one job
// over the rows of the table `inputs`. Where a job fails, its halves are run again until the culprits stand alone.
//
// The answer to an expression is one line: its type, and for each row a tab and its value as the print sink writes it
// ("NULL" for NULL, so that the text null is told apart; control characters as backslash, u and four digits), or "REFUSED" (no plan)
// or "FAILED" (the job fails), a tab, and the error.

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

final class Expressions {
    private final TableEnvironment tables;
    private final int aJob;

    Expressions(TableEnvironment tables, int aJob) {
        this.tables = tables;
        this.aJob = aJob;
    }

    String answer(List<String> expressions) {
        String[] types = new String[expressions.size()];
        String[] answers = new String[expressions.size()];
        List<Integer> good = new ArrayList<>();
        for (int at = 0; at < answers.length; at++) {
            try {
                types[at] = tables.sqlQuery("SELECT " + expressions.get(at) + " FROM inputs")
                        .getResolvedSchema().getColumnDataTypes().get(0).getLogicalType().asSummaryString();
                good.add(at);
            } catch (Exception | AssertionError error) {
                answers[at] = "REFUSED\t" + Judge.describe(error);
            }
        }
        for (int at = 0; at < good.size(); at += aJob) {
            evaluate(expressions, good.subList(at, Math.min(at + aJob, good.size())), types, answers);
        }
        return Arrays.stream(answers).map(answer -> answer + "\n").collect(Collectors.joining());
    }

    private void evaluate(List<String> expressions, List<Integer> these, String[] types, String[] answers) {
        String kind = "REFUSED\t"; // before the job runs
        String list = these.stream().map(at -> expressions.get(at) + " AS e" + at).collect(Collectors.joining(", "));
        try (CloseableIterator<Row> rows = tables.executeSql("SELECT " + list + " FROM inputs").collect()) {
            kind = "FAILED\t";
            StringBuilder[] values = these.stream().map(at -> new StringBuilder(types[at])).toArray(StringBuilder[]::new);
            while (rows.hasNext()) {
                Row row = rows.next();
                IntStream.range(0, values.length).forEach(i -> values[i].append('\t').append(text(row.getField(i))));
            }
            IntStream.range(0, values.length).forEach(i -> answers[these.get(i)] = values[i].toString());
        } catch (Exception | AssertionError error) {
            if (these.size() == 1) {
                answers[these.get(0)] = kind + Judge.describe(error);
            } else {
                int half = these.size() / 2;
                evaluate(expressions, these.subList(0, half), types, answers);
                evaluate(expressions, these.subList(half, these.size()), types, answers);
            }
        }
    }

    private static String text(Object value) {
        if (value == null) {
            return "NULL";
        }
        String row = Row.of(value).toString(); // +I[...]
        return visible(row.substring(3, row.length() - 1));
    }

    static String visible(String text) {
        return text.codePoints()
                .mapToObj(c -> c < ' ' ? String.format("\\u%04x", c) : Character.toString(c))
                .collect(Collectors.joining());
    }
}
