#include "policy/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "common/text.h"

namespace sekisho::policy {
namespace {

constexpr size_t kMaxShownBytes = 60;
constexpr size_t kMaxComparedBytes = 40;

// Levenshtein distance; both texts are short.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1,
                         diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

void Problems::Add(int line, int column, std::string message) {
  if (list_.size() >= kMaxProblems) {
    ++left_out_;
    return;
  }
  const auto at = std::ranges::upper_bound(
      list_, std::tuple(line, column), {},
      [](const Problem& p) { return std::tuple(p.line, p.column); });
  list_.insert(at, {file_, line, column, std::move(message)});
}

std::vector<Problem> Problems::Take() {
  if (left_out_ > 0) {
    const Problem& last = list_.back();
    list_.push_back(
        {file_, last.line, last.column,
         fmt::format("{} more problems are not listed", left_out_)});
  }
  return std::move(list_);
}

std::string Format(const Problem& problem) {
  return fmt::format("{}:{}:{}: {}", problem.file, problem.line, problem.column,
                     problem.message);
}

Error AsError(const std::vector<Problem>& problems) {
  std::string message;
  for (const Problem& problem : problems) {
    if (!message.empty()) message += '\n';
    message += Format(problem);
  }
  return {Code::kInvalidArgument, std::move(message)};
}

std::string Quoted(std::string_view text) {
  return "'" + EscapeUntrusted(text, kMaxShownBytes) + "'";
}

std::string Joined(std::span<const std::string_view> words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string Suggestion(std::string_view found,
                       std::span<const std::string_view> words) {
  if (found.empty() || found.size() > kMaxComparedBytes) return "";
  std::string_view nearest;
  size_t smallest = std::max<size_t>(2, found.size() / 3) + 1;
  for (const std::string_view word : words) {
    const size_t distance = Distance(found, word);
    if (distance < smallest && distance < word.size()) {
      smallest = distance;
      nearest = word;
    }
  }
  if (nearest.empty() && found.size() >= 3) {
    // The beginning of a word, such as "vendor".
    const auto longer = std::ranges::find_if(
        words, [&](std::string_view word) { return word.starts_with(found); });
    if (longer != words.end()) nearest = *longer;
  }
  if (nearest.empty()) return "";
  return fmt::format(" (did you mean '{}'?)", nearest);
}

}  // namespace sekisho::policy
