// SPDX-License-Identifier: Apache-2.0
//
// Windows of the DataStream API on Flink. A case is a line of fields between ";", words between blanks:
//
//     tumbling SIZE OFFSET | sliding SIZE SLIDE OFFSET | session GAP | global | count N | count N EVERY
//     default | never | count N | event | continuous MS, and "purging" in front of any but the first two
//     none | count N | time MS, and "after" behind them
//     LATENESS
//     process | reduce | aggregate                        all rows; their sum; their sum and count
//     key,value,time ..  or w,WATERMARK                   what comes, one after the other
//
// The answer is a line: a word "watermark:key:start:end:values" for each firing, sorted, then "|", then "key,value,time" of the late
// rows, sorted. The watermark of the end of the input is "end"; global windows have no start and end. Values of a session are sorted,
// since their order is that in which Flink merges.

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.datastream.WindowedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.source.legacy.SourceFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;
import org.apache.flink.streaming.api.windowing.assigners.GlobalWindows;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.evictors.CountEvictor;
import org.apache.flink.streaming.api.windowing.evictors.Evictor;
import org.apache.flink.streaming.api.windowing.evictors.TimeEvictor;
import org.apache.flink.streaming.api.windowing.triggers.ContinuousEventTimeTrigger;
import org.apache.flink.streaming.api.windowing.triggers.CountTrigger;
import org.apache.flink.streaming.api.windowing.triggers.EventTimeTrigger;
import org.apache.flink.streaming.api.windowing.triggers.PurgingTrigger;
import org.apache.flink.streaming.api.windowing.triggers.Trigger;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.streaming.api.windowing.windows.Window;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

final class Windows {
    private Windows() {}

    /** What the jobs of this process have answered; they run in it. */
    private static final Map<Integer, List<String>> FIRED = new ConcurrentHashMap<>();
    private static final Map<Integer, List<String>> LATE = new ConcurrentHashMap<>();

    /** A row. */
    public static final class Row {
        public long key;
        public long value;
        public long time;
        public long count = 1;

        public Row() {}

        Row(long key, long value, long time) {
            this.key = key;
            this.value = value;
            this.time = time;
        }
    }

    private static final class Source implements SourceFunction<Row> {
        private final String events;

        Source(String events) {
            this.events = events;
        }

        @Override
        public void run(SourceContext<Row> context) {
            for (String event : events.split(" ")) {
                String[] part = event.split(",");
                if (part[0].equals("w")) {
                    context.emitWatermark(new Watermark(Long.parseLong(part[1])));
                } else {
                    Row row = new Row(Long.parseLong(part[0]), Long.parseLong(part[1]), Long.parseLong(part[2]));
                    context.collectWithTimestamp(row, row.time);
                }
            }
        }

        @Override
        public void cancel() {}
    }

    private static final class Show<W extends Window> extends ProcessWindowFunction<Row, Long, Long, W> {
        private final int number;
        private final String form;

        Show(int number, String form) {
            this.number = number;
            this.form = form;
        }

        @Override
        public void process(Long key, Context context, Iterable<Row> rows, Collector<Long> out) {
            List<String> values = new ArrayList<>();
            for (Row row : rows) {
                values.add(form.equals("aggregate") ? row.value + "/" + row.count : String.valueOf(row.value));
            }
            if (form.equals("sorted")) {
                Collections.sort(values);
            }
            long watermark = context.currentWatermark();
            String window = context.window() instanceof TimeWindow time ? time.getStart() + ":" + time.getEnd() : ":";
            FIRED.get(number).add(
                    (watermark == Long.MAX_VALUE ? "end" : watermark == Long.MIN_VALUE ? "none" : String.valueOf(watermark))
                    + ":" + key + ":" + window + ":" + String.join(",", values));
        }
    }

    private static final class SumAndCount implements AggregateFunction<Row, Row, Row> {
        @Override
        public Row createAccumulator() {
            Row row = new Row();
            row.count = 0;
            return row;
        }

        @Override
        public Row add(Row row, Row to) {
            return merge(row, to);
        }

        @Override
        public Row getResult(Row row) {
            return row;
        }

        @Override
        public Row merge(Row a, Row b) {
            Row row = new Row(b.key, a.value + b.value, b.time);
            row.count = a.count + b.count;
            return row;
        }
    }

    private static final class KeepLate extends ProcessFunction<Row, Long> {
        private final int number;

        KeepLate(int number) {
            this.number = number;
        }

        @Override
        public void processElement(Row row, Context context, Collector<Long> out) {
            LATE.get(number).add(row.key + "," + row.value + "," + row.time);
        }
    }

    private static long number(String[] words, int i) {
        return Long.parseLong(words[i]);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static WindowAssigner<Object, Window> assigner(String[] words) {
        WindowAssigner assigner =
                switch (words[0]) {
                    case "tumbling" -> TumblingEventTimeWindows.of(ms(number(words, 1)), ms(number(words, 2)));
                    case "sliding" ->
                        SlidingEventTimeWindows.of(ms(number(words, 1)), ms(number(words, 2)), ms(number(words, 3)));
                    case "session" -> EventTimeSessionWindows.withGap(ms(number(words, 1)));
                    default -> GlobalWindows.create();
                };
        return assigner;
    }

    private static java.time.Duration ms(long ms) {
        return java.time.Duration.ofMillis(ms);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Trigger<Object, Window> trigger(String[] words) {
        boolean isPurging = words[0].equals("purging");
        String[] rest = isPurging ? Arrays.copyOfRange(words, 1, words.length) : words;
        Trigger trigger =
                switch (rest[0]) {
                    case "count" -> CountTrigger.of(number(rest, 1));
                    case "event" -> EventTimeTrigger.create();
                    case "continuous" -> ContinuousEventTimeTrigger.of(ms(number(rest, 1)));
                    default -> null;
                };
        return isPurging ? PurgingTrigger.of(trigger) : trigger;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Evictor<Object, Window> evictor(String[] words) {
        boolean isAfter = words.length > 2;
        Evictor evictor =
                switch (words[0]) {
                    case "count" -> CountEvictor.of(number(words, 1), isAfter);
                    case "time" -> TimeEvictor.of(ms(number(words, 1)), isAfter);
                    default -> null;
                };
        return evictor;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static void add(StreamExecutionEnvironment flink, int number, String text) {
        String[] fields = text.split(";");
        String[] kind = fields[0].split(" ");
        KeyedStream<Row, Long> keyed = flink.addSource(new Source(fields[5])).keyBy(row -> row.key);
        WindowedStream windows;
        if (kind[0].equals("count")) {
            windows = kind.length == 2
                    ? keyed.countWindow(number(kind, 1))
                    : keyed.countWindow(number(kind, 1), number(kind, 2));
        } else {
            windows = keyed.window((WindowAssigner) assigner(kind));
            if (trigger(fields[1].split(" ")) != null) {
                windows = windows.trigger(trigger(fields[1].split(" ")));
            }
            if (evictor(fields[2].split(" ")) != null) {
                windows = windows.evictor(evictor(fields[2].split(" ")));
            }
            if (!fields[3].equals("0")) {
                windows = windows.allowedLateness(ms(Long.parseLong(fields[3])));
            }
        }
        OutputTag<Row> late = new OutputTag<>("late") {};
        windows = windows.sideOutputLateData(late);
        String form = fields[4].equals("process") && kind[0].equals("session") ? "sorted" : fields[4];
        Show<Window> show = new Show<>(number, form);
        SingleOutputStreamOperator<Long> fired =
                switch (fields[4]) {
                    case "reduce" ->
                        windows.reduce((org.apache.flink.api.common.functions.ReduceFunction<Row>)
                                (a, b) -> new Row(a.key, a.value + b.value, a.time), show);
                    case "aggregate" -> windows.aggregate(new SumAndCount(), show);
                    default -> windows.process(show);
                };
        DataStream<Long> lateRows = fired.returns(Long.class).getSideOutput(late).process(new KeepLate(number));
        fired.sinkTo(new DiscardingSink<>());
        lateRows.sinkTo(new DiscardingSink<>());
    }

    /** The answers to the cases, a line each. Some cases are one job. */
    static String answer(Configuration cluster, List<String> cases, int aJob) throws Exception {
        for (int from = 0; from < cases.size(); from += aJob) {
            StreamExecutionEnvironment flink = new StreamExecutionEnvironment(cluster);
            for (int i = from; i < Math.min(from + aJob, cases.size()); i++) {
                FIRED.put(i, Collections.synchronizedList(new ArrayList<>()));
                LATE.put(i, Collections.synchronizedList(new ArrayList<>()));
                add(flink, i, cases.get(i));
            }
            flink.executeAsync().getJobExecutionResult().get();
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < cases.size(); i++) {
            out.append(FIRED.get(i).stream().sorted().collect(Collectors.joining(" "))).append(" | ");
            out.append(LATE.get(i).stream().sorted().collect(Collectors.joining(" "))).append('\n');
        }
        return out.toString();
    }
}
