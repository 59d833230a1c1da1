// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/pages/rendering.hpp"

#include "config/rows/encoding.hpp"
#include "config/rows/time.hpp"
#include "daemon/web/pages/headline.hpp"
#include "daemon/web/pages/texts.hpp"

#include <cmark.h>
#include <kainjow/mustache.hpp>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace drwatch::web {
namespace {

namespace mustache = kainjow::mustache;

// Times are for people here: to the second.
std::string shown_text(const std::string& text) {
  const bool like_a_time = text.size() >= 20 && text[10] == 'T' && text.back() == 'Z';
  const auto time = like_a_time ? parse_time(text) : std::nullopt;
  return time ? time_words(*time) : text;
}

// What is not put into words, whatever it looks like: an argument of a command is what it is.
constexpr std::string_view exactly = "exactly";

mustache::data as_mustache(const View& value) {
  if (value.is_object()) {
    mustache::data object{mustache::data::type::object};
    for (const auto& [key, child] : value.items())
      object.set(key, key == exactly && child.is_string() ? mustache::data{child.get<std::string>()} : as_mustache(child));
    return object;
  }
  if (value.is_array()) {
    mustache::data list{mustache::data::type::list};
    for (const auto& child : value) list.push_back(as_mustache(child));
    return list;
  }
  if (value.is_string()) return mustache::data{shown_text(value.get<std::string>())};
  if (value.is_boolean() && value.get<bool>()) return mustache::data{mustache::data::type::bool_true};
  if (value.is_null() || value.is_boolean()) return mustache::data{mustache::data::type::bool_false};
  return mustache::data{value.dump(-1, ' ', false, View::error_handler_t::replace)};
}

std::string filled(const std::string& name, const View& document) {
  const auto text = page_texts().find(name);
  if (text == page_texts().end()) throw std::logic_error("no page " + name);
  mustache::mustache page_template{std::string(text->second)};
  if (!page_template.is_valid()) throw std::logic_error(name + ": " + page_template.error_message());
  return page_template.render(as_mustache(document));
}

}  // namespace

std::string markdown_html(const std::string& written) {
  const std::string markdown = tables_as_lists(written);
  char* made = cmark_markdown_to_html(markdown.data(), markdown.size(), CMARK_OPT_DEFAULT | CMARK_OPT_SAFE | CMARK_OPT_VALIDATE_UTF8);
  std::string html = made ? made : "";
  std::free(made);
  return html;
}

std::string fragment(const std::string& name, const View& document) { return filled(name + ".mustache", document); }

namespace {

std::string newest_look(const Moment& now) {
  std::optional<Time> newest;
  for (const auto& [name, sight] : now.state.sight.probes)
    if (sight.last_run_at && (!newest || *sight.last_run_at > *newest)) newest = sight.last_run_at;
  return newest ? duration_words(now.seen.now - *newest) + " before" : "not since the start";
}

}  // namespace

Frame frame_of(const Moment& now, const Call& call, bool live) {
  Frame frame;
  frame.looked = newest_look(now);
  frame.now = time_text(now.seen.now);
  frame.version = now.figures.version;
  frame.level = headline_of(now.seen, now.figures).level;
  frame.caller = call.caller;
  frame.here = call.request.target;
  frame.live = live;
  return frame;
}

namespace {

// Where the reader is, among the pages that the layout names.
View places_of(const std::string& here) {
  static constexpr std::pair<std::string_view, std::string_view> places[] = {
      {"/", "Now"}, {"/incidents", "Incidents"}, {"/runbook", "Runbook"}, {"/drills", "Drills"}, {"/events", "Record"}};
  const std::string path = here.substr(0, here.find('?'));
  View list = View::array();
  for (const auto& [to, name] : places) {
    const bool inside = path == to || (to != "/" && path.starts_with(std::string(to) + "/"));
    list.push_back({{"to", to}, {"name", name}, {"current", inside}});
  }
  return list;
}

}  // namespace

Response page(const Frame& frame, const std::string& name, const std::string& title, View document) {
  const bool in_session = !frame.caller.session.empty();
  document["signed_in"] = in_session;
  document["may_act"] = in_session && frame.caller.role != Role::viewer;
  document["form_token"] = frame.caller.form_token;
  document["login_path"] = login_path(frame.here, false);
  View around;
  around["title"] = title;
  around["style"] = asset_path("style.css");
  around["script"] = asset_path("live.js");
  around["icon"] = asset_path("icon-" + std::string(frame.level) + ".svg");
  around["level"] = frame.level;
  around["live"] = frame.live;
  around["here"] = frame.here;
  around["again"] = frame.again > 0 ? View(frame.again) : View(nullptr);
  const auto said = [](const std::string& text) { return text.empty() ? View(nullptr) : View(text); };
  around["now"] = said(frame.now);
  around["version"] = said(frame.version);
  around["looked"] = said(frame.looked);
  around["places"] = places_of(frame.signing_in ? "/login" : frame.here);
  around["who"] = in_session ? View{{"name", frame.caller.name}, {"role", role_name(frame.caller.role)}} : View(nullptr);
  around["form_token"] = frame.caller.form_token;
  around["login"] = in_session || frame.signing_in ? View(nullptr) : document["login_path"];
  around["content"] = filled(name + ".mustache", document);
  Response response;
  response.type = "text/html; charset=utf-8";
  response.body = filled("layout.mustache", around);
  return response;
}

Response problem_page(const Frame& frame, const Request& request, const Response& wrong) {
  const View said = View::parse(wrong.body, nullptr, false);
  View document;
  const auto text = [&said](const char* key) {
    return said.is_object() && said.contains(key) && said[key].is_string() ? said[key].get<std::string>() : std::string();
  };
  document["status"] = wrong.status;
  document["problem"] = text("title");
  document["detail"] = text("detail");
  document["near"] = View::array();
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (wrong.status == 404 && reads && said.contains("list") && said["list"].is_array()) {
    for (const auto& near : said["list"]) {
      std::string to = near.get<std::string>();
      if (to.find('{') != std::string::npos) continue;  // a pattern and no page
      if (!to.starts_with('/') && request.segments.size() != 2) continue;
      if (!to.starts_with('/')) to = "/" + request.segments[0] + "/" + percent_encoded(to);
      document["near"].push_back({{"to", to}, {"name", near}});
    }
  }
  const bool passes = wrong.status == 429 || wrong.status == 503;
  Frame around = frame;
  if (passes && reads) around.again = 2;
  document["again"] = around.again > 0;
  document["wants_role"] = wrong.status == 403;
  const std::string title = text("title") + " · drwatch";
  Response response = page(around, "problem", title, std::move(document));
  response.status = wrong.status;
  response.held = wrong.held;
  response.headers = wrong.headers;
  return response;
}

bool wants_page(const Request& request) {
  const std::string* accept = request.header("accept");
  return accept && accept->find("text/html") != std::string::npos;
}

Response see_other(std::string location) {
  Response response;
  response.status = 303;
  response.headers.emplace_back("Location", std::move(location));
  return response;
}

std::string own_path(const std::string& next) {
  constexpr std::size_t longest = 2000;
  const bool ours = next.size() <= longest && next.starts_with('/') && !next.starts_with("//") && next.find('\\') == std::string::npos &&
                    std::all_of(next.begin(), next.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  return ours ? next : "/";
}

std::string login_path(const std::string& next, bool ended) {
  return "/login?next=" + percent_encoded(own_path(next)) + (ended ? "&ended=1" : "");
}

}  // namespace drwatch::web
