// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/watching.hpp"

#include "config/rows/time.hpp"
#include "daemon/commands/text.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>
#include <vector>

namespace drwatch::commands {
namespace {

std::vector<std::string> page_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// At most `columns` letters of it. A colour's sequence (ESC ... m) takes no room, and is ended where the line is cut.
std::string cut_line(const std::string& line, std::size_t columns) {
  std::string out;
  std::size_t letters = 0;
  bool coloured = false;
  for (std::size_t n = 0; n < line.size();) {
    if (line[n] == '\x1b') {
      const auto end = std::min(line.find('m', n), line.size() - 1) + 1;
      out.append(line, n, end - n);
      coloured = true;
      n = end;
      continue;
    }
    if (letters == columns) return out + (coloured ? "\x1b[0m" : "");
    ++letters;
    do out += line[n++];
    while (n < line.size() && (static_cast<unsigned char>(line[n]) & 0xC0) == 0x80);
  }
  return out;
}

// One line is for saying where one is.
std::size_t page_of(TerminalSize size) { return size.rows > 2 ? size.rows - 1 : 1; }

}  // namespace

std::string fitted(const std::string& text, TerminalSize size, std::size_t& first) {
  const auto lines = page_lines(text);
  const bool all = lines.size() <= size.rows;
  const std::size_t page = all ? lines.size() : page_of(size);
  first = std::min(first, lines.size() - page);
  std::string out;
  for (std::size_t n = first; n < first + page; ++n) out += (n == first ? "" : "\n") + cut_line(lines[n], size.columns);
  if (all) return out;
  const std::string where = "lines " + std::to_string(first + 1) + " to " + std::to_string(first + page) + " of " +
                            std::to_string(lines.size()) + "; arrows, blank and b move, q ends";
  return out + "\n" + cut_line(where, size.columns);
}

std::size_t after_keys(const std::string& keys, std::size_t first, TerminalSize size, bool& end) {
  const std::size_t page = page_of(size);
  const auto up = [&first](std::size_t by) { first -= std::min(first, by); };
  for (std::size_t n = 0; n < keys.size(); ++n) {
    std::string key = keys.substr(n, 1);
    if (key == "\x1b" && n + 2 < keys.size() && keys[n + 1] == '[') {
      const std::size_t length = keys[n + 2] >= '0' && keys[n + 2] <= '9' ? 4 : 3;  // "ESC [ 5 ~", "ESC [ A"
      key = keys.substr(n, length);
      n += length - 1;
    }
    if (key == "q" || key == "\x03" || key == "\x04") end = true;
    if (key == "j" || key == "\x1b[B") ++first;
    if (key == "k" || key == "\x1b[A") up(1);
    if (key == " " || key == "\x1b[6~") first += page;
    if (key == "b" || key == "\x1b[5~") up(page);
    if (key == "g") first = 0;
    if (key == "G") first = static_cast<std::size_t>(-1) / 2;  // as far as there are lines
  }
  return first;
}

namespace {

volatile std::sig_atomic_t told_to_end = 0;

// The terminal gives every key at once and shows none; as it was before, when this ends.
class KeysAtOnce {
 public:
  KeysAtOnce() {
    if (::isatty(STDIN_FILENO) != 1 || tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    changed_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    for (const int signal : {SIGTERM, SIGHUP, SIGINT}) std::signal(signal, [](int) { told_to_end = 1; });
  }
  ~KeysAtOnce() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  KeysAtOnce(const KeysAtOnce&) = delete;
  KeysAtOnce& operator=(const KeysAtOnce&) = delete;

  // What was pressed until then; empty: nothing, or another size.
  std::string pressed_within(Duration patience) const {
    if (!changed_) {
      std::this_thread::sleep_for(patience);
      return "";
    }
    pollfd keyboard{STDIN_FILENO, POLLIN, 0};
    if (::poll(&keyboard, 1, static_cast<int>(patience.count())) <= 0) return "";
    char keys[64];
    const auto size = ::read(STDIN_FILENO, keys, sizeof keys);
    return size > 0 ? std::string(keys, static_cast<std::size_t>(size)) : std::string(1, '\x04');  // the terminal is gone
  }

 private:
  termios before_{};
  bool changed_ = false;
};

TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
  return {size.ws_row, size.ws_col};
}

}  // namespace

void watch_text(const std::function<std::string()>& text) {
  constexpr Duration every = seconds{2};
  if (::isatty(STDOUT_FILENO) != 1) {
    for (;; std::this_thread::sleep_for(every)) print(text() + "\n");
  }
  const KeysAtOnce keyboard;
  std::string page = text();
  std::size_t first = 0;
  for (bool end = false; !end && !told_to_end;) {
    const TerminalSize size = terminal_size();
    print("\x1b[H\x1b[2J" + fitted(page, size, first));
    const std::string keys = keyboard.pressed_within(every);
    first = after_keys(keys, first, size, end);
    if (keys.empty()) page = text();
  }
  print("\n");
}

}  // namespace drwatch::commands
