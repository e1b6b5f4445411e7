// Who may come to the console: passwords, one-time codes, sessions.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "common/clock.h"
#include "server/store/store.h"

namespace sekisho::auth {

inline constexpr auto kSessionLife = std::chrono::hours(12);
inline constexpr auto kSessionIdle = std::chrono::hours(1);
inline constexpr auto kLoginCodeLife = std::chrono::hours(1);
inline constexpr size_t kMinPasswordBytes = 12;
inline constexpr size_t kMaxPasswordBytes = 1024;
inline constexpr size_t kMaxUserBytes = 64;
// Wrong tries by name or by address before both wait.
inline constexpr int kMaxWrongTries = 5;
inline constexpr auto kWrongTriesWait = std::chrono::minutes(5);

// A session that was just made: the only moment its token is known.
struct Login {
  std::string token;
  store::StoredSession session;
};

// Thread-safe. Passwords are hashed one at a time.
class Accounts {
 public:
  Accounts(store::Store& store, const Clock& clock)
      : store_(store), clock_(clock) {}

  // kUnauthenticated says the same for a wrong name and a wrong password;
  // kResourceExhausted after kMaxWrongTries.
  Result<Login> LoginWithPassword(const std::string& user,
                                  const std::string& password,
                                  const std::string& address);
  Result<Login> LoginWithCode(const std::string& code,
                              const std::string& address);
  Result<store::StoredSession> FindSession(const std::string& token);
  Status Logout(const std::string& token);
  Status SetPassword(const std::string& token, const std::string& password);
  // A code for `user`, who is made an admin if he is not there.
  Result<std::string> CreateLogin(const std::string& user);

 private:
  struct Tries {
    int wrong = 0;
    WallTime last;
  };
  Status CheckTries(const std::string& key);
  void CountWrong(const std::string& key);
  Result<Login> MakeSession(const store::User& user, bool must_set_password);

  store::Store& store_;
  const Clock& clock_;
  std::mutex hashing_;
  std::mutex mutex_;  // guards tries_
  std::map<std::string, Tries> tries_;
};

}  // namespace sekisho::auth
