// SPDX-License-Identifier: Apache-2.0
// The files of daemon/web/pages, by name, embedded by the build.
#pragma once

#include <map>
#include <string_view>

namespace drwatch::web {

const std::map<std::string_view, std::string_view>& page_texts();

}  // namespace drwatch::web
