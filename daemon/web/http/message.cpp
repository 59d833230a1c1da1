// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/http/message.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace drwatch::web {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// `plus_is_space`: in a query, as forms write it; in a path "+" is a plus. nullopt: a broken escape, or a control character, which no name
// of ours has.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

// "a=1&b": a name without "=" has an empty value. False: a broken escape.
bool read_query(Request& request, std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    const auto equals = pair.find('=');
    const auto name = percent_decoded(pair.substr(0, equals), true);
    const auto value = equals == std::string_view::npos ? std::optional<std::string>("") : percent_decoded(pair.substr(equals + 1), true);
    if (!name || !value) return false;
    if (!name->empty()) request.query[*name] = *value;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return true;
}

// RFC 9110, 5.6.7, by hand: strftime would use the locale's names.
std::string http_date(Time t) {
  using namespace std::chrono;
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = floor<std::chrono::days>(t);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<seconds>(t - day)};
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT", days[weekday{day}.c_encoding()],
                static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

}  // namespace

const std::string* Request::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_case_name) return &value;
  return nullptr;
}

std::string read_target(Request& request) {
  std::string_view rest = request.target;
  // A client that takes us for a proxy sends the whole URL as the target; a server must accept that (RFC 9112, 3.2.2).
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!rest.starts_with(scheme)) continue;
    rest.remove_prefix(scheme.size());
    const auto slash = rest.find('/');
    rest = slash == std::string_view::npos ? "/" : rest.substr(slash);
  }
  if (!rest.starts_with('/')) return "the request's target is not a path; it begins with '/'";
  rest = rest.substr(0, rest.find('#'));
  const auto question = rest.find('?');
  if (question != std::string_view::npos && !read_query(request, rest.substr(question + 1)))
    return "the query has a broken %-escape or a control character";
  rest = rest.substr(1, question == std::string_view::npos ? question : question - 1);
  while (!rest.empty()) {
    const auto end = rest.find('/');
    const auto segment = percent_decoded(rest.substr(0, end), false);
    if (!segment) return "the path has a broken %-escape or a control character";
    request.segments.push_back(*segment);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return {};
}

std::string_view status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 303:
      return "See Other";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

Response problem(int status, std::string title, std::string detail, const std::vector<std::string>& list) {
  nlohmann::ordered_json document{{"type", "about:blank"}, {"title", std::move(title)}, {"status", status}, {"detail", std::move(detail)}};
  if (!list.empty()) document["list"] = list;
  Response response;
  response.status = status;
  response.type = "application/problem+json";
  response.body = document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  return response;
}

std::string header_text(const Response& response, bool keep_alive, Time now) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(status_text(response.status)) + "\r\n";
  const auto add = [&text](std::string_view name, std::string_view value) { text.append(name).append(": ").append(value).append("\r\n"); };
  add("Date", http_date(now));
  add("Content-Type", response.type);
  if (!response.stream) add("Content-Length", std::to_string(response.body.size()));
  // A stream has no length, so its end can only be the end of the connection.
  add("Connection", keep_alive && !response.stream ? "keep-alive" : "close");
  // Of scripts and styles only our own files; nothing is framed, nor its type guessed at. And nothing is kept in a cache, but for what says
  // so itself: the state of a platform must not be read from a shared computer's disk.
  add("Content-Security-Policy",
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
      "frame-ancestors 'none'");
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");
  const bool kept = std::any_of(response.headers.begin(), response.headers.end(), [](const auto& h) { return h.first == "Cache-Control"; });
  if (!kept) add("Cache-Control", "no-store");
  for (const auto& [name, value] : response.headers) add(name, value);
  text += "\r\n";
  return text;
}

std::string json_quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace drwatch::web
