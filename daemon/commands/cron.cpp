// SPDX-License-Identifier: Apache-2.0
// drwatch cron: when a schedule is due next, before it is trusted with a job or a drill.
#include "config/rows/cron.hpp"

#include "daemon/commands/commands.hpp"
#include "daemon/commands/text.hpp"

#include <chrono>

namespace drwatch::commands {

int cron(const CronOptions& options) {
  std::string error;
  const auto schedule = Cron::parse(options.expression, options.zone, &error);
  if (!schedule) throw CommandRefused(error);
  Json runs = Json::array();
  const Time now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  Time at = now;
  for (int i = 0; i < 5; ++i) {
    at = schedule->next_after(at);
    if (at == Time::max()) break;
    runs.push_back(time_text(at));
    if (!options.json) print(time_text(at) + "  " + wall_text(at, schedule->zone()) + "  in " + duration_words(at - now) + "\n");
  }
  if (options.json)
    print(Json{{"schedule", options.expression}, {"timezone", options.zone}, {"runs", runs}}.dump(2, ' ', false,
                                                                                                  Json::error_handler_t::replace) +
          "\n");
  if (runs.empty()) throw CommandRefused("'" + options.expression + "' is never due within eight years; check its day and month");
  return 0;
}

}  // namespace drwatch::commands
