#include "policy/yaml_reader.h"

#include <fmt/format.h>
#include <yaml.h>

#include <memory>
#include <unordered_set>

namespace sekisho::policy {
namespace {

struct ParserDeleter {
  void operator()(yaml_parser_t* parser) const {
    yaml_parser_delete(parser);
    std::default_delete<yaml_parser_t>()(parser);
  }
};
using ParserPtr = std::unique_ptr<yaml_parser_t, ParserDeleter>;

// An event that frees what libyaml allocated for it.
class Event {
 public:
  Event() = default;
  ~Event() { yaml_event_delete(&event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  yaml_event_t* get() { return &event_; }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  yaml_event_t event_{};
};

int Line(const yaml_mark_t& mark) { return static_cast<int>(mark.line) + 1; }
int Column(const yaml_mark_t& mark) {
  return static_cast<int>(mark.column) + 1;
}

std::string_view View(const yaml_char_t* text) {
  return text == nullptr
             ? std::string_view()
             : std::string_view(reinterpret_cast<const char*>(text));
}

// Puts events together, with a stack of its own instead of recursion.
class TreeBuilder {
 public:
  explicit TreeBuilder(Problems& problems) : problems_(problems) {}

  // False: reading cannot go on (the problem is added).
  bool Take(const Event& event);
  std::optional<YamlNode> Root() { return std::move(root_); }

 private:
  struct Open {
    YamlNode node;
    std::unordered_set<std::string> seen_keys;
    bool key_waits = false;  // a key was read, its value was not
  };

  bool Begin(const Event& event, YamlNode::Kind kind);
  bool Finish(YamlNode node);
  bool TakeKey(Open& open, const YamlNode& scalar);
  bool CountNode(const Event& event);
  void RefuseExtras(const Event& event, const yaml_char_t* anchor,
                    const yaml_char_t* tag);
  bool InKeyPosition() const {
    return !stack_.empty() &&
           stack_.back().node.kind == YamlNode::Kind::kMapping &&
           !stack_.back().key_waits;
  }
  void Add(const yaml_mark_t& mark, std::string message) {
    problems_.Add(Line(mark), Column(mark), std::move(message));
  }

  Problems& problems_;
  std::vector<Open> stack_;
  std::optional<YamlNode> root_;
  size_t nodes_ = 0;
  bool document_seen_ = false;
};

bool TreeBuilder::CountNode(const Event& event) {
  if (++nodes_ <= kMaxYamlNodes) return true;
  Add(event->start_mark,
      fmt::format("expected at most {} values, found more", kMaxYamlNodes));
  return false;
}

void TreeBuilder::RefuseExtras(const Event& event, const yaml_char_t* anchor,
                               const yaml_char_t* tag) {
  if (anchor != nullptr) {
    Add(event->start_mark,
        fmt::format("expected a plain value, found the anchor {}; anchors are "
                    "not part of the policy language, write the value out",
                    Quoted(View(anchor))));
  }
  if (tag != nullptr) {
    Add(event->start_mark,
        fmt::format("expected a plain value, found the tag {}; tags are not "
                    "part of the policy language, remove it",
                    Quoted(View(tag))));
  }
}

bool TreeBuilder::Begin(const Event& event, YamlNode::Kind kind) {
  if (!CountNode(event)) return false;
  if (InKeyPosition()) {
    Add(event->start_mark, "expected a word as key, found a list or mapping");
    return false;
  }
  if (stack_.size() >= kMaxYamlDepth) {
    Add(event->start_mark,
        fmt::format("expected at most {} levels of nesting, found more",
                    kMaxYamlDepth));
    return false;
  }
  Open open;
  open.node.kind = kind;
  open.node.line = Line(event->start_mark);
  open.node.column = Column(event->start_mark);
  stack_.push_back(std::move(open));
  return true;
}

bool TreeBuilder::TakeKey(Open& open, const YamlNode& scalar) {
  if (!open.seen_keys.insert(scalar.text).second) {
    problems_.Add(scalar.line, scalar.column,
                  fmt::format("expected each key once, found {} again",
                              Quoted(scalar.text)));
  }
  open.node.keys.push_back({scalar.text, scalar.line, scalar.column});
  open.key_waits = true;
  return true;
}

bool TreeBuilder::Finish(YamlNode node) {
  if (stack_.empty()) {
    root_ = std::move(node);
    return true;
  }
  Open& parent = stack_.back();
  if (InKeyPosition()) {
    if (node.kind != YamlNode::Kind::kScalar) {  // an alias, reported
      problems_.Add(node.line, node.column, "expected a word as key");
      return false;
    }
    return TakeKey(parent, node);
  }
  parent.key_waits = false;
  parent.node.items.push_back(std::move(node));
  return true;
}

bool TreeBuilder::Take(const Event& event) {
  switch (event->type) {
    case YAML_DOCUMENT_START_EVENT: {
      const auto& start = event->data.document_start;
      if (document_seen_) {
        Add(event->start_mark, "expected one document, found a second one");
        return false;
      }
      document_seen_ = true;
      if (start.version_directive != nullptr ||
          start.tag_directives.start != start.tag_directives.end) {
        Add(event->start_mark,
            "expected the policy, found a YAML directive ('%...'); remove it");
      }
      return true;
    }
    case YAML_ALIAS_EVENT: {
      Add(event->start_mark,
          fmt::format("expected a plain value, found the alias {}; aliases "
                      "are not part of the policy language, write the value "
                      "out",
                      Quoted(View(event->data.alias.anchor))));
      YamlNode node;
      node.kind = YamlNode::Kind::kRefused;
      node.line = Line(event->start_mark);
      node.column = Column(event->start_mark);
      return CountNode(event) && Finish(std::move(node));
    }
    case YAML_SCALAR_EVENT: {
      const auto& scalar = event->data.scalar;
      RefuseExtras(event, scalar.anchor, scalar.tag);
      YamlNode node;
      node.line = Line(event->start_mark);
      node.column = Column(event->start_mark);
      node.text.assign(reinterpret_cast<const char*>(scalar.value),
                       scalar.length);
      node.plain = scalar.style == YAML_PLAIN_SCALAR_STYLE;
      return CountNode(event) && Finish(std::move(node));
    }
    case YAML_SEQUENCE_START_EVENT:
      RefuseExtras(event, event->data.sequence_start.anchor,
                   event->data.sequence_start.tag);
      return Begin(event, YamlNode::Kind::kList);
    case YAML_MAPPING_START_EVENT:
      RefuseExtras(event, event->data.mapping_start.anchor,
                   event->data.mapping_start.tag);
      return Begin(event, YamlNode::Kind::kMapping);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: {
      YamlNode node = std::move(stack_.back().node);
      stack_.pop_back();
      return Finish(std::move(node));
    }
    default:
      return true;
  }
}

void AddSyntaxProblem(const yaml_parser_t& parser, Problems& problems) {
  const std::string_view what =
      parser.problem == nullptr ? "not readable" : parser.problem;
  const bool has_mark =
      parser.problem_mark.line != 0 || parser.problem_mark.column != 0;
  const yaml_mark_t& mark = has_mark ? parser.problem_mark : parser.mark;
  const std::string context =
      parser.context == nullptr
          ? ""
          : fmt::format(" {} (from line {})", parser.context,
                        Line(parser.context_mark));
  problems.Add(
      Line(mark), Column(mark),
      fmt::format("expected YAML, found a syntax error{}: {}", context, what));
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (size_t i = 0; i < keys.size() && i < items.size(); ++i) {
    if (keys[i].name == key) return &items[i];
  }
  return nullptr;
}

std::optional<YamlNode> ReadYaml(std::string_view text, Problems& problems) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  auto raw = std::make_unique<yaml_parser_t>();
  if (yaml_parser_initialize(raw.get()) == 0) {
    problems.Add(1, 1, "out of memory");
    return std::nullopt;
  }
  const ParserPtr parser(raw.release());
  yaml_parser_set_encoding(parser.get(), YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(
      parser.get(), reinterpret_cast<const unsigned char*>(text.data()),
      text.size());

  TreeBuilder builder(problems);
  while (true) {
    Event event;
    if (yaml_parser_parse(parser.get(), event.get()) == 0) {
      AddSyntaxProblem(*parser, problems);
      return std::nullopt;
    }
    if (event->type == YAML_STREAM_END_EVENT) break;
    if (!builder.Take(event)) return std::nullopt;
  }
  auto root = builder.Root();
  if (!root) {
    problems.Add(1, 1, "expected a policy, found an empty file");
  }
  return root;
}

}  // namespace sekisho::policy
