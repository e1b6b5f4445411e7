#include "agent/gate/tree.h"

#include <gtest/gtest.h>

namespace sekisho::gate {
namespace {

TEST(Tree, PathsFollowMoves) {
  Tree tree(Case::kSensitive);
  const NodePtr d = tree.Add(tree.root(), "d");
  const NodePtr f = tree.Add(d, "f");
  d->lookups = f->lookups = 1;
  EXPECT_EQ(tree.PathOf(*f), "d/f");
  tree.Move(*d, tree.root(), "e");
  EXPECT_EQ(tree.PathOf(*f), "e/f");
  EXPECT_EQ(tree.PathOf(*tree.root(), "x"), "x");
  EXPECT_EQ(tree.Child(*tree.root(), "d"), nullptr);
}

TEST(Tree, FoldsCaseAndTrailingDotsOnFat) {
  Tree tree(Case::kFoldAscii);
  const NodePtr f = tree.Add(tree.root(), "Report.TXT");
  EXPECT_EQ(tree.Child(*tree.root(), "report.txt"), f);
  EXPECT_EQ(tree.Child(*tree.root(), "REPORT.TXT. "), f);
  Tree exact(Case::kSensitive);
  exact.Add(exact.root(), "Report.TXT");
  EXPECT_EQ(exact.Child(*exact.root(), "report.txt"), nullptr);
}

TEST(Tree, ForgettingDropsParentsThatNobodyNeeds) {
  Tree tree(Case::kSensitive);
  NodePtr at = tree.root();
  for (int i = 0; i < 50; ++i) at = tree.Add(at, "d");
  at->lookups = 3;
  const uint64_t id = at->id;
  at.reset();
  tree.Forget(id, 2);
  EXPECT_EQ(tree.size(), 51U);
  tree.Forget(id, 100);  // more than were given out is no harm
  EXPECT_EQ(tree.size(), 1U);
  EXPECT_EQ(tree.Find(id), nullptr);
}

TEST(Tree, UndecidedContentOutlivesTheKernelsInterest) {
  Tree tree(Case::kSensitive);
  const NodePtr f = tree.Add(tree.root(), "f");
  f->lookups = 1;
  f->judging = true;
  tree.Forget(f->id, 1);
  EXPECT_EQ(tree.Child(*tree.root(), "f"), f);
  f->judging = false;
  tree.DropIfUnused(f.get());
  EXPECT_EQ(tree.Child(*tree.root(), "f"), nullptr);
}

TEST(Tree, RemovedNameMayBeUsedAgain) {
  Tree tree(Case::kSensitive);
  const NodePtr old = tree.Add(tree.root(), "f");
  old->lookups = 1;
  tree.Unlink(*old);
  const NodePtr fresh = tree.Add(tree.root(), "f");
  fresh->lookups = 1;
  EXPECT_NE(old->id, fresh->id);
  tree.Forget(old->id, 1);
  EXPECT_EQ(tree.Child(*tree.root(), "f"), fresh);
}

}  // namespace
}  // namespace sekisho::gate
