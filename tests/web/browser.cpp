// SPDX-License-Identifier: Apache-2.0
#include "browser.hpp"

#include "config/rows/encoding.hpp"

namespace drwatch::test {

std::string hidden_field(const std::string& page, const std::string& name) {
  const std::string before = "<input type=\"hidden\" name=\"" + name + "\" value=\"";
  const auto at = page.find(before);
  if (at == std::string::npos) return "";
  return page.substr(at + before.size(), page.find('"', at + before.size()) - at - before.size());
}

std::vector<std::string> Browser::headers() const {
  std::vector<std::string> lines{for_people};
  std::string cookie;
  for (const auto& [name, value] : cookies) cookie += (cookie.empty() ? "Cookie: " : "; ") + name + "=" + value;
  if (!cookie.empty()) lines.push_back(cookie);
  return lines;
}

Reply Browser::keep(Reply reply) {
  set_cookies.clear();
  const auto set = reply.headers.find("set-cookie");
  if (set == reply.headers.end()) return reply;
  set_cookies.push_back(set->second);
  const auto equals = set->second.find('=');
  cookies[set->second.substr(0, equals)] = set->second.substr(equals + 1, set->second.find(';') - equals - 1);
  return reply;
}

Reply Browser::get(const std::string& target) { return keep(ask(port_, "GET", target, headers())); }

Reply Browser::post(const std::string& target, const std::map<std::string, std::string>& fields, const std::vector<std::string>& more) {
  auto lines = headers();
  lines.push_back("Content-Type: application/x-www-form-urlencoded");
  lines.insert(lines.end(), more.begin(), more.end());
  std::string body;
  for (const auto& [name, value] : fields) body += (body.empty() ? "" : "&") + percent_encoded(name) + "=" + percent_encoded(value);
  return keep(ask(port_, "POST", target, lines, body));
}

Reply Browser::sign_in(const std::string& token, const std::string& next) {
  const Reply page = get("/login?next=" + percent_encoded(next));
  return post("/login", {{"form", hidden_field(page.body, "form")}, {"next", hidden_field(page.body, "next")}, {"token", token}});
}

}  // namespace drwatch::test
