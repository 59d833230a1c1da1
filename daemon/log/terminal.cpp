// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/sinks.hpp"

#include "daemon/alerting/utf8.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>

#include <chrono>
#include <utility>

namespace drwatch {
namespace {

spdlog::level::level_enum level(Importance importance) {
  switch (importance) {
    case Importance::error:
      return spdlog::level::err;
    case Importance::warning:
      return spdlog::level::warn;
    case Importance::info:
      break;
  }
  return spdlog::level::info;
}

// spdlog's own file sinks own their file; this one writes to whichever stream it is given.
class StreamSink : public spdlog::sinks::ansicolor_sink<spdlog::details::console_mutex> {
 public:
  StreamSink(std::FILE* out, spdlog::color_mode mode) : ansicolor_sink(out, mode) {}
};

class TerminalLog : public Log {
 public:
  // After every line: what a crash was about must not stay in a buffer.
  TerminalLog(std::FILE* out, bool coloured) : out_("drwatch", make_sink(out, coloured)) { out_.flush_on(spdlog::level::trace); }

  void event(const Event& event) override {
    // Everything that comes from outside is escaped: a message may quote a failing server.
    std::string text = escaped(event.kind) + "  " + escaped(event.message);
    std::string names;
    add(names, "probe", event.probe);
    add(names, "component", event.component);
    add(names, "scenario", event.scenario);
    add(names, "incident", event.incident);
    add(names, "reason", reason_of(event));
    if (!names.empty()) text += "  (" + names + ")";
    // The event's own time, not that of writing it down.
    out_.log(std::chrono::system_clock::time_point(event.at.time_since_epoch()), spdlog::source_loc{}, level(importance(event)), text);
  }
  void line(Importance importance, const std::string& message, const std::map<std::string, std::string>& fields) override {
    std::string text = escaped(message), more;
    for (const auto& [name, value] : fields) add(more, name, value);
    if (!more.empty()) text += "  (" + more + ")";
    out_.log(level(importance), text);
  }

 private:
  static spdlog::sink_ptr make_sink(std::FILE* out, bool coloured) {
    auto sink = std::make_shared<StreamSink>(out, coloured ? spdlog::color_mode::always : spdlog::color_mode::never);
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v", spdlog::pattern_time_type::utc));
    return sink;
  }
  static void add(std::string& names, std::string_view name, const std::string& value) {
    if (!value.empty()) names += (names.empty() ? "" : " ") + std::string(name) + "=" + escaped(value);
  }

  spdlog::logger out_;
};

void append_escape(std::string& text, unsigned char byte) {
  static constexpr char digits[] = "0123456789abcdef";
  if (byte == '\n')
    text += "\\n";
  else if (byte == '\t')
    text += "\\t";
  else if (byte == '\r')
    text += "\\r";
  else
    (text += "\\x") += {digits[byte >> 4U], digits[byte & 0xFU]};
}

// C0, DEL, and C1 (U+0080 to U+009F), which some terminals obey as well.
bool controls(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  return first < 0x20 || first == 0x7F || (first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_front(text);
    const std::string_view next = text.substr(0, length == 0 ? 1 : length);
    if (length != 0 && !controls(next))
      out += next;
    else
      for (const char c : next) append_escape(out, static_cast<unsigned char>(c));
    text.remove_prefix(next.size());
  }
  return out;
}

std::unique_ptr<Log> make_terminal_log(std::FILE* out, bool coloured) { return std::make_unique<TerminalLog>(out, coloured); }

}  // namespace drwatch
