// SPDX-License-Identifier: Apache-2.0
// A command's JSON body, read field by field. Everything that is wrong with it is found before anything is done.
#pragma once

#include "config/rows/time.hpp"
#include "daemon/web/http/message.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace drwatch::web {

class Fields {
 public:
  explicit Fields(const Request& request);  // an empty body is an empty object

  std::string text(const std::string& key, bool required = false);
  std::string one_of(const std::string& key, const std::vector<std::string>& words);  // required
  bool flag(const std::string& key);
  std::string document(const std::string& key);            // a JSON object, as text; absent: empty
  std::vector<std::string> texts(const std::string& key);  // required, not empty
  std::optional<Time> time(const std::string& key);        // required; RFC 3339
  // "1h" or 3600. Required: one of them, and more than nothing.
  std::optional<Duration> duration(const std::string& text_key, const std::string& seconds_key, bool required = true);

  // After the last field: the first thing that was wrong (400, 415), an unknown key included; nullopt: all is well.
  std::optional<Response> wrong() const;

  static constexpr std::size_t most_text = 10'000;  // bytes of a note or a text

 private:
  const nlohmann::json* find(const std::string& key);
  void refuse(std::string detail);
  void refuse_type(const std::string& key, const std::string& wanted);

  nlohmann::json body_ = nlohmann::json::object();
  std::vector<std::string> asked_;  // keys that this command knows
  std::optional<Response> wrong_;
};

}  // namespace drwatch::web
