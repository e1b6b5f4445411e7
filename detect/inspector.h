// Looks into one file as its bytes come: what it is, what personal data it
// holds, and how many people.
//
//   Inspector inspector({.key = installation_key});
//   while (...) { inspector.Feed(chunk); if (inspector.PersonsSoFar() > n) ...
//   } Findings findings = inspector.Finish();
//
// Memory is bounded (kMaxInspectorBytes) whatever the size of the file. Never
// fails: what cannot be read is an inspection of "none" or "partial" with its
// reason. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "detect/custom.h"
#include "detect/encoding.h"
#include "detect/findings.h"
#include "detect/format.h"
#include "detect/people.h"
#include "detect/text_judge.h"

namespace sekisho::detect {

inline constexpr size_t kMaxInspectorBytes = size_t{64} << 20;

struct Options {
  // One per installation. Sketches made with different keys never add up.
  SketchKey key{};
  // Bytes inspected at most, 0: all. More is `limit:bytes`.
  int64_t max_bytes = 0;
  // UTF-8 text that a reader of a document made: nothing to recognise.
  bool known_text = false;
  // Types of data the administrator defined; may be null.
  std::shared_ptr<const CustomTypes> custom{};
  SampleWish samples = SampleWish::kNone;
};

class Inspector {
 public:
  explicit Inspector(const Options& options);
  Inspector(Inspector&&) noexcept;
  Inspector& operator=(Inspector&&) noexcept;
  ~Inspector();

  // The next bytes of the file, cut anywhere.
  void Feed(ByteSpan bytes);

  // Distinct people in what was fed, including a last record that is not
  // finished. Costs the reading of at most one block (256 KiB).
  int64_t PersonsSoFar() const;

  // The records that have been judged for good: what comes later adds to what
  // was found in them and changes none of it, with one exception. A line of
  // prose may be completed by the next one, so whoever releases records while
  // more is to come stays one block behind.
  struct Judged {
    int64_t bytes = 0;  // from the start of the file
    int64_t persons = 0;
  };
  // Stands still while a second encoding is possible, and for good from the
  // first block that is not plain text: an error, escapes to another character
  // set, control characters, UTF-16.
  Judged judged() const { return state_.judged; }
  // What was found in all blocks judged so far, without the bytes that wait.
  Findings FindingsSoFar() const;

  // Call once, after the last Feed.
  Findings Finish();

 private:
  // The text as one encoding reads it. Two of them while it is in doubt.
  struct Reading {
    Encoding encoding = Encoding::kAscii;
    TextJudge judge;
    size_t characters = 0;
    size_t errors = 0;
    std::string decoded{};  // empty; keeps its room from block to block
  };
  // Copyable, for PersonsSoFar.
  struct State {
    int64_t bytes = 0;
    bool over_limit = false;
    bool sniffed = false;
    bool known_text = false;
    bool says_encrypt = false;  // a PDF's /Encrypt
    Format format;
    std::string raw;  // not yet judged
    std::vector<Reading> readings;
    bool utf16 = false;
    size_t text_bytes = 0;
    size_t bom_bytes = 0;
    bool plain = true;  // so far
    Judged judged;

    void Sniff();
    void Take(std::string_view text);
    void SkipBinary(std::string_view text);
    void JudgeRaw(Ending ending);
    void JudgeBlock(std::string_view block, Ending ending);
    void AddSevenBit(Reading* reading, std::string_view block, Ending ending);
    void AddDecoded(Reading* reading, std::string_view block, Ending ending);
    void NoteJudged(std::string_view block);
    const Reading& Best() const;
    Findings Finish();
  };

  Options options_;
  std::unique_ptr<const IdentityHasher> hasher_;
  State state_;
};

// All of `bytes` at once.
Findings Inspect(ByteSpan bytes, const Options& options);

}  // namespace sekisho::detect
