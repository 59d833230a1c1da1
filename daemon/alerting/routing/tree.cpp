// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/routing/tree.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <stdexcept>

namespace drwatch::routing {
namespace {

constexpr int most_routes = 10000;
constexpr int deepest = 100;  // routes in routes; an anchor that contains itself has no end

[[noreturn]] void refuse(const YAML::Mark& at, const std::string& what) {
  const std::string place = at.is_null() ? "" : std::to_string(at.line + 1) + ":" + std::to_string(at.column + 1) + ": ";
  throw std::invalid_argument(place + what);
}

// The value of a key: of the map itself, else of what it merges (`<<`). An undefined node where there is none.
YAML::Node at(const YAML::Node& map, const std::string& key, int depth = 0) {
  if (!map.IsMap() || depth > deepest) return YAML::Node(YAML::NodeType::Undefined);
  if (const YAML::Node own = map[key]) return own;
  const YAML::Node merged = map["<<"];
  if (!merged) return merged;
  if (!merged.IsSequence()) return at(merged, key, depth + 1);
  for (const YAML::Node& one : merged)
    if (const YAML::Node found = at(one, key, depth + 1)) return found;
  return YAML::Node(YAML::NodeType::Undefined);
}

bool given(const YAML::Node& node) { return node && !node.IsNull(); }

std::string text_of(const YAML::Node& node, const std::string& key) {
  if (!node.IsScalar()) refuse(node.Mark(), "'" + key + "' has to be a text; see Alertmanager's documentation");
  return node.Scalar();
}

std::vector<std::string> texts(const YAML::Node& map, const std::string& key) {
  std::vector<std::string> found;
  const YAML::Node list = at(map, key);
  if (!given(list)) return found;
  if (!list.IsSequence()) refuse(list.Mark(), "'" + key + "' has to be a list; put a dash before each of its lines");
  for (const YAML::Node& one : list) found.push_back(text_of(one, key));
  return found;
}

// What `make` makes; the place is put before what it refuses.
template <class Make>
auto placed(const YAML::Node& node, Make make) {
  try {
    return make();
  } catch (const std::invalid_argument& problem) {
    refuse(node.Mark(), problem.what());
  }
}

// A map of names and values, as before there were matchers.
void add_map(const YAML::Node& map, const std::string& key, bool regex, Matchers& into) {
  const YAML::Node pairs = at(map, key);
  if (!given(pairs)) return;
  if (!pairs.IsMap()) refuse(pairs.Mark(), "'" + key + "' has to be a map of labels; write 'severity: critical' below it");
  for (const auto& pair : pairs) {
    const std::string name = text_of(pair.first, key), value = text_of(pair.second, key);
    into.push_back(placed(pairs, [&] { return make_matcher(name, value, regex, false); }));
  }
}

Matchers matchers_of(const YAML::Node& map, const std::string& before = "") {
  Matchers found;
  add_map(map, before + "match", false, found);
  add_map(map, before + "match_re", true, found);
  for (const std::string& line : texts(map, before + "matchers"))
    for (Matcher& one : placed(map, [&] { return parse_matchers(line); })) found.push_back(std::move(one));
  return found;
}

// `read`: how many routes were read so far, of the whole tree.
Route read_route(const YAML::Node& node, const std::string& above, const std::vector<Receiver>& receivers, int depth, int& read) {
  if (!node.IsMap()) refuse(node.Mark(), "a route has to be a map; give it a 'receiver'");
  if (depth > deepest) refuse(node.Mark(), "routes lie in routes more than " + std::to_string(deepest) + " deep; flatten them");
  if (++read > most_routes) refuse(node.Mark(), "there are more than " + std::to_string(most_routes) + " routes; do anchors repeat them?");
  Route route;
  route.line = node.Mark().line + 1;
  const YAML::Node receiver = at(node, "receiver");
  route.receiver = given(receiver) ? text_of(receiver, "receiver") : above;
  if (route.receiver.empty()) refuse(node.Mark(), "the first route has no receiver; name the one that gets what no other route takes");
  if (std::ranges::none_of(receivers, [&](const Receiver& one) { return one.name == route.receiver; }))
    refuse(node.Mark(), "there is no receiver '" + route.receiver + "'; add it to 'receivers' or name another");
  route.matchers = matchers_of(node);
  // It takes everything that comes; Alertmanager refuses it too.
  if (depth == 0 && !route.matchers.empty()) refuse(node.Mark(), "the first route must not have matchers; put them on a route below it");
  if (const YAML::Node go_on = at(node, "continue"); given(go_on)) route.go_on = go_on.as<bool>();
  route.muted = texts(node, "mute_time_intervals");
  route.only_in = texts(node, "active_time_intervals");
  if (const YAML::Node routes = at(node, "routes"); given(routes)) {
    if (!routes.IsSequence()) refuse(routes.Mark(), "'routes' has to be a list; put a dash before each of them");
    for (const YAML::Node& one : routes) route.routes.push_back(read_route(one, route.receiver, receivers, depth + 1, read));
  }
  return route;
}

Receiver read_receiver(const YAML::Node& node) {
  const YAML::Node name = at(node, "name");
  if (!given(name)) refuse(node.Mark(), "a receiver has no name; give it one");
  Receiver receiver{text_of(name, "name"), {}};
  constexpr std::string_view ending = "_configs";
  for (const auto& pair : node) {
    const std::string key = text_of(pair.first, "receivers");
    if (key.ends_with(ending) && pair.second.IsSequence() && pair.second.size() > 0)
      receiver.integrations.push_back(key.substr(0, key.size() - ending.size()));
  }
  return receiver;
}

Tree read_tree(const YAML::Node& top) {
  const YAML::Node route = at(top, "route"), receivers = at(top, "receivers"), rules = at(top, "inhibit_rules");
  if (!given(route)) refuse(YAML::Mark::null_mark(), "there is no 'route'; is this a configuration of Alertmanager?");
  if (!given(receivers) || !receivers.IsSequence())
    refuse(YAML::Mark::null_mark(), "there is no list 'receivers'; is this a configuration of Alertmanager?");
  Tree tree;
  for (const YAML::Node& one : receivers) tree.receivers.push_back(read_receiver(one));
  int read = 0;
  tree.root = read_route(route, "", tree.receivers, 0, read);
  if (given(rules))
    for (const YAML::Node& rule : rules)
      tree.inhibitions.push_back({matchers_of(rule, "source_"), matchers_of(rule, "target_"), texts(rule, "equal")});
  return tree;
}

// Depth first. What a route below takes, this one does not; and the next one sees it only where that goes on.
bool take(const Route& route, const Labels& alert, std::vector<const Route*>& taken) {
  if (!all_match(route.matchers, alert)) return false;
  const std::size_t before = taken.size();
  for (const Route& below : route.routes)
    if (take(below, alert, taken) && !below.go_on) break;
  if (taken.size() == before) taken.push_back(&route);
  return true;
}

}  // namespace

bool Inhibition::silences(const Labels& source_alert, const Labels& target_alert) const {
  if (!all_match(source, source_alert) || !all_match(target, target_alert)) return false;
  // What both sides match does not silence its like: an alert would silence itself.
  if (all_match(target, source_alert) && all_match(source, target_alert)) return false;
  return std::ranges::all_of(equal, [&](const std::string& name) {
    const auto one = source_alert.find(name), other = target_alert.find(name);
    return (one == source_alert.end() ? "" : one->second) == (other == target_alert.end() ? "" : other->second);
  });
}

const Receiver& Tree::receiver(const std::string& name) const {
  return *std::ranges::find_if(receivers, [&](const Receiver& one) { return one.name == name; });
}

std::vector<const Route*> Tree::taken(const Labels& alert) const {
  std::vector<const Route*> found;
  take(root, alert, found);
  return found;
}

Tree parse_tree(const std::string& yaml) {
  try {
    return read_tree(YAML::Load(yaml));
  } catch (const YAML::Exception& error) {
    refuse(error.mark, error.msg + "; mend the YAML");
  }
}

}  // namespace drwatch::routing
