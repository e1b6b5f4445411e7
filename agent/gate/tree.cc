#include "agent/gate/tree.h"

#include <algorithm>

namespace sekisho::gate {

Tree::Tree(Case name_case) : case_(name_case) {
  root_ = std::make_shared<Node>();
  root_->id = next_id_++;
  root_->lookups = 1;
  nodes_[root_->id] = root_;
}

std::string Tree::Key(std::string_view name) const {
  std::string key(name);
  if (case_ == Case::kFoldAscii) {
    for (char& c : key) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    // The short-name rules drop dots and blanks at the end.
    while (!key.empty() && (key.back() == '.' || key.back() == ' ')) {
      key.pop_back();
    }
  }
  return key;
}

NodePtr Tree::Find(uint64_t id) const {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : found->second;
}

NodePtr Tree::Child(const Node& parent, std::string_view name) const {
  const auto found = parent.children.find(Key(name));
  return found == parent.children.end() ? nullptr : Find(found->second->id);
}

NodePtr Tree::Add(const NodePtr& parent, std::string_view name) {
  auto node = std::make_shared<Node>();
  node->id = next_id_++;
  node->parent = parent;
  node->name = name;
  parent->children[Key(name)] = node.get();
  nodes_[node->id] = node;
  return node;
}

void Tree::Unlink(Node& node) {
  if (!node.linked || !node.parent) return;
  node.parent->children.erase(Key(node.name));
  node.linked = false;
}

void Tree::Move(Node& node, const NodePtr& parent, std::string_view name) {
  const NodePtr old_parent = node.parent;
  old_parent->children.erase(Key(node.name));
  node.parent = parent;
  node.name = name;
  parent->children[Key(name)] = &node;
  DropIfUnused(old_parent.get());
}

void Tree::Forget(uint64_t id, uint64_t lookups) {
  const NodePtr node = Find(id);
  if (!node) return;
  node->lookups -= std::min(lookups, node->lookups);
  DropIfUnused(node.get());
}

void Tree::DropIfUnused(Node* node) {
  while (node != nullptr && node->parent && node->lookups == 0 &&
         !node->Busy() && node->children.empty()) {
    const NodePtr parent = node->parent;
    if (node->linked) parent->children.erase(Key(node->name));
    nodes_.erase(node->id);
    node = parent.get();
  }
}

std::string Tree::PathOf(const Node& node) const {
  std::vector<const std::string*> parts;
  for (const Node* at = &node; at->parent; at = at->parent.get()) {
    parts.push_back(&at->name);
  }
  std::string path;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (!path.empty()) path += '/';
    path += **part;
  }
  return path;
}

std::string Tree::PathOf(const Node& parent, std::string_view name) const {
  std::string path = PathOf(parent);
  if (!path.empty()) path += '/';
  return path + std::string(name);
}

}  // namespace sekisho::gate
