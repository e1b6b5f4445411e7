#include "server/operate/backup.h"

#include <pwd.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "common/file.h"
#include "common/text.h"
#include "server/core/audit.h"
#include "server/store/sqlite_backup.h"

namespace sekisho::operate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxManifestBytes = size_t{1} << 20;
constexpr char kDatabase[] = "server/sekisho.db";
constexpr char kStateDatabase[] = "state/server/sekisho.db";

// Without these a restored server is another one, below the state folder.
constexpr const char* kKeys[] = {"server/tls.key", "server/signing.key",
                                 "server/log.key", "ca/ca.key",
                                 "ca/sketch.key"};
constexpr const char* kCertificates[] = {"server/tls.pem", "server/ca.pem"};

std::string HexOf(crypto_hash_sha256_state& hash) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256_final(&hash, digest.data());
  return ToHex(std::as_bytes(std::span(digest)));
}

// Reads to the end; each piece goes to `take`.
template <typename Take>
Result<BackupFile> Digest(const std::string& path, Take take) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenAt(AT_FDCWD, path, O_RDONLY));
  crypto_hash_sha256_state hash;
  crypto_hash_sha256_init(&hash);
  BackupFile file;
  std::vector<char> buffer(size_t{256} * 1024);
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("read " + path);
    if (n == 0) break;
    const std::string_view piece(buffer.data(), static_cast<size_t>(n));
    crypto_hash_sha256_update(
        &hash, reinterpret_cast<const unsigned char*>(piece.data()),
        piece.size());
    file.bytes += n;
    RETURN_IF_ERROR(take(piece));
  }
  file.sha256 = HexOf(hash);
  return file;
}

Result<BackupFile> DigestOf(const std::string& path) {
  return Digest(path, [](std::string_view) -> Status { return {}; });
}

// A new file, on disk when it returns.
Result<BackupFile> CopyFile(const std::string& from, const std::string& to,
                            mode_t mode) {
  ASSIGN_OR_RETURN(const UniqueFd fd,
                   OpenAt(AT_FDCWD, to, O_WRONLY | O_CREAT | O_EXCL, mode));
  ASSIGN_OR_RETURN(const BackupFile file,
                   Digest(from, [&](std::string_view piece) {
                     return WriteAll(fd.get(), AsBytes(piece));
                   }));
  if (::fsync(fd.get()) != 0) return FailErrno("fsync " + to);
  return file;
}

Status SyncFolder(const std::string& path) {
  ASSIGN_OR_RETURN(const UniqueFd fd,
                   OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return FailErrno("fsync " + path);
  return {};
}

Status MakeFolder(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return FailErrno("mkdir " + path);
  }
  return {};
}

// Makes it if it is not there; true if it did.
Result<bool> MustBeEmpty(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return true;
  if (errno != EEXIST) return FailErrno("mkdir " + path);
  std::error_code error;
  const fs::directory_iterator entries(path, error);
  if (error) {
    return Fail(Code::kInvalidArgument, path + ": " + error.message());
  }
  if (entries != fs::directory_iterator()) {
    return Fail(Code::kAlreadyExists,
                path + " is not empty; name a folder that is, or none yet");
  }
  return false;
}

mode_t ModeOf(const std::string& path) {
  return path.ends_with(".pem") || path.starts_with("config/") ? 0644 : 0600;
}

std::string WhoAmI() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr) {
    return found->pw_name;
  }
  return "uid " + std::to_string(getuid());
}

class Backup {
 public:
  Backup(const BackupPlaces& from, std::string dir, Keys keys)
      : from_(from), dir_(std::move(dir)) {
    manifest_.keys = keys;
    manifest_.program = SEKISHO_VERSION;
  }

  Result<Manifest> Make(const Clock& clock) {
    RETURN_IF_ERROR(MustBeEmpty(dir_, 0700));
    for (const char* folder : {"/state", "/state/server", "/config"}) {
      RETURN_IF_ERROR(MakeFolder(dir_ + folder, 0700));
    }
    if (manifest_.keys == Keys::kIncluded) {
      RETURN_IF_ERROR(MakeFolder(dir_ + "/state/ca", 0700));
    }
    // Keys before the database: keys that events were signed with are there.
    RETURN_IF_ERROR(AddFolder("server"));
    if (manifest_.keys == Keys::kIncluded) {
      RETURN_IF_ERROR(AddFolder("ca"));
    }
    RETURN_IF_ERROR(NothingMissing());
    RETURN_IF_ERROR(Add(from_.config_file, "config/server.yaml", false));
    RETURN_IF_ERROR(Add(from_.sinks_file, "config/sinks.yaml", false));
    manifest_.time = clock.Now();
    RETURN_IF_ERROR(AddDatabase());
    for (const char* folder : {"/state/server", "/state", "/config"}) {
      RETURN_IF_ERROR(SyncFolder(dir_ + folder));
    }
    RETURN_IF_ERROR(
        ReplaceFile(dir_ + "/manifest.json", PrintManifest(manifest_), 0600));
    return manifest_;
  }

 private:
  // Certificates and keys, whatever there is of them. The CA's folder is
  // another user's, so a backup without keys needs no root.
  Status AddFolder(const std::string& folder) {
    std::error_code error;
    std::vector<std::string> names;
    const std::string path = from_.state_dir + "/" + folder;
    for (fs::directory_iterator it(path, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename();
      const bool secret = name.ends_with(".key");
      if (secret ? manifest_.keys == Keys::kIncluded : name.ends_with(".pem")) {
        names.push_back(name);
      }
    }
    if (error) {
      return Fail(Code::kPermissionDenied, path + ": " + error.message());
    }
    std::ranges::sort(names);
    for (const std::string& name : names) {
      RETURN_IF_ERROR(
          Add(path + "/" + name, "state/" + folder + "/" + name, true));
    }
    return {};
  }

  Status NothingMissing() const {
    std::vector<std::string> needed(std::begin(kCertificates),
                                    std::end(kCertificates));
    if (manifest_.keys == Keys::kIncluded) {
      needed.insert(needed.end(), std::begin(kKeys), std::end(kKeys));
    }
    for (const std::string& name : needed) {
      const bool there = std::ranges::any_of(
          manifest_.files,
          [&](const BackupFile& file) { return file.path == "state/" + name; });
      if (!there) {
        return Fail(Code::kNotFound,
                    from_.state_dir + "/" + name +
                        " is missing; was the server ever started?");
      }
    }
    return {};
  }

  Status Add(const std::string& path, const std::string& name,
             bool must_exist) {
    auto copied = CopyFile(path, dir_ + "/" + name, ModeOf(name));
    if (!copied && copied.error().code == Code::kNotFound && !must_exist) {
      std::error_code ignored;
      fs::remove(dir_ + "/" + name, ignored);  // begun, and empty
      return {};
    }
    if (!copied) return std::unexpected(std::move(copied).error());
    copied->path = name;
    manifest_.files.push_back(std::move(*copied));
    return {};
  }

  Status AddDatabase() {
    const std::string copy = dir_ + "/" + kStateDatabase;
    RETURN_IF_ERROR(
        store::CopyDatabase(from_.state_dir + "/" + kDatabase, copy));
    ASSIGN_OR_RETURN(const store::DatabaseState state,
                     store::LookAt(copy, manifest_.time));
    manifest_.schema = state.schema;
    manifest_.log = state.log;
    ASSIGN_OR_RETURN(BackupFile file, DigestOf(copy));
    file.path = kStateDatabase;
    manifest_.files.push_back(std::move(file));
    return {};
  }

  const BackupPlaces& from_;
  const std::string dir_;
  Manifest manifest_;
};

Result<Manifest> ReadManifest(const std::string& dir) {
  auto text = ReadFileAt(AT_FDCWD, dir + "/manifest.json", kMaxManifestBytes);
  if (!text && text.error().code == Code::kNotFound) {
    return Fail(Code::kNotFound, dir +
                                     " is no backup, or one that was not "
                                     "finished: it has no manifest.json");
  }
  if (!text) return std::unexpected(std::move(text).error());
  ASSIGN_OR_RETURN(Manifest manifest, ParseManifest(*text));
  if (manifest.schema > store::NewestSchema()) {
    return Fail(Code::kFailedPrecondition,
                "the backup is of a newer program (" + manifest.program +
                    ", schema " + std::to_string(manifest.schema) +
                    "; this one knows " +
                    std::to_string(store::NewestSchema()) +
                    "): install that one first");
  }
  return manifest;
}

Status CheckFile(const BackupFile& wanted, const BackupFile& found) {
  if (found.bytes != wanted.bytes) {
    return Fail(Code::kDataLoss, wanted.path + " is damaged: it has " +
                                     std::to_string(found.bytes) +
                                     " bytes, not " +
                                     std::to_string(wanted.bytes));
  }
  if (found.sha256 != wanted.sha256) {
    return Fail(Code::kDataLoss,
                wanted.path + " is damaged: its content was changed");
  }
  return {};
}

// No file that the manifest does not name is restored; one that is there is
// not of the backup.
Status NothingElse(const std::string& dir, const Manifest& manifest) {
  std::set<std::string> known{"manifest.json"};
  for (const BackupFile& file : manifest.files) known.insert(file.path);
  std::error_code error;
  for (fs::recursive_directory_iterator it(dir, error), end;
       !error && it != end; it.increment(error)) {
    const std::string path = fs::relative(it->path(), dir, error);
    if (it->is_directory(error)) continue;
    if (!known.contains(path)) {
      return Fail(Code::kDataLoss,
                  EscapeUntrusted(path) + " is not of this backup");
    }
  }
  if (error) return Fail(Code::kUnavailable, dir + ": " + error.message());
  return {};
}

Status CheckContent(const std::string& database, const Manifest& manifest) {
  RETURN_IF_ERROR(store::CheckDatabase(database, store::Check::kWhole));
  ASSIGN_OR_RETURN(const auto state, store::LookAt(database, manifest.time));
  if (state.schema != manifest.schema || state.log != manifest.log) {
    return Fail(Code::kDataLoss,
                "the database is another than the manifest says");
  }
  return store::CheckLog(database);
}

// What everybody will ask for when terminals turn away.
Status TellOfRestore(const std::string& state_dir, const Manifest& manifest,
                     const Clock& clock) {
  ASSIGN_OR_RETURN(const auto store,
                   store::OpenSqlite({state_dir + "/" + kDatabase, {}}));
  const std::string what = "backup of " + FormatUtc(manifest.time) + " with " +
                           std::to_string(manifest.log.size) + " events";
  RETURN_IF_ERROR(
      core::WriteAudit(*store, clock,
                       {.user = WhoAmI(),
                        .door = "server",
                        .address = "",
                        .action = "server.restore",
                        .object = what,
                        .detail = "root " + ToHex(manifest.log.root)},
                       {}));
  store::NewAlert alert;
  alert.key = "log_restored:" + FormatUtc(clock.Now());
  alert.alert.kind = "log_restored";
  alert.alert.severity = "critical";
  alert.alert.title =
      "The database was restored from the " + what +
      ". Events that were acknowledged after it are not in it; terminals "
      "that know of them turn away until they are told (operations.md)";
  alert.alert.create_time = clock.Now();
  RETURN_IF_ERROR(store->AddAlert(alert));
  return {};
}

Status CopyBack(const std::string& dir, const std::string& state_dir,
                const Manifest& manifest) {
  constexpr std::string_view kState = "state/";
  for (const BackupFile& file : manifest.files) {
    if (!file.path.starts_with(kState)) continue;
    const std::string to = state_dir + "/" + file.path.substr(kState.size());
    RETURN_IF_ERROR(MakeFolder(fs::path(to).parent_path(), 0700));
    ASSIGN_OR_RETURN(const BackupFile copied,
                     CopyFile(dir + "/" + file.path, to, ModeOf(file.path)));
    // Once more: it may have been changed since it was verified.
    RETURN_IF_ERROR(CheckFile(file, copied));
  }
  return SyncFolder(state_dir + "/server");
}

}  // namespace

Result<Manifest> MakeBackup(const BackupPlaces& from, const std::string& dir,
                            Keys keys, const Clock& clock) {
  ASSIGN_OR_RETURN(Manifest manifest, Backup(from, dir, keys).Make(clock));
  store::AuditEntry entry;
  entry.time = clock.Now();
  entry.user = WhoAmI();
  entry.door = "server";
  entry.action = "server.backup";
  entry.object = EscapeUntrusted(dir, 256);
  entry.result = "ok";
  entry.detail = std::to_string(manifest.log.size) + " events, root " +
                 ToHex(manifest.log.root) +
                 (keys == Keys::kIncluded ? ", with keys" : ", without keys");
  if (auto noted =
          store::AddAuditFromOutside(from.state_dir + "/" + kDatabase, entry);
      !noted) {
    return Wrap("the backup is whole, but not in the audit log",
                std::move(noted).error());
  }
  return manifest;
}

Result<Manifest> VerifyBackup(const std::string& dir) {
  ASSIGN_OR_RETURN(Manifest manifest, ReadManifest(dir));
  bool has_database = false;
  for (const BackupFile& file : manifest.files) {
    auto found = DigestOf(dir + "/" + file.path);
    if (!found && found.error().code == Code::kNotFound) {
      return Fail(Code::kDataLoss, file.path + " is missing");
    }
    if (!found) return std::unexpected(std::move(found).error());
    RETURN_IF_ERROR(CheckFile(file, *found));
    has_database = has_database || file.path == kStateDatabase;
  }
  if (!has_database) {
    return Fail(Code::kDataLoss, "the backup has no database");
  }
  RETURN_IF_ERROR(NothingElse(dir, manifest));
  RETURN_IF_ERROR(CheckContent(dir + "/" + kStateDatabase, manifest));
  return manifest;
}

Result<Manifest> RestoreBackup(const std::string& dir,
                               const std::string& state_dir,
                               const Clock& clock) {
  // The cheap refusal first.
  ASSIGN_OR_RETURN(const bool made, MustBeEmpty(state_dir, 0755));
  const auto restore = [&]() -> Result<Manifest> {
    ASSIGN_OR_RETURN(Manifest manifest, VerifyBackup(dir));
    RETURN_IF_ERROR(CopyBack(dir, state_dir, manifest));
    RETURN_IF_ERROR(TellOfRestore(state_dir, manifest, clock));
    return manifest;
  };
  auto done = restore();
  if (!done) {
    std::error_code ignored;
    for (const char* folder : {"/server", "/ca"}) {
      fs::remove_all(state_dir + folder, ignored);
    }
    if (made) fs::remove(state_dir, ignored);
  }
  return done;
}

std::vector<std::string> MissingKeys(const std::string& state_dir) {
  std::vector<std::string> missing;
  for (const char* file : kKeys) {
    struct stat entry{};
    if (::lstat((state_dir + "/" + file).c_str(), &entry) != 0) {
      missing.emplace_back(file);
    }
  }
  return missing;
}

}  // namespace sekisho::operate
