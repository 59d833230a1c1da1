// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/pages/rendering.hpp"

#include "config/rows/time.hpp"

#include "daemon/web/pages/texts.hpp"

#include <cmark.h>
#include <kainjow/mustache.hpp>

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

mustache::data as_mustache(const View& value) {
  if (value.is_object()) {
    mustache::data object{mustache::data::type::object};
    for (const auto& [key, child] : value.items()) object.set(key, as_mustache(child));
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

std::string markdown_html(const std::string& markdown) {
  char* made = cmark_markdown_to_html(markdown.data(), markdown.size(), CMARK_OPT_DEFAULT | CMARK_OPT_SAFE | CMARK_OPT_VALIDATE_UTF8);
  std::string html = made ? made : "";
  std::free(made);
  return html;
}

Response page(const std::string& name, const std::string& title, View document, int refresh_seconds) {
  View frame;
  frame["title"] = title;
  frame["style"] = std::string(page_texts().at("style.css"));
  frame["refresh"] = refresh_seconds > 0 ? View(refresh_seconds) : View(nullptr);
  frame["now"] = document.value("now", std::string());
  frame["version"] = document.value("version", std::string());
  frame["content"] = filled(name + ".mustache", document);
  Response response;
  response.type = "text/html; charset=utf-8";
  response.body = filled("layout.mustache", frame);
  return response;
}

}  // namespace drwatch::web
