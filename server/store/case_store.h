// Cases; a part of Store (store.h), with its promises about threads.
#pragma once

#include <functional>

#include "common/result.h"
#include "server/store/case_rows.h"

namespace sekisho::store {

class CaseStore {
 public:
  virtual ~CaseStore() = default;

  // Looks at a case with its persons, those of what is added too, and alters
  // it. May be called more than once.
  using CaseChange = std::function<Status(Case&)>;
  // Case `id` (0: a new one, which gets the next number) is read, handed to
  // `change`, and written with what `edit` says, in one transaction; an error
  // of `change` leaves all as it was. kNotFound: no such case, alert or event;
  // kResourceExhausted: more than kMaxCaseItems. What is there already is
  // added, and what is not is removed, without an error.
  virtual Result<Case> PutCase(int64_t id, const CaseEdit& edit,
                               const CaseChange& change) = 0;
  // Newest first.
  virtual Result<Page<Case>> ListCases(const CaseFilter& filter,
                                       const Paging& paging) = 0;
  // kNotFound: there is none, or something in it is not seen.
  virtual Result<CaseFile> ReadCase(int64_t id, const Scope& scope) = 0;
};

}  // namespace sekisho::store
