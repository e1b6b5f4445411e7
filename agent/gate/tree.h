// The names the gate knows, as a tree of nodes. Not thread-safe: the
// filesystem's mutex is held around every call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/gate/node.h"

namespace sekisho::gate {

enum class Case { kSensitive, kFoldAscii };  // vfat and exfat fold

class Tree {
 public:
  explicit Tree(Case name_case);

  const NodePtr& root() const { return root_; }
  NodePtr Find(uint64_t id) const;  // null: never given out, or forgotten
  NodePtr Child(const Node& parent, std::string_view name) const;
  NodePtr Add(const NodePtr& parent, std::string_view name);
  // Takes it off its parent; it lives on for whoever holds it.
  void Unlink(Node& node);
  void Move(Node& node, const NodePtr& parent, std::string_view name);
  void Forget(uint64_t id, uint64_t lookups);
  // Drops the node, and then its parents, if nobody needs them any more.
  void DropIfUnused(Node* node);

  // "a/b/c"; "" for the root.
  std::string PathOf(const Node& node) const;
  std::string PathOf(const Node& parent, std::string_view name) const;
  size_t size() const { return nodes_.size(); }

 private:
  std::string Key(std::string_view name) const;

  const Case case_;
  uint64_t next_id_ = 1;  // FUSE_ROOT_ID is the first; none is used twice
  std::unordered_map<uint64_t, NodePtr> nodes_;
  NodePtr root_;
};

}  // namespace sekisho::gate
