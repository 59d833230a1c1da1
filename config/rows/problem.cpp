// SPDX-License-Identifier: Apache-2.0
#include "config/rows/document.hpp"
#include "config/rows/slip.hpp"
#include "config/rows/text.hpp"

#include <algorithm>
#include <cctype>
#include <tuple>

namespace drwatch::config {
namespace {

// Optimal string alignment: insertions, deletions, changes and swapped neighbours cost one each.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

namespace {

constexpr char hex[] = "0123456789abcdef";

// A parser's words quote the file, whatever stands there.
std::string one_line(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7f)
      safe += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    else
      safe += c;
  }
  return safe;
}

}  // namespace

// The form of compilers, so that editors can jump to the place.
std::string problem_text(const Problem& problem) {
  std::string text = problem.place.file;
  if (problem.place.line > 0) text += ":" + std::to_string(problem.place.line) + ":" + std::to_string(problem.place.column);
  text += problem.level == Problem::Level::error ? ": error: " : ": warning: ";
  if (!problem.key.empty()) text += problem.key + ": ";
  text += problem.message;
  if (!problem.hint.empty()) text += "; " + problem.hint;
  return one_line(text);
}

void Problems::error(Place place, std::string key, std::string message, std::string hint) {
  all_.push_back({std::move(place), Problem::Level::error, std::move(key), std::move(message), std::move(hint)});
}

void Problems::warning(Place place, std::string key, std::string message, std::string hint) {
  all_.push_back({std::move(place), Problem::Level::warning, std::move(key), std::move(message), std::move(hint)});
}

std::size_t Problems::error_count() const {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [](const Problem& p) { return p.level == Problem::Level::error; }));
}

void Problems::sort() {
  const auto where = [](const Problem& p) { return std::tie(p.place.file, p.place.line, p.place.column); };
  std::stable_sort(all_.begin(), all_.end(), [&](const Problem& a, const Problem& b) { return where(a) < where(b); });
  const auto text = [](const Problem& a, const Problem& b) { return problem_text(a) == problem_text(b); };
  // A file that two probes share reports the same problem twice.
  all_.erase(std::unique(all_.begin(), all_.end(), text), all_.end());
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  // A longer word may hold more slips; nobody means a name that is mostly different. The bound on length keeps this cheap.
  if (word.empty() || word.size() > 100) return {};
  const std::size_t close_enough = word.size() <= 3 ? 1 : word.size() <= 7 ? 2 : 3;
  std::optional<std::string> best;
  std::size_t best_distance = close_enough + 1;
  for (const auto& candidate : candidates) {
    if (candidate.size() > word.size() + close_enough) continue;
    const auto d = distance(lower(word), lower(candidate));
    // d < size: a word of which every letter would change is no slip.
    if (d < best_distance && d < word.size()) best = candidate, best_distance = d;
  }
  return best;
}

bool is_slip(std::string_view word, const std::vector<std::string>& of) {
  if (word.size() > 100) return false;
  const std::size_t close_enough = word.size() < 12 ? 1 : 2;
  return std::any_of(of.begin(), of.end(), [&](const std::string& known) {
    return known.size() <= word.size() + close_enough && distance(lower(word), lower(known)) <= close_enough;
  });
}

std::string shown(std::string_view text) {
  constexpr std::size_t longest = 80;
  const std::string safe = "'" + one_line(std::string(text.substr(0, longest)));
  return safe + (text.size() > longest ? "...'" : "'");
}

}  // namespace drwatch::config
