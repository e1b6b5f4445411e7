// `sekisho-server init`: keys and certificates of one installation.
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "common/file.h"
#include "server/auth/certificates.h"
#include "server/server.h"

namespace sekisho {
namespace {

struct Owner {
  uid_t uid;
  gid_t gid;
};

// Nobody to give to: not root, or no such user named.
Result<std::optional<Owner>> OwnerOf(const std::string& user) {
  if (user.empty() || geteuid() != 0) {
    return std::nullopt;
  }
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) !=
          0 ||
      found == nullptr) {
    return Fail(Code::kNotFound, "no user " + user);
  }
  return Owner{found->pw_uid, found->pw_gid};
}

Status MakeDirectory(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return FailErrno("mkdir " + path);
  }
  return {};
}

bool Exists(const std::string& path) {
  struct stat entry{};
  return lstat(path.c_str(), &entry) == 0;
}

// One server's key pair, kept; its certificate is made anew each time, so that
// `init --name` can be repeated with other names.
Status MakeServerPair(const auth::CertificateAuthority& ca,
                      const std::string& dir,
                      const std::vector<std::string>& names, WallTime now) {
  const std::string key_path = dir + "/tls.key";
  if (!Exists(key_path)) {
    ASSIGN_OR_RETURN(const std::string key, auth::NewKeyPem());
    RETURN_IF_ERROR(ReplaceFile(key_path, key, 0600));
  }
  ASSIGN_OR_RETURN(const std::string key,
                   ReadFileAt(AT_FDCWD, key_path, auth::kMaxPemBytes));
  ASSIGN_OR_RETURN(const std::string csr, auth::NewCsrPem(key, names[0]));
  ASSIGN_OR_RETURN(const auth::Issued issued, ca.IssueServer(csr, names, now));
  // The CA behind it: a terminal knows it by the fingerprint in its token.
  RETURN_IF_ERROR(ReplaceFile(
      dir + "/tls.pem", issued.certificate_pem + ca.certificate_pem(), 0644));
  return ReplaceFile(dir + "/ca.pem", ca.certificate_pem(), 0644);
}

Status MakeSketchKey(const std::string& path) {
  if (Exists(path)) {
    return {};
  }
  std::array<std::byte, 32> key;
  FillRandom(key);
  return ReplaceFile(path, ToHex(key) + "\n", 0600);
}

Status GiveTo(const std::string& dir, const std::optional<Owner>& owner) {
  if (!owner) {
    return {};
  }
  std::error_code error;
  std::vector<std::string> paths{dir};
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(dir, error)) {
    paths.push_back(entry.path());
  }
  for (const std::string& path : paths) {
    if (lchown(path.c_str(), owner->uid, owner->gid) != 0) {
      return FailErrno("chown " + path);
    }
  }
  return {};
}

}  // namespace

Status GiveState(const InitOptions& options) {
  ASSIGN_OR_RETURN(const auto server_owner, OwnerOf(options.server_user));
  ASSIGN_OR_RETURN(const auto enrol_owner, OwnerOf(options.enrol_user));
  if (Exists(options.state_dir + "/ca")) {
    RETURN_IF_ERROR(GiveTo(options.state_dir + "/ca", enrol_owner));
  }
  return GiveTo(options.state_dir + "/server", server_owner);
}

Status InitServer(const InitOptions& options, const Clock& clock) {
  if (options.names.empty()) {
    return Fail(Code::kInvalidArgument,
                "give the names agents know the server by: --name HOST");
  }
  ASSIGN_OR_RETURN(const auto server_owner, OwnerOf(options.server_user));
  ASSIGN_OR_RETURN(const auto enrol_owner, OwnerOf(options.enrol_user));
  const std::string ca_dir = options.state_dir + "/ca";
  const std::string server_dir = options.state_dir + "/server";
  RETURN_IF_ERROR(MakeDirectory(options.state_dir, 0755));
  RETURN_IF_ERROR(MakeDirectory(ca_dir, 0700));
  RETURN_IF_ERROR(MakeDirectory(server_dir, 0700));
  const WallTime now = clock.Now();
  ASSIGN_OR_RETURN(const auto ca,
                   auth::CertificateAuthority::OpenOrCreate(ca_dir, now));
  RETURN_IF_ERROR(MakeServerPair(*ca, server_dir, options.names, now));
  RETURN_IF_ERROR(MakeServerPair(*ca, ca_dir, options.names, now));
  RETURN_IF_ERROR(MakeSketchKey(ca_dir + "/sketch.key"));
  RETURN_IF_ERROR(GiveTo(ca_dir, enrol_owner));
  return GiveTo(server_dir, server_owner);
}

}  // namespace sekisho
