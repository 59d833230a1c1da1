// SPDX-License-Identifier: Apache-2.0
// The style, the script and the icons: files of their own, named by their content, so that a browser asks for each of them once.
#include "config/rows/encoding.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/pages/texts.hpp"

#include <map>
#include <stdexcept>

namespace drwatch::web {
namespace {

struct Asset {
  std::string_view text, type;
};

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "";
}

// "style.css" -> "style-0a1b2c3d4e5f.css"
std::string hashed_name(std::string_view name, std::string_view text) {
  const auto dot = name.rfind('.');
  return std::string(name.substr(0, dot)) + "-" + sha256_hex(text).substr(0, 12) + std::string(name.substr(dot));
}

struct Assets {
  std::map<std::string, Asset> by_hashed;
  std::map<std::string_view, std::string> paths;
  Assets() {
    for (const auto& [name, text] : page_texts()) {
      const std::string_view type = type_of(name);
      if (type.empty()) continue;
      std::string hashed = hashed_name(name, text);
      paths.emplace(name, "/assets/" + hashed);
      by_hashed.emplace(std::move(hashed), Asset{text, type});
    }
  }
};

const Assets& assets() {
  static const Assets all;
  return all;
}

}  // namespace

const std::string& asset_path(std::string_view name) {
  const auto found = assets().paths.find(name);
  if (found == assets().paths.end()) throw std::logic_error("no asset " + std::string(name));
  return found->second;
}

Response tell_asset(Room&, const Call& call) {
  const auto& all = assets().by_hashed;
  const auto found = all.find(call.at.at("file"));
  // Of another release: the page that asked for it is asked for anew.
  if (found == all.end()) return problem(404, "not found", "there is no such file; load the page again");
  Response response;
  response.type = std::string(found->second.type);
  response.body = std::string(found->second.text);
  response.headers.emplace_back("Cache-Control", "public, max-age=31536000, immutable");
  return response;
}

}  // namespace drwatch::web
