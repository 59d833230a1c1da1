// SPDX-License-Identifier: Apache-2.0
// Reading rows of an answer, and writing values into a statement.
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

using PgRow = std::vector<std::optional<std::string>>;

std::optional<std::string> cell(const PgRow& row, std::size_t column);  // nullopt: NULL, or no such column
std::string text_of(const PgRow& row, std::size_t column);              // "" for those
// A whole number in decimal digits; nullopt: NULL, or anything else.
std::optional<std::int64_t> whole(const std::optional<std::string>& text);

std::string sql_literal(const std::string& text);  // 'text', with standard_conforming_strings on (the default since 9.1)

}  // namespace drwatch
