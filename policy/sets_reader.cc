#include "policy/sets_reader.h"

#include <algorithm>

#include "policy/match_reader.h"
#include "policy/type_pattern.h"
#include "policy/words.h"
#include "policy/zone.h"

namespace sekisho::policy {
namespace {

constexpr int kEndOfDay = 24 * 60;

// One of the named things of a list, in the place of one with its name.
template <typename T>
void Put(std::vector<T>* list, T value) {
  const auto at = std::ranges::find(*list, value.name, &T::name);
  if (at == list->end()) {
    list->push_back(std::move(value));
  } else {
    *at = std::move(value);
  }
}

class SetsReader {
 public:
  SetsReader(FieldReader& in, Sets* sets) : in_(in), sets_(*sets) {}

  void Read(const YamlNode& root) {
    Named(root.Find("holidays"), "dates by name", &sets_.holidays,
          [&](const YamlNode& node) { return ReadDates(node); });
    if (const YamlNode* zone = root.Find("zone")) zone_ = ReadZone(*zone);
    Named(root.Find("windows"), "windows by name", &sets_.windows,
          [&](const YamlNode& node) { return ReadWindow(node); });
    if (const YamlNode* groups = root.Find("groups")) ReadGroups(*groups);
    Named(
        root.Find("types"), "types of data by name", &sets_.types,
        [&](const YamlNode& node) { return ReadType(node); }, kMaxCustomTypes);
  }

 private:
  // Calls `read` for each value of a mapping from names to things.
  template <typename T, typename F>
  void Named(const YamlNode* node, std::string_view expected,
             std::vector<T>* out, F read, size_t most = kMaxListItems) {
    if (node == nullptr || !in_.IsMapping(*node, expected)) return;
    if (node->items.size() > most) {
      in_.problems().Add(node->line, node->column,
                         fmt::format("expected at most {} names, found {}",
                                     most, node->items.size()));
      return;
    }
    for (size_t i = 0; i < node->items.size(); ++i) {
      if (!in_.IsName(node->keys[i])) continue;
      T value = read(node->items[i]);
      value.name = node->keys[i].name;
      Put(out, std::move(value));
    }
  }

  DateSet ReadDates(const YamlNode& node) {
    DateSet set;
    in_.Items(&node, "a list of dates such as [\"2027-01-01\"]",
              [&](const YamlNode& item) {
                const auto span = item.kind == YamlNode::Kind::kScalar
                                      ? ParseDateSpan(item.text)
                                      : std::nullopt;
                if (span) {
                  set.spans.push_back(*span);
                } else {
                  in_.Wrong(item,
                            "a date such as 2027-01-01, a run of days such as "
                            "2026-12-29..2027-01-03, or a day of every year "
                            "such as 05-03");
                }
              });
    return set;
  }

  std::optional<std::string> ReadZone(const YamlNode& node) {
    static constexpr std::string_view kExpected =
        "a time zone such as Asia/Tokyo, or a POSIX TZ rule such as JST-9";
    auto name = in_.Text(node, kMaxIdBytes, kExpected);
    if (!name) return std::nullopt;
    if (!Zone::Find(*name)) {
      in_.Wrong(node, kExpected);
      return std::nullopt;
    }
    return name;
  }

  void ReadTime(const YamlNode* node, int* out) {
    if (node == nullptr) return;
    const auto minutes = node->kind == YamlNode::Kind::kScalar
                             ? ParseTimeOfDay(node->text)
                             : std::nullopt;
    if (minutes) {
      *out = *minutes;
    } else {
      in_.Wrong(*node, "a time of day such as \"09:00\"");
    }
  }

  void ReadDays(const YamlNode* node, uint8_t* out) {
    if (node == nullptr) return;
    unsigned days = 0;
    in_.Items(
        node, "a list of days such as [mon, fri]", [&](const YamlNode& item) {
          const auto at = std::ranges::find(kDayWords, item.text);
          if (item.kind != YamlNode::Kind::kScalar || at == kDayWords.end()) {
            in_.Wrong(item, "one of " + Joined(kDayWords));
            return;
          }
          days |= 1U << static_cast<unsigned>(at - kDayWords.begin());
        });
    *out = static_cast<uint8_t>(days);
  }

  Window ReadWindow(const YamlNode& node) {
    Window window;
    if (!in_.IsMapping(node,
                       "a window such as { from: \"09:00\", to: "
                       "\"18:00\" }")) {
      return window;
    }
    in_.CheckKeys(node, "a window", kWindowKeys);
    if (const YamlNode* zone = node.Find("zone")) {
      window.zone = ReadZone(*zone).value_or("");
    } else if (zone_) {
      window.zone = *zone_;
    } else {
      in_.Required(node, "the window (or in the whole policy)", "zone",
                   "Asia/Tokyo");
    }
    ReadDays(node.Find("days"), &window.days);
    const YamlNode* from = node.Find("from");
    const YamlNode* to = node.Find("to");
    ReadTime(from, &window.from_minute);
    ReadTime(to, &window.to_minute);
    if (window.from_minute == kEndOfDay || window.to_minute == 0 ||
        (from != nullptr && to != nullptr &&
         window.from_minute == window.to_minute)) {
      in_.problems().Add(node.line, node.column,
                         "expected a window from 00:00 at the earliest to "
                         "24:00 at the latest with time between, found none; "
                         "leave out 'from' and 'to' for whole days");
    }
    std::vector<std::string_view> dates;
    for (const DateSet& set : sets_.holidays) dates.push_back(set.name);
    in_.Names(node.Find("except"), "set of holidays", dates, &window.except);
    in_.Names(node.Find("only_on"), "set of holidays", dates, &window.only_on);
    return window;
  }

  NameGroup ReadNames(const YamlNode& node) {
    NameGroup group;
    if (node.kind != YamlNode::Kind::kMapping) {
      in_.Patterns(&node, &group.any);
      return group;
    }
    in_.CheckKeys(node, "a group", kNameGroupKeys);
    in_.Patterns(in_.Required(node, "a group", "any", "[\"desk-*\"]"),
                 &group.any);
    in_.Patterns(node.Find("not"), &group.none);
    return group;
  }

  FileGroup ReadFiles(const YamlNode& node) {
    FileGroup group;
    in_.Items(
        &node, "a list of SHA-256 hashes",
        [&](const YamlNode& item) {
          const bool hex =
              item.kind == YamlNode::Kind::kScalar && item.text.size() == 64 &&
              std::ranges::all_of(item.text, [](char c) {
                return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
              });
          if (hex) {
            group.hashes.push_back(item.text);
          } else {
            in_.Wrong(item, "the SHA-256 of a file, 64 small hex digits");
          }
        },
        kMaxFileHashes);
    return group;
  }

  void ReadWords(const YamlNode* node, std::string_view expected, size_t most,
                 std::vector<std::string>* out) {
    in_.Items(
        node, expected,
        [&](const YamlNode& item) {
          auto text = in_.Text(item, kMaxTypeValueBytes, expected);
          // An empty word would stand in every header.
          if (text && text->empty()) {
            in_.Wrong(item, expected);
          } else if (text) {
            out->push_back(std::move(*text));
          }
        },
        most);
  }

  CustomType ReadType(const YamlNode& node) {
    CustomType type;
    if (!in_.IsMapping(node, "a type such as { pattern: \"W[0-9]{6}\" }")) {
      return type;
    }
    in_.CheckKeys(node, "a type", kTypeKeys);
    if (const YamlNode* pattern = node.Find("pattern")) {
      static constexpr std::string_view kExpected =
          "a pattern in the syntax of RE2 such as \"W[0-9]{6}\"";
      const auto text = in_.Text(*pattern, kMaxTypePatternBytes, kExpected);
      if (text) {
        if (const auto problem = PatternProblem(*text)) {
          in_.Wrong(*pattern, fmt::format("{} ({})", kExpected, *problem));
        } else if (text->empty()) {
          in_.Wrong(*pattern, kExpected);
        }
        type.pattern = *text;
      }
    }
    ReadWords(node.Find("headers"),
              "a list of words of the header such as [\"病棟番号\"]",
              kMaxTypeHeaders, &type.headers);
    in_.Word(node.Find("check"), ParseTypeCheck, kTypeCheckWords, &type.check);
    ReadWords(node.Find("values"), "a list of values such as [\"A-17\"]",
              kMaxTypeValues, &type.values);
    if (type == CustomType{}) {
      in_.problems().Add(node.line, node.column,
                         "expected one of pattern, headers, check, values in "
                         "the type, found nothing to know it by");
    }
    return type;
  }

  void ReadGroups(const YamlNode& node) {
    if (!in_.IsMapping(node,
                       "groups such as { terminals: { desks: "
                       "[\"desk-*\"] } }")) {
      return;
    }
    in_.CheckKeys(node, "groups", kGroupKeys);
    const auto names = [&](const YamlNode& group) { return ReadNames(group); };
    Named(node.Find("persons"), "groups of persons by name", &sets_.persons,
          names);
    Named(node.Find("terminals"), "groups of terminals by name",
          &sets_.terminals, names);
    Named(node.Find("files"), "groups of files by name", &sets_.files,
          [&](const YamlNode& group) { return ReadFiles(group); });
    // A group of devices names no other, so that none can name itself.
    Sets known = sets_;
    known.devices.clear();
    MatchReader conditions(in_, known);
    Named(node.Find("devices"), "groups of devices by name", &sets_.devices,
          [&](const YamlNode& group) {
            DeviceGroup out;
            out.match = conditions.ReadDevice(group, "a group of devices");
            return out;
          });
  }

  FieldReader& in_;
  Sets& sets_;
  std::optional<std::string> zone_;
};

}  // namespace

void ReadSets(const YamlNode& root, FieldReader& in, Sets* sets) {
  SetsReader(in, sets).Read(root);
}

}  // namespace sekisho::policy
