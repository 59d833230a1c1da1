// SPDX-License-Identifier: Apache-2.0
// A TOML file as plain values that know where they stood, and the problems found while reading it.
// The only header through which the rest of drwatch sees TOML; toml++ stays in document.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drwatch::config {

// Where something stands, as messages name it.
struct Place {
  std::string file;
  int line = 0;    // from 1; 0: the file as a whole
  int column = 0;  // from 1
};

struct Entry;
struct Value;
using Array = std::vector<Value>;
using Table = std::vector<Entry>;  // in the order of the file

struct Value {
  Place place;
  std::variant<bool, std::int64_t, double, std::string, Array, Table> is;  // dates and times arrive as their text

  const Table* table() const { return std::get_if<Table>(&is); }
  const Array* array() const { return std::get_if<Array>(&is); }
  const std::string* text() const { return std::get_if<std::string>(&is); }
  std::string_view type_name() const;  // "a string", "a table", ... as an error names it
};

struct Entry {
  std::string key;
  Place place;  // of the key
  Value value;
};

// As it could be written in a file, on one line.
std::string toml_text(const Value& value);

const Entry* find(const Table& table, std::string_view key);

// Where the value at `path` (keys, and indices of lists) stands: the deepest place that is there, else `otherwise`.
Place place_at(const Table& table, Place otherwise, const std::vector<std::string>& path);

struct Problem {
  enum class Level { error, warning };
  Place place;
  Level level = Level::error;
  std::string key;      // dotted, "probe.primary.timeout"; empty: none
  std::string message;  // what is wrong
  std::string hint;     // what to do
};

// "FILE:LINE:COLUMN: error: KEY: what; what to do"
std::string problem_text(const Problem& problem);

class Problems {
 public:
  void error(Place place, std::string key, std::string message, std::string hint);
  void warning(Place place, std::string key, std::string message, std::string hint);
  bool any_error() const { return error_count() > 0; }
  std::size_t error_count() const;
  const std::vector<Problem>& all() const { return all_; }
  void sort();  // by file, line, column; a problem of a shared file stands once

 private:
  std::vector<Problem> all_;
};

// The file's text as a table. A syntax error becomes one problem with its place; nullopt then.
std::optional<Value> parse_toml(const std::string& file, std::string_view text, Problems& problems);

// The candidate closest to `word` by edit distance (transpositions count one), if close enough to be meant; for hints.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

// 'text' as a problem quotes what somebody wrote: bounded, control characters as \xNN.
std::string shown(std::string_view text);

}  // namespace drwatch::config
