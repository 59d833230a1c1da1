// SPDX-License-Identifier: Apache-2.0
#include "probes/seams/plainer.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

namespace drwatch {
namespace {

// What stands at the front of `text` as an escape: how many bytes it has (0: there is none); what it stands for is added to `plain`.
using Unescape = std::size_t (*)(std::string_view text, std::string& plain);

std::optional<std::uint32_t> number(std::string_view digits, int base) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

void add_utf8(std::string& to, std::uint32_t code) {
  const auto tail = [&](int shift) { to += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80)
    to += static_cast<char>(code);
  else if (code < 0x800)
    to += static_cast<char>(0xC0 | (code >> 6)), tail(0);
  else if (code < 0x10000)
    to += static_cast<char>(0xE0 | (code >> 12)), tail(6), tail(0);
  else
    to += static_cast<char>(0xF0 | ((code >> 18) & 7)), tail(12), tail(6), tail(0);
}

std::size_t percent(std::string_view text, std::string& plain) {
  const auto byte = text.size() < 3 ? std::nullopt : number(text.substr(1, 2), 16);
  if (!byte) return 0;
  plain += static_cast<char>(*byte);
  return 3;
}

// As a form and a query have it: in one step, so that two may follow.
std::size_t form(std::string_view text, std::string& plain) {
  if (text.front() == '%') return percent(text, plain);
  plain += ' ';
  return 1;
}

// JSON's escapes, and \xNN, as C, Python and drwatch's own log have it.
std::size_t backslash(std::string_view text, std::string& plain) {
  constexpr std::string_view letters = "\"\\/'bfnrt", stand_for = "\"\\/'\b\f\n\r\t";
  if (text.size() < 2) return 0;
  if (const auto at = letters.find(text[1]); at != letters.npos) {
    plain += stand_for[at];
    return 2;
  }
  const std::size_t digits = text[1] == 'x' ? 2 : text[1] == 'u' ? 4 : 0;
  auto code = digits == 0 || text.size() < 2 + digits ? std::nullopt : number(text.substr(2, digits), 16);
  if (!code) return 0;
  if (digits == 2) {
    plain += static_cast<char>(*code);
    return 4;
  }
  // Two halves of one character (RFC 8259, 7); half of one stands for nothing.
  if (*code >= 0xD800 && *code < 0xDC00) {
    const auto low = text.substr(6, 2) == "\\u" && text.size() >= 12 ? number(text.substr(8, 4), 16) : std::nullopt;
    if (!low || *low < 0xDC00 || *low >= 0xE000) return 0;
    add_utf8(plain, 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00));
    return 12;
  }
  add_utf8(plain, *code);
  return 6;
}

std::size_t entity(std::string_view text, std::string& plain) {
  static constexpr std::array<std::pair<std::string_view, char>, 6> named = {
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", ' '}}};
  for (const auto& [name, stands_for] : named)
    if (text.starts_with(name)) {
      plain += stands_for;
      return name.size();
    }
  const auto end = text.substr(0, 12).find(';');
  if (!text.starts_with("&#") || end == text.npos || end < 3) return 0;
  const bool hex = text[2] == 'x' || text[2] == 'X';
  const auto code = number(text.substr(hex ? 3 : 2, end - (hex ? 3 : 2)), hex ? 16 : 10);
  if (!code || *code > 0x10FFFF) return 0;
  add_utf8(plain, *code);
  return end + 1;
}

std::size_t white_space(std::string_view text, std::string&) { return std::min(text.find_first_not_of(" \t\r\n"), text.size()); }

// Which bytes are among some. Every text is asked, and a table is several times faster than find_first_of.
class Marks {
 public:
  constexpr explicit Marks(std::string_view marks) {
    for (const char c : marks) is_[static_cast<unsigned char>(c)] = true;
  }
  constexpr bool operator()(char c) const { return is_[static_cast<unsigned char>(c)]; }
  bool any(std::string_view text) const {
    bool any = false;
    for (const char c : text) any |= (*this)(c);
    return any;
  }
  std::size_t next(std::string_view text, std::size_t at) const {
    while (at < text.size() && !(*this)(text[at])) ++at;
    return at;
  }

 private:
  bool is_[256] = {};
};

// base64 or hexadecimal in lines of 60 to 76 letters, as programs and mail write it; excerpt() has made spaces of their ends.
bool looks_wrapped(std::string_view text) {
  static constexpr Marks letters("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="), ends(" \t\r\n");
  constexpr std::size_t shortest_line = 60;
  std::size_t run = 0;
  for (const char c : text) {
    if (letters(c))
      ++run;
    else if (run >= shortest_line && ends(c))
      return true;
    else
      run = 0;
  }
  return false;
}

struct Escape {
  Marks marks;  // it begins with one of these
  Unescape take;
};
constexpr Escape escapes[] = {
    {Marks("%"), percent}, {Marks("\\"), backslash}, {Marks("&"), entity}, {Marks("%+"), form}, {Marks(" \t\r\n"), white_space}};

struct Plainer {
  std::string text;
  std::vector<Origin> origins;  // of each of its bytes
};

// nullopt: there are none of these escapes in it.
std::optional<Plainer> plainer(std::string_view text, const std::vector<Origin>& origins, const Escape& escape) {
  // Up to the first escape that is one: an address is full of "&" that begin none, and nothing is to be copied for them.
  std::size_t first = 0;
  for (std::string ignored;; ++first) {
    first = escape.marks.next(text, first);
    if (first == text.size()) return std::nullopt;
    if (escape.take(text.substr(first), ignored) > 0) break;
  }
  const auto origin = [&](std::size_t i) {
    const auto at = static_cast<std::uint32_t>(i);
    return origins.empty() ? Origin{at, at + 1} : origins[i];
  };
  Plainer made;
  made.text.reserve(text.size());
  made.origins.reserve(text.size());
  made.text = text.substr(0, first);
  for (std::size_t i = 0; i < first; ++i) made.origins.push_back(origin(i));
  for (std::size_t i = first; i < text.size();) {
    const std::size_t length = escape.marks(text[i]) ? escape.take(text.substr(i), made.text) : 0;
    if (length == 0) made.text += text[i];
    const std::size_t end = i + std::max<std::size_t>(length, 1);
    while (made.origins.size() < made.text.size()) made.origins.push_back({origin(i).from, origin(end - 1).to});
    i = end;
  }
  return made;
}

}  // namespace

void read_plainer(std::string_view text, bool pluses, bool wraps,
                  const std::function<void(std::string_view text, const std::vector<Origin>& origins)>& each) {
  // Before anything else is looked at: most texts have none of these.
  static constexpr Marks begins("%\\&"), begins_or_plus("%\\&+");
  const bool escaped = (pluses ? begins_or_plus : begins).any(text);
  const std::vector<Origin> none;
  each(text, none);
  if (!escaped && !(wraps && looks_wrapped(text))) return;
  const auto asked = [&](const Escape& escape, std::string_view of) {
    if (escape.take == form) return pluses;
    if (escape.take == white_space) return wraps && looks_wrapped(of);
    return true;
  };
  for (const Escape& first : escapes) {
    if (!asked(first, text)) continue;
    const auto once = plainer(text, none, first);
    if (!once) continue;
    each(once->text, once->origins);
    for (const Escape& second : escapes) {
      if (!asked(second, once->text)) continue;
      if (const auto twice = plainer(once->text, once->origins, second)) each(twice->text, twice->origins);
    }
  }
}

}  // namespace drwatch
