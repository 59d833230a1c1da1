// SPDX-License-Identifier: Apache-2.0
#include "config/rows/depth.hpp"

#include <algorithm>
#include <vector>

namespace drwatch::config {
namespace {

// Goes through the text once. A level is a table or a list: each dot of a key or of a header makes one, and each bracket of a value.
class Depth {
 public:
  explicit Depth(std::string_view text) : text_(text) {}

  // The offset of the first byte that is too deep.
  std::optional<std::size_t> first_too_deep() {
    while (at_ < text_.size()) {
      const std::size_t here = at_;
      if (!skip_quoted_and_comments()) step(text_[at_++]);
      if (header_ + key_ + opened_ > deepest_toml) return here;
    }
    return std::nullopt;
  }

 private:
  bool skip_quoted_and_comments() {
    const char c = text_[at_];
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    if (c != '"' && c != '\'') return false;
    line_begins_ = false;
    const std::string three(3, c);
    const bool many_lines = text_.substr(at_, 3) == three;
    at_ += many_lines ? 3 : 1;
    while (at_ < text_.size()) {
      if (c == '"' && text_[at_] == '\\') {
        at_ += 2;
      } else if (many_lines && text_.substr(at_, 3) == three) {
        at_ += 3;
        return true;
      } else if (!many_lines && (text_[at_] == c || text_[at_] == '\n')) {
        at_ += text_[at_] == c ? 1 : 0;
        return true;
      } else {
        ++at_;
      }
    }
    return true;
  }

  void step(char c) {
    if (c == '\n') {
      in_header_ = in_value_ = false;
      if (brackets_.empty()) line_begins_ = true;
      key_ = 0;
    } else if (c == '[' && line_begins_) {
      in_header_ = true;
      header_ = 1;
      line_begins_ = false;
    } else if (c == '.' && in_header_) {
      ++header_;
    } else if (c == '.' && !in_value_) {
      ++key_;
    } else if (c == '=') {
      in_value_ = true;
    } else if (c == ',') {
      in_value_ = false;
      key_ = 0;
    } else if (!in_header_ && (c == '[' || c == '{')) {
      // The key stays above what is in the brackets.
      brackets_.push_back(key_ + 1);
      opened_ += brackets_.back();
      key_ = 0;
      in_value_ = false;
    } else if (!in_header_ && (c == ']' || c == '}') && !brackets_.empty()) {
      opened_ -= brackets_.back();
      brackets_.pop_back();
      key_ = 0;
    }
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') line_begins_ = false;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  int header_ = 0, key_ = 0, opened_ = 0;  // levels: of the header above, of the key so far, of what is open
  std::vector<int> brackets_;
  bool line_begins_ = true, in_header_ = false, in_value_ = false;
};

}  // namespace

std::optional<Place> too_deep(const std::string& file, std::string_view text) {
  const auto offset = Depth(text).first_too_deep();
  if (!offset) return std::nullopt;
  const auto before = text.substr(0, *offset);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const auto begins = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  // A character is counted once, however many bytes it has.
  const auto column = std::count_if(before.begin() + static_cast<std::ptrdiff_t>(begins), before.end(),
                                    [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  return Place{file, static_cast<int>(line) + 1, static_cast<int>(column) + 1};
}

}  // namespace drwatch::config
