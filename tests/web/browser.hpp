// SPDX-License-Identifier: Apache-2.0
// A browser, as far as the pages' forms need one: it keeps cookies, finds forms, and sends what a button sends.
#pragma once

#include "fixture.hpp"

#include <map>
#include <string>
#include <vector>

namespace drwatch::test {

inline const std::string for_people = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";

class Browser {
 public:
  explicit Browser(int port) : port_(port) {}
  Reply get(const std::string& target);
  // `fields`: as they would be typed; they are encoded here.
  Reply post(const std::string& target, const std::map<std::string, std::string>& fields, const std::vector<std::string>& headers = {});
  // As far as the page that /login leads to.
  Reply sign_in(const std::string& token, const std::string& next = "/");
  std::map<std::string, std::string> cookies;
  std::vector<std::string> set_cookies;  // as they came last

 private:
  Reply keep(Reply reply);
  std::vector<std::string> headers() const;
  int port_;
};

// The value of the first hidden field of this name; "" when the page has none.
std::string hidden_field(const std::string& page, const std::string& name);

}  // namespace drwatch::test
