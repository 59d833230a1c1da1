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

class TerminalSink : public LogSink {
 public:
  // After every line: what a crash was about must not stay in a buffer.
  TerminalSink(std::FILE* out, bool coloured) : file_(out), out_("drwatch", make_sink(out, coloured)) {
    out_.flush_on(spdlog::level::trace);
    out_.set_error_handler([](const std::string&) {});  // it would write to standard error
  }

  bool write(const LogEntry& entry) override {
    // Everything that comes from outside is escaped: a message may quote a failing server.
    std::string text = entry.kind.empty() ? escaped(entry.message) : escaped(entry.kind) + "  " + escaped(entry.message);
    std::string more;
    for (const auto& [name, value] : entry.fields)
      if (!value.empty()) more += (more.empty() ? "" : " ") + name + "=" + escaped(value);
    if (!more.empty()) text += "  (" + more + ")";
    std::clearerr(file_);
    // The entry's own time, not that of writing it down.
    out_.log(entry.at, spdlog::source_loc{}, level(entry.importance), text);
    return std::ferror(file_) == 0;
  }

 private:
  static spdlog::sink_ptr make_sink(std::FILE* out, bool coloured) {
    auto sink = std::make_shared<StreamSink>(out, coloured ? spdlog::color_mode::always : spdlog::color_mode::never);
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v", spdlog::pattern_time_type::utc));
    return sink;
  }

  std::FILE* file_;
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

std::unique_ptr<LogSink> make_terminal_sink(std::FILE* out, bool coloured) { return std::make_unique<TerminalSink>(out, coloured); }

}  // namespace drwatch
