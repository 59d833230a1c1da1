// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/api/view.hpp"

#include <cmath>

namespace drwatch::web {

View time_view(Time t) { return time_text(t); }
View time_view(const std::optional<Time>& t) { return t ? time_view(*t) : View(nullptr); }

View seconds_view(Duration d) {
  if (d.count() % 1000 == 0) return d.count() / 1000;
  return in_seconds(d);
}
View seconds_view(const std::optional<Duration>& d) { return d ? seconds_view(*d) : View(nullptr); }

View number_view(double value) { return std::isfinite(value) ? View(value) : View(nullptr); }
View text_view(const std::string& text) { return text.empty() ? View(nullptr) : View(text); }

std::string json_text(const View& document) { return document.dump(1, ' ', false, View::error_handler_t::replace) + "\n"; }

}  // namespace drwatch::web
