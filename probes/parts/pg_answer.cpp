// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/pg_answer.hpp"

#include <charconv>

namespace drwatch {

std::optional<std::string> cell(const PgRow& row, std::size_t column) { return column < row.size() ? row[column] : std::nullopt; }

std::string text_of(const PgRow& row, std::size_t column) { return cell(row, column).value_or(""); }

std::optional<std::int64_t> whole(const std::optional<std::string>& text) {
  std::int64_t value = 0;
  if (!text || text->empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  return error == std::errc{} && end == text->data() + text->size() ? std::optional(value) : std::nullopt;
}

std::string sql_literal(const std::string& text) {
  std::string quoted = "'";
  // PostgreSQL documentation, String Constants: a quote within is written twice; a backslash means nothing.
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace drwatch
