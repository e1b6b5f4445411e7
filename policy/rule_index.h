// Which device rules could match, found without asking each of them.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/model.h"

namespace sekisho::policy {

// A rule that names a vendor and a product, one of these, or a whole serial
// stands in one bucket, by what a device must be. Of every other two literal
// pieces of what it asks are kept, eight bytes each, and compared before it is
// asked: 10,000 of those cost a decision about ten microseconds, measured by
// tests/bench/policy_bench. What is asked and what is passed over is only a
// matter of time: MatchDevice decides.
class RuleIndex {
 public:
  explicit RuleIndex(const std::vector<DeviceRule>& rules);

  // Calls `visit` with rule numbers in order until it returns true. Rules that
  // cannot match are left out.
  template <typename F>
  void ForEach(const DeviceFacts& device, const PersonFacts& person,
               const TerminalFacts& terminal, F visit) const {
    Walk walk(*this, device, person, terminal);
    for (uint32_t rule = walk.Next(); rule != kEnd; rule = walk.Next()) {
      if (visit(rule)) return;
    }
  }

 private:
  static constexpr uint32_t kEnd = std::numeric_limits<uint32_t>::max();
  // Texts of a question, each as its first and its last eight bytes, then the
  // classes of its interfaces, a bit each.
  static constexpr size_t kTexts = 11;
  static constexpr size_t kWords = 2 * kTexts + 4;
  using Words = std::array<uint64_t, kWords>;

  // Holds where the word at `at`, masked, is `value`.
  struct Piece {
    uint64_t value = 0, mask = 0;
    uint32_t at = 0;
  };
  struct Other {
    std::array<Piece, 2> pieces;
    uint32_t rule = 0;
  };

  // One walk over the rules that could match, in order.
  class Walk {
   public:
    Walk(const RuleIndex& index, const DeviceFacts& device,
         const PersonFacts& person, const TerminalFacts& terminal);
    uint32_t Next();

   private:
    uint32_t NextOther();

    const RuleIndex& index_;
    Words words_;
    std::array<const std::vector<uint32_t>*, 4> buckets_;
    std::array<size_t, 4> at_{};
    size_t at_other_ = 0;
    uint32_t other_ = kEnd;
  };

  template <typename Key>
  using Map = std::unordered_map<Key, std::vector<uint32_t>>;

  template <typename Key>
  static const std::vector<uint32_t>* Find(const Map<Key>& map,
                                           const std::optional<Key>& key) {
    if (!key) return nullptr;
    const auto at = map.find(*key);
    return at == map.end() ? nullptr : &at->second;
  }
  static Words WordsOf(const DeviceFacts& device, const PersonFacts& person,
                       const TerminalFacts& terminal);
  static void AddPieces(const DeviceMatch& match, std::vector<Piece>& pieces);
  static void AddText(size_t text, const std::optional<std::string>& pattern,
                      std::vector<Piece>& pieces);
  static void AddText(size_t text, const std::vector<std::string>& patterns,
                      std::vector<Piece>& pieces);
  static void AddClass(const std::vector<InterfacePattern>& patterns,
                       std::vector<Piece>& pieces);

  Map<uint32_t> by_product_;
  Map<uint32_t> by_vendor_;
  Map<uint32_t> by_product_alone_;
  Map<std::string> by_serial_;
  std::vector<Other> others_;
};

}  // namespace sekisho::policy
