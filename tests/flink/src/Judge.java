// SPDX-License-Identifier: Apache-2.0
//
// Runs SQL scripts and expressions on Flink and writes what it answers; tests/flink/judge starts it and compares.
//
// A work list comes on standard input, a line each, fields separated by tabs; many in one process, since starting Flink takes
// seconds. One MiniCluster runs all jobs, each with parallelism 1, in streaming mode and in the zone UTC.
//
//     script       FILE FORMAT ANSWER     runs the script in FILE; what it prints goes to the file ANSWER. FORMAT says how the
//                                         result of SELECT is shown: table (as Flink's client does), csv, json (a file of that
//                                         format, as Flink writes it)
//     expressions  SETUP FILE N ANSWER    runs the script SETUP, then evaluates each line of FILE in SELECT ... FROM inputs, N of
//                                         them in a job; ANSWER gets a line for each: its type and values, or the error (see
//                                         Expressions)
//     queries      MODE SETUP FILE ANSWER runs the script SETUP, then each line of FILE, a query, in MODE batch or streaming; ANSWER
//                                         gets its columns and rows, or the error, and an empty line (see Queries)
//     statements   SETUP FILE ANSWER       runs the script SETUP, then has each line of FILE parsed and planned ("⏎" is a line
//                                         break); ANSWER gets a line for each: PLANNED, or REFUSED and why
//     windows      FILE ANSWER             runs windows of the DataStream API, a line of FILE each (see Windows)
//
// Behind each work a line "done" is printed. A script that fails ends with a line "ERROR kind: text".

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.internal.TableEnvironmentInternal;

public final class Judge {
    static final PrintStream ERR = System.err;

    private final Configuration cluster = new Configuration();

    private Judge(MiniCluster flink) throws Exception {
        cluster.setString("execution.target", "remote");
        cluster.setString("rest.address", "localhost");
        cluster.setString("rest.port", String.valueOf(flink.getRestAddress().get().getPort()));
        cluster.setString("parallelism.default", "1");
        cluster.setString("restart-strategy.type", "none");
    }

    /** A fresh catalog and configuration: what one script does must not reach the next. */
    TableEnvironment environment(boolean isBatch) {
        Configuration settings = new Configuration(cluster);
        settings.setString("execution.runtime-mode", isBatch ? "BATCH" : "STREAMING");
        TableEnvironment tables =
                TableEnvironment.create(EnvironmentSettings.newInstance().withConfiguration(settings).build());
        tables.getConfig().setLocalTimeZone(ZoneId.of("UTC"));
        return tables;
    }

    /** The kind and the first line of what lies behind an error. */
    static String describe(Throwable error) {
        Throwable cause = error;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        String text = cause.getMessage() == null ? "" : cause.getMessage();
        // A failure that came over the wire has its causes in its text only.
        for (String line : text.split("\n")) {
            if (line.startsWith("Caused by: ")) {
                text = line.substring(11);
            }
        }
        return cause.getClass().getSimpleName() + ": " + text.split("\n")[0].strip();
    }

    private String script(String file, String format) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream before = System.out;
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        System.setOut(out); // the print sink runs in this process, too
        try {
            String text = Files.readString(Path.of(file));
            new Script(environment(Script.isBatch(text)), format, out).run(text);
        } catch (Throwable error) {
            out.println("ERROR " + describe(error));
            if (System.getenv("JUDGE_STACKS") != null) {
                error.printStackTrace(ERR);
            }
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private String expressions(String setup, String file, String aJob) throws Exception {
        TableEnvironment tables = environment(false);
        new Script(tables, "table", System.out).run(Files.readString(Path.of(setup)));
        return new Expressions(tables, Integer.parseInt(aJob)).answer(Files.readAllLines(Path.of(file)));
    }

    private String queries(String mode, String setup, String file) throws Exception {
        TableEnvironment tables = environment(mode.equals("batch"));
        new Script(tables, "table", System.out).run(Files.readString(Path.of(setup)));
        StringBuilder out = new StringBuilder();
        for (String query : Files.readAllLines(Path.of(file))) {
            out.append(Queries.answer(tables, query)).append('\n');
        }
        return out.toString();
    }

    private String statements(String setup, String file) throws Exception {
        TableEnvironment tables = environment(false);
        new Script(tables, "table", System.out).run(Files.readString(Path.of(setup)));
        StringBuilder answer = new StringBuilder();
        for (String line : Files.readAllLines(Path.of(file))) {
            try {
                ((TableEnvironmentInternal) tables).getParser().parse(line.replace("⏎", "\n"));
                answer.append("PLANNED\n");
            } catch (Throwable error) {
                answer.append("REFUSED\t").append(describe(error).replace("\t", " ")).append('\n');
            }
        }
        return answer.toString();
    }

    private void work(String line) throws Exception {
        String[] fields = line.split("\t");
        String answer =
                switch (fields[0]) {
                    case "script" -> script(fields[1], fields[2]);
                    case "statements" -> statements(fields[1], fields[2]);
                    case "expressions" -> expressions(fields[1], fields[2], fields[3]);
                    case "queries" -> queries(fields[1], fields[2], fields[3]);
                    case "windows" -> Windows.answer(cluster, Files.readAllLines(Path.of(fields[1])), 25);
                    default -> throw new IllegalArgumentException("no such work: " + line);
                };
        Files.writeString(Path.of(fields[fields.length - 1]), answer);
    }

    public static void main(String[] arguments) throws Exception {
        Configuration local = new Configuration();
        local.setString("rest.port", "0");
        local.setString("rest.bind-address", "localhost");
        MiniClusterConfiguration size =
                new MiniClusterConfiguration.Builder()
                        .setConfiguration(local)
                        .setNumTaskManagers(1)
                        .setNumSlotsPerTaskManager(8)
                        .build();
        PrintStream out = System.out;
        System.setOut(new PrintStream(OutputStream.nullOutputStream())); // Flink prints code that does not compile
        try (MiniCluster flink = new MiniCluster(size)) {
            flink.start();
            Judge judge = new Judge(flink);
            BufferedReader list = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = list.readLine(); line != null; line = list.readLine()) {
                judge.work(line);
                out.println("done");
            }
        }
        System.exit(0);
    }
}
