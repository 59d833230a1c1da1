// SPDX-License-Identifier: Apache-2.0
// The questions of init, asked on a terminal. An empty answer says that there is none.
#include "daemon/commands/init.hpp"
#include "daemon/commands/text.hpp"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace drwatch::commands {

namespace {

// While it lives, what is typed does not show.
class Unseen {
 public:
  Unseen() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios unseen = before_;
    unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen) == 0;
  }
  ~Unseen() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

std::string typed_line() {
  std::string line;
  if (!std::getline(std::cin, line)) throw CommandRefused("the answers ended; nothing was written");
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.pop_back();
  line.erase(0, line.find_first_not_of(' '));
  return line;
}

std::string ask_for(const std::string& question) {
  print(question + "\n> ");
  std::fflush(stdout);
  return typed_line();
}

std::string ask_unseen(const std::string& question) {
  print(question + "\n> ");
  std::fflush(stdout);
  const Unseen unseen;
  const std::string line = typed_line();
  print("\n");
  return line;
}

// Asks again until the answer fits.
void settle_answer(InitAnswers& answers, std::string InitAnswers::* member, const std::string& question, bool secret = false) {
  if (!(answers.*member).empty()) return;
  for (;;) {
    answers.*member = secret ? ask_unseen(question) : ask_for(question);
    const std::string wrong = init_misfit(answers);
    if (wrong.empty()) return;
    print("  " + wrong + "\n");
    (answers.*member).clear();
  }
}

}  // namespace

InitAnswers ask_on_terminal(InitAnswers answers) {
  print("A few questions; an empty answer says that there is none.\n\n");
  settle_answer(answers, &InitAnswers::site, "The address of your site or application, as https://app.example.org/");
  settle_answer(answers, &InitAnswers::endpoint,
                "The address of an endpoint that says whether it works, as https://app.example.org/api/health");
  settle_answer(
      answers, &InitAnswers::dsn,
      "PostgreSQL: its connection string, as postgresql://drwatch:PASSWORD@db.example.org/app?sslmode=verify-full (it is not shown)", true);
  settle_answer(answers, &InitAnswers::supabase, "Supabase: the project, as PROJECT in PROJECT.supabase.co");
  if (!answers.dsn.empty())
    settle_answer(answers, &InitAnswers::backup,
                  "How the database is backed up: archiver[:FOLDER] (WAL archiving), pgbackrest:STANZA, file:FOLDER (dumps), supabase, "
                  "supabase-pitr");
  settle_answer(answers, &InitAnswers::alertmanager, "Where Alertmanager is, as http://127.0.0.1:9093");
  settle_answer(answers, &InitAnswers::pager, "An address to post alerts to when no Alertmanager takes them (it is not shown)", true);
  settle_answer(answers, &InitAnswers::deadman, "An address to call every minute, whose silence pages (it is not shown)", true);
  if (answers.jobs.empty()) {
    const std::string job = ask_for("A job that is to call in, as nightly=0 2 * * * or reminders=15m");
    if (!job.empty()) answers.jobs = {job};
  }
  return answers;
}

}  // namespace drwatch::commands
