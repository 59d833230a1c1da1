// SPDX-License-Identifier: Apache-2.0
// Text for a terminal: colours, columns, and values out of the API's documents. What came from outside never reaches the terminal as
// control characters.
#pragma once

#include "config/rows/time.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch::commands {

using Json = nlohmann::ordered_json;

enum class Ink { plain, bold, dim, good, warn, bad };

class Paint {
 public:
  explicit Paint(bool colours) : colours_(colours) {}
  static Paint for_output();  // colours on a terminal, unless NO_COLOR is set
  std::string operator()(Ink ink, const std::string& text) const;
  Ink health(std::string_view health) const;      // up degraded down unknown
  Ink standing(std::string_view standing) const;  // met at-risk breached unproven

 private:
  bool colours_;
};

// Rows of cells, each column as wide as its widest cell.
class Columns {
 public:
  explicit Columns(std::string indent = "  ") : indent_(std::move(indent)) {}
  struct Cell {
    std::string text;
    Ink ink = Ink::plain;
  };
  void row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string print(const Paint& paint) const;

 private:
  std::string indent_;
  std::vector<std::vector<Cell>> rows_;
};

std::string printable(std::string_view text);                        // control characters but line ends become '?'
std::string one_line(std::string_view text);                         // ... and line ends a blank
std::string indented(std::string_view text, const std::string& by);  // every line
std::string capital(std::string text);

// Values of a document; what is null or not there is empty.
std::string text_at(const Json& document, const char* key);
std::optional<Time> time_at(const Json& document, const char* key);
std::optional<double> number_at(const Json& document, const char* key);
bool flag_at(const Json& document, const char* key);
const Json& list_at(const Json& document, const char* key);  // an empty list when there is none; it lives as long as the document
const Json& list_at(Json&& document, const char* key) = delete;
std::string joined(const Json& list, std::string_view between = ", ");  // its strings, each on one line

std::string words(double duration_seconds);        // "1 h 30 min"
std::string clock_text(Time t, Time now);          // "02:13:05", with the day when it is another; UTC
std::string ago(std::optional<Time> t, Time now);  // "3 min 5 s"; "" for none

void print(const std::string& text);  // to standard output

}  // namespace drwatch::commands
