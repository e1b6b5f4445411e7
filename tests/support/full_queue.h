// A queue of as many alerts as somebody asks for, in a store that has events:
// for measuring what a console and its server do with 100,000.
#pragma once

#include "server/store/store.h"

namespace sekisho::demo {

// Over the 90 days before `now`, evenly and always the same: a third of them
// stopped copies with an event behind them, all severities, 40 persons, 60
// terminals. The newest alert's id.
Result<int64_t> FillQueue(store::Store& store, int64_t count, WallTime now);

}  // namespace sekisho::demo
