#include "cli/people_list_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/file.h"
#include "common/text.h"
#include "detect/inspector.h"

namespace sekisho::cli {
namespace {

using detect::IdentityKind;

// Names alone and member numbers are those of another client's people, too.
// The row of a record is one of these.
constexpr IdentityKind kKnownBy[] = {
    IdentityKind::kNationalId,  IdentityKind::kNameBirth,
    IdentityKind::kNamePhone,   IdentityKind::kEmail,
    IdentityKind::kNameAddress, IdentityKind::kPhone,
    IdentityKind::kCard};

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr int64_t kNearlyAllPercent = 90;

// The identities of one piece. A piece has fewer records than a set holds
// exactly, so that each hash is there.
Status AddPiece(std::string_view piece, const detect::SketchKey& key,
                detect::PeopleSketch* all, ListedPeople* out) {
  const detect::Findings found = detect::Inspect(AsBytes(piece), {.key = key});
  if (found.inspection != detect::Inspection::kFull) {
    return Fail(Code::kInvalidArgument,
                "it is no table in text that can be read whole (" +
                    found.format + ", " + found.reason +
                    "): save it as CSV in UTF-8");
  }
  for (const IdentityKind kind : kKnownBy) {
    const detect::DistinctSet& set = found.people.of(kind);
    if (!set.exact()) {
      return Fail(Code::kInvalidArgument,
                  "a record of it names several people: one person a record");
    }
    const std::vector<uint64_t> hashes = set.Hashes();
    out->hashes.insert(out->hashes.end(), hashes.begin(), hashes.end());
  }
  all->Merge(found.people);
  return {};
}

}  // namespace

std::vector<std::string> TableCutter::Feed(std::string_view bytes) {
  std::vector<std::string> whole;
  for (const char c : bytes) {
    std::string& to = has_header_ ? piece_ : header_;
    to += c;
    if (c == '"') quoted_ = !quoted_;
    // Somebody's inches are no quotes: a record has an end.
    const bool too_long = to.size() >= kMaxBytes;
    if (c != '\n' || (quoted_ && !too_long)) continue;
    quoted_ = false;
    if (!has_header_) {
      has_header_ = true;
      continue;
    }
    if (++records_ < kRecords && !too_long) continue;
    whole.push_back(Finish());
  }
  return whole;
}

std::string TableCutter::Finish() {
  records_ = 0;
  if (piece_.empty()) return {};
  return header_ + std::exchange(piece_, {});
}

Result<ListedPeople> ReadPeopleList(const std::string& path,
                                    const detect::SketchKey& key) {
  ASSIGN_OR_RETURN(const UniqueFd file, OpenAt(AT_FDCWD, path, O_RDONLY));
  ListedPeople out;
  detect::PeopleSketch all;
  TableCutter cutter;
  std::string buffer(kReadBytes, '\0');
  bool first = true;
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Fail(Code::kUnavailable,
                  "cannot read it: " + std::string(std::strerror(errno)));
    }
    const std::string_view bytes(buffer.data(), static_cast<size_t>(got));
    if (first &&
        (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff"))) {
      return Fail(Code::kInvalidArgument,
                  "it is UTF-16: save it as CSV in UTF-8");
    }
    first = false;
    if (got == 0) break;
    out.records += std::ranges::count(bytes, '\n');
    for (const std::string& piece : cutter.Feed(bytes)) {
      RETURN_IF_ERROR(AddPiece(piece, key, &all, &out));
    }
  }
  if (const std::string rest = cutter.Finish(); !rest.empty()) {
    RETURN_IF_ERROR(AddPiece(rest, key, &all, &out));
  }
  out.persons = all.of(IdentityKind::kRow).Count();
  if (out.persons == 0) {
    return Fail(Code::kInvalidArgument,
                "no people were found in it: a table with a first line that "
                "names its columns is expected, a person a record");
  }
  if (out.hashes.empty()) {
    return Fail(Code::kInvalidArgument,
                "its people are known by names or member numbers alone, as "
                "those of others are: add a birth date, phone, e-mail or "
                "address to the list");
  }
  for (const IdentityKind kind : kKnownBy) {
    if (all.of(kind).Count() * 100 >= out.persons * kNearlyAllPercent) {
      out.kinds.emplace_back(
          detect::kIdentityKindNames[static_cast<size_t>(kind)]);
    }
  }
  return out;
}

}  // namespace sekisho::cli
