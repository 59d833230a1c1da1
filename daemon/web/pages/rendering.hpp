// SPDX-License-Identifier: Apache-2.0
// From a document to a page. Mustache and cmark stay in rendering.cpp.
#pragma once

#include "daemon/web/api/view.hpp"
#include "daemon/web/http/message.hpp"

#include <string>

namespace drwatch::web {

// Fills pages/NAME.mustache with `document` (null and false: a section that is left out) and puts it into the layout. All text is escaped
// but {{{ }}}.
Response page(const std::string& name, const std::string& title, View document, int refresh_seconds = 0);

// Markdown as HTML; HTML inside it and script links are left out.
std::string markdown_html(const std::string& markdown);

}  // namespace drwatch::web
