#include "live/recorder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/interrupt.h"
#include "live/capped_execution.h"
#include "live/profiler.h"

namespace alertbench {

void record_truth(NetworkBench& bench, const Profile& profile, const LivePace& pace, CapSetter& caps,
                  CoRunnerControl& co_runner, Clock& clock, Progress& progress, RecordingWriter& writer) {
  const size_t rows = static_cast<size_t>(profile.rows());
  const size_t models = profile.models.size(), cap_count = profile.caps_w.size();
  bool judged = true;  // correctness is kept where every network has it
  for (size_t m = 0; m < models; ++m) judged = judged && bench.judged(static_cast<int>(m));

  bench.feed(0);
  for (size_t m = 0; m < models; ++m) warm_up(bench, static_cast<int>(m), clock);
  co_runner.begin_part("recording");
  if (pace.deadline_s()) {
    double expected_s = 0;
    for (int64_t input = writer.inputs(); input < bench.inputs(); ++input)
      expected_s += pace.pass_s(profile, input);
    progress.note(
        fmt::format("Recording at the pace of live runs (record.pace): about {:.0f} s, plus the time that "
                    "the co-runner adds",
                    expected_s));
  }
  progress.begin("Recording", bench.inputs() - writer.inputs());
  CappedExecution capped(caps, clock);
  RecordedInput record;
  for (int64_t input = writer.inputs(); input < bench.inputs() && !interrupted(); ++input) {
    bench.feed(input);
    co_runner.prepare(input);
    record.input_id = bench.input_id(input);
    record.stage_end_s.assign(rows * cap_count, 0.0);
    record.facts = bench.facts(input);
    record.correct.assign(judged ? rows : 0, {});
    if (judged) record.missed = bench.judge(0, 0);
    record.co_runner_on = co_runner.on(input);
    for (size_t k = 0; k < models; ++k) {
      const size_t m = (k + static_cast<size_t>(input)) % models;
      const size_t first_row = static_cast<size_t>(profile.first_row(static_cast<int>(m)));
      StagedModel& network = bench.model(static_cast<int>(m));
      for (size_t i = 0; i < cap_count; ++i) {
        const size_t cap = (i + static_cast<size_t>(input)) % cap_count;
        capped.set_cap(profile.caps_w[cap]);
        const double latency_s =
            profile.latency_of({static_cast<int>(m), network.stages(), static_cast<int>(cap)}).mean_s;
        pace.lead_in(network, capped, input, latency_s, i == 0, clock);
        const Execution e = capped.run(network, network.stages());
        for (size_t s = 0; s < static_cast<size_t>(network.stages()); ++s)
          record.stage_end_s[(first_row + s) * cap_count + cap] = e.stage_end_s[s];
      }
      if (!judged) continue;
      for (int s = 0; s < network.stages(); ++s) {
        record.correct[first_row + static_cast<size_t>(s)] = *bench.judge(static_cast<int>(m), s + 1);
      }
    }
    writer.append(record);
    progress.step();
  }
  co_runner.pause();
  caps.restore();
  progress.end();
}

}  // namespace alertbench
