// Does one rule's condition hold for these facts? Pure; the evaluator and
// `policy explain` ask the same function, so that they cannot disagree.
#pragma once

#include <string>
#include <string_view>

#include "policy/model.h"
#include "policy/named_sets.h"

namespace sekisho::policy {

// '*' matches any run of bytes, '?' one UTF-8 character. Time is bounded by
// the product of the two lengths.
bool MatchesPattern(std::string_view pattern, std::string_view text);

// What is not known about people is the word "unknown", so that a rule can
// name it. The text, or that word, as long as `text` lives.
std::string_view OrUnknown(const std::string& text);

// True for a USB device with a storage interface (class 08) and for every
// device of another bus: what the probe could look at.
bool CanHoldMedium(const DeviceFacts& device);

enum class Match {
  kNo,
  kYes,
  kAskMedium,  // all that is known holds; the rest only the probe can tell
};

// What is asked about one device, or about one file on its way to it. All
// must outlive the question.
struct Question {
  Question(const NamedSets& named, const DeviceFacts& about_device,
           const PersonFacts& about_person, const TerminalFacts& about_terminal,
           WallTime at);

  const NamedSets& sets;
  const DeviceFacts& device;
  const PersonFacts& person;
  const TerminalFacts& terminal;
  const WallTime now;
  const NamedSets::OpenWindows open_windows;
};

// `why`, if given, gets one plain phrase about the condition that failed.
Match MatchDevice(const DeviceMatch& match, const Question& question,
                  std::string* why = nullptr);
bool MatchContent(const ContentMatch& match, const ContentFacts& content,
                  const NamedSets& sets, std::string* why = nullptr);

}  // namespace sekisho::policy
