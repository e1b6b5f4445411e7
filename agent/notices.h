// What the operator reads when something was stopped: one text for the desktop,
// one line for the terminal the request came from.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent/ipc/messages.h"
#include "common/clock.h"
#include "policy/model.h"

namespace sekisho::agent {

// Everything that a refusal can say. Texts from a medium or a device are raw.
struct Refusal {
  std::string what;  // file name or device, raw
  enum class Kind { kCopy, kDevice } kind = Kind::kCopy;
  int64_t persons = 0;
  std::string rule;
  std::string reason;  // English sentence of the decision
  std::map<std::string, std::string> notify;   // the rule's own text
  std::map<std::string, std::string> contact;  // how to ask, from policy
  // An order of the SOC: asking for approval would not help.
  bool contained = false;
  // `sekisho request --copy` can ask that it may go once.
  bool may_ask = false;
  // A grant runs here, for another content.
  bool other_granted = false;
};

// An encrypted medium that policy would serve.
struct Locked {
  std::string what;    // device, raw
  std::string device;  // its id, as `sekisho unlock` takes it, escaped
};

// What became of what the operator asked for.
struct Answer {
  enum class Kind { kTransfer, kDevice, kDenied } kind = Kind::kDenied;
  std::string what;   // file name or device, raw
  std::string until;  // as he reads times; empty: not said
  int64_t request_id = 0;
};

// His copy is being looked at.
struct Waiting {
  std::string what;  // file name, raw
  int percent = 0;
  bool over = false;
  std::string place;  // ipc::PlacedNotice::place
};

// `language`: "ja" or anything else for English. Untrusted text is escaped.
ipc::Notice NoticeOf(const Refusal& refusal, const std::string& language);

ipc::Notice NoticeOf(const Locked& locked, const std::string& language);
ipc::Notice NoticeOf(const Answer& answer, const std::string& language);
// Takes the place of the one before; when it is over that one goes away.
ipc::PlacedNotice NoticeOf(const Waiting& waiting, const std::string& language);

// Japanese and English, each line ended by CR LF: the terminal may be raw.
std::string TerminalText(const Refusal& refusal);
std::string TerminalText(const Locked& locked);
std::string TerminalText(const Answer& answer);
std::string TerminalText(const Waiting& waiting);

// "14:05" of the terminal's own zone, or with the date if it is another day.
std::string EndText(WallTime now, WallTime end);

// Writes to /dev/<tty> without waiting and without taking it as controlling
// terminal; anything that is not a terminal is left alone. What is returned
// the terminal could not take just now: somebody else writes, or it is full.
std::string WriteToTerminal(const std::string& tty, std::string text);

}  // namespace sekisho::agent
