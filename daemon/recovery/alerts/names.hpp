// SPDX-License-Identifier: Apache-2.0
// Every alert there is, by its name and by what its labels name beside. A name is part of its identity in Alertmanager: a changed one is
// another alert.
#pragma once

#include <string_view>

namespace drwatch {

enum class AlertName {
  incident,
  unacknowledged,
  rto_at_risk,
  rto_breached,
  rpo_at_risk,
  rpo_breached,
  update_due,
  drill_overdue,
  sources_disagree,
  blind,
  journal_failing,
  watchdog,
  test,
};
enum class AlertAbout { scenario, component, objective, drwatch };  // objective: a component and a class

struct AlertKind {
  AlertName name;
  std::string_view text;
  AlertAbout about;
  bool stands = true;  // among the standing alerts; false: it is only sent when somebody asks
};
inline constexpr AlertKind alert_kinds[] = {
    {AlertName::incident, "DrwatchIncident", AlertAbout::scenario},
    {AlertName::unacknowledged, "DrwatchUnacknowledged", AlertAbout::scenario},
    {AlertName::rto_at_risk, "DrwatchRtoAtRisk", AlertAbout::scenario},
    {AlertName::rto_breached, "DrwatchRtoBreached", AlertAbout::scenario},
    {AlertName::rpo_at_risk, "DrwatchRpoAtRisk", AlertAbout::objective},
    {AlertName::rpo_breached, "DrwatchRpoBreached", AlertAbout::objective},
    {AlertName::update_due, "DrwatchUpdateDue", AlertAbout::scenario},
    {AlertName::drill_overdue, "DrwatchDrillOverdue", AlertAbout::scenario},
    {AlertName::sources_disagree, "DrwatchSourcesDisagree", AlertAbout::component},
    {AlertName::blind, "DrwatchBlind", AlertAbout::drwatch},
    {AlertName::journal_failing, "DrwatchJournalFailing", AlertAbout::drwatch},
    // Fires as long as drwatch lives: only its absence says anything.
    {AlertName::watchdog, "Watchdog", AlertAbout::drwatch},
    {AlertName::test, "DrwatchTest", AlertAbout::drwatch, false},
};

constexpr std::string_view alert_text(AlertName name) {
  for (const AlertKind& kind : alert_kinds)
    if (kind.name == name) return kind.text;
  return "";
}
// nullptr: there is no such alert.
constexpr const AlertKind* alert_kind(std::string_view text) {
  for (const AlertKind& kind : alert_kinds)
    if (kind.text == text) return &kind;
  return nullptr;
}

}  // namespace drwatch
