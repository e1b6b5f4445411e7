#include "server/store/event_files.h"

#include <algorithm>

#include "common/bytes.h"
#include "common/text.h"

namespace sekisho::store {
namespace {

constexpr size_t kMaxNameBytes = 256;

}  // namespace

std::string FileNameOf(std::string_view path) {
  const size_t slash = path.find_last_of('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  std::string name = EscapeUntrusted(path, kMaxNameBytes);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

std::vector<std::string> OwnersOf(const event::v1::PublicPart& part) {
  std::vector<std::string> owners;
  const auto add = [&](const std::string& owner) {
    std::string shown = EscapeUntrusted(owner, kMaxNameBytes);
    if (!owner.empty() && std::ranges::find(owners, shown) == owners.end()) {
      owners.push_back(std::move(shown));
    }
  };
  add(part.data_owner());
  for (const auto& one : part.data_owners()) add(one.owner());
  return owners;
}

Status PutEventFile(Connection& db, int64_t row_id, const std::string& name,
                    const std::string& hash,
                    const std::vector<std::string>& owners) {
  if (!name.empty() || !hash.empty()) {
    RETURN_IF_ERROR(
        db.Run("INSERT INTO event_files VALUES (?,?,?)", row_id, name, hash));
  }
  for (const std::string& owner : owners) {
    RETURN_IF_ERROR(
        db.Run("INSERT INTO event_owners VALUES (?,?) ON CONFLICT DO NOTHING",
               owner, row_id));
  }
  return {};
}

Status FillEventFiles(Connection& db) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT i.row_id, e.public_part, e.personal_part FROM "
               "event_index i JOIN events e USING (row_id)"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return {};
    event::v1::PublicPart open;
    event::v1::PersonalPart personal;
    if (!open.ParseFromString(row.Text(1)) ||
        !personal.ParseFromString(row.Text(2))) {
      continue;
    }
    RETURN_IF_ERROR(
        PutEventFile(db, row.Int(0), FileNameOf(personal.file_path()),
                     ToHex(AsBytes(open.file_hash())), OwnersOf(open)));
  }
}

}  // namespace sekisho::store
