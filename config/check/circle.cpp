// SPDX-License-Identifier: Apache-2.0
#include "config/check/circle.hpp"

#include <algorithm>
#include <set>

namespace drwatch::config {
namespace {

struct Search {
  const Graph& graph;
  std::set<std::string> done;
  std::vector<std::string> way;
  std::vector<std::vector<std::string>> found;

  void visit(const std::string& name) {
    const auto node = graph.find(name);
    if (node == graph.end() || done.contains(name)) return;
    if (const auto start = std::find(way.begin(), way.end(), name); start != way.end()) {
      found.emplace_back(start, way.end());
      return;
    }
    way.push_back(name);
    for (const auto& next : node->second) visit(next);
    way.pop_back();
    done.insert(name);
  }
};

}  // namespace

std::vector<std::vector<std::string>> circles(const Graph& graph) {
  Search search{graph, {}, {}, {}};
  for (const auto& [name, edges] : graph) search.visit(name);
  return std::move(search.found);
}

std::string circle_text(const std::vector<std::string>& circle) {
  std::string text;
  for (const auto& name : circle) text += name + " -> ";
  return text + circle.front();
}

}  // namespace drwatch::config
