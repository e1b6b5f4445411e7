// The BPF object of the gate as bytes inside the program: nothing is read from
// the file system that root could have changed.
#pragma once

#include "common/bytes.h"

namespace sekisho::enforce {

ByteSpan GateObject();  // static storage, an ELF file

}  // namespace sekisho::enforce
