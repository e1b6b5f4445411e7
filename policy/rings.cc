#include "policy/rings.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

#include "common/bytes.h"
#include "policy/field_reader.h"
#include "policy/match.h"

namespace sekisho::policy {
namespace {

constexpr int64_t kMaxPercent = 100;
constexpr int64_t kMaxHaltNumber = 1'000'000;
constexpr std::chrono::seconds kShortestSoak{60};
constexpr std::chrono::seconds kLongestSoak = std::chrono::days(30);

class RingsReader {
 public:
  explicit RingsReader(Problems& problems)
      : problems_(problems), fields_(problems) {}

  void Read(const YamlNode& root) {
    if (!fields_.IsMapping(root, "a mapping with 'rings'")) return;
    static constexpr std::string_view kKeys[] = {"rings", "halt"};
    fields_.CheckKeys(root, "rings", kKeys);
    const YamlNode* list =
        fields_.Required(root, "the file", "rings", "[{name: everybody}]");
    if (list == nullptr) return;
    fields_.Items(
        list, "a list of rings", [&](const YamlNode& one) { ReadRing(one); },
        kMaxRings);
    CheckLast(*list);
    if (const YamlNode* halt = root.Find("halt")) ReadHalt(*halt);
  }

  Rings rings;

 private:
  void ReadRing(const YamlNode& node) {
    Ring& ring = rings.rings.emplace_back();
    static constexpr std::string_view kKeys[] = {"name", "terminals", "percent",
                                                 "soak"};
    if (!fields_.IsMapping(node, "a ring: {name, terminals or percent, soak}"))
      return;
    fields_.CheckKeys(node, "a ring", kKeys);
    if (const YamlNode* name =
            fields_.Required(node, "a ring", "name", "pilot")) {
      ring.name = fields_.Id(*name).value_or("");
      if (!ring.name.empty() && !names_.insert(ring.name).second) {
        problems_.Add(name->line, name->column,
                      fmt::format("expected a name that no other ring has, "
                                  "found {}",
                                  Quoted(ring.name)));
      }
    }
    fields_.Patterns(node.Find("terminals"), &ring.terminals);
    if (const YamlNode* percent = node.Find("percent")) {
      ReadPercent(*percent, ring);
    }
    if (const YamlNode* soak = node.Find("soak")) ReadSoak(*soak, ring);
  }

  void ReadPercent(const YamlNode& node, Ring& ring) {
    const auto percent = fields_.Count(node);
    if (!percent) return;
    if (*percent < 1 || *percent > kMaxPercent) {
      return fields_.Wrong(node, "1 to 100");
    }
    if (*percent <= percent_) {
      problems_.Add(node.line, node.column,
                    fmt::format("expected more than the {} percent of the "
                                "rings before (a share counts them in), "
                                "found {}",
                                percent_, *percent));
    }
    percent_ = *percent;
    ring.percent = static_cast<int>(*percent);
  }

  // "30m", "4h", "2d", "manual".
  void ReadSoak(const YamlNode& node, Ring& ring) {
    static constexpr std::string_view kExpected =
        "'manual' or a time like 30m, 4h or 2d";
    if (node.kind == YamlNode::Kind::kScalar && node.text == "manual") return;
    int64_t number = 0;
    const char* end = node.text.data() + node.text.size();
    const auto [unit, error] = std::from_chars(node.text.data(), end, number);
    if (node.kind != YamlNode::Kind::kScalar || error != std::errc() ||
        unit + 1 != end || number < 1 || number > kMaxHaltNumber) {
      return fields_.Wrong(node, kExpected);
    }
    const int64_t length = *unit == 'm'   ? 60
                           : *unit == 'h' ? 3600
                           : *unit == 'd' ? 86400
                                          : 0;
    ring.soak = std::chrono::seconds(number * length);
    if (ring.soak < kShortestSoak || ring.soak > kLongestSoak) {
      ring.soak = {};
      fields_.Wrong(node, kExpected);
    }
  }

  // Somebody in no ring would never get a policy.
  void CheckLast(const YamlNode& list) {
    if (rings.rings.empty()) return;
    for (size_t i = 0; i + 1 < rings.rings.size(); ++i) {
      const Ring& ring = rings.rings[i];
      const YamlNode& node = list.items[i];
      if (ring.terminals.empty() && ring.percent == 0 &&
          node.kind == YamlNode::Kind::kMapping &&
          node.Find("terminals") == nullptr &&
          node.Find("percent") == nullptr) {
        problems_.Add(node.line, node.column,
                      "expected 'terminals' or 'percent', found none: only the "
                      "last ring takes the rest");
      }
    }
    Ring& last = rings.rings.back();
    if (!last.terminals.empty() ||
        (last.percent != 0 && last.percent != kMaxPercent)) {
      problems_.Add(list.items.back().line, list.items.back().column,
                    "expected the last ring without 'terminals' and "
                    "'percent': it takes the rest");
    }
    if (last.soak.count() == 0) last.soak = kLastSoak;
  }

  void ReadHalt(const YamlNode& node) {
    if (!fields_.IsMapping(node, "{blocks, terminals, times}")) return;
    static constexpr std::string_view kKeys[] = {"blocks", "terminals",
                                                 "times"};
    fields_.CheckKeys(node, "halt", kKeys);
    const std::pair<const char*, int64_t*> numbers[] = {
        {"blocks", &rings.halt.blocks},
        {"terminals", &rings.halt.terminals},
        {"times", &rings.halt.times}};
    for (const auto& [key, out] : numbers) {
      const YamlNode* value = node.Find(key);
      if (value == nullptr) continue;
      const auto count = fields_.Count(*value);
      if (!count) continue;
      if (*count < 1 || *count > kMaxHaltNumber) {
        fields_.Wrong(*value, "1 to 1000000");
      } else {
        *out = *count;
      }
    }
  }

  Problems& problems_;
  FieldReader fields_;
  std::set<std::string> names_;
  int64_t percent_ = 0;
};

}  // namespace

std::expected<Rings, std::vector<Problem>> ParseRings(
    std::string_view text, std::string_view file_name) {
  Problems problems(file_name);
  if (text.size() > kMaxRingsBytes) {
    problems.Add(1, 1, "expected at most 64 KiB");
    return std::unexpected(problems.Take());
  }
  RingsReader reader(problems);
  if (const auto root = ReadYaml(text, problems)) reader.Read(*root);
  if (!problems.empty()) return std::unexpected(problems.Take());
  return std::move(reader.rings);
}

int ShareOf(std::string_view agent_id) {
  const std::string text = "sekisho-ring-1|" + std::string(agent_id);
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(),
                     reinterpret_cast<const unsigned char*>(text.data()),
                     text.size());
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(number); ++i) number = number << 8 | hash[i];
  return static_cast<int>(number % 100);
}

size_t RingOf(const Rings& rings, std::string_view agent_id,
              std::string_view terminal) {
  const int share = ShareOf(agent_id);
  const auto found = std::ranges::find_if(rings.rings, [&](const Ring& ring) {
    return share < ring.percent ||
           std::ranges::any_of(
               ring.terminals,
               [&](const std::string& pattern) {
                 return MatchesPattern(pattern, terminal);
               });
  });
  const auto place = static_cast<size_t>(found - rings.rings.begin());
  return std::min(place, rings.rings.size() - 1);
}

}  // namespace sekisho::policy
