// Backups: a folder with a copy of the database, certificates, settings and, if
// wanted, keys; a manifest says what was put there (docs/adr/0411).
//
//   manifest.json
//   state/server/...  state/ca/...   as they lie in the state folder
//   config/...                       server.yaml, sinks.yaml
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "merkle/tree.h"

namespace sekisho::operate {

enum class Keys { kLeftOut, kIncluded };

struct BackupFile {
  std::string path;  // below the backup's folder
  int64_t bytes = 0;
  std::string sha256;  // lower-case hex
};

struct Manifest {
  WallTime time;        // of the snapshot
  std::string program;  // version
  int schema = 0;
  merkle::Head log;
  Keys keys = Keys::kLeftOut;
  std::vector<BackupFile> files;
};
std::string PrintManifest(const Manifest& manifest);
// kInvalidArgument: not a manifest, of another format, or with a path that
// leads out of the folder.
Result<Manifest> ParseManifest(const std::string& json);

struct BackupPlaces {
  std::string state_dir;
  std::string config_file;  // these two need not be there
  std::string sinks_file;
};

// `dir` must not be there or be empty (kAlreadyExists). The manifest is written
// last: a folder without one is no backup. What was begun stays for a look.
Result<Manifest> MakeBackup(const BackupPlaces& from, const std::string& dir,
                            Keys keys, const Clock& clock);

// Every file is there as it was written, the database passes SQLite's check,
// and its log is the manifest's. kFailedPrecondition: of a newer program;
// kDataLoss: which file is damaged, and how.
Result<Manifest> VerifyBackup(const std::string& dir);

// Verifies, then copies to `state_dir`, which must not be there or be empty
// (kAlreadyExists). The database gets an alert and an entry of the audit log
// that say it was restored. After an error nothing of it stays there.
Result<Manifest> RestoreBackup(const std::string& dir,
                               const std::string& state_dir,
                               const Clock& clock);

// Keys that a state folder lacks, below it: made anew, they are another
// server's.
std::vector<std::string> MissingKeys(const std::string& state_dir);

}  // namespace sekisho::operate
