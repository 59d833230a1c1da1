// SPDX-License-Identifier: Apache-2.0
// From a document to a page. Mustache and cmark stay in rendering.cpp.
#pragma once

#include "daemon/web/room.hpp"

#include <string>
#include <string_view>

namespace drwatch::web {

// What a page has around its content.
struct Frame {
  std::string now, version;            // empty: it says nothing of the platform
  std::string looked;                  // "3 s before": when a probe had run last
  std::string_view level = "unknown";  // of the icon: up, degraded, down, unknown
  Caller caller;
  std::string here;         // the page's own address, which signing in leads back to
  bool live = false;        // looked at anew as things change
  bool signing_in = false;  // the page is about that itself
  int again = 0;            // seconds until the browser asks again by itself; 0: it does not
};
Frame frame_of(const Moment& now, const Call& call, bool live);

// Fills pages/NAME.mustache with `document` (null and false: a section that is left out) and puts it into the layout. All text is escaped
// but {{{ }}}. Every page's document has `signed_in`, `may_act` and `form_token` as well.
Response page(const Frame& frame, const std::string& name, const std::string& title, View document);

// A problem document as a page, for a browser. `headers` and status stay.
Response problem_page(const Frame& frame, const Request& request, const Response& problem);

// A part of a page, from pages/NAME.mustache.
std::string fragment(const std::string& name, const View& document);

// Markdown as HTML; HTML inside it and script links are left out.
std::string markdown_html(const std::string& markdown);
// Its tables as lists (tables.cpp).
std::string tables_as_lists(const std::string& markdown);

// The address of the style, the script or an icon, with a digest of its content: it may be kept for good.
const std::string& asset_path(std::string_view name);

// Back to a page of ours. The browser asks for it with GET, whatever it had asked with.
Response see_other(std::string location);
// A browser that shows a person what it gets.
bool wants_page(const Request& request);
// A path of ours, and nothing that a browser could take for another host; "/" instead of anything else.
std::string own_path(const std::string& next);
// The page that asks for a token and leads on to `next`.
std::string login_path(const std::string& next, bool ended);

}  // namespace drwatch::web
