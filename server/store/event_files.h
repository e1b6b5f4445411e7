// What files in events are searched by: name, content, data owner.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sekisho/event/v1/event.pb.h"
#include "server/store/sql.h"

namespace sekisho::store {

// The last part of a path, escaped, at most 256 bytes, A to Z made small.
std::string FileNameOf(std::string_view path);
// Labels of all owners, each once.
std::vector<std::string> OwnersOf(const event::v1::PublicPart& part);

// Nothing is written where nothing is known.
Status PutEventFile(Connection& db, int64_t row_id, const std::string& name,
                    const std::string& hash,
                    const std::vector<std::string>& owners);
// Of events that are indexed already.
Status FillEventFiles(Connection& db);

}  // namespace sekisho::store
