// SPDX-License-Identifier: Apache-2.0
// The page of an incident, which more than one answer is: that it is read, and that what was asked on it was refused.
#pragma once

#include "daemon/recovery/incidents/commands.hpp"
#include "daemon/web/room.hpp"

#include <string>
#include <vector>

namespace drwatch::web {

// What was asked and not done, said on the page.
struct NotDone {
  std::string why;    // a sentence
  std::string wrote;  // the note that came with it, so that it is not lost
  int status = 200;
  bool already = false;  // it is so, but not by this form
};
Response incident_page(const Moment& now, const Call& call, const NotDone& not_done = {});

// ---- steps.cpp
// Words for a step of the API's document.
void word_step(View& step, bool drill);
// What there is to do now, and the forms of all steps; `view` is the incident's document, its steps worded.
void word_work(View& view, const Moment& now, const Incident& incident, const Call& call);
// Stands for what was confirmed: it changes when what would be run changes.
std::string confirm_of(const IncidentStep& step, const FilledCommand& filled);

// Stands for the text of a message that was read before it is approved.
std::string text_of_message(const std::string& subject, const std::string& body);

// ---- clock.cpp
// The clock in words and as a picture: `view["clock"]`.
void word_clock(View& view, const Seen& seen, const Incident& incident);
// "on track", "at risk", "missed" of a clock that runs; of one that does not "in time", "too late".
std::string clock_verdict(const Incident& incident, Time now);

}  // namespace drwatch::web
