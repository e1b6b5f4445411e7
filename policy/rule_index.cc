#include "policy/rule_index.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "policy/match.h"

namespace sekisho::policy {
namespace {

// Where each text stands among the words.
enum Text : size_t {
  kBus,
  kVendor,
  kProductId,
  kSerial,
  kManufacturer,
  kProduct,
  kPort,
  kHash,
  kPerson,
  kOrigin,
  kTerminal,
};

constexpr size_t kWordBytes = 8;

// The number of exactly 4 small hex digits; anything else is a pattern.
std::optional<uint32_t> Literal(const std::optional<std::string>& text) {
  if (!text || text->size() != 4) return std::nullopt;
  uint32_t value = 0;
  for (const char c : *text) {
    if (c >= '0' && c <= '9') {
      value = value << 4U | static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = value << 4U | static_cast<uint32_t>(c - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

// Up to eight bytes, the first in the lowest place.
uint64_t First(std::string_view text) {
  uint64_t word = 0;
  const size_t size = std::min(text.size(), kWordBytes);
  for (size_t i = 0; i < size; ++i) {
    word |= uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  }
  return word;
}

// Up to eight bytes, the last in the lowest place.
uint64_t Last(std::string_view text) {
  uint64_t word = 0;
  const size_t size = std::min(text.size(), kWordBytes);
  for (size_t i = 0; i < size; ++i) {
    word |= uint64_t{static_cast<unsigned char>(text[text.size() - 1 - i])}
            << (8 * i);
  }
  return word;
}

uint64_t MaskOf(size_t bytes) {
  return bytes >= kWordBytes ? ~uint64_t{0} : (uint64_t{1} << (8 * bytes)) - 1;
}

}  // namespace

RuleIndex::RuleIndex(const std::vector<DeviceRule>& rules) {
  for (uint32_t i = 0; i < rules.size(); ++i) {
    const DeviceMatch& match = rules[i].match;
    const auto vendor = Literal(match.vendor_id);
    const auto product = Literal(match.product_id);
    const auto& serial = match.serial;
    if (vendor && product) {
      by_product_[*vendor << 16U | *product].push_back(i);
    } else if (vendor) {
      by_vendor_[*vendor].push_back(i);
    } else if (product) {
      by_product_alone_[*product].push_back(i);
    } else if (serial && serial->find_first_of("*?") == std::string::npos) {
      by_serial_[*serial].push_back(i);
    } else {
      std::vector<Piece> pieces;
      AddPieces(match, pieces);
      // The longest tell most.
      std::ranges::sort(pieces, std::ranges::greater(), [](const Piece& piece) {
        return std::popcount(piece.mask);
      });
      Other other;
      other.rule = i;
      std::copy_n(pieces.begin(), std::min<size_t>(pieces.size(), 2),
                  other.pieces.begin());
      others_.push_back(other);
    }
  }
}

void RuleIndex::AddText(size_t text, const std::optional<std::string>& pattern,
                        std::vector<Piece>& pieces) {
  if (!pattern) return;
  const size_t first = std::min(pattern->find_first_of("*?"), pattern->size());
  const size_t last = pattern->find_last_of("*?");
  const std::string_view head = std::string_view(*pattern).substr(0, first);
  const std::string_view tail = std::string_view(*pattern).substr(
      last == std::string::npos ? 0 : last + 1);
  const auto add = [&](uint64_t value, size_t size, size_t at) {
    if (size == 0) return;
    pieces.push_back({.value = value,
                      .mask = MaskOf(size),
                      .at = static_cast<uint32_t>(at)});
  };
  add(First(head), head.size(), 2 * text);
  add(Last(tail), tail.size(), 2 * text + 1);
}

void RuleIndex::AddText(size_t text, const std::vector<std::string>& patterns,
                        std::vector<Piece>& pieces) {
  if (patterns.size() == 1) {
    AddText(text, std::optional(patterns.front()), pieces);
  }
}

void RuleIndex::AddClass(const std::vector<InterfacePattern>& patterns,
                         std::vector<Piece>& pieces) {
  if (patterns.empty() || !patterns.front().klass) return;
  const uint8_t klass = *patterns.front().klass;
  const bool all = std::ranges::all_of(
      patterns,
      [&](const InterfacePattern& one) { return one.klass == klass; });
  if (!all) return;
  const uint64_t bit = uint64_t{1} << (klass % 64U);
  pieces.push_back({.value = bit,
                    .mask = bit,
                    .at = static_cast<uint32_t>(2 * kTexts + klass / 64U)});
}

// What must hold wherever the match holds; nothing of `any` and `none`.
void RuleIndex::AddPieces(const DeviceMatch& match,
                          std::vector<Piece>& pieces) {
  AddText(kBus, match.bus, pieces);
  AddText(kVendor, match.vendor_id, pieces);
  AddText(kProductId, match.product_id, pieces);
  AddText(kSerial, match.serial, pieces);
  AddText(kManufacturer, match.manufacturer, pieces);
  AddText(kProduct, match.product, pieces);
  AddText(kPort, match.port, pieces);
  AddText(kHash, match.descriptor_hash, pieces);
  AddText(kPerson, match.persons, pieces);
  AddText(kOrigin, match.origins, pieces);
  AddText(kTerminal, match.terminals, pieces);
  AddClass(match.interfaces_all, pieces);
  AddClass(match.interfaces_any, pieces);
  for (const DeviceMatch& part : match.all) AddPieces(part, pieces);
}

RuleIndex::Words RuleIndex::WordsOf(const DeviceFacts& device,
                                    const PersonFacts& person,
                                    const TerminalFacts& terminal) {
  Words words{};
  const std::array<std::string_view, kTexts> texts{device.bus,
                                                   device.vendor_id,
                                                   device.product_id,
                                                   device.serial,
                                                   device.manufacturer,
                                                   device.product,
                                                   device.port,
                                                   device.descriptor_hash,
                                                   OrUnknown(person.person),
                                                   OrUnknown(person.origin),
                                                   terminal.terminal};
  for (size_t i = 0; i < kTexts; ++i) {
    words[2 * i] = First(texts[i]);
    words[2 * i + 1] = Last(texts[i]);
  }
  for (const UsbInterface& interface : device.interfaces) {
    words[2 * kTexts + interface.klass / 64U] |= uint64_t{1}
                                                 << (interface.klass % 64U);
  }
  return words;
}

RuleIndex::Walk::Walk(const RuleIndex& index, const DeviceFacts& device,
                      const PersonFacts& person, const TerminalFacts& terminal)
    : index_(index), words_(WordsOf(device, person, terminal)) {
  const auto vendor = Literal(device.vendor_id);
  const auto product = Literal(device.product_id);
  std::optional<uint32_t> both;
  if (vendor && product) both = *vendor << 16U | *product;
  buckets_ = {Find(index.by_vendor_, vendor), Find(index.by_product_, both),
              Find(index.by_product_alone_, product),
              Find(index.by_serial_, std::optional(device.serial))};
  other_ = NextOther();
}

uint32_t RuleIndex::Walk::NextOther() {
  const auto holds = [this](const Piece& piece) {
    return (words_[piece.at] & piece.mask) == piece.value;
  };
  const std::vector<Other>& others = index_.others_;
  while (at_other_ < others.size()) {
    const Other& other = others[at_other_++];
    if (holds(other.pieces[0]) && holds(other.pieces[1])) return other.rule;
  }
  return kEnd;
}

uint32_t RuleIndex::Walk::Next() {
  uint32_t next = other_;
  size_t from = buckets_.size();
  for (size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i] == nullptr || at_[i] >= buckets_[i]->size()) continue;
    if ((*buckets_[i])[at_[i]] < next) {
      next = (*buckets_[i])[at_[i]];
      from = i;
    }
  }
  if (from < buckets_.size()) {
    ++at_[from];
  } else if (next != kEnd) {
    other_ = NextOther();
  }
  return next;
}

}  // namespace sekisho::policy
