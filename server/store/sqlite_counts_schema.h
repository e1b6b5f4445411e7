// The schema's step that lets the console count: what a transfer held and
// whether it was only observed stand in the index, alerts carry their rule,
// devices their name, and what is lost is known.
#pragma once

#include "server/store/sql.h"

namespace sekisho::store {

inline constexpr const char* kCountsSchema = R"sql(
ALTER TABLE event_index ADD COLUMN observe_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event_index ADD COLUMN persons INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event_index ADD COLUMN persons_written INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event_index ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN rule TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN name TEXT NOT NULL DEFAULT '';
CREATE TABLE lost_devices (
  device_id TEXT PRIMARY KEY,
  how TEXT NOT NULL,
  note TEXT NOT NULL,
  marked_by TEXT NOT NULL,
  mark_time INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX alerts_person ON alerts(person, alert_id);
CREATE INDEX alerts_device ON alerts(device_id, alert_id);
CREATE INDEX alerts_terminal ON alerts(terminal, alert_id);
CREATE INDEX audit_object ON audit(object, row_id);
)sql";

// The new columns of what was indexed before; then the indexes over them.
Status FillCounts(Connection& db);

// Escaped, as people read it: maker and product.
std::string DeviceNameOf(std::string_view manufacturer,
                         std::string_view product);

}  // namespace sekisho::store
